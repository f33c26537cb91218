"""Watch on a server: the daily run, its flags and alerts, reviewers' verdicts, cases, and questions to employees."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr
from tests.store.watchworld import BRIBED, END, LOOKS, PEOPLE, SOLD, START, Worlds, worlds
from tests.unit.answer.test_intake import RECORD, forwarded, letter, signed

from whosaw.answer import RawMails, SightingBook, read_complaint
from whosaw.answer.mailbox import Mailbox
from whosaw.app import watchdesk
from whosaw.app import watchqueries as queries
from whosaw.app.alerttexts import sentence
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchday import due, note_watch
from whosaw.app.watchdesk import ReviewRefused, decide, learned, listed, may_review, open_case, rates
from whosaw.app.watching import weigh
from whosaw.app.watchobserved import observe
from whosaw.app.watchprompts import Prompt, PromptRefused, answer, mail_prompts, prompts_to, prune_prompts
from whosaw.app.watchrecords import RecordColumnMissing
from whosaw.app.watchreplay import NoSuchFlag, replay_stored
from whosaw.app.watchrun import run_files, told_now, told_of
from whosaw.app.webreads import WebReads
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.work import load_work
from whosaw.record import entries_from
from whosaw.record.exposure import Exposures
from whosaw.store.alerts import alerts
from whosaw.store.numbers import assign, find
from whosaw.terms import SimulatedClock, to_us
from whosaw.watch.rows import OPEN

RFC_DATE = "%a, %d %b %Y %H:%M:%S +0000"


@pytest.fixture(scope="module")
def fresh_world(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worlds]:
    """Eight weeks of looks that nobody weighed yet."""
    with worlds(postgres_url, template_database, tmp_path_factory.mktemp("fresh"), weighed=False) as made:
        yield made


@pytest.fixture(scope="module")
def weighed_world(
    postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worlds]:
    """The same, weighed once, on the morning after."""
    with worlds(postgres_url, template_database, tmp_path_factory.mktemp("weighed"), weighed=True) as made:
        yield made


@pytest.fixture
async def services(fresh_world: Worlds, tmp_path: Path) -> AsyncIterator[Services]:
    with fresh_world.copy(tmp_path) as (url, state):
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            yield opened


@pytest.fixture
async def weighed(weighed_world: Worlds, tmp_path: Path) -> AsyncIterator[Services]:
    with weighed_world.copy(tmp_path) as (url, state):
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            yield opened


@contextmanager
def company_of(services: Services) -> Iterator[psycopg.Connection]:
    """Lend a connection to the company's tables."""
    assert services.settings.database is not None
    with psycopg.connect(services.settings.database.get_secret_value(), autocommit=True) as connection:
        yield connection


async def entries(services: Services) -> list[dict[str, Any]]:
    return [dict(each.payload) async for each in entries_from(services.db) if each.payload["kind"] == "watch"]


async def asked(services: Services) -> tuple[str, Prompt]:
    """Return who was asked, and what: one person, for a day has some fifty looks."""
    found = [(f"E-{n}", each) for n in range(PEOPLE) for each in await prompts_to(services, f"E-{n}")]
    (only,) = found
    return only


def later(services: Services, **by: float) -> None:
    assert isinstance(services.clock, SimulatedClock)
    services.clock.advance_to(services.clock.now() + timedelta(**by))


async def test_a_day_is_weighed_once_and_the_bribed_is_flagged_by_number(services: Services) -> None:
    assert await due(services)
    found = [each for each in await asyncio.gather(*(note_watch(services) for _ in range(3))) if each is not None]
    assert len(found) == 1 and found[0].day == date(2026, 2, 25) and found[0].cases == 1
    assert not await due(services) and await note_watch(services) is None

    bribed = await find(services.db, "actor", f"E-{BRIBED}")
    flags = await listed(services)
    (case,) = [each for each in flags if each.tier != "review"]
    assert (case.actor, case.beneficiary) == (bribed, f"seller:S-{SOLD}")
    assert len(case.told["rows"]) >= 9 and case.told["stories"] and case.told["signals"]
    assert "E-5" not in json.dumps(case.told) and "C-" not in json.dumps(case.told)

    said = await entries(services)
    (run,) = [each for each in said if each["change"] == "run"]
    assert (run["day"], run["flags"]) == ("2026-02-25", len(flags)) and len(run["rows"]) == 64
    (flagged,) = [each for each in said if each["change"] == "flagged" and each["flag"] == case.id]
    assert (flagged["target"], flagged["seal"], flagged["tier"]) == (bribed, case.seal, case.tier)

    raised = [each for each in await alerts(services.db) if each.kind == "watch.flag"]
    assert [(each.code, each.about["person"]) for each in raised] == [("watch.case", bribed)]
    assert "E-5" not in json.dumps(dict(raised[0].about)) and sentence("watch.case") != "watch.case"
    day, measured = await rates(services)
    assert day == date(2026, 2, 25) and measured["false_cases_a_month"] == 0.2
    assert {each["name"] for each in measured["health"]} >= {"beneficiary", "volume"}

    later(services, days=1)
    assert (await note_watch(services)) is not None
    assert len([each for each in await alerts(services.db) if each.kind == "watch.flag"]) == 1, "one alert a month"


