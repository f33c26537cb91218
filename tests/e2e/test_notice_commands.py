"""Letters and forms of a case by commands, over a company's own tables: who is told what, in which words, and when."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import psycopg
import pytest
from tests.e2e.test_case_commands import Desk, desk
from tests.store.test_outbox_answers import report as report_of

from whosaw.answer import Cases
from whosaw.answer.letters import _wording
from whosaw.answer.mailbox import Mailbox
from whosaw.app.clocks import clock_of
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.record.exposure import Exposures
from whosaw.store.numbers import assign
from whosaw.terms import to_us

__all__ = ["desk"]  # a fixture

MORE = """
alter table company.customers add column name text, add column region text;
update company.customers set name = 'Name ' || id, region = 'FI';
update company.customers set region = 'CA' where id = 'C-2';
update company.customers set region = 'ON' where id = 'C-3';
update company.customers set email = null where id = 'C-4';
create table company.sellers (id text primary key, title_name text, email text, revenue text, region text);
insert into company.sellers values ('S-7', 'Rival Ltd', 'owner@rival.example', '1000', 'FI');
"""
CATALOG = """
[subjects.seller]
source = "company"
table = "company.sellers"
key = "id"
region = "region"
[fields."customer.name"]
column = "name"
class = "contact"
mask = "name"
[fields."seller.name"]
column = "title_name"
class = "business"
mask = "name"
[fields."seller.email"]
column = "email"
class = "business"
mask = "email"
[fields."seller.revenue"]
column = "revenue"
class = "business"
mask = "full"
"""
KEYS = ["customer:C-1", "customer:C-2", "customer:C-3", "customer:C-4", "customer:C-5", "seller:S-7"]
"""All but the last customer were shown one by one; he stands in an export of many."""
FOREIGN = ("E-1", "E-2", "S-9", "T-1", "ann", "bob")


async def _record(services: Services) -> None:
    """Append what E-1 and E-2 were shown, and a finding that names both."""
    actors = await assign(services.db, "actor", ["E-1", "E-2"])
    numbers = await assign(services.db, "subject", KEYS)
    at = to_us(services.clock.now() - timedelta(days=9))
    common = {"kind": "disclosure", "at": at, "door": "http", "actor": actors["E-1"]}
    for key in (*KEYS[:4], KEYS[5]):
        fields = ["seller.revenue=reveal"] if key.startswith("seller") else ["customer.email=reveal"]
        await services.appender.append({**common, "subject": numbers[key], "fields": fields})
    kept = await Exposures(services.db).keep([numbers[KEYS[4]], *range(9_000, 9_400)])
    await services.appender.append({**common, **kept, "fields": ["customer.email=reveal", "customer.name=mask"]})
    found = [{"actors": [key], "probability": 0.97, "rung": "finding"} for key in ("E-1", "E-2")]
    scope = {"certain": KEYS[:2], "probable": KEYS[2:], "possible": [], "bound": 6}
    said = {"verdict": "finding", "outside_probability": 0.01, "candidates": found, "scope": scope}
    await Cases(services.db, services.clock).add_verdict("CASE-1", said, complaints=2)


@pytest.fixture
def case(desk: Desk, company_state: Path, database_url: str) -> Desk:
    """A case with a finding about two people, and six affected, one of whom is a seller."""
    catalog = company_state / "whosaw.toml"
    text = catalog.read_text().replace(
        'table = "company.customers"\nkey = "id"', 'table = "company.customers"\nkey = "id"\nregion = "region"'
    )
    catalog.write_text(text + CATALOG)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(MORE)
    desk.environment.setenv("WHOSAW_LANGUAGES", '{"FI": "fi"}')
    desk.environment.setenv("WHOSAW_JURISDICTIONS", '{"FI": "EU", "CA": "US-CA"}')
    table = desk.folder / "calls.csv"
    table.write_text(
        "subject,contacted_at,channel\ncustomer:C-1,2026-03-02T08:00+01:00,mail\ncustomer:C-2,2026-03-03T08:00+01:00,mail\n"
    )
    desk.ok("sighting", "add", str(table), "--beneficiary", "seller:S-9")
    desk.ok("case", "open", "seller:S-9", "--reason", "two customers called", **desk.ann)
    for person, function in (("ann", "privacy"), ("bob", "security")):
        desk.ok("case", "people", "CASE-1", "--name", person, "--function", function, **desk.ann)

    async def record() -> None:
        settings = Settings()
        async with open_services(settings, clock_of(settings), database_url, door="test") as services:
            await _record(services)
            await services.integrator.step()

    asyncio.run(record())
    return desk


@pytest.fixture
def box(tmp_path: Path, case: Desk) -> Iterator[Mailbox]:
    with Mailbox(tmp_path / "box") as made:
        case.environment.setenv("WHOSAW_SMTP", f"smtp://127.0.0.1:{made.port}")
        yield made


def read(file: Path) -> tuple[str, str, str]:
    """Return whom a letter goes to, its language, and its text without any white space."""
    mail = message_from_bytes(file.read_bytes(), policy=default)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(mail["to"]), str(mail["content-language"]), flat(body.get_content())


def flat(text: str) -> str:
    return "".join(text.split())


def says(text: str, language: str, key: str) -> bool:
    return flat(_wording(language)[key].partition("{")[0]) in text


def letters(folder: Path) -> dict[str, tuple[str, str]]:
    found = [read(file) for file in folder.glob("*.eml")]
    return {to.rpartition("<")[2].rstrip(">"): (language, text) for to, language, text in found}


def test_each_is_told_as_what_he_is_and_what_his_law_asks_for(case: Desk) -> None:
    facts = json.loads(case.ok("notice", "facts", "CASE-1", **case.ann))
    assert [each["kind"] for each in facts["persons"]].count("seller") == 1
    assert len(facts["persons"]) == 6  # also who was shown in an export of many
    assert facts["complaints"] == facts["reported"] == 2

    out = case.folder / "before"
    said = case.ok("notice", "dry-run", "CASE-1", "--out", str(out), **case.ann)
    assert "5 letters" in said and "1 people whom mail cannot reach" in said
    before = letters(out)
    assert set(before) == {
        "ada1@mail.example",
        "ada2@mail.example",
        "ada3@mail.example",
        "ada5@mail.example",
        "owner@rival.example",
    }
    # nobody has decided on the risk: no European reads that no law asks; California asks by kind of data alone
    voluntary = {to for to, (language, text) in before.items() if says(text, language, "voluntary")}
    assert voluntary == {"ada2@mail.example"}

    case.refused("answer.step_refused", "notice", "risk", "CASE-1", "--why", "low", **case.ann)
    case.ok("notice", "risk", "CASE-1", "--why", "e-mail addresses alone got out", **case.ann)
    case.ok("notice", "dry-run", "CASE-1", "--out", str(out), **case.ann)
    after = letters(out)
    voluntary = {to for to, (language, text) in after.items() if says(text, language, "voluntary")}
    # Ontario's law is not known here, and to a business nothing is said
    assert voluntary == {"ada1@mail.example", "ada2@mail.example", "ada5@mail.example"}
    case.ok("notice", "risk", "CASE-1", "--why", "the messages threaten people", "--high", **case.bob)
    case.ok("notice", "dry-run", "CASE-1", "--out", str(out), **case.ann)
    assert not says(letters(out)["ada1@mail.example"][1], "fi", "voluntary")

    language, text = after["owner@rival.example"]
    assert language == "fi" and says(text, "fi", "lead_probable_business") and says(text, "fi", "rights_business")
    assert flat(_wording("fi")["fields"]["sales figures"]) in text and says(text, "fi", "doing_told_all")
    language, text = after["ada1@mail.example"]
    assert language == "fi" and says(text, "fi", "lead_certain") and says(text, "fi", "reported")
    assert flat(_wording("fi")["fields"]["sales figures"]) not in text
    for to, (_, text) in after.items():
        others = [other for other in after if other != to and other in text]
        assert not others and not [word for word in FOREIGN if re.search(rf"\b{word}\b", text)], to


def test_a_letter_says_that_access_was_cut_only_when_it_was_cut_for_everybody_named(
    case: Desk, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number, actor in enumerate(("E-1", "E-2"), 1):
            connection.execute(
                "insert into case_step (id, case_id, seq, kind, target, identity, params, reason, state, planned_by, "
                "planned_at) values (%s, 'CASE-1', %s, 'suspend_actor', %s, %s, '{}', 'x', %s, 'ann', now())",
                [f"CASE-1/{number}", number, actor, f"suspend {actor}", "done" if actor == "E-1" else "planned"],
            )
        out = case.folder / "letters"
        case.ok("notice", "dry-run", "CASE-1", "--out", str(out), **case.ann)
        assert not says(letters(out)["ada2@mail.example"][1], "en", "doing_actor")
        connection.execute("update case_step set state = 'done' where target = 'E-2'")
        case.ok("notice", "dry-run", "CASE-1", "--out", str(out), **case.ann)
        assert says(letters(out)["ada2@mail.example"][1], "en", "doing_actor")
        connection.execute("update case_step set state = 'undone' where target = 'E-1'")
        case.ok("notice", "dry-run", "CASE-1", "--out", str(out), **case.ann)
        assert not says(letters(out)["ada2@mail.example"][1], "en", "doing_actor")


def test_an_answer_to_staff_counts_whom_an_export_showed(case: Desk) -> None:
    out = case.folder / "staff"
    asked = ("access", "answer", "E-1", "--employee", "--reference", "B-1", "--identity", "badge seen")
    case.ok(*asked, "--out", str(out), **case.ann)
    assert "shown data of 406 people or businesses" in (out / "answer.txt").read_text()
    asked = ("access", "answer", "C-5", "--reference", "A-1", "--identity", "passport seen")
    case.ok(*asked, "--out", str(out), **case.ann)
    (look,) = json.loads((out / "answer.json").read_text())["look_ups"]
    assert (look["shown"], look["masked"]) == (["e-mail address"], ["name"])


def test_drafts_are_written_from_the_same_facts_and_say_what_is_open(case: Desk) -> None:
    out = case.folder / "forms"
    said = case.ok("notice", "forms", "CASE-1", "--out", str(out), "--missing", "how the list was sold", **case.ann)
    assert "open: how the list was sold" in said and "open: how high the risk is" in said
    assert "open: the minute of awareness" in said
    why = ("--risk-why", "e-mail addresses and sales figures", "--phase", "2")
    case.ok("case", "who-knew", "CASE-1", "--aware-since", "2026-03-04T08:15+01:00", "--why", "calls agree", **case.ann)
    late = ("--late-because", "the finding took that long")
    said = case.ok("notice", "forms", "CASE-1", "--out", str(out), *why, *late, **case.ann)
    assert "open:" not in said
    draft = json.loads((out / "authority.json").read_text())
    assert draft["phase"] == 2 and draft["risk"]["decided_by"] == "ann" and draft["due_at"]
    assert draft["categories_of_persons"] == {"customer": 5, "seller": 1} and draft["persons"]["told"] == 6
    assert draft["records"]["opened"] == 6
    rules = {each["rule"]: each["required"] for each in draft["other_duties"]}
    assert rules == {
        "eu.gdpr.art33": True,
        "eu.gdpr.art34": False,
        "us.ca.1798_82": False,
        "us.ca.attorney_general": False,
    }
    press, colleagues = ((out / name).read_text() for name in ("press.txt", "colleagues.txt"))
    assert "5 customers and 1 seller" in press and "5 customers and 1 seller" in colleagues
    assert "Everyone affected has been told" not in colleagues.partition("You may not say")[0]
    for text in (press, colleagues, json.dumps(draft)):
        assert not [word for word in FOREIGN[:4] if re.search(rf"\b{word}\b", text)]


def test_letters_go_out_once_come_back_and_reach_people_by_post_in_their_language(case: Desk, box: Mailbox) -> None:
    out = case.folder / "post"
    case.refused("app.facts_missing", "notice", "post", "CASE-1", "--out", str(out), **case.ann)
    planned = case.ok("case", "plan", "CASE-1", "notify_subjects", "--reason", "see the case", **case.ann)
    assert "CASE-1/1" in planned
    case.ok("case", "approve", "CASE-1/1", **case.bob)
    case.ok("case", "do", "CASE-1/1", **case.bob)
    case.ok("case", "do", "CASE-1/1", **case.bob)
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in box.files()]
    assert sorted(str(mail["delivered-to"]) for mail in mails) == [
        *(f"ada{number}@mail.example" for number in (1, 2, 3, 5)),
        "owner@rival.example",
    ]
    finn = next(mail for mail in mails if str(mail["delivered-to"]) == "ada5@mail.example")
    report = case.folder / "bounce.eml"
    report.write_bytes(report_of(str(finn["message-id"])))
    assert "noted" in case.ok("notice", "bounce", str(report))
    case.ok("notice", "post", "CASE-1", "--out", str(out), **case.ann)
    texts = [flat(path.read_text()) for path in out.glob("*.txt")]
    # who has no address at all, and whose letter came back: each in the language of his region
    assert len(texts) == 2 and all(says(text, "fi", "lead_probable") for text in texts)
    assert "5.1.1" in case.ok("notice", "list", "CASE-1", **case.ann)
    case.ok("notice", "told", str(finn["message-id"]), "--channel", "post", **case.ann)
    case.ok("notice", "post", "CASE-1", "--out", str(case.folder / "again"), **case.ann)
    assert len(list((case.folder / "again").glob("*.txt"))) == 1


def test_a_bundle_holds_one_letter_of_each_wording_that_went_out(case: Desk, box: Mailbox, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into sighting_alternative (sighting_id, kind, source, probability, at, by) "
            "select min(id), 'earlier_case', 'CASE-77', 0.7, now(), 'service:case' from sighting"
        )
    bundle = case.folder / "before"
    case.ok("evidence", "build", "CASE-1", "--out", str(bundle), "--no-report", **case.ann)
    said = [each.read_text(errors="replace") for each in bundle.rglob("*") if each.is_file()]
    assert any("an earlier case" in text for text in said) and not any("CASE-77" in text for text in said)
    assert (bundle / "files" / "facts.json").exists() and not (bundle / "files" / "letters").exists()
    case.ok("notice", "risk", "CASE-1", "--why", "e-mail addresses alone got out", **case.ann)
    case.ok("case", "plan", "CASE-1", "notify_subjects", "--reason", "see the case", **case.ann)
    case.ok("case", "approve", "CASE-1/1", **case.bob)
    case.ok("case", "do", "CASE-1/1", **case.bob)
    # the letters have gone out; what is decided after that changes none of them
    case.ok("notice", "risk", "CASE-1", "--why", "the messages threaten people", "--high", **case.bob)
    bundle = case.folder / "after"
    told = case.ok("evidence", "build", "CASE-1", "--out", str(bundle), "--no-report", **case.ann)
    assert "not part of it: cosignatures: no witness watches this trail" in told and "were erased" not in told
    history = json.loads((bundle / "files" / "history.json").read_text())
    lines = [json.loads(line) for line in (bundle / "entries.jsonl").read_text().splitlines()]
    entries = {line["index"]: json.loads(line["payload"]) for line in lines}
    learned = [entries[each["entry"]] for each in history["knowledge"]]
    assert learned and [each["text_sha256"] for each in learned] == [
        each["text_sha256"] for each in history["knowledge"]
    ]
    assert all(entries[each["entry"]]["action"] == "case.move" for each in history["moves"])
    held = {path.name: flat(path.read_text()) for path in (bundle / "files" / "letters").glob("*.txt")}
    # Finland and California certainly; a Finn, Ontario, whose law is not known, and a seller probably
    assert set(held) == {"certain-voluntary.txt", "probable-voluntary.txt", "probable.txt", "probable-business.txt"}
    sent = {
        "certain-voluntary.txt": ("lead_certain", "voluntary"),
        "probable-voluntary.txt": ("lead_probable", "voluntary"),
        "probable.txt": ("lead_probable",),
        "probable-business.txt": ("lead_probable_business", "rights_business"),
    }
    for name, keys in sent.items():
        assert all(says(held[name], "en", key) for key in keys), name
        assert says(held[name], "en", "voluntary") == ("voluntary" in keys)

    later = case.folder / "later"
    case.refused("answer.evidence_missing", "evidence", "extend", str(bundle), "--out", str(later))
    case.ok("case", "list", **case.ann)
    assert "from the bundle's checkpoint to one over" in case.ok("evidence", "extend", str(bundle), "--out", str(later))
    case.refused("prove.bundle_invalid", "evidence", "extend", str(bundle), "--out", str(later))
    assert "was only added to since the bundle was built" in case.ok("verify", str(bundle), "--later", str(later))
    case.refused("prove.bundle_invalid", "verify", str(case.folder / "before"), "--later", str(later))
    (first, *_) = [each["entry"] for each in history["knowledge"]]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update trail_entry set payload = null, salt = null, kind = null, at_us = null, actor = null, "
            "subject = null, purpose = null, beneficiary = null where index = %s",
            [first],
        )
    # emptied by hand: no erasure announced it, and a bundle without it would be silent about that
    emptied = case.folder / "emptied"
    said = case.refused(
        "record.damaged", "evidence", "build", "CASE-1", "--out", str(emptied), "--no-report", **case.ann
    )
    assert f"entry {first}" in said and not emptied.exists()


def test_whoever_may_not_see_a_case_gets_neither_its_bundle_nor_its_forms(case: Desk) -> None:
    eve = {"WHOSAW_TOKEN": case.ok("user", "add", "E-1").strip().split()[-1]}
    bundle, forms = case.folder / "bundle", case.folder / "eve"
    for asked in (("CASE-1", eve), ("CASE-99", case.ann)):
        said = case.refused("answer.unknown_case", "evidence", "build", asked[0], "--out", str(bundle), **asked[1])
        assert f"there is no case `{asked[0]}` that you may see" in said
        said = case.refused("answer.unknown_case", "notice", "forms", asked[0], "--out", str(forms), **asked[1])
        assert "that you may see" in said
    assert not bundle.exists() and not forms.exists()
    case.ok("evidence", "build", "CASE-1", "--out", str(bundle), "--no-report", **case.ann)
    case.ok("notice", "forms", "CASE-1", "--out", str(forms), **case.ann)


def test_the_manager_of_a_suspect_does_not_decide_the_risk(case: Desk, company_state: Path, database_url: str) -> None:
    catalog = company_state / "whosaw.toml"
    text = catalog.read_text()
    asked = 'null as ended from company.staff"'
    assert asked in text
    catalog.write_text(text.replace(asked, 'null as ended, manager from company.staff"\nattributes = ["manager"]'))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("alter table company.staff add column manager text")
        why = ("--why", "e-mail addresses alone got out")
        case.ok("notice", "risk", "CASE-1", *why, **case.bob)
        connection.execute("update company.staff set manager = 'bob' where id = 'E-1'")
        case.refused("answer.unknown_case", "notice", "risk", "CASE-1", *why, **case.bob)
        out = str(case.folder / "forms")
        risk = ("--risk-why", "nothing to see here at all")
        case.refused("answer.unknown_case", "notice", "forms", "CASE-1", "--out", out, *risk, **case.bob)
        case.ok("notice", "risk", "CASE-1", *why, **case.ann)


def test_a_case_is_shown_without_a_key_of_anybody(case: Desk, database_url: str) -> None:
    async def add() -> None:
        settings = Settings()
        async with open_services(settings, clock_of(settings), database_url, door="test") as services:
            cases = Cases(services.db, services.clock)
            last = dict((await cases.verdicts("CASE-1"))[-1].verdict)
            more = {
                "canaries": {"actor": "E-1", "days": 30},
                "not_excluded": ["E-1", "E-2"],
                "history": [{"complaints": 3, "first": "E-2", "probability": 0.4, "outside": 0.5}],
                "duties": [{"what": "hand-over", "actor": "E-2", "from": "E-1", "line": "from E-1 to E-2"}],
                "explained": {"customer:C-1": [{"source": "a dump", "probability": 0.5}]},
                "verdict_in_words": "E-1 had opened 2 of 2 complainers.",
                "new": {"who": "E-1"},
            }
            await cases.add_verdict("CASE-1", last | more, complaints=2)

    asyncio.run(add())
    said = case.ok("case", "show", "CASE-1", "--json", **case.ann)
    assert not re.findall(r"\bE-\d\b|customer:", said)
    verdict = json.loads(said)["verdict"]
    first, second = (candidate["actors"][0] for candidate in verdict["candidates"])
    assert verdict["not_excluded"] == [first, second] and first.startswith("actor #")
    assert verdict["canaries"] == {"actor": first, "days": 30} and verdict["scope"]["certain"] == 2


def test_nobody_who_was_erased_is_numbered_anew_by_a_look_a_letter_or_a_bundle(case: Desk, database_url: str) -> None:
    def numbered() -> set[str]:
        with psycopg.connect(database_url) as connection:
            return {key for (key,) in connection.execute("select key from number_map")}

    def erase(key: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            gone = connection.execute("delete from number_map where key = %s returning space, number", [key])
            connection.execute("insert into number_erased values (%s, %s)", gone.fetchone())

    case.ok("case", "plan", "CASE-1", "revoke_sessions", "E-2", "--reason", "a finding", **case.ann)
    erase("customer:C-3")
    facts = json.loads(case.ok("notice", "facts", "CASE-1", **case.ann))
    assert (facts["certain"], facts["probable"], facts["erased"], facts["bound"]) == (2, 3, 1, 6)
    out = case.folder / "forms"
    case.ok("notice", "forms", "CASE-1", "--out", str(out), **case.ann)
    assert json.loads((out / "authority.json").read_text())["persons"]["erased_since"] == 1
    for name in ("press.txt", "colleagues.txt"):
        assert "1 more are affected" in (out / name).read_text()
    assert "customer:C-3" not in numbered()

    erase("E-2")
    said = json.loads(case.ok("case", "show", "CASE-1", "--json", **case.ann))
    assert said["verdict"]["candidates"][1]["actors"] == ["an actor without a number"] == [said["steps"][0]["target"]]
    case.refused("app.facts_missing", "notice", "facts", "CASE-1", **case.ann)
    bundle = case.folder / "bundle"
    case.ok("evidence", "build", "CASE-1", "--out", str(bundle), "--no-report", **case.ann)
    assert json.loads((bundle / "files" / "steps.json").read_text())[0]["target"] == "an actor without a number"
    assert not {"E-2", "customer:C-3"} & numbered()


def test_who_was_never_numbered_is_not_taken_for_erased_and_goes_untold(case: Desk, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        (kept,) = connection.execute("select verdict from case_verdict").fetchone() or ({},)
        connection.execute("insert into number_erased values ('subject', 9999)")  # somebody else, long ago
        kept["scope"]["probable"].append("customer:C-77")  # an imported log names him, and no door ever did
        connection.execute("update case_verdict set verdict = %s, numbered = false", [json.dumps(kept)])
        case.refused("app.facts_missing", "notice", "facts", "CASE-1", **case.ann)
        # one that was kept since, of which more are missing than were ever erased
        connection.execute("update case_verdict set numbered = true")
        connection.execute("delete from number_map where key = 'customer:C-3'")
        case.refused("app.facts_missing", "notice", "facts", "CASE-1", **case.ann)

    # a verdict that is kept numbers him: what no entry carries is refused aloud
    file = case.folder / "verdict.json"
    file.write_text(json.dumps(kept | {"complaints": {"used": 2}}))
    case.ok("case", "verdict", "CASE-1", str(file), **case.ann)
    with psycopg.connect(database_url) as connection:
        numbered = {key for (key,) in connection.execute("select key from number_map")}
    assert "customer:C-77" in numbered
    case.refused("answer.facts_contradict", "notice", "facts", "CASE-1", **case.ann)
