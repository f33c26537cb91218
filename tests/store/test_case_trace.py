"""The verdict of a case, computed from what stands in it, the record, and what the catalog declares."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.store.bookworld import BOOK, CONTACT, END, HEIR, SELLER, START, WORDS, books, catalog, complain, opened
from tests.store.watchworld import Worlds

from whosaw.__main__ import main
from whosaw.answer import Cases, Snapshot, StepRefused, retentionqueries
from whosaw.answer import queries as queries_of_answer
from whosaw.answer.alternatives import CHECKS, Alternative, Checks
from whosaw.answer.bundletexts import method_file
from whosaw.app import casetracequeries as queries
from whosaw.app import tracedeclared
from whosaw.app.casedesk import case_work
from whosaw.app.casereads import CaseReads
from whosaw.app.caserecompute import CHANGED, NOT_COMPUTED, recompute
from whosaw.app.casetrace import Overtaken, WeighsLess, compute_again, trace_case
from whosaw.app.commands.opened import with_services
from whosaw.app.erasequeries import EVIDENCE, mentions_of_actor, mentions_of_subject
from whosaw.app.erasurework import own_now
from whosaw.app.lacks import Lack, Sentence
from whosaw.app.recordreads import RecordReads
from whosaw.app.services import Services
from whosaw.app.tracedeclared import Declared
from whosaw.app.unweighed import unweighed
from whosaw.catalog import Tracing
from whosaw.gate import add_token
from whosaw.record import entries_from
from whosaw.store.alerts import Alert, alerts
from whosaw.store.database import Connection
from whosaw.store.numbers import assign, find
from whosaw.terms import SharedClock, SimulatedClock, to_us

CASE = "CASE-1"
MINUTE = timedelta(minutes=1)
NOWHERE = '[sources.elsewhere]\nurl = "postgresql+psycopg://nobody:none@127.0.0.1:1/none"\n'


@pytest.fixture(scope="module")
def world(postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    with books(postgres_url, template_database, tmp_path_factory.mktemp("books")) as made:
        yield made


@pytest.fixture
def company(world: Worlds, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    with world.copy(tmp_path) as (url, state):
        yield url, state


async def told_of_verdicts(services: Services) -> list[int]:
    told = [each.payload async for each in entries_from(services.db) if each.payload is not None]
    return [int(str(each["seq"])) for each in told if each.get("action") == "case.verdict"]


async def raised(services: Services, code: str) -> list[Alert]:
    return [each for each in await alerts(services.db) if each.code == code]


async def test_an_heir_is_not_named_where_the_catalog_knows_of_the_hand_over(company: tuple[str, Path]) -> None:
    url, state = company
    async with opened(url, state) as services:
        await complain(services, range(6))
        without = await trace_case(services, CASE, by="P-1")
    assert without.named() == {HEIR} and without.complaints == 6
    lines = [each for each in without.verdict["missing"] if each.startswith("not weighed")]
    assert len(lines) == 4 and "hand-overs" in lines[1] and without.verdict["inputs"]["weighed"] == []
    catalog(url, state, *WORDS)
    async with opened(url, state) as services:
        weighed = await trace_case(services, CASE, by="P-1")
        assert not weighed.suspected() and weighed.seq == 2
        assert weighed.verdict["duties"][0]["actor"] == HEIR
        assert weighed.verdict["inputs"]["rows"] == {"managers": 1, "handovers": 24, "accounts": 12, "presence": 9}
        assert not [each for each in weighed.verdict["missing"] if each.startswith("not weighed")]
        assert any("person" in each for each in weighed.verdict["candidates"])
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("delete from company.books")
        assert (await compute_again(services, CASE, 2))[1] == [], "from what was kept, whatever the company says now"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("delete from company.tickets where id in ('T-0', 'T-40')")
        assert "candidates" in (await compute_again(services, CASE, 2))[1], "the work records are read again"


async def test_what_is_kept_names_customers_by_number_and_no_others_and_erasure_tells_of_it(
    company: tuple[str, Path],
) -> None:
    url, state = company
    with psycopg.connect(url, autocommit=True) as connection:
        for stranger in ("C-900", "C-901", "C-100"):  # two that the record does not know, one whom he never opened
            row = ["E-5", "vendor B", f"customer:{stranger}", START]
            connection.execute("insert into company.books values (%s, %s, %s, %s)", row)
    catalog(url, state, *WORDS)
    async with opened(url, state) as services:
        await complain(services, range(6))
        work = case_work(services)
        (first, *_) = await work.book.list(case=CASE)
        await work.alternatives.note([Alternative(first.id, "dump", "dump of 2019", 0.4)], by="P-1")
        for seq in (1, 2):
            assert (await trace_case(services, CASE, by="P-1")).seq == seq
        number = await find(services.db, "subject", "customer:C-3")
        stranger = await find(services.db, "subject", "customer:C-100")
        with psycopg.connect(url) as connection:
            held = connection.execute("select content from case_trace_content").fetchall()
            (kept,) = connection.execute("select count(*) from case_trace_input").fetchone() or (0,)
        assert (len(held), kept) == (6, 12), "what is the same is kept once"
        text = "\n".join(content for (content,) in held)
        assert "customer:" not in text and f"#{number}" in text and f"#{stranger}," not in text
        assert text.count("hand-over") == BOOK + 1 and "dump of 2019" not in text and "public dump" in text
        assert (await compute_again(services, CASE, 2))[1] == [], "keys are put back"
        place = (
            "what verdicts of cases were computed from (by number: contacts, orders, routes, hand-overs, other sources)"
        )
        assert (await mentions_of_subject(services.db, "customer:C-3", number))[place] == 4
        assert place in EVIDENCE and place in await own_now(services.db, number or 0, "customer:C-3", ())
        assert place not in await mentions_of_subject(services.db, "customer:C-100", stranger)
        place = "what such verdicts were computed from (kept with the case)"
        assert (await mentions_of_actor(services.db, HEIR))[place] == 6
        assert place not in await mentions_of_actor(services.db, "E-"), "whole cells: `E-1` is not `E-10`"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("delete from number_map where space = 'subject' and number = %s", [number])
        again, differs, _ = await compute_again(services, CASE, 2)
        assert again["complaints"]["unknown_subject"] == 0, "he stands as the record has him: by his number"
        assert '"customer:C-3"' not in json.dumps(again) and differs
        async with services.db.transaction() as gone:
            await retentionqueries.prune(gone, CASE, END)
        async with services.db.connection() as gone:
            left = await (await gone.execute("select count(*) from case_trace_content")).fetchone()
        assert left == (0,), "it goes with its case"


async def test_a_batch_is_weighed_once_and_alone_it_says_lead_at_most(company: tuple[str, Path]) -> None:
    url, state = company
    catalog(url, state, "managers", "presence", "accounts", recompute=True)
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        assert (await recompute(services)).verdicts == {}, "there is no evidence"
        for first in (0, 3):  # two halves of a batch
            await complain(services, range(first, first + 3))
            assert (await recompute(services)).verdicts == {}, "it may not be whole yet"
            clock.advance_to(clock.now() + MINUTE / 2)
        clock.advance_to(clock.now() + MINUTE)
        assert (await recompute(services)).verdicts == {CASE: 1}
        assert (await recompute(services)).verdicts == {}
        (said,) = await case_work(services).cases.verdicts(CASE)
        assert said.verdict["verdict"] == "lead" and said.suspected() == {HEIR} and not said.named()
        assert said.verdict["inputs"]["capped"] and HEIR in said.verdict["verdict_in_words"]
        assert any(each.startswith("computed without a person") for each in said.verdict["missing"])
        assert not said.verdict["scope"]["bounded"] and not said.verdict["nothing_else"]["holds"]
        assert {said.verdict["scope"][name] for name in ("bound", "most", "alone", "confidence")} == {None}
        assert not any(each["robust"] for each in said.verdict["candidates"])
        record = RecordReads(services.db, services.settings.trail_folder, services.keys.trail.verifier)
        page = await CaseReads(services, record).page(CASE, "P-1")
        method = json.loads(method_file([said], {}))
        bundled, capped = (
            method["not_known"],
            "capped: it says lead at most and gives no bound, for not all was weighed",
        )
        for told in (method["origin"], page.origin if page else ()):
            assert [*told] == ["computed by a server; no person asked for it", capped]
        for told in (said.verdict["missing"], page.missing if page else (), bundled):
            assert "not weighed: hand-overs; the catalog has no [trace.handovers]" in told
        assert page and page.scope and page.scope.bound is None
        (alert,) = await raised(services, CHANGED)
        assert (alert.about["before"], alert.about["after"], alert.about["verdict"]) == ("none", "lead", 1)
        assert HEIR not in json.dumps(alert.about)
        assert await case_work(services).steps.list(CASE) == [], "nothing is done to anybody"
        number = await assign(services.db, "actor", [HEIR]) | await assign(services.db, "subject", ["customer:C-99"])
        late = {"kind": "disclosure", "at": to_us(CONTACT) - 1, "actor": number[HEIR], "door": "http"}
        late |= {"subject": number["customer:C-99"], "fields": ["customer.email=reveal"], "decision": "reveal"}
        await services.appender.append(late | {"verified": "yes", "reason": "purpose.verified"})  # its clock was behind
        assert (await compute_again(services, CASE, 1))[1] == []


async def asked_of(services: Services) -> None:
    """Every source was asked about every sighting, and found nothing."""
    found = [each.id for each in await case_work(services).book.list(case=CASE)]
    for kind in CHECKS:
        await Checks(services.db, services.clock).note(kind, found, ())


async def test_a_server_finds_only_where_all_was_there_and_asked_and_one_cleared_later_was_told_of(
    company: tuple[str, Path],
) -> None:
    url, state = company
    catalog(url, state, *WORDS, recompute=True)
    clock = SimulatedClock(END)

    def say(statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    async def add(services: Services, customers: range, *, asked: bool) -> Snapshot:
        await complain(services, customers)
        if asked:
            await asked_of(services)
        await recompute(services)
        clock.advance_to(clock.now() + MINUTE)
        assert list((await recompute(services)).verdicts) == [CASE]
        return (await case_work(services).cases.verdicts(CASE))[-1]

    async with opened(url, state, clock) as services:
        say("update company.books set customer = lower(customer)")  # the record writes customer:C-3
        said = await add(services, range(6), asked=False)
        assert said.suspected() == {HEIR} and not said.named() and said.verdict["inputs"]["capped"]
        for sentence in (
            "hand-overs not understood: the record knows none of their customers",
            "hand-overs not understood: 24 customers written otherwise than in the record",
            "1 row of account management left out: about others",
            "not asked, or could not be, about 6 sightings: own orders",
            "not asked, or could not be, about 6 sightings: a public dump",
            "not asked, or could not be, about 6 sightings: earlier cases",
        ):
            assert sentence in said.verdict["missing"]
        (number,) = ((await raised(services, CHANGED))[0].about["suspected"],)
        await case_work(services).corrections.shown(CASE, "P-1", [int(number)])
        say("update company.books set customer = replace(customer, 'c-', 'C-'), actor = 'E-3'")
        said = await add(services, range(6, 7), asked=True)
        assert said.named() == {HEIR} and not said.verdict["inputs"]["capped"], "all of it spoke of somebody else"
        say("delete from company.logins where actor = 'E-5'")
        said = await add(services, range(7, 8), asked=True)
        assert not said.named() and said.verdict["inputs"]["capped"], "whether others use his account nobody said"
        assert (
            "nothing to weigh: no row of shared accounts and sites is about 1 account on a rung"
            in said.verdict["missing"]
        )
        say("update company.books set actor = 'E-5'")
        said = await add(services, range(8, 9), asked=True)
        assert said.seq == 4 and not said.suspected()
        changes = [each.about["before"] for each in await raised(services, CHANGED)]
        assert changes == ["lead", "finding", "lead", "none"]
        assert len(await raised(services, "case.accusation_fell")) == 1, "who was shown him must be told"


async def test_what_was_asked_in_vain_or_clears_somebody_since_is_weighed_and_what_is_asked_again_is_not(
    company: tuple[str, Path],
) -> None:
    url, state = company
    catalog(url, state, *WORDS, recompute=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update company.books set actor = 'E-3'")
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        answer = case_work(services).exculpatory.answer

        async def anew() -> list[int]:
            await recompute(services)
            clock.advance_to(clock.now() + MINUTE)
            return list((await recompute(services)).verdicts.values())

        await complain(services, range(6))
        assert await anew() == [1]
        await asked_of(services)
        assert await anew() == [2]
        first, second = await case_work(services).cases.verdicts(CASE)
        assert first.verdict["inputs"]["capped"] and any("not asked" in each for each in first.verdict["missing"])
        assert second.named() == {HEIR} and not any("not asked" in each for each in second.verdict["missing"])
        await asked_of(services)
        await answer(CASE, HEIR, "device", "unknown", text="the log of that week is gone", by="P-1")
        assert await anew() == [], "nothing new was learnt"
        await answer(CASE, HEIR, "presence", "clears", text="he was in hospital", by="P-1")
        assert await anew() == [3]
        assert not (await case_work(services).cases.verdicts(CASE))[-1].suspected()


async def test_each_thing_that_was_not_weighed_keeps_a_server_from_finding(company: tuple[str, Path]) -> None:
    url, state = company
    first = {"actors": [HEIR], "rung": "finding"}
    files = {
        "accounts.csv": "actor,shared,group\nE-5,0,\n",
        "presence.csv": "actor,what\nE-5,badge\n",
        "duties.csv": "actor,what,of,subject,since,until\nE-3,hand-over,E-4,customer:C-1,,\n",
    }

    def read(**other: Any) -> Declared:
        given: dict[str, Any] = {"rows": dict.fromkeys(WORDS, 1), "files": files, "others": ["seller:S-1"], **other}
        return Declared(Tracing(dict.fromkeys(WORDS, ("company", "query"))), **given)

    async with opened(url, state) as services:
        await complain(services, range(2))

        async def whole(of: Declared, *missing: str) -> bool:
            return (await unweighed(services, CASE, SELLER, of, {"candidates": [first], "missing": [*missing]}))[1]

        assert not await whole(read()), "nobody asked for orders, dumps and earlier cases"
        await asked_of(services)
        assert await whole(read())
        assert not await whole(read(), Sentence.of(Lack.DUTIES_UNKNOWN, count=2))
        assert not await whole(read(rows=dict.fromkeys(WORDS, 1) | {"handovers": 0}))
        assert not await whole(read(rows=dict.fromkeys(["managers", "handovers", "accounts"], 1)))
        for odd in ("vendor:S-88", "Seller:S-88", "seller:s-88"):
            assert not await whole(read(others=["seller:S-1", odd]))
        for name, wrong in (("accounts", "e-5"), ("presence", "E-50"), ("duties", "")):
            other = files[f"{name}.csv"].replace("E-5" if wrong else "customer:C-1", wrong or "customer:c-1")
            assert not await whole(read(files=files | {f"{name}.csv": other})), name


async def test_whom_an_answer_of_the_case_clears_a_server_puts_on_no_rung(company: tuple[str, Path]) -> None:
    url, state = company
    catalog(url, state, recompute=True)
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        await complain(services, range(6))
        answer = case_work(services).exculpatory.answer
        await answer(CASE, HEIR, "presence", "clears", text="he was in hospital", by="P-1")
        said = await trace_case(services, CASE)
        assert not said.suspected() and said.verdict["verdict"] == "undecided"
        assert [each["cleared"] for each in said.verdict["candidates"] if each["actors"] == [HEIR]] == [["presence"]]
        assert "suspected" not in (await raised(services, CHANGED))[0].about
        clock.advance_to(END + MINUTE)
        await answer(CASE, HEIR, "presence", "does_not_clear", text="it was another week", by="P-1")
        assert (await compute_again(services, CASE, 1))[1] == [], "as it was said then"
        assert (await trace_case(services, CASE)).suspected() == {HEIR}


BY_HAND = {"verdict": "undecided", "candidates": [], "outside_probability": 0.5, "duties": [{"what": "hand-over"}]}


@pytest.mark.parametrize("meanwhile", ["verdict", "close", "answer"])
async def test_what_people_do_while_a_server_computes_is_not_overtaken(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    url, state = company
    add = Cases.add_verdict

    async def late(cases: Cases, case: str, verdict: Mapping[str, Any], **given: Any) -> Snapshot:
        if meanwhile == "verdict":
            await add(cases, CASE, BY_HAND, complaints=6)
        elif meanwhile == "close":
            await cases.close(CASE)
        else:
            answer = case_work(services).exculpatory.answer
            await answer(CASE, HEIR, "device", "clears", text="it was a kiosk", by="P-1")
        return await add(cases, case, verdict, **given)

    async with opened(url, state) as services:
        await complain(services, range(6))
        monkeypatch.setattr(Cases, "add_verdict", late)
        with pytest.raises(WeighsLess if meanwhile == "verdict" else Overtaken):
            await trace_case(services, CASE)
        kept = [each.verdict["verdict"] for each in await case_work(services).cases.verdicts(CASE)]
        assert kept == (["undecided"] if meanwhile == "verdict" else [])
        assert await raised(services, CHANGED) == []
        assert await told_of_verdicts(services) == [], "the trail tells of no verdict that was refused"


async def test_a_cut_between_the_entry_and_its_verdict_leaves_a_number_that_comes_again(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, state = company
    add = queries_of_answer.add_verdict

    async def cut(*given: Any) -> Any:
        *rest, beside = given

        async def until_the_entry(connection: Connection, seq: int) -> None:
            await beside(connection, seq)
            raise ConnectionError("cut")

        return await add(*rest, until_the_entry)

    async with opened(url, state) as services:
        await complain(services, range(6))
        with monkeypatch.context() as broken:
            broken.setattr(queries_of_answer, "add_verdict", cut)
            with pytest.raises(ConnectionError):
                await trace_case(services, CASE, by="P-1")
        assert await case_work(services).cases.verdicts(CASE) == [] and await told_of_verdicts(services) == [1]
        assert (await trace_case(services, CASE, by="P-1")).seq == 1
        assert await told_of_verdicts(services) == [1, 1]


@pytest.mark.parametrize(
    "given",
    [
        {"duties": [{"what": "hand-over"}]},
        {"explained": {"customer:C-0": [{"source": "x", "probability": 0.9}]}},
        {"found": {"rows": 30, "line": "", "holders": []}},
    ],
)
async def test_a_server_does_not_take_back_what_a_person_weighed(
    company: tuple[str, Path], given: dict[str, Any]
) -> None:
    url, state = company
    catalog(url, state, "managers", recompute=True)
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        await complain(services, range(6))
        by_hand = {"verdict": "undecided", "candidates": [], "outside_probability": 0.5, **given}
        await case_work(services).cases.add_verdict(CASE, by_hand, complaints=6)
        await recompute(services)
        clock.advance_to(clock.now() + MINUTE)
        assert (await recompute(services)).failed == {CASE: "app.trace_weighs_less"}
        assert len(await case_work(services).cases.verdicts(CASE)) == 1
        assert (await raised(services, NOT_COMPUTED))[0].about["reason"] == "app.trace_weighs_less"
        with pytest.raises(WeighsLess, match="an earlier verdict of `CASE-1` weighed"):
            await trace_case(services, CASE, by="P-1")
        if "duties" in given:  # a person who says that he knows does not speak for the server
            assert (await trace_case(services, CASE, by="P-1", less=True)).named() == {HEIR}
            with pytest.raises(WeighsLess):
                await trace_case(services, CASE)


async def test_a_source_that_is_down_costs_an_alert_and_nothing_is_lost(company: tuple[str, Path]) -> None:
    url, state = company
    catalog(url, state, *WORDS, recompute=True, more=NOWHERE, source="elsewhere")
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        await complain(services, range(4))
        await recompute(services)
        for _ in range(2):
            clock.advance_to(clock.now() + 6 * MINUTE)
            assert (await recompute(services)).failed == {CASE: "catalog.source_unreachable"}
            assert (await recompute(services)).failed == {}, "not at once again"
        (alert,) = await raised(services, NOT_COMPUTED)
        assert alert.about["case"] == CASE and await case_work(services).cases.verdicts(CASE) == []
    catalog(url, state, *WORDS, recompute=True)
    clock.advance_to(clock.now() + 6 * MINUTE)
    async with opened(url, state, clock) as services:
        assert (await recompute(services)).verdicts == {CASE: 1}


async def test_what_somebody_has_to_mend_is_tried_once_a_day_and_with_further_evidence(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, state = company
    catalog(url, state, *WORDS, recompute=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter table company.badges alter since type text")
        connection.execute("insert into company.badges values ('E-5', 'still in', now())")
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        await complain(services, range(4))
        await recompute(services)
        clock.advance_to(clock.now() + 6 * MINUTE)
        assert (await recompute(services)).failed == {CASE: "catalog.time_unreadable"}, "his other badges are not lost"
        clock.advance_to(clock.now() + 60 * MINUTE)
        assert (await recompute(services)).failed == {}
        clock.advance_to(clock.now() + timedelta(days=1))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("delete from company.badges where since = 'still in'")
        monkeypatch.setattr(tracedeclared, "ROWS_MOST", 28)
        with psycopg.connect(url, autocommit=True) as connection:
            row = "select 'E-5', (timestamptz '2025-01-01Z' + n * interval '1 hour')::text, timestamptz '2025-03-01Z'"
            connection.execute(f"insert into company.badges {row} from generate_series(1, 20) n")
        assert (await recompute(services)).verdicts == {CASE: 1}, "together more than a query may give"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("insert into company.badges select * from company.badges where actor = 'E-5'")
        with pytest.raises(ValueError, match="more than 28 rows about one account"):
            await trace_case(services, CASE, by="P-1")


async def test_two_processes_do_not_compute_one_case_and_no_transaction_idles(company: tuple[str, Path]) -> None:
    url, state = company
    async with opened(url, state) as services:
        await complain(services, range(4))
        await queries.look(services.db, END)
        async with queries.alone(services.db) as mine, queries.alone(services.db) as other:
            assert (mine, other) == (True, False)
            with psycopg.connect(url) as connection:
                seen = connection.execute("select count(*) from pg_stat_activity where state like 'idle in%'")
                assert seen.fetchone() == (0,)
            assert await queries.claim(services.db, CASE, END, MINUTE)
            assert not await queries.claim(services.db, CASE, END, MINUTE)
        async with queries.alone(services.db) as mine:
            assert mine


async def test_a_row_that_means_nothing_stops_the_verdict(company: tuple[str, Path]) -> None:
    url, state = company
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update company.books set previous = null where customer = 'customer:C-3'")
    catalog(url, state, *WORDS)
    async with opened(url, state) as services:
        await complain(services, range(4))
        with pytest.raises(ValueError, match=r"`trace.handovers` gives a row that means nothing: `previous` is empty"):
            await trace_case(services, CASE, by="P-1")
        assert await case_work(services).cases.verdicts(CASE) == []


KILLED = """
import os, signal
from whosaw.answer import queries
from whosaw.app.caserecompute import recompute
from whosaw.app.commands.opened import with_services