async def test_a_stored_flag_is_recomputed_bit_for_bit_from_the_trail(weighed: Services) -> None:
    services = weighed
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    later(services, days=3)
    found, seal = await replay_stored(services, case.id)
    assert found["seal"] == seal == case.seal
    with pytest.raises(NoSuchFlag):
        await replay_stored(services, "0" * 16)
    with company_of(services) as connection:
        connection.execute("update company.tickets set seller = 'S-1' where seller = 'S-7'")
    with pytest.raises(Exception, match="no flag"):  # the company's record is another now, and the replay says so
        await replay_stored(services, case.id)


async def test_reviewers_decide_and_nobody_is_silenced(weighed: Services) -> None:
    services = weighed
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    note = "the ten customers had written to him by telephone"
    assert await may_review(services, "P-1") and not await may_review(services, "E-1")
    for who, outcome, why, record in (
        ("E-1", "cleared", note, ""),
        ("P-1", "silenced", note, ""),
        ("P-1", "cleared", "no", ""),
        ("P-1", "explained", note, ""),
    ):
        with pytest.raises(ReviewRefused):
            await decide(services, case.id, outcome, by=who, note=why, record=record)
    assert (await decide(services, case.id, "confirmed", by="P-1", note=note)).stands == ""
    with pytest.raises(ReviewRefused, match="has decided"):
        await decide(services, case.id, "confirmed", by="P-1", note=note)
    assert (await decide(services, case.id, "confirmed", by="S-1", note=note)).stands == "confirmed"
    assert (await learned(services))[1] == (1, 0)
    said = [each for each in await entries(services) if each["change"] == "confirmed"]
    assert len(said) == 2 and note not in json.dumps(said)

    opened = await open_case(services, case.id, by="P-1", reason="two reviewers confirmed the flag")
    assert opened.beneficiary == f"seller:S-{SOLD}"
    assert (await open_case(services, case.id, by="S-1", reason="two reviewers confirmed the flag")).id == opened.id
    # somebody works on, so that the next night reads other rows
    (actor,) = (await assign(services.db, "actor", ["E-1"])).values()
    (subject,) = (await assign(services.db, "subject", ["customer:C-1"])).values()
    said_of = {"kind": "disclosure", "at": to_us(END), "actor": actor, "subject": subject, "door": "http"}
    await services.appender.append({**said_of, "fields": ["customer.email=reveal"], "verified": "yes"})
    later(services, days=1)
    await note_watch(services)
    (again,) = [each for each in await listed(services) if each.tier != "review"]
    assert again.actor == case.actor and again.id != case.id and again.verdicts == ()
    assert again.earlier == f"confirmed on 2026-02-26, flag {case.id}" and case.earlier == ""


async def test_nobody_decides_about_himself(weighed: Services) -> None:
    services = weighed
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    with company_of(services) as connection:
        connection.execute("update company.staff set function = 'privacy' where id = 'E-5'")
    with pytest.raises(ReviewRefused, match="himself or with a conflict") as own:
        await decide(services, case.id, "cleared", by="E-5", note="there is nothing to see here at all")
    # whoever may not work on the case decides nothing either, and is told the same
    opened = await open_case(services, case.id, by="P-1", reason="the evidence is strong")
    with company_of(services) as connection:
        verdict = json.dumps({"candidates": [{"rung": "lead", "actors": ["S-1"]}]})
        connection.execute("insert into case_verdict values (%s, 1, now(), 1, %s)", [opened.id, verdict])
    said = ("cleared", "", "there is nothing to see here at all")
    assert await WebReads(services).judge(case.id, said, "S-1") == str(own.value)
    assert not (await listed(services))[0].verdicts
    with pytest.raises(ReviewRefused, match="conflict of interest"):
        await open_case(services, case.id, by="S-1", reason="the evidence is strong")
    tried = [each for each in await entries(services) if each["change"] == "denied"]
    numbers = await assign(services.db, "actor", ["E-5", "S-1"])
    assert [each["actor"] for each in tried] == [numbers["E-5"], numbers["S-1"], numbers["S-1"]]
    assert {each["flag"] for each in tried} == {case.id} and len({tuple(sorted(each)) for each in tried}) == 1


