"""``whosaw erase``, ``hold``, ``trail prune`` and ``key``, as an operator calls them, over a real state folder."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.catalogs import EMAIL, head, settle

from whosaw.answer import StepRefused
from whosaw.app.commands import caseerasure, erasing, holds, pruning
from whosaw.app.commands import keys as key_commands
from whosaw.app.commands.holds import FieldUnknown
from whosaw.app.commands.opened import UnknownPerson, with_services
from whosaw.app.erasurework import KEY, RECORD
from whosaw.app.services import Services
from whosaw.app.trustfile import NoTrailKey
from whosaw.gate.tokens import add_token
from whosaw.prove import Policy
from whosaw.record import entries_from, fsck
from whosaw.record.erasure import ErasureHeld
from whosaw.record.hold import HoldUntold
from whosaw.record.shelf import Shelf
from whosaw.store.numbers import assign

if TYPE_CHECKING:
    from collections.abc import Callable

SHOP = """
create schema company;
create table company.customers (id text primary key, email text);
create table company.staff (id text primary key, roles text, region text, ended timestamptz);
insert into company.customers values ('C-1', 'ada@mail.example'), ('C-2', 'bo@mail.example');
insert into company.staff values ('E-1', 'support', 'EU', null);
"""


@pytest.fixture
def state(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SHOP)
    folder = settle(
        tmp_path / "state",
        head()
        + EMAIL
        + """
[actors]
source = "company"
query = "select id as key, roles, region, ended from company.staff"
""",
        database_url,
    )
    monkeypatch.setenv("WHOSAW_STATE", str(folder))
    monkeypatch.setenv("WHOSAW_DATABASE", database_url)
    with_services(_fill)
    return folder


async def _fill(services: Services) -> None:
    numbers = await assign(services.db, "subject", ["customer:C-1", "customer:C-2"])
    (actor,) = (await assign(services.db, "actor", ["E-1"])).values()
    await services.appender.append_many(
        [
            {"kind": "disclosure", "at": at, "actor": actor, "subject": number, "door": "http"}
            for at in (1, 2, 3)
            for number in numbers.values()
        ]
    )
    async with services.db.connection() as connection:
        await connection.execute(
            "insert into sighting (subject, beneficiary, channel, contacted_at, contacted_exact, reported_at,"
            " sender_domain, verified, dkim, marks, evidence_key, raw_sha256)"
            " values (1, 'seller:S-1', 'mail', now(), true, now(), 'x.example', true, '{}', '{}', 'k', 'h')"
        )
    await services.integrator.step()


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], Any]:
    """What the last command printed, as JSON."""

    def read() -> Any:
        return json.loads(capsys.readouterr().out)

    return read


def kinds() -> list[str]:
    async def read(services: Services) -> list[str]:
        return [str(entry.payload["kind"]) async for entry in entries_from(services.db)]

    return with_services(read)


def findings() -> tuple[object, ...]:
    async def check(services: Services) -> tuple[object, ...]:
        await services.integrator.step()
        report = await fsck(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        return report.findings

    return with_services(check)


def test_erase_erases_and_reports_places_and_no_values(state: Path, said: Callable[[], Any]) -> None:
    assert erasing.erase("C-1", reason="asked for under article 17", report=True, as_json=True) == 0
    told = said()
    assert told["erased"]["entries"] == 3
    assert [(each["table"], each["column"], each["held"]) for each in told["remains"]["company"]] == [
        ("company.customers", "email", True),
        ("company.customers", "id", True),
    ]
    assert told["remains"]["own"] == {"sightings (evidence of cases)": 1}
    assert "ada" not in json.dumps(told)
    assert kinds() == ["disclosure"] * 3 + ["erasure"]
    assert findings() == ()
    with pytest.raises(UnknownPerson):
        erasing.erase("C-1", reason="again")


def test_a_report_alone_erases_nothing(state: Path, said: Callable[[], Any]) -> None:
    assert erasing.erase("C-1", report=True, as_json=True) == 0
    assert said()["erased"] is None
    assert kinds() == ["disclosure"] * 6
    with pytest.raises(erasing.NoReason):
        erasing.erase("C-1")


def test_erase_takes_staff_and_speaks_to_people(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert erasing.erase("actor:E-1", reason="left", report=True, rewrite_files=True) == 0
    printed = capsys.readouterr().out
    assert "erased: payload and salt of 0 entries" in printed
    assert "the directory of staff" in printed
    assert "backups of whosaw's database" in printed


STAFF_TABLES = ("person", "person_member", "person_subject", "person_password", "person_passkey", "person_enrolment")


WAYS_IN = """
insert into person (id, key, user_name, active, resource, made_at, changed_at, rights_at)
    values (gen_random_uuid(), '{key}', '{key}@company.example', true, '{{}}', now(), now(), now());
