"""The daily entry about the coverage: measured once a day, alerted where it is worse, repeated in every claim."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.catalogs import settle

from whosaw.app.alerttexts import sentence
from whosaw.app.coverageday import Day, note_coverage
from whosaw.app.lakekeeping import purge_lake
from whosaw.app.recordreads import RecordReads
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.ask import Ask, new_ask_id
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.record import entries_from
from whosaw.store.alerts import alerts, mark_read, raise_alert
from whosaw.terms import PurposeRef, SimulatedClock, SubjectRef

START = datetime(2026, 3, 1, 13, tzinfo=UTC)
MAPPING = read_mapping(
    {
        "kind": "accesses",
        "log": {"format": "pgaudit"},
        "sql": {"tables": {"company.customers": {"key": "id", "prefix": "customer:"}}},
    }
)


def audited(day: float, user: str, place: int, customer: str = "C-1") -> str:
    """Return a line of PostgreSQL's CSV log with an entry of pgaudit."""
    statement = f"select * from company.customers where id = '{customer}'"
    said = f"AUDIT: SESSION,{place},1,READ,SELECT,TABLE,company.customers,{statement},<none>"
    cells = [""] * 26
    cells[0] = f"{START + timedelta(days=day):%Y-%m-%d %H:%M:%S}.000 UTC"
    cells[1], cells[2], cells[4], cells[5] = user, "shop", "192.0.2.7:5544", f"s{place}"
    cells[11], cells[13], cells[22] = "LOG", said, "app"
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def bring(services: Services, *lines: str) -> None:
    log = services.settings.state / f"audit-{len(list(services.settings.state.glob('audit-*')))}.csv"
    log.write_text("".join(lines), encoding="utf-8")
    import_log(log, MAPPING, services.settings.state / "lake", clock=services.clock)


@pytest.fixture
async def services(database_url: str, tmp_path: Path, company_sql: str, catalog_text: str) -> AsyncIterator[Services]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(company_sql)
    state = settle(tmp_path / "state", catalog_text, database_url)
    settings = Settings(state=state, database=database_url, door_accounts="shopdoor@192.0.2.7")
    async with open_services(settings, SimulatedClock(START), database_url, door="serve") as opened:
        yield opened


async def days(services: Services) -> list[dict[str, Any]]:
    return [dict(each.payload) async for each in entries_from(services.db) if each.payload["kind"] == "coverage"]


def later(services: Services, **by: float) -> None:
    assert isinstance(services.clock, SimulatedClock)
    services.clock.advance_to(services.clock.now() + timedelta(**by))


async def test_a_day_is_written_down_once_whoever_measures_it(services: Services) -> None:
    ask = Ask(
        "E-1",
        SubjectRef.parse("customer:C-1"),
        ("customer.email",),
        PurposeRef.parse("ticket:T-1"),
        "http",
        services.clock.now(),
        new_ask_id(),
    )
    await services.gate.disclose(ask)
    bring(services, *(audited(0, "shopdoor", place) for place in range(9)), audited(0.1, "dba", 9))
    assert (await note_coverage(services)) is not None, "the day before had no audit log, and it is past noon"
    later(services, days=1, hours=-12)
    assert await note_coverage(services) is None, "the audit log of the day may still come"
    bring(services, audited(0.5, "shopdoor", 20))
    later(services, hours=1)
    found = await asyncio.gather(*(note_coverage(services) for _ in range(4)))
    (day,) = [each for each in found if each is not None]
    assert (day.day, day.accesses, day.through) == (date(2026, 3, 1), 10, 9)
    assert (day.staff, day.staff_seen) == (3, 1)  # one of four has left
    assert (day.doors_seen, day.unread) == (1, 0)
    written = (await days(services))[-1]
    assert Day.read(written) == day
    assert {"kind", "at", "actor", "door"} <= written.keys()
    assert "dba" not in json.dumps(written)


async def test_without_an_audit_log_nothing_is_claimed_and_at_noon_the_day_is_written(services: Services) -> None:
    later(services, hours=-2 + 22)  # nine in the morning
    assert await note_coverage(services) is None
    later(services, hours=4)
    day = await note_coverage(services)
    assert day is not None
    assert (day.accesses, day.share) == (None, None)
    assert "how much went around the doors is not known" in day.line
    assert not await alerts(services.db)


async def test_a_fall_a_new_way_and_a_missing_day_are_alerts_that_name_nobody(services: Services) -> None:
    rows = [audited(day + hour / 48, "shopdoor", day * 24 + hour) for day in range(20) for hour in range(4)]
    bring(services, *rows, *(audited(18 + hour / 48, "dba.kim", 900 + hour) for hour in range(5)))
    later(services, days=20, hours=4)
    assert await note_coverage(services) is not None
    raised = {each.code: each for each in await alerts(services.db)}
    assert set(raised) == {"coverage.fell", "coverage.new_way"}
    assert raised["coverage.fell"].about["now_permille"] < raised["coverage.fell"].about["before_permille"]
    later(services, days=1)
    assert await note_coverage(services) is not None
    raised = {each.code: each for each in await alerts(services.db)}
    assert set(raised) == {"coverage.fell", "coverage.new_way", "coverage.blind"}, "the same is not raised again"
    assert len(await alerts(services.db)) == 3
    for each in raised.values():
        assert "kim" not in json.dumps(dict(each.about))
        assert sentence(each.code).endswith(".")
        assert each.code not in sentence(each.code)


async def test_the_oldest_unread_alert_is_in_the_entry_and_in_every_claim(services: Services) -> None:
    reads = RecordReads(services.db, services.settings.trail_folder, services.keys.trail.verifier)
    assert "no day was measured yet" in " ".join((await reads.completeness()).gaps)
    first = await raise_alert(services.db, "policy", "high", "policy.changed", {"n": 1}, at=services.clock.now())
    later(services, hours=30)
    await raise_alert(services.db, "policy", "high", "policy.changed", {"n": 2}, at=services.clock.now())
    day = await note_coverage(services)
    assert day is not None
    assert (day.unread, day.oldest_unread_s) == (2, 30 * 3_600)
    assert "the oldest unread alert is 30 h 0 min old" in " ".join((await reads.completeness()).gaps)
    await mark_read(services.db, [first], "E-1", services.clock.now())
    later(services, days=1)
    day = await note_coverage(services)
    assert day is not None
    assert (day.unread, day.oldest_unread_s) == (1, 24 * 3_600)


async def test_a_server_removes_what_of_its_lake_is_past_its_day(services: Services) -> None:
    assert purge_lake(services) == 0
    bring(services, audited(0, "shopdoor", 1), "no,line\n")
    lake = services.settings.state / "lake"
    assert len(list((lake / "rejects").iterdir())) == 1
    later(services, days=30)
    assert purge_lake(services) == 0
    later(services, days=1)
    assert purge_lake(services) == 1
    assert not list((lake / "rejects").iterdir())