async def test_what_would_be_no_verdict_anyway_tells_nobody_whether_he_is_suspected(weighed: Services) -> None:
    (case,) = [each for each in await listed(weighed) if each.tier != "review"]
    opened = await open_case(weighed, case.id, by="P-1", reason="the evidence is strong")

    async def probed(who: str) -> list[str | None]:
        said = [("cleared", "", "x"), ("explained", "", "a sentence that is long"), ("silenced", "", "a long sentence")]
        answers = [await WebReads(weighed).judge(case.id, each, who) for each in said]
        with pytest.raises(ReviewRefused) as refused:
            await open_case(weighed, case.id, by=who, reason="x")
        return [*answers, str(refused.value)]

    before = await probed("S-1")
    with company_of(weighed) as connection:
        verdict = json.dumps({"candidates": [{"rung": "lead", "actors": ["S-1"]}]})
        connection.execute("insert into case_verdict values (%s, 1, now(), 1, %s)", [opened.id, verdict])
    assert await probed("S-1") == before == await probed("P-1")
    assert not [each for each in await entries(weighed) if each["change"] == "denied"]


@pytest.mark.parametrize("answers_to", ["case id when 'E-5' then 'P-1' end", "case id when 'P-1' then 'E-5' end"])
async def test_no_manager_clears_his_own_and_nobody_his_manager_before_any_case_is_open(
    answers_to: str, weighed_world: Worlds, tmp_path: Path
) -> None:
    with weighed_world.copy(tmp_path) as (url, state):
        catalog = state / "whosaw.toml"
        told = catalog.read_text().replace('["function", "mail"]', '["function", "mail", "manager"]')
        catalog.write_text(told.replace("mail from company.staff", f"mail, {answers_to} as manager from company.staff"))
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            (case,) = [each for each in await listed(opened) if each.tier != "review"]
            note = "there is nothing to see here at all"
            with company_of(opened) as connection:  # of nobody who profits there can be no case
                connection.execute("update watch_flag set beneficiary = null where id = %s", [case.id])
            with pytest.raises(ReviewRefused, match="himself or with a conflict"):
                await decide(opened, case.id, "cleared", by="P-1", note=note)
            assert (await decide(opened, case.id, "cleared", by="S-1", note=note)).stands == "cleared"


async def test_a_verdict_is_given_on_the_page_of_the_flag_as_by_the_command(weighed: Services) -> None:
    services, reads = weighed, WebReads(weighed)
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    assert await reads.flag(case.id, "E-1") is None and await reads.flag("0" * 16, "P-1") is None
    page = await reads.flag(case.id, "P-1")
    assert page is not None and page.seal == case.seal and not page.decided and page.verdicts == ()
    assert [[to_us(at), subject] for at, subject in page.accesses] == sorted(case.told["rows"])
    note = "the ten customers had rung him, says the switchboard"
    assert await reads.judge(case.id, ("cleared", "", note), "E-1") is None
    assert await reads.judge("0" * 16, ("cleared", "", note), "P-1") is None
    for said in (("", "", note), ("silenced", "", note), ("cleared", "", "no"), ("explained", " ", note)):
        assert await reads.judge(case.id, said, "P-1")
    assert await reads.judge(case.id, ("explained", "call", note), "P-1") == ""
    assert await reads.judge(case.id, ("cleared", "", note), "P-1") == "this person has decided about this flag"
    page = await reads.flag(case.id, "P-1")
    assert page is not None and page.decided and page.flag.verdict == "explained"
    assert [(each.outcome, each.record, each.because, each.by) for each in page.verdicts] == [
        ("explained", "call", note, "P-1")
    ]
    other = await reads.flag(case.id, "S-1")
    assert other is not None and not other.decided
    assert [(each.outcome, each.record, each.because, each.by) for each in other.verdicts] == [
        ("explained", "", "", "")
    ]
    assert await reads.judge(case.id, ("cleared", "", f"no: {note}"), "S-1") == ""
    for who, read in (("P-1", ["P-1", ""]), ("S-1", ["P-1", "S-1"])):
        page = await reads.flag(case.id, who)
        assert page is not None and [each.by for each in page.verdicts] == read
        assert [bool(each.because) for each in page.verdicts] == [bool(by) for by in read]
    (told,) = [each for each in await entries(services) if each["change"] == "explained"]
    assert told["flag"] == case.id and note not in json.dumps(told)
    look = [dict(e.payload) async for e in entries_from(services.db) if e.payload.get("action") == "look.watch"]
    assert f"flag:{case.id}" in json.dumps(look)