insert into person_group (id, name, roles, made_at, changed_at)
    values (gen_random_uuid(), '{key}', array['support'], now(), now());
insert into person_member select g.id, p.id from person_group g join person p on p.key = g.name where g.name = '{key}';
insert into person_subject values ('https://idp.example', 'sub-{key}', '{key}', now());
insert into person_end values ('{key}', now());
insert into person_password values ('{key}', 'hash', now());
insert into person_passkey values ('{key}', '{key}', 'h', 'k', 0, 'laptop', now());
insert into person_enrolment values (sha256('link{key}'), '{key}', now());
insert into identity_attempt values ('account', sha256('{key}'), 3, now(), now());
"""


async def _provision(services: Services) -> None:
    """Let a provider send E-1 and E-2, and give both every way in."""
    async with services.db.connection() as connection:
        for key in ("E-1", "E-2"):
            await connection.execute(WAYS_IN.format(key=key).encode())


async def _left(services: Services) -> dict[str, int]:
    async with services.db.connection() as connection:
        found = {}
        for table in (*STAFF_TABLES, "person_end", "identity_attempt"):
            row = await (await connection.execute(f"select count(*) from {table}".encode())).fetchone()
            assert row is not None
            found[table] = row[0]
        return found


def test_erasing_staff_reaches_the_directory_and_every_way_in_and_nobody_else(
    state: Path, said: Callable[[], Any]
) -> None:
    with_services(_provision)
    erasing.erase("actor:E-1", report=True, as_json=True)
    before = said()["remains"]["own"]
    assert {name.partition(" ")[0] for name in before} == {"lines", "names", "local", "ends"}
    assert erasing.erase("actor:E-1", reason="left", report=True, as_json=True) == 0
    assert said()["remains"]["own"] == {"ends of sign-ins (kept for a day, so that none comes back)": 1}
    assert with_services(_left) == dict.fromkeys(STAFF_TABLES, 1) | {"person_end": 2, "identity_attempt": 1}
    # whom no entry ever named, the sign-ins may still know
    assert erasing.erase("actor:E-2", reason="left", as_json=True) == 0
    assert with_services(_left) == dict.fromkeys(STAFF_TABLES, 0) | {"person_end": 2, "identity_attempt": 0}
    assert findings() == ()


HELD_UP = """
insert into gate_friction
    (actor, sign, step, enforced, begun_at, until_at, entry, nonce, released_at, released_by, note)
    select {number}, 'burst', 'reason', true, now(), now() + interval '1 hour', 1, 'n', now(), 'E-2', 'an audit'
    from generate_series(1, 2);
insert into watch_run values ('2026-03-30', now(), 1, 1, 1, 's', '{{}}');
insert into watch_flag values ('f1', '2026-03-30', {number}, 'review', null, 'seal', 1, '{{}}');
insert into watch_verdict (flag, outcome, note, by, at, entry) values ('f1', 'cleared', 'an audit', 'E-2', now(), 1);
insert into watch_prompt (actor, subject, looked_us, asked_at, due_at, entry)
    values ({number}, {subject}, 1, now(), now(), 1);
insert into watch_explanation (flag, beneficiary, since_us, until_us, because, declared_by, declared_at, entry)
    values ('f1', 'seller:S-1', 1, 2, 'a recall', 'E-2', now(), 1);
