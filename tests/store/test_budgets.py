"""Budgets: exact however many processes race, over all doors, in windows that turn, and never by a stale memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from whosaw.ask import Ask, BulkAsk, new_ask_id
from whosaw.catalog.model import Budget, Limit
from whosaw.decide import PolicyHolder, load_policies
from whosaw.gate import Disclosure, Gate
from whosaw.gate.budgets import Budgets, Limits, Unit
from whosaw.gate.numbering import Numbering
from whosaw.record import Appender, entries_from
from whosaw.reveal import Shown
from whosaw.store import Database
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.conftest import Company

NONE = Limit(None, None)
AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def budget(name: str = "contacts", **windows: Limit) -> Budget:
    whole = {"hour": NONE, "day": NONE, "month": NONE} | windows
    return Budget(name, "contact", None, frozenset(), **whole)


def limited(company: Company, *budgets: Budget, db: Database | None = None, appender: Appender | None = None) -> Gate:
    """Return a gate of its own, as another door in another process would have, under these budgets."""
    catalog = replace(company.catalog, budgets={each.name: each for each in budgets})
    policies = PolicyHolder(load_policies())
    return Gate(db or company.db, appender or company.appender, catalog, company.sources, policies)


def ask(company: Company, number: int, *, stated: str | None = None, door: str = "http") -> Ask:
    customer, ticket = SubjectRef("customer", f"C-{number}"), PurposeRef("ticket", f"T-{number}")
    return Ask("E-1", customer, ("customer.email",), ticket, door, company.clock.now(), new_ask_id(), stated)


def told(answer: Disclosure) -> str:
    return "shown" if isinstance(answer.values["customer.email"], Shown) else answer.decision.reason


@pytest.fixture
async def other_door(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as db:
        yield db


def race(url: str, workers: int, asks: int, per_ask: int, hard: int) -> list[int]:
    """Let real processes race and return how many persons each was allowed."""
    script = str(Path(__file__).with_name("budgetworkers.py"))
    running = [
        subprocess.Popen(
            [sys.executable, script, url, *map(str, (worker, asks, per_ask, hard))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(workers)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return [int(process.communicate("go\n", timeout=120)[0]) for process in running]


@pytest.mark.parametrize("per_ask", [1, 7])
def test_of_many_processes_that_race_for_the_last_units_exactly_the_limit_is_allowed(
    database_url: str, database: Database, per_ask: int
) -> None:
    allowed = race(database_url, workers=4, asks=20, per_ask=per_ask, hard=50)
    assert sum(allowed) == 50

    async def counted() -> tuple[int, int]:
        async with Database(database_url) as db, db.connection() as connection:
            rows = await connection.execute("select hour_spent, (select count(*) from gate_spent) from gate_budget")
            row = await rows.fetchone()
            assert row is not None
            return row

    assert asyncio.run(counted()) == (50, 50)


async def test_scraping_slowly_one_by_one_adds_up_and_who_was_seen_before_costs_nothing(company: Company) -> None:
    gate = limited(company, budget(day=Limit(None, 5)))
    for number in (1, 2, 3):
        assert told(await gate.disclose(ask(company, number))) == "shown"
        company.clock.advance_to(company.clock.now() + timedelta(hours=1))
    for number in (1, 2, 3, 1):
        assert told(await gate.disclose(ask(company, number))) == "shown"
    results = [told(await gate.disclose(ask(company, number))) for number in (4, 5, 6, 4)]
    assert results == ["shown", "shown", "budget.exhausted", "shown"]


async def test_pages_exports_and_single_asks_add_up(company: Company) -> None:
    """Each ticket is about one customer, so a bulk ask under one ticket shows one; what counts is who was shown."""
    gate = limited(company, budget(day=Limit(None, 4)))

    async def page(*numbers: int) -> list[str]:
        first = ask(company, numbers[0])
        subjects = tuple(SubjectRef("customer", f"C-{number}") for number in numbers)
        bulk = BulkAsk("E-1", subjects, first.fields, first.purpose, "http", first.at, first.id)
        return [told(each) for each in await gate.disclose_bulk(bulk)]

    assert await page(1, 2) == ["shown", "purpose.other_subject"]
    assert await page(2, 3) == ["shown", "purpose.other_subject"]
    assert [told(each) for each in await gate.disclose_many([ask(company, n) for n in (1, 2, 3, 4, 5)])] == [
        *(["shown"] * 4),
        "budget.exhausted",
    ]
    assert (await page(6, 1))[0] == "budget.exhausted"


async def test_to_ask_for_one_more_than_may_be_missed_costs_all_that_is_left(company: Company) -> None:
    """Else keys known to be nobody's, with one that is tried, would tell for nothing that this is nobody's too."""
    gate = limited(company, replace(budget("misses", hour=Limit(None, 3), day=Limit(None, 5)), klass="misses"))

    async def page(*keys: str) -> list[str]:
        first = ask(company, 1)
        subjects = tuple(SubjectRef("customer", key) for key in keys)
        bulk = BulkAsk("E-1", subjects, first.fields, None, "http", first.at, first.id)
        return [each.decision.reason for each in await gate.disclose_bulk(bulk)]

    dummies = ["none-1", "none-2", "none-3"]
    assert await page(*dummies, "is-he-one") == ["budget.exhausted"] * 4
    assert await page(*dummies, "C-2") == ["budget.exhausted"] * 4, "it was not free, so he is told nothing more"
    assert await page("C-2") == ["budget.exhausted"]
    company.clock.advance_to(company.clock.now() + timedelta(hours=1))
    assert await page("none-1", "C-2", "none-2") == ["subject.unknown", "purpose.missing", "subject.unknown"]
    assert await page("C-2") == ["budget.exhausted"], "three of the hour before and two of this one are the day's five"


async def test_a_budget_of_misses_that_says_nothing_of_a_window_leaves_its_default(company: Company) -> None:
    def hard(**windows: Limit) -> object:
        catalog = replace(company.catalog, budgets={"m": replace(budget("m", **windows), klass="misses")})
        limits = Budgets(company.db, catalog).limits("misses", frozenset({"support"}))
        return limits and limits.hard

    assert hard(month=Limit(None, 100_000)) == (60, 300, 100_000)
    assert hard(day=Limit(5, 9)) == (60, 9, 2_000) and hard(hour=Limit(None, 4)) == (4, 300, 2_000)
    assert hard(hour=Limit(None, 5_000)) == (5_000, 5_000, 5_000), "a default takes nothing back that is written"


async def test_two_doors_count_as_one(company: Company, other_door: Database) -> None:
    async with Appender(other_door, company.keys, company.clock) as appender:
        one = limited(company, budget(hour=Limit(None, 10)))
        other = limited(company, budget(hour=Limit(None, 10)), db=other_door, appender=appender)
        asks = [gate.disclose(ask(company, number)) for number, gate in enumerate([one, other] * 10, 1)]
        answers = [told(each) for each in await asyncio.gather(*asks)]
    assert (answers.count("shown"), answers.count("budget.exhausted")) == (10, 10)
    entries = [entry.payload async for entry in entries_from(company.db)]
    assert sum(entry["kind"] == "disclosure" for entry in entries) == 10


async def test_above_the_soft_limit_a_reason_must_be_stated_and_at_the_hard_one_it_ends(company: Company) -> None:
    gate = limited(company, budget(day=Limit(2, 4)))
    assert [told(await gate.disclose(ask(company, n))) for n in (1, 2, 3)] == ["shown", "shown", "budget.reason_needed"]
    results = [told(await gate.disclose(ask(company, n, stated="recall of a part"))) for n in (3, 4, 5)]
    assert results == ["shown", "shown", "budget.exhausted"]
    entries = [entry.payload async for entry in entries_from(company.db)]
    assert [entry.get("stated") for entry in entries][3:] == ["recall of a part"] * 3
    assert told(await gate.disclose(ask(company, 1))) == "shown"


@pytest.mark.parametrize(
    ("window", "last", "turned"),
    [
        ("hour", datetime(2026, 3, 2, 12, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 3, 2, 13, tzinfo=UTC)),
        ("day", datetime(2026, 3, 2, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)),
        ("month", datetime(2026, 3, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
    ],
)
async def test_a_window_ends_to_the_microsecond_and_the_next_begins_empty(
    company: Company, window: str, last: datetime, turned: datetime
) -> None:
    catalog = replace(company.catalog, budgets={"contacts": budget(**{window: Limit(None, 2)})})
    budgets, numbering = Budgets(company.db, catalog), Numbering(company.db)
    limits = budgets.limits("contact", frozenset({"support"}))
    assert limits is not None

    async def spent(at: datetime, *numbers: int) -> list[str | None]:
        units = [Unit("E-1", "contact", limits, f"customer:C-{number}") for number in numbers]
        return list(await budgets.spend(units, at, numbering.batch()))

    assert await spent(last, 1, 2, 3) == [None, None, "budget.exhausted"]
    assert await spent(last - timedelta(minutes=1), 3, 1) == ["budget.exhausted", None]
    assert await spent(turned, 3, 1) == [None, None], "in a new window who was seen before counts again"
    assert await spent(turned, 2) == ["budget.exhausted"]
    # a clock that lags behind another door's does not open the window that is over
    assert await spent(last, 4) == ["budget.exhausted"]


async def test_a_changed_budget_or_role_holds_with_the_next_ask(company: Company) -> None:
    wide, narrow = budget(day=Limit(None, 30)), budget(day=Limit(None, 2))
    gate = limited(company, wide)
    assert [told(await gate.disclose(ask(company, n))) for n in (1, 2, 3)] == ["shown"] * 3
    assert told(await limited(company, narrow).disclose(ask(company, 4))) == "budget.exhausted"
    catalog = replace(company.catalog, budgets={"a": replace(narrow, roles=frozenset({"support"})), "b": wide})
    budgets = Budgets(company.db, catalog)
    for _ in range(2):  # what is remembered is remembered by role, not by person
        assert budgets.limits("contact", frozenset({"support"})) == Limits((None, None, None), (None, 2, None))
        assert budgets.limits("contact", frozenset({"lead"})) == Limits((None, None, None), (None, 30, None))
        assert budgets.limits("address", frozenset({"support"})) is None


async def test_what_was_masked_or_denied_is_not_counted_and_what_failed_stays_counted(company: Company) -> None:
    gate = limited(company, budget(day=Limit(None, 2)))
    masked = replace(ask(company, 1), purpose=None)
    for _ in range(5):
        assert (await gate.disclose(masked)).decision.outcome == "mask"
        assert told(await gate.disclose(replace(ask(company, 2), purpose=PurposeRef("ticket", "T-1")))) != "shown"
    assert [told(await gate.disclose(ask(company, n))) for n in (1, 2, 3)] == ["shown", "shown", "budget.exhausted"]


async def test_one_actor_does_not_spend_for_another(company: Company) -> None:
    catalog = replace(company.catalog, budgets={"contacts": budget(hour=Limit(None, 1))})
    budgets, numbering = Budgets(company.db, catalog), Numbering(company.db)
    limits = budgets.limits("contact", frozenset())
    assert limits is not None
    units = [Unit(actor, "contact", limits, "customer:C-1") for actor in ("E-1", "E-2", "E-1'; --")]
    assert await budgets.spend(units, AT, numbering.batch()) == [None] * 3
    assert await budgets.spend([replace(units[0], subject="customer:C-2")], AT, numbering.batch()) == [
        "budget.exhausted"
    ]