async def test_of_two_verdicts_that_one_person_gives_at_once_one_counts_and_one_is_recorded(
    weighed: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = [each for each in await listed(weighed) if each.tier != "review"]
    recording = watchdesk.enter

    async def busy(*args: Any, **more: Any) -> int:
        await asyncio.sleep(0.1)  # other entries go first
        return await recording(*args, **more)

    monkeypatch.setattr(watchdesk, "enter", busy)
    said = [(outcome, "call", "the ten customers had rung him") for outcome in ("cleared", "confirmed", "explained")]
    answers = await asyncio.gather(*(WebReads(weighed).judge(case.id, each, "P-1") for each in said))
    assert sorted(answers, key=str) == ["", *["this person has decided about this flag"] * 2]
    kept = [outcome for flag, outcome, *_ in await queries.verdicts(weighed.db) if flag == case.id]
    assert kept == [each["change"] for each in await entries(weighed) if each.get("sha256")]
    assert kept == [outcome for (outcome, _, _), why in zip(said, answers, strict=True) if not why]


async def test_an_employee_is_asked_and_his_answer_is_half_an_excuse(weighed: Services) -> None:
    services = weighed
    who, prompt = await asked(services)
    other = "E-4" if who != "E-4" else "E-6"
    assert prompt.due_at - prompt.asked_at == timedelta(hours=24) and not await prompts_to(services, other)
    with pytest.raises(PromptRefused):
        await answer(services, prompt.id, "she rang about a parcel that got lost", by=other)
    with pytest.raises(PromptRefused):
        await answer(services, prompt.id, "because", by=who)
    done = await answer(services, prompt.id, "she rang about a parcel that got lost", by=who)
    assert done.answer == "she rang about a parcel that got lost"
    with pytest.raises(PromptRefused, match="has its answer"):
        await answer(services, prompt.id, "she rang about a parcel that got lost", by=who)
    said = [each for each in await entries(services) if each["change"] in ("asked", "answered")]
    assert len(said) == 2 and "parcel" not in json.dumps(said)
    assert await queries.answers_before(services.db, services.clock.now()) == []
    later(services, days=1)
    assert await queries.answers_before(services.db, services.clock.now()) == [
        (prompt.actor, prompt.subject, int(prompt.looked_at.timestamp() * 1_000_000), 1)
    ]
    noted = await note_watch(services)
    assert noted is not None and noted.asked == 0


async def test_an_answer_after_a_day_does_not_count(weighed: Services) -> None:
    services = weighed
    who, prompt = await asked(services)
    later(services, hours=25)
    await answer(services, prompt.id, "she rang about a parcel that got lost", by=who)
    later(services, days=1)
    assert await queries.answers_before(services.db, services.clock.now()) == []


CUT = """
import asyncio, os, signal, sys
from pathlib import Path
from whosaw.app import watchqueries
from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.app.watchday import note_watch
from whosaw.terms import from_us, SimulatedClock

cut, state, url, now_us = sys.argv[1:]

async def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(watchqueries, cut, die)

async def main():
    settings = Settings(state=Path(state), database=url)
    async with open_services(settings, SimulatedClock(from_us(int(now_us))), url, door="cut") as services:
        await note_watch(services)

asyncio.run(main())
"""


async def test_a_run_that_is_killed_between_its_entries_and_its_commit_doubles_nothing(services: Services) -> None:
    assert services.settings.database is not None
    url = services.settings.database.get_secret_value()
    # the run, its flags and an employee's question are entered, and nothing of it is stored
    arguments = ("add_prompt", str(services.settings.state), url, str(to_us(services.clock.now())))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CUT, *arguments)
    assert await process.wait() == -signal.SIGKILL and await due(services)
    before = [(each["change"], each.get("flag")) for each in await entries(services)]
    assert before[0] == ("run", None) and before[1][0] == "flagged" and before[-1] == ("asked", None)
    noted = await note_watch(services)
    assert noted is not None and noted.asked == 1
    after = [(each["change"], each.get("flag")) for each in await entries(services)]
    assert after == before and len(set(after)) == len(after)
    stored = {each.id for each in await listed(services)}
    assert stored == {flag for change, flag in after if change == "flagged"}
    who, _ = await asked(services)
    assert who.startswith("E-")


