"""What else may explain a complaint is asked again while its case is open: an order or a dump may be known later."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha1
from pathlib import Path

import psycopg
import pytest
from tests.store.test_case import complaint
from tests.store.test_case_pages import SELLER, opened_case, services
from tests.store.watchworld import END

from whosaw.answer.alternatives import Alternatives, Checks, DumpList
from whosaw.app.alternativechecks import AlternativeChecks, Sources
from whosaw.app.caseintake import IntakeImpossible, own_orders
from whosaw.app.services import Services
from whosaw.record import entries_from
from whosaw.store.numbers import assign

__all__ = ["services"]  # the fixture of the same world
ORDERS = "company:company.orders:customer:seller:ordered"


async def test_a_source_that_found_nothing_is_asked_again_daily_while_the_case_is_open_and_its_history_stays(
    services: Services, database_url: str, tmp_path: Path
) -> None:
    work, case = await opened_case(services)
    one, two = await work.book.list(case=case)
    dump = DumpList(tmp_path / "dump", "dump of 2019")
    (tmp_path / "dump").mkdir()
    checks, later = AlternativeChecks(services, Sources(ORDERS, dump)), END

    async def a_day_later() -> int:
        nonlocal later
        later += timedelta(days=1)
        services.clock.advance_to(later)  # type: ignore[attr-defined]
        return await checks.round()

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table company.orders (customer text, seller text, ordered timestamptz)")
        connection.execute("update company.customers set email = 'two@mail.example' where id = 'C-2'")
        assert (await checks.round(), await checks.round()) == (2, 0)
        services.clock.advance_to(END + timedelta(hours=23))  # type: ignore[attr-defined]
        assert await checks.round() == 0, "not oftener than once a day"
        assert await a_day_later() == 2 and await work.alternatives.list(case) == []
        # one order is known late; the other was made after the complaint arrived, and explains nothing
        order = "insert into company.orders values (%s, 'S-7', %s)"
        connection.execute(order, ["C-1", one.contacted_at + timedelta(hours=1)])  # of a Date set back
        connection.execute(order, ["C-2", two.reported_at + timedelta(hours=1)])
        digest = sha1(b"two@mail.example").hexdigest().upper()
        (tmp_path / "dump" / f"{digest[:5]}.txt").write_text(f"{digest[5:]}:3\n")
        assert await a_day_later() == 2
        found = {(each.sighting, each.kind) for each in await work.alternatives.list(case)}
        assert found == {(one.id, "own_order"), (two.id, "dump")}
        runs = await Checks(services.db, services.clock).history(case)
        of_one = [(each.outcome, each.asked) for each in runs if (each.sighting, each.kind) == (one.id, "own_order")]
        assert of_one == [("nothing", 2), ("found", 1)]
        of_two = [each for each in runs if (each.sighting, each.kind) == (two.id, "own_order")]
        (same,) = of_two
        assert (same.outcome, same.asked, same.first_at, same.last_at) == ("nothing", 3, END, END + timedelta(days=2))
        # what was found is not asked again; a closed case is left alone
        before = len([each async for each in entries_from(services.db)])
        assert await a_day_later() == 2
        said = [each.payload async for each in entries_from(services.db, before)]
        assert [each["rows"] for each in said if each["action"] == "case.alternatives"] == [1, 1]
        connection.execute("update case_file set state = 'closed', closed_at = now() where id = %s", [case])
        assert await a_day_later() == 0


async def test_complaints_of_different_hours_are_asked_about_together(services: Services, database_url: str) -> None:
    work, case = await opened_case(services)
    one, two = await work.book.list(case=case)
    checks = Checks(services.db, services.clock)
    await checks.note("dump", [one.id], [])
    services.clock.advance_to(END + timedelta(hours=5))  # type: ignore[attr-defined]
    await checks.note("dump", [two.id], [], possible=())
    assert await checks.waiting("dump") == {}
    services.clock.advance_to(END + timedelta(hours=24))  # type: ignore[attr-defined]
    assert await checks.waiting("dump") == {case: {one.id, two.id}}


async def test_a_case_of_which_a_source_cannot_be_asked_keeps_no_later_one_from_being_checked(
    services: Services, database_url: str
) -> None:
    work, first = await opened_case(services)
    second = (await work.desk.open("seller:S-8", by="P-1", reason="two customers forwarded its messages")).id
    (number,) = (await assign(services.db, "subject", ["customer:C-3"])).values()
    await work.book.add(complaint(number), subject=number, beneficiary="seller:S-8")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table company.written (customer text, seller text, ordered text)")
        connection.execute("insert into company.written values ('C-1', 'S-7', 'soon'), ('C-3', 'S-8', '2025-01-01')")
        connection.execute(
            "create view company.orders as select customer, seller, ordered::date as ordered from company.written"
        )
    checks = AlternativeChecks(services, Sources(ORDERS))
    for _ in range(2):
        with pytest.raises(IntakeImpossible, match="orders cannot be read"):
            await checks.round()
        assert [each.kind for each in await work.alternatives.list(second)] == ["own_order"]
    assert await work.alternatives.list(first) == []


@pytest.mark.parametrize(
    ("kind", "written", "earliest"),
    [
        ("text", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05+00:00"),
        ("timestamp", "2026-01-02 03:04:05", "2026-01-01T13:04:05+00:00"),  # of whatever zone: not earlier than this
        ("date", "2026-01-02", "2026-01-01T10:00:00+00:00"),
    ],
)
async def test_the_time_of_an_order_is_read_from_whatever_the_company_keeps(
    services: Services, database_url: str, kind: str, written: str, earliest: str
) -> None:
    work, case = await opened_case(services)
    (one, _) = await work.book.list(case=case)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"create table company.orders (customer text, seller text, ordered {kind})")
        connection.execute("insert into company.orders values ('C-1', 'S-7', %s)", [written])
        asked = own_orders(services, ORDERS)
        assert list((await asked([one.subject], SELLER)).values()) == [datetime.fromisoformat(earliest)]
        assert len(await Alternatives(services.db, services.clock).from_orders([one], asked)) == 1
        without = own_orders(services, ORDERS.rpartition(":")[0])
        assert list((await without([one.subject], SELLER)).values()) == [None]
        with pytest.raises(IntakeImpossible, match="ordered_on"):
            await own_orders(services, f"{ORDERS}_on")([one.subject], SELLER)
        if kind == "text":
            connection.execute("insert into company.orders values ('C-1', 'S-7', 'soon')")
            assert list((await asked([one.subject], SELLER)).values()) == [None], "it may be the first"
        else:
            connection.execute("insert into company.orders values ('C-1', 'S-7', null)")
            assert list((await asked([one.subject], SELLER)).values()) == [None], "it may be the first"