"""


def test_what_watch_keeps_of_staff_is_reported_by_number_even_after_the_key_is_gone(
    state: Path, said: Callable[[], Any]
) -> None:
    async def hold_up(services: Services) -> None:
        (number,) = (await assign(services.db, "actor", ["E-1"])).values()
        (subject,) = (await assign(services.db, "subject", ["customer:C-2"])).values()
        async with services.db.connection() as connection:
            await connection.execute(HELD_UP.format(number=number, subject=subject).encode())

    def own(who: str, reason: str = "") -> dict[str, int]:
        assert erasing.erase(who, reason=reason, report=True, as_json=True) == 0
        return {name.partition(" (")[0]: count for name, count in said()["remains"]["own"].items()}

    with_services(hold_up)
    kept = {
        "times this person's asks were held up": 2,
        "flags of watch about this person": 1,
        "questions of watch to this person, with answers": 1,
    }
    assert own("actor:E-1") == kept
    assert own("actor:E-1", "left") == kept
    gave = {"releases of others that this person gave": 2, "verdicts about flags that this person gave": 1}
    gave |= {"explanations of looks that this person declared, agreed to or withdrew": 1}
    assert own("actor:E-2") == gave
    assert own("customer:C-2")["questions of watch to staff about an access to this person"] == 1
    assert "questions of watch to staff about an access to this person" not in own("customer:C-1")


def test_an_end_of_sign_ins_goes_when_no_sign_in_can_be_that_old(state: Path) -> None:
    async def long_ago(services: Services) -> None:
        await _provision(services)
        async with services.db.connection() as connection:
            await connection.execute("update person_end set before_at = now() - interval '25 hours'")

    with_services(long_ago)
    assert erasing.erase("actor:E-1", reason="left", as_json=True) == 0
    assert with_services(_left)["person_end"] == 1


def test_what_a_hold_keeps_of_staff_stays_in_the_directory_too(state: Path) -> None:
    with_services(_provision)
    holds.add("actor:E-1", ground="an investigation", review=date(2027, 1, 1))
    with pytest.raises(ErasureHeld):
        erasing.erase("actor:E-1", reason="left")
    assert with_services(_left)["person"] == 2


def test_a_provider_that_keeps_somebody_is_named_in_the_report(state: Path, said: Callable[[], Any]) -> None:
    catalog = state / "whosaw.toml"
    catalog.write_text(catalog.read_text().partition("[actors]")[0] + '[actors]\nsource = "scim"\n')
    with_services(_provision)
    assert erasing.erase("actor:E-1", reason="left", report=True, as_json=True) == 0
    told = said()["remains"]
    assert [(each["source"], each["held"]) for each in told["company"]] == [("scim", None)]
    assert any("identity provider keeps its own line" in note for note in told["notes"])


def test_what_is_held_is_not_erased(state: Path) -> None:
    assert holds.add("C-2", ground="a court asked", review=date(2027, 1, 1)) == 0
    with pytest.raises(ErasureHeld, match="a court asked"):
        erasing.erase("C-2", reason="asked for")
    with pytest.raises(UnknownPerson):
        holds.add("C-99", ground="a court asked", review=date(2027, 1, 1))


def test_a_person_is_told_field_by_field_and_before_a_hold_ends(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    async def token(services: Services) -> str:
        return await add_token(services.db, "E-1", services.clock.now())

    monkeypatch.setenv("WHOSAW_TOKEN", with_services(token))
    holds.add("C-2", ground="a court asked", review=date(2027, 1, 1))
    with pytest.raises(FieldUnknown):
        holds.narrow("C-2", fields="customer.shoe")
    out = tmp_path / "answer"

    def told(**more: Any) -> dict[str, str]:
        caseerasure.erasure("C-2", reference="R-7", identity="passport seen", out=out, **more)
        read = json.loads((out / "erasure.json").read_text())
        assert read["reference"] == "R-7" and (out / "erasure.note").read_bytes()
        return {each["field"]: each["outcome"] for each in read["fields"]}

    assert told() == {"customer.email": "kept", RECORD: "kept", KEY: "kept"}
    assert "a court asked" in (out / "erasure.txt").read_text()
    with pytest.raises(HoldUntold):
        holds.lift("C-2", reason="settled")
    told(lifting=True)
    assert "about to be lifted" in (out / "erasure.txt").read_text()
    assert holds.lift("C-2", reason="settled") == 0
    assert told() == {"customer.email": "due", RECORD: "erased", KEY: "erased"}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("update company.customers set email = '' where id = 'C-2'")
    assert set(told().values()) == {"erased"}
    with pytest.raises(StepRefused, match="none to be lifted"):
        told(lifting=True)
    assert findings() == ()
    with psycopg.connect(database_url) as connection:  # a reference leads to a person: entries hold its hash
        told_of = connection.execute("select payload from trail_entry where payload like '%access.erasure%'").fetchall()
    assert len(told_of) == 5 and "R-7" not in str(told_of)


def test_the_list_of_holds_names_whom(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holds.add("actor:E-1", ground="an investigation", review=date(2027, 1, 1))
    capsys.readouterr()
    holds.list_(as_json=True)
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["who"], only["ground"], only["review_on"]) == ("actor:E-1", "an investigation", "2027-01-01")
    holds.list_()
    assert "an investigation" in capsys.readouterr().out
    holds.lift("actor:E-1", reason="over")
    assert "lifted" in capsys.readouterr().out
    holds.list_()
    assert "no hold stands" in capsys.readouterr().out
    assert kinds()[6:] == ["hold", "hold"]


def test_prune_counts_first_and_then_prunes_and_publishes(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / "retention.toml").write_text('version = "1"\nkeep_payloads_days = 400\n')
    assert pruning.prune(dry_run=True) == 0
    assert "6 payloads are due" in capsys.readouterr().out
    assert kinds() == ["disclosure"] * 6
    assert pruning.prune() == 0
    assert "6 payloads pruned" in capsys.readouterr().out
    assert kinds() == ["pruning"]
    assert (state / "trail" / "retention.toml").read_text() == (state / "retention.toml").read_text()
    assert findings() == ()


def test_key_shows_and_rotates_and_the_policy_names_both(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = Policy.parse((state / "trail" / "policy").read_bytes())
    assert key_commands.rotate(as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    policy = Policy.parse((state / "trail" / "policy").read_bytes())
    assert [str(key) for key in policy.logs] == [told["new"], told["old"]]
    assert before.logs == policy.logs[1:]
    standing = Shelf(state / "trail").checkpoint()
    assert standing is not None
    assert policy.check(standing)[1] == policy.logs[0]
    assert findings() == ()
    key_commands.show(as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert [(each["signs"], each["state"]) for each in shown] == [
        ("trail", "handed over"),
        ("receipt", "signs now"),
        ("trail", "signs now"),
    ]


def test_a_stolen_key_leaves_the_policy_and_its_witness_lines_stay(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = state / "trail" / "policy"
    path.write_text(path.read_text().replace("quorum none", "# a note of ours\nquorum none"))
    key_commands.rotate(stolen=True)
    assert "by hand" in " ".join(capsys.readouterr().out.split())
    assert path.read_text().count("log ") == 1
    assert "# a note of ours\nquorum none" in path.read_text()
    with_services(_fill_once_more)
    assert path.read_text().count("log ") == 1  # opening the services publishes no stolen key either
    with pytest.raises(key_commands.LostOrStolen):
        key_commands.rotate(lost=True, stolen=True)
    key_commands.rotate(key="receipt")
    key_commands.show()
    assert "stolen" in capsys.readouterr().out
    assert findings() == ()


async def _fill_once_more(services: Services) -> None:
    await services.appender.append({"kind": "denial", "at": 9, "actor": 1, "door": "http"})
    await services.integrator.step()


def test_without_keys_there_is_nothing_to_show_or_rotate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOSAW_STATE", str(tmp_path / "nowhere"))
    for command in (key_commands.show, key_commands.rotate):
        with pytest.raises(NoTrailKey):
            command()
    assert not (tmp_path / "nowhere").exists()