async def test_a_question_goes_out_by_mail_once_and_names_no_customer(weighed: Services, tmp_path: Path) -> None:
    who, prompt = await asked(weighed)
    settings = weighed.settings.model_copy(update={"smtp": SecretStr("smtp://127.0.0.1:1")})
    await mail_prompts(replace(weighed, settings=settings))  # nobody listens there: it waits, and nothing fails
    with Mailbox(tmp_path / "mailbox") as mailbox:
        settings = weighed.settings.model_copy(update={"smtp": SecretStr(f"smtp://127.0.0.1:{mailbox.port}")})
        mailing = replace(weighed, settings=settings)
        for _ in range(3):
            await mail_prompts(mailing)
    (path,) = (tmp_path / "mailbox" / "new").iterdir()
    letter = message_from_bytes(path.read_bytes(), policy=default)
    assert letter["To"] == f"{who.lower().replace('-', '')}@company.example"
    text = letter.get_body().get_content()
    assert f"watch answer {prompt.id}" in text and f"{prompt.looked_at:%H:%M}" in text
    assert not re.search(r"C-\d|customer|mail\.example", path.read_text())


async def test_questions_and_answers_die_in_time_and_what_a_hold_needs_stays(weighed: Services) -> None:
    who, prompt = await asked(weighed)
    await answer(weighed, prompt.id, "she rang about a parcel that got lost", by=who)
    later(weighed, days=399)
    assert await prune_prompts(weighed) == 0
    later(weighed, days=2)
    with company_of(weighed) as connection:
        connection.execute(
            "insert into legal_hold (space, number, ground, review_on, added_at, added_by) "
            "values ('subject', %s, 'g', '2030-01-01', now(), 1)",
            [prompt.subject],
        )
        assert await prune_prompts(weighed) == 0
        connection.execute("update legal_hold set lifted_at = now()")
    assert await prune_prompts(weighed) == 1 and await prompts_to(weighed, who) == []
    assert [each["change"] for each in await entries(weighed)][-2:] == ["asked", "answered"]


RECORDS = """
[watch.managers]
source = "company"
query = "select 'E-5' as actor, 'seller:S-7' as beneficiary"
[watch.harms]
source = "company"
query = "select 'customer:' || customer as subject, at, 'not read' as note from company.harms"
[watch.prints]
source = "company"
query = "select side, name, print from company.prints"
"""
TABLES = """
create table company.harms (customer text, at timestamptz);
insert into company.harms values ('C-1', '2026-02-01Z'), ('C-2', '2026-03-01Z');
create table company.prints (side text, name text, print text);
insert into company.prints values ('actor', 'E-1', 'phone-9');
"""


async def test_what_else_the_company_records_reaches_the_run_and_a_declared_manager_is_no_case(
    fresh_world: Worlds, tmp_path: Path
) -> None:
    with fresh_world.copy(tmp_path) as (url, state):
        catalog = state / "whosaw.toml"
        catalog.write_text(catalog.read_text() + RECORDS)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLES)
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            number = (await assign(opened.db, "subject", ["customer:C-9"]))["customer:C-9"]
            async with opened.db.connection() as connection_of:
                await connection_of.execute(
                    "insert into canary (subject, place, added_by, added_at) values (%s, 'q', 'o', %s)",
                    [number, END - timedelta(days=30)],
                )
            told = {"since_us": 0, "until_us": to_us(END), "staff": {"1": ["support", "returns", "", "", ""]}}
            async with run_files(opened, told) as (_, files, _):
                assert files.harms.read_text().split() == ["subject,at", "customer:C-1,2026-02-01T00:00:00+00:00"]
                assert files.prints.read_text().split() == ["side,name,print", "actor,E-1,phone-9"]
                assert files.canaries.read_text().split() == ["subject", "customer:C-9"]
                assert files.actors.read_text().split()[0] == "actor,role,queue,product,shift,region,employer,part_time"
                assert files.decisions is None
            noted = await note_watch(opened)
            assert noted is not None
            of = {each.told["actor"]: each.told["signals"] for each in await listed(opened)}
            bribed = await find(opened.db, "actor", f"E-{BRIBED}")
            weighed = {each["name"]: each["evidence"] for each in of.get(bribed, ())}
            assert weighed.get("beneficiary", "1 : 1").startswith("1 : "), "the company said he looks after S-7"
            signals = {each["name"] for each in (await rates(opened))[1]["health"]}
            assert signals >= {"beneficiary", "volume", "harm", "canary"}
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("alter table company.prints rename print to mark")
            catalog.write_text(catalog.read_text().replace("name, print from", "name, mark from"))
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            with pytest.raises(RecordColumnMissing):
                async with run_files(opened, told):
                    pass