add = queries.add_verdict

async def all_but_the_commit(*given):
    *most, beside = given

    async def then_die(connection, seq):
        await beside(connection, seq)
        os.kill(os.getpid(), signal.SIGKILL)

    return await add(*most, then_die)

queries.add_verdict = all_but_the_commit
with_services(recompute)
"""
"""A process that computes what waits, and is killed when all is written and nothing is committed."""


async def test_killed_before_the_commit_it_leaves_no_half_verdict_and_is_computed_again(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, state = company
    catalog(url, state, recompute=True)
    clock = SimulatedClock(END)
    async with opened(url, state, clock) as services:
        await complain(services, range(4))
        await recompute(services)
        SharedClock(state / "clock", END + MINUTE)
        monkeypatch.setenv("WHOSAW_STATE", str(state))
        monkeypatch.setenv("WHOSAW_DATABASE", url)
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED)
        assert await process.wait() == -signal.SIGKILL
        with psycopg.connect(url) as connection:
            kept = "select (select count(*) from case_verdict), (select count(*) from case_trace_input)"
            assert connection.execute(kept).fetchone() == (0, 0)
        assert await raised(services, CHANGED) == []
        clock.advance_to(END + 7 * MINUTE)
        assert (await recompute(services)).verdicts == {CASE: 1}


def test_who_may_not_work_on_the_case_gets_nothing_and_others_see_numbers(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, state = company
    SharedClock(state / "clock", END)
    monkeypatch.setenv("WHOSAW_STATE", str(state))
    monkeypatch.setenv("WHOSAW_DATABASE", url)
    tokens: dict[str, str] = {}

    async def make(services: Services) -> None:
        await complain(services, range(6))
        for who in ("P-1", HEIR, "M-1"):
            tokens[who] = await add_token(services.db, who, services.clock.now())

    def call(who: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("WHOSAW_TOKEN", tokens[who])
        code = main(["case", *arguments])
        return (code, *capsys.readouterr())

    with_services(make)
    code, _, errors = call(HEIR, "trace", CASE)  # he was shown data of who complains
    assert code == 1 and "answer.unknown_case" in errors
    code, printed, _ = call("P-1", "trace", CASE)
    assert code == 0 and "verdict finding" in printed and "actor #" in printed and HEIR not in printed
    assert "computed here; a person asked for it" in printed
    assert "missing: not weighed: hand-overs; the catalog has no [trace.handovers]" in printed
    for who in (HEIR, "M-1"):  # the suspect, and his manager
        for asked in (("trace", CASE), ("trace", CASE, "--again", "1")):
            code, printed, errors = call(who, *asked)
            assert (code, printed) == (1, "") and "answer.unknown_case" in errors
    assert "not weighed: hand-overs" in call("P-1", "show", CASE)[1]
    filed = state / "filed.json"
    for duties, less in ((BY_HAND["duties"], False), ([], True)):
        filed.write_text(json.dumps(BY_HAND | {"duties": duties, "scope": {}, "complaints": {"used": 6}}))
        told = call("P-1", "verdict", CASE, str(filed))[1]
        assert ("an earlier one weighed hand-overs, which this one does not" in told) is less, told
    assert call("P-1", "trace", CASE, "--again", "1")[1] == f"verdict 1 of {CASE} comes out again, to the last bit\n"
    assert "app.verdict_filed" in call("P-1", "trace", CASE, "--again", "2")[2]
    assert "--less" in call("P-1", "trace", CASE)[2] and call("P-1", "trace", CASE, "--less")[0] == 0
    assert "nothing to do" in call("P-1", "recompute")[1]
    with psycopg.connect(url, autocommit=True) as connection:  # the program went on, and the trail too
        other = "jsonb_set(verdict, '{inputs,program}', '\"whosaw 0.0.9\"') || '{\"verdict\": \"lead\"}'"
        connection.execute(f"update case_verdict set verdict = {other}")
    code, printed, _ = call("P-1", "trace", CASE, "--again", "1")
    said = printed.splitlines()
    assert code == 1 and said[0].startswith(f"verdict 1 of {CASE} was computed by whosaw 0.0.9; this is whosaw ")
    assert said[1].endswith("does not come out again: verdict") and "other program's doing" in said[2]
    assert "trail" not in printed, "nobody's records are blamed"
    catalog(url, state, recompute=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update case_trace set weighed = '', changed_at = changed_at - interval '1 hour'")
    code, printed, _ = call(HEIR, "recompute")
    assert (code, printed) == (0, "others: 1\n"), "a case about himself is not told to whom it is about"


async def test_whoever_comes_under_suspicion_meanwhile_adds_no_verdict(company: tuple[str, Path]) -> None:
    url, state = company
    async with opened(url, state) as services:
        await complain(services, range(4))
        with pytest.raises(StepRefused):
            await trace_case(services, CASE, by=HEIR)
        assert await case_work(services).cases.verdicts(CASE) == []
        assert (await case_work(services).cases.get(CASE)).beneficiary == SELLER