async def test_the_directory_tells_a_run_whose_peers_somebody_is_and_which_groups_rates_are_shown_for(
    fresh_world: Worlds, tmp_path: Path
) -> None:
    with fresh_world.copy(tmp_path) as (url, state):
        catalog = state / "whosaw.toml"
        told = catalog.read_text().replace(
            '["function", "mail"]', '["function", "mail", "queue", "shift", "part_time"]'
        )
        catalog.write_text(
            told.replace(
                "function, mail from company.staff",
                "function, mail, 'returns' as queue, 7 as shift, id = 'E-1' as part_time from company.staff",
            )
        )
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            run = await told_now(opened, END)
            people = await assign(opened.db, "actor", ["E-1", "E-2"])
            async with run_files(opened, run) as (_, files, _):
                header, *rows = files.actors.read_text().splitlines()
            assert header == "actor,role,queue,product,shift,region,employer,part_time"
            assert {"E-1,support,returns,,7,,,yes", "E-2,support,returns,,7,,,no"} <= set(rows)
            assert run["staff"][str(people["E-1"])] == ["support", "returns", "", "7", "", "", "yes"]


async def test_accesses_of_other_logs_in_the_lake_are_weighed_with_the_trails_own(
    fresh_world: Worlds, tmp_path: Path
) -> None:
    with fresh_world.copy(tmp_path) as (url, state):
        with psycopg.connect(url) as connection:
            rows = connection.execute("select id from company.tickets where seller = 'S-9' limit 12").fetchall()
        customers = [f"customer:C-{row[0].partition('-')[2]}" for row in rows]
        at = [(END - timedelta(days=3 + n)).isoformat() for n in range(len(customers))]
        log = tmp_path / "crm.csv"  # E-6 opened them in another system, whose log asks for a reason and has none
        lines = [f"E-6,{customer},{when}," for customer, when in zip(customers, at, strict=True)]
        lines += [
            f"E-{n % 30},customer:C-{n},{END - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ},call {n}" for n in range(200)
        ]
        lines += [f"batch,customer:C-{n},{END - timedelta(days=9):%Y-%m-%dT%H:%M:%SZ}," for n in range(90)]
        log.write_text("\n".join(["actor,subject,at,reason", *lines]) + "\n")
        columns = {name: name for name in ("actor", "subject", "at", "reason")}
        mapping = read_mapping({"kind": "accesses", "columns": columns, "actors": {"service": ["batch"]}})
        import_log(log, mapping, state / "lake")
        async with open_services(Settings(state=state, database=url), SimulatedClock(END), url, door="serve") as opened:
            noted = await note_watch(opened)
            assert noted is not None and noted.accesses > 3_200
            cases = [each for each in await listed(opened) if each.tier != "review"]
            assert {each.beneficiary for each in cases} == {"seller:S-7", "seller:S-9"}
            assert await find(opened.db, "actor", "batch") is None
            (other,) = [each for each in cases if each.beneficiary == "seller:S-9"]
            found, seal = await replay_stored(opened, other.id)
            assert found["seal"] == seal


async def test_work_that_is_not_done_is_open_and_what_waits_with_a_team_is_the_teams(services: Services) -> None:
    with company_of(services) as connection:
        connection.execute("update company.tickets set closed_at = opened_at + interval '1 day' where id = 'T-1'")
        connection.execute("update company.tickets set closed_at = %s where id = 'T-2'", [END + timedelta(days=1)])
        connection.execute("update company.tickets set assignee = 'returns' where id = 'T-3'")
    told = await told_now(services, END)
    of = ["customer:C-1", "customer:C-2", "customer:C-3", "customer:C-4"]

    async def read(told: dict[str, Any]) -> tuple[list[int], list[str]]:
        async with run_files(services, told) as (lake, _, _):
            work = load_work(lake, OPEN)
        at = [int(np.flatnonzero(work.item_subject == work.subjects.index(name))[0]) for name in of]
        days = [int(work.closed_us[row] - work.opened_us[row]) // 86_400_000_000 for row in at]
        return days, [work.teams[work.item_team[row]] if work.item_team[row] >= 0 else "" for row in at]

    whole = int((to_us(END) - 1 - to_us(START - timedelta(days=1))) // 86_400_000_000)
    assert await read(told) == ([1, whole, whole, whole], ["", "", "returns", ""])
    before = {name: value for name, value in told.items() if name not in ("still_open", "teams")}
    assert (await read(before))[0] == [1, 0, 0, 0], "a run of before is recomputed as it was"
    assert (await told_of(services, told)).teams and not (await told_of(services, before)).teams


async def test_work_of_ones_own_stays_ones_own_whoever_it_is_given_to_and_done_or_not(services: Services) -> None:
    day, hour = END - timedelta(days=1), END - timedelta(hours=1)
    given = {  # assignee, when it was opened and closed; E-7 makes them all
        "T-1": ("returns", day, None),
        "T-2": ("E-8", day, None),
        "T-3": ("E-7", day, None),
        "T-4": (None, day, None),
        "T-5": ("E-8", day, END + timedelta(days=1)),
        "T-6": ("E-8", day, hour),
        "T-8": ("E-8", day, day),
        "T-9": ("E-8", day, day - timedelta(hours=1)),
        "T-10": (" e-8", day, hour),
    }
    with company_of(services) as connection:
        for ticket, (assignee, opened, closed) in given.items():
            connection.execute(
                "update company.tickets set opened_by = 'E-7', assignee = %s, opened_at = %s, closed_at = %s"
                " where id = %s",
                [assignee, opened, closed, ticket],
            )
    told = await told_now(services, END)
    async with run_files(services, told) as (lake, _, _):
        work = load_work(lake, to_us(END))
    for ticket, (assignee, opened, closed) in given.items():
        mine = work.item_subject == work.subjects.index(f"customer:C-{ticket.partition('-')[2]}")
        assert {work.actors[at] for at in work.made_by[mine]} == {"E-7"}, ticket
        who = {work.actors[at] for at in work.assignee[mine] if at >= 0}
        assert who == {"E-7"} | ({assignee.strip().replace("e-", "E-")} if assignee else set()), ticket
        assert {work.teams[at] for at in work.item_team[mine] if at >= 0} == ({"returns"} & {assignee}), ticket
        assert set(work.opened_us[mine].tolist()) == {to_us(opened)}, "a row at its end is no beginning"
        last = to_us(END) - 1 if closed is None or closed > END else max(to_us(closed), to_us(opened) + 1)
        assert set(work.closed_us[mine].tolist()) == {last}, ticket


async def test_an_export_without_a_reason_is_one_decision_and_ten_asks_are_ten(services: Services) -> None:
    with company_of(services) as connection:
        rows = connection.execute("select id from company.tickets where seller = 'S-9'").fetchall()
    keys = [f"customer:C-{row[0].partition('-')[2]}" for row in rows][:12]
    numbers = await assign(services.db, "subject", keys)
    actors = await assign(services.db, "actor", ["E-6", "E-8"])
    kept = await Exposures(services.db).keep(numbers.values())
    said = {"kind": "disclosure", "at": to_us(END - timedelta(days=3)), "door": "http", "decision": "reveal"}
    shown = {"fields": ["customer.email=reveal"], **kept}
    await services.appender.append({**said, **shown, "actor": actors["E-6"], "verified": "no"})
    await services.appender.append({**said, **shown, "actor": actors["E-8"], "verified": "yes"})
    masked = {**said, **kept, "fields": ["customer.email=mask"], "actor": actors["E-8"], "verified": "no"}
    await services.appender.append(masked)
    with company_of(services) as connection:
        connection.execute("update company.tickets set opened_by = ' e-6 ' where id = 'T-6'")
    told = await told_now(services, END)
    async with run_files(services, told) as (lake, files, left_out):
        assert left_out.sets_unread == 0
        work = load_work(lake, OPEN)
        made_by = work.made_by[work.item_subject == work.subjects.index("customer:C-6")]
        assert (made_by >= 0).all()
        assert {work.actors[at] for at in made_by.tolist()} == {"E-6"}, "in another spelling it is his own all the same"
        weighed = weigh(lake, files, await told_of(services, told))
    assert len(weighed.watched.observed.accesses) == LOOKS + 11 + 2 * len(keys)
    flagged = {weighed.watched.actors[flag.actor] for flag in weighed.flags}
    assert flagged == {f"E-{BRIBED}"}, "of E-6's list nobody knows more than that it was one click"


async def test_an_export_that_nothing_explains_is_asked_about_once_and_the_answer_is_about_all_of_it(
    services: Services,
) -> None:
    keys = [f"customer:C-{n}" for n in range(20, 32)]
    numbers = await assign(services.db, "subject", keys)
    (actor,) = (await assign(services.db, "actor", ["E-6"])).values()
    kept = await Exposures(services.db).keep(numbers.values())
    at = to_us(END - timedelta(hours=9))
    said = {"kind": "disclosure", "at": at, "actor": actor, "door": "http", "decision": "reveal", "verified": "no"}
    await services.appender.append({**said, **kept, "fields": ["customer.email=reveal"]})
    noted = await note_watch(services)
    assert noted is not None and noted.asked == 1, "of fifty asks one, and the one that showed most people"
    (prompt,) = await prompts_to(services, "E-6")
    assert prompt.shown == len(keys) and to_us(prompt.looked_at) == at
    (entry,) = [each for each in await entries(services) if each["change"] == "asked"]
    assert entry["shown"] == len(keys)

    await answer(services, prompt.id, "the list was for a letter about a recall", by="E-6")
    later(services, days=1)
    now = await told_now(services, END + timedelta(days=1))
    of_before = {**now, "whole_asks": False}  # asked about one person of the list; it is recomputed as it was
    for run, shown, left in ((now, len(keys), 0), (of_before, len(keys), len(keys) - 1), (now, 1, len(keys) - 1)):
        with company_of(services) as connection:  # the last: his word about a single record is about no list
            connection.execute("update watch_prompt set shown = %s", [shown])
        async with run_files(services, run) as (lake, files, _):
            watched = observe(lake, files, await told_of(services, run))
        mine = watched.observed.accesses.at_us == at
        assert (watched.observed.unexplained[mine] == 1.0).sum() == left


async def test_a_set_that_was_altered_stops_no_run_and_is_counted(services: Services) -> None:
    kept = await Exposures(services.db).keep((await assign(services.db, "subject", ["customer:C-1"])).values())
    actor = (await assign(services.db, "actor", ["E-6"]))["E-6"]
    said = {"kind": "disclosure", "at": to_us(END - timedelta(days=3)), "door": "http", "actor": actor}
    await services.appender.append({**said, **kept, "fields": ["customer.email=reveal"], "verified": "no"})
    with company_of(services) as connection:
        connection.execute("alter table trail_exposure disable trigger all")
        connection.execute("update trail_exposure set numbers = numbers || 'x'::bytea")
    noted = await note_watch(services)
    assert noted is not None and (noted.accesses, noted.sets_unread) == (LOOKS + 11, 1)


async def test_what_sellers_left_in_mails_before_the_month_weighs_them_and_a_replay_weighs_alike(
    services: Services,
) -> None:
    raws, book = RawMails(services.settings.state / "complaints"), SightingBook(services.db)
    came = [("seller:S-7", 40), ("seller:S-8", 39), ("seller:S-9", 3), ("domain:other.example", 40)]
    kept = []
    for number, (seller, days) in enumerate(came, start=1):
        sent = END - timedelta(days=days, hours=2)
        original = letter(sender="service@ring.example", body=f"words of their own {number}", date=f"{sent:{RFC_DATE}}")
        raw = forwarded(signed(original, b"ring.example"))
        read = read_complaint(raw, dns=lambda _: RECORD, received_at=END - timedelta(days=days))
        kept.append(raws.keep(raw))
        await book.add(read, subject=number, beneficiary=seller)
    assert await note_watch(services) is not None
    day, _ = await rates(services)
    assert day is not None
    run = await queries.run_of(services.db, day)
    assert run is not None
    told = run[6]
    assert told["mail_prints"] == [["seller:S-7", "signed by ring.example"], ["seller:S-8", "signed by ring.example"]]
    async with run_files(services, told) as (lake, files, _):
        watched = observe(lake, files, await told_of(services, told))
        weights = dict(zip(watched.beneficiaries, watched.observed.weights.tolist(), strict=True))
    assert {name for name, weight in weights.items() if weight > 1} == {"seller:S-7", "seller:S-8"}
    (case,) = [each for each in await listed(services) if each.tier != "review"]
    for each in kept:
        raws.forget(each)
    later(services, days=3)
    found, seal = await replay_stored(services, case.id)
    assert found["seal"] == seal, "the mails are gone, and the run kept what it weighed by"


async def test_the_operator_is_told_once_a_month_of_a_signal_that_was_switched_off(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whosaw.watch.nightly.MEAN_LIMIT", 0.0)  # no signal can hold: all are left out, and told
    assert await note_watch(services) is not None
    health = (await rates(services))[1]["health"]
    assert health and not any(each["holds"] for each in health)
    assert await listed(services) == [], "without a signal nothing speaks against anybody"
    told = [each for each in await alerts(services.db) if each.code == "watch.signal_off"]
    assert {each.about["signal"] for each in told} == {each["name"] for each in health}
    later(services, days=1)
    assert await note_watch(services) is not None
    assert len([each for each in await alerts(services.db) if each.code == "watch.signal_off"]) == len(told)
