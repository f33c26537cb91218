"""A case knows customers whom nobody opened, and who serves whom: from the company's orders and routes, or a lake."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.store.bookworld import BOOK, CONTACT, HEIR, START, books, catalog, complain, opened
from tests.store.watchworld import Worlds

from whosaw.answer import Snapshot
from whosaw.app.casetrace import WeighsLess, compute_again, trace_case
from whosaw.app.erasequeries import mentions_of_subject
from whosaw.app.lacks import Lack, Sentence, may_clear
from whosaw.app.services import Services
from whosaw.app.tracedeclared import TraceRecordInvalid, from_csv
from whosaw.catalog.source import SourceRefused
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.store.numbers import assign, find
from whosaw.terms import to_us

CASE, MOLE = "CASE-1", "E-3"
QUIET = range(200, 800)
"""Customers without any work; the first twelve were opened by somebody who had no reason."""
SOLD = [200, 203, 206, 209, 201, 204, 207, 210]
STRAY = [215, 222, 229]

COMPANY = """
create table company.orders (customer text, seller text, at timestamptz);
create table company.regions (customer text, region text, at timestamptz);
insert into company.orders
    select 'customer:C-' || n, 'seller:S-88', timestamptz '2026-01-01Z' - n % 9 * interval '1 day'
    from generate_series(0, 159) n;
"""
ORDERED = """
insert into company.customers select 'C-' || n, 'c' || n || '@mail.example' from generate_series(200, 799) n;
insert into company.orders
    select 'customer:C-' || n, 'seller:S-88', timestamptz '2026-01-01Z' + n % 9 * interval '1 day'
    from generate_series(200, 799) n;
"""


@pytest.fixture(scope="module")
def world(postgres_url: str, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    with books(postgres_url, template_database, tmp_path_factory.mktemp("customers")) as made:
        yield made


@pytest.fixture
def company(world: Worlds, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    with world.copy(tmp_path) as (url, state):
        say(url, COMPANY)
        yield url, state


def say(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


async def look(services: Services, customers: Sequence[int]) -> None:
    """Let the mole open customers without a reason."""
    actor = (await assign(services.db, "actor", [MOLE]))[MOLE]
    subjects = await assign(services.db, "subject", [f"customer:C-{n}" for n in customers])
    for number in subjects.values():
        shown = {"door": "http", "fields": ["customer.email=reveal"], "decision": "reveal", "verified": "no"}
        at = {"at": to_us(START + timedelta(days=40, minutes=number))}
        await services.appender.append({"kind": "disclosure", "actor": actor, "subject": number, **shown, **at})


async def verdict(services: Services, **given: Any) -> Snapshot:
    return await trace_case(services, CASE, by="P-1", **given)


async def test_customers_whom_nobody_opened_are_known_by_their_orders_and_none_of_them_is_kept_by_name(
    company: tuple[str, Path],
) -> None:
    url, state = company
    say(url, ORDERED)
    async with opened(url, state) as services:
        await look(services, QUIET[:12])
        await complain(services, [*SOLD, *STRAY])
        blind = await verdict(services)
    assert blind.verdict["candidates"] == [] and "have no match" in blind.verdict["missing"][0]
    assert any(each.startswith("not known: customers whom nobody opened") for each in blind.verdict["missing"])
    catalog(url, state, "orders", "routes")
    regions = "case n % 2 when 0 then 'Nowhereland' else 'Elsewhere' end, timestamptz '2026-01-01Z'"
    say(url, f"insert into company.regions select 'customer:C-' || n, {regions} from generate_series(200, 799) n")
    with psycopg.connect(url) as connection:
        (numbers,) = connection.execute("select count(*) from number_map where space = 'subject'").fetchone() or (0,)
    async with opened(url, state) as services:
        said = await verdict(services)
        assert said.named() == {MOLE} and said.verdict["method"]["matched_by"] == ["route"]
        assert said.verdict["inputs"]["weighed"] == ["orders", "routes"]
        sold = "customer:C-200"
        told = await mentions_of_subject(services.db, sold, await find(services.db, "subject", sold))
        place = (
            "what verdicts of cases were computed from (by number: contacts, orders, routes, hand-overs, other sources)"
        )
        assert told[place] == 4, "his contact in two verdicts, his order and his route"
        assert said.verdict["inputs"]["rows"] == {"orders": 760, "routes": 600}
        with psycopg.connect(url, autocommit=True) as connection:
            count = connection.execute("select count(*) from number_map where space = 'subject'").fetchone()
            held = connection.execute("select string_agg(content, '') from case_trace_content").fetchone() or ("",)
            connection.execute("delete from company.orders; delete from company.regions")
        assert count == (numbers,), "nobody is given a number for having ordered"
        assert "customer:" not in held[0] and "here" not in held[0] and "#-585," in held[0] and "#-586," not in held[0]
        assert (await compute_again(services, CASE, said.seq))[1] == [], "from what was kept, to the last bit"
        with pytest.raises(WeighsLess, match="orders and routes, which this one does not"):
            await trace_case(services, CASE, by="P-1")


async def test_orders_of_an_imported_log_do_as_well(company: tuple[str, Path], tmp_path: Path) -> None:
    url, state = company
    say(url, ORDERED)
    log = tmp_path / "orders.csv"
    rows = [
        f"customer:C-{n},seller:S-88,{START + timedelta(days=n % 9):%Y-%m-%dT%H:%M:%SZ},{'north' if n % 2 else 'south'}"
        for n in QUIET
    ]
    log.write_text("\n".join(["subject,beneficiary,at,route", *rows]))
    columns = {name: name for name in ("subject", "beneficiary", "at", "route")}
    import_log(log, read_mapping({"kind": "orders", "columns": columns}), state / "lake")
    async with opened(url, state) as services:
        await look(services, QUIET[:12])
        await complain(services, [*SOLD, *STRAY])
        said = await verdict(services)
        assert said.named() == {MOLE} and said.verdict["method"]["matched_by"] == ["route"]
        assert said.verdict["inputs"]["weighed"] == ["orders"]
        assert not any("others wrote" in each for each in said.verdict["missing"]), "no access of theirs is in it"
        assert (await trace_case(services, CASE)).suspected() == {MOLE}, "a server that knows as much is not refused"
        assert (await compute_again(services, CASE, 2))[1] == []


async def test_of_an_imported_customer_whom_somebody_opened_there_are_not_two(
    company: tuple[str, Path], tmp_path: Path
) -> None:
    url, state = company
    say(url, ORDERED)
    catalog(url, state, "orders")
    log = tmp_path / "crm.csv"
    rows = [f"E-7,customer:C-{n},{START + timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}" for n in QUIET]
    log.write_text("\n".join(["actor,subject,at", *rows]))
    columns = {name: name for name in ("actor", "subject", "at")}
    import_log(log, read_mapping({"kind": "accesses", "columns": columns}), state / "lake")
    async with opened(url, state) as services:
        await complain(services, SOLD)
        said = await verdict(services)
    assert not said.suspected(), "he opened every one of them, whoever complains"
    assert any("others wrote" in each for each in said.verdict["missing"])


async def test_a_small_sellers_agent_is_no_suspect_because_others_never_had_work(company: tuple[str, Path]) -> None:
    url, state = company
    say(url, ORDERED + f"delete from company.tickets where substr(id, 3)::int >= {BOOK}")
    async with opened(url, state) as services:
        await complain(services, range(8))  # all of them had written to the desk, where the heir sits
    catalog(url, state, "orders")
    async with opened(url, state) as services:
        said = await verdict(services)
        assert not said.suspected()
        (told,) = [each for each in said.verdict["missing"] if "too few others had work" in each]
        assert told.startswith("736 customers whom nobody opened left out")


async def test_accounts_that_a_seller_invents_make_nobody_a_suspect(company: tuple[str, Path]) -> None:
    url, state = company
    catalog(url, state, "orders")
    async with opened(url, state) as services:
        await complain(services, range(60, 70))
        before = await verdict(services)
        say(url, ORDERED)
        after = await verdict(services)
    assert not before.suspected() and not after.suspected()
    first, then = (each.verdict["outside_probability"] for each in (before, after))
    assert then == pytest.approx(first, abs=0.001), "it moves nothing from outside to inside"


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        (
            "update company.orders set customer = lower(customer)",
            "most of the customers of orders are written otherwise",
        ),
        ("update company.orders set customer = 'C-1' where customer = 'customer:C-1'", "`subject` has no kind"),
        ("update company.orders set at = null where customer = 'customer:C-1'", "`since` is empty: when he ordered"),
        ("alter table company.orders rename to bought", "refused a statement"),
    ],
)
async def test_orders_that_mean_somebody_else_or_nothing_stop_the_verdict(
    company: tuple[str, Path], statement: str, refused: str
) -> None:
    url, state = company
    catalog(url, state, "orders")
    say(url, statement)
    async with opened(url, state) as services:
        await complain(services, range(4))
        with pytest.raises((TraceRecordInvalid, SourceRefused), match=refused):
            await trace_case(services, CASE, by="P-1")


async def test_one_order_in_another_spelling_stops_no_verdict_but_that_anybody_is_called_a_finding_by_itself(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, state = company
    say(url, ORDERED)
    catalog(url, state, "orders")
    say(url, "insert into company.orders values ('customer:c-7', 'seller:S-88', '2026-01-04Z')")
    async with opened(url, state) as services:
        await complain(services, range(4))
        said = await verdict(services)
        assert WRITTEN_OTHERWISE in said.verdict["missing"]
        assert said.verdict["inputs"]["rows"]["orders"] == 760 and may_clear(
            [Sentence.of(Lack.ORDERS_MISSPELT, customers="")]
        )
        assert not any("has none such" in each for each in said.verdict["missing"]), "he is one, and counted once"
        monkeypatch.setattr("whosaw.app.tracedeclared.ROWS_MOST", 700)
        with pytest.raises(TraceRecordInvalid, match="gives more than 700 rows about one beneficiary") as refused:
            await verdict(services)
        assert "one row per customer" in str(refused.value.hint)


WRITTEN_OTHERWISE = "1 customer of orders left out: written otherwise than in the record or the company's own table"


async def test_an_empty_table_is_said_and_people_who_are_in_no_table_of_the_company_count_for_nothing(
    company: tuple[str, Path],
) -> None:
    url, state = company
    async with opened(url, state) as services:
        await complain(services, range(6))
        without = await verdict(services)
    say(url, "delete from company.orders")
    catalog(url, state, "orders")
    async with opened(url, state) as services:
        empty = await trace_case(services, CASE)
        nobodys = "insert into company.orders select 'customer:X-' || n, 'seller:S-88', '2026-01-05Z' "
        say(url, nobodys + "from generate_series(1, 900) n")
        later = f"insert into company.orders select 'customer:C-' || n, 'seller:S-88', '{END_OF_TIME}' "
        say(url, later + "from generate_series(0, 159) n")
        late = await verdict(services)
    assert "nothing to weigh: no row of orders was there" in empty.verdict["missing"]
    told = "900 customers of orders left out: the company's own table has none such"
    assert told in late.verdict["missing"] and late.verdict["candidates"] == without.verdict["candidates"]
    assert without.named() == {HEIR} == empty.suspected() and not empty.named()


END_OF_TIME = "2030-01-01Z"


async def test_what_many_customers_make_long_is_done_beside_the_server_and_one_verdict_is_read_back(
    company: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, state = company
    catalog(url, state, "orders")
    read: list[str] = []

    def noted(content: str) -> tuple[list[str], list[dict[str, str]]]:
        if content.startswith("subject,since"):
            read.append(content)
            with pytest.raises(RuntimeError, match="no running event loop"):
                asyncio.get_running_loop()
        return from_csv(content)

    for module in ("casetracecompared", "casetracesame", "casetracekept"):
        monkeypatch.setattr(f"whosaw.app.{module}.from_csv", noted)
    counts: list[int] = []
    async with opened(url, state) as services:
        await complain(services, range(4))
        for day in range(4):
            say(
                url,
                f"insert into company.orders values ('customer:C-{150 + day}', 'seller:S-88', '2025-12-0{day + 1}Z')",
            )
            await verdict(services)
            counts.append(len(read))
            read.clear()
    assert counts == [2, 4, 4, 4], "to compute, to keep; and to compare: now and then, however many verdicts there are"


async def test_who_takes_customers_away_from_the_orders_later_is_noticed(company: tuple[str, Path]) -> None:
    url, state = company
    catalog(url, state, "orders")
    async with opened(url, state) as services:
        await complain(services, range(6))
        first = await verdict(services)
        say(url, "delete from company.orders where customer in ('customer:C-1', 'customer:C-2')")
        say(url, "update company.orders set at = at - interval '9 days' where customer = 'customer:C-3'")
        say(url, "delete from number_map where space = 'subject' and key = 'customer:C-2'")  # he was erased
        for _ in range(2):
            said = await verdict(services)
            (told,) = [each for each in said.verdict["missing"] if each.endswith("somebody changed the orders")]
            assert told.startswith("2 customers had ordered")
    assert not any("changed the orders" in each for each in first.verdict["missing"])


async def test_who_changes_those_whom_nobody_opened_later_is_noticed_and_new_customers_are_not(
    company: tuple[str, Path],
) -> None:
    url, state = company
    say(url, ORDERED)
    regions = "case n % 2 when 0 then 'east' else 'west' end, timestamptz '2026-01-01Z'"
    say(url, f"insert into company.regions select 'customer:C-' || n, {regions} from generate_series(0, 799) n")
    catalog(url, state, "orders", "routes")

    async def changed(services: Services) -> list[str]:
        return [each for each in (await verdict(services)).verdict["missing"] if ": somebody " in each]

    async with opened(url, state) as services:
        await complain(services, range(6))
        assert await changed(services) == []
        await look(services, QUIET[:12])
        say(url, "insert into company.customers select 'C-' || n from generate_series(900, 949) n")
        say(
            url,
            "insert into company.orders select 'customer:C-' || n, 'seller:S-88', timestamptz '2026-02-01Z'"
            "from generate_series(900, 949) n",
        )
        say(
            url,
            "insert into company.regions select 'customer:C-' || n, 'a new one', timestamptz '2026-02-01Z'"
            "from generate_series(900, 949) n",
        )
        assert await changed(services) == [], "twelve have a number now, and fifty are new"
        say(url, "insert into company.customers select 'C-' || n from generate_series(1000, 1002) n")
        say(
            url,
            "insert into company.orders select 'customer:C-' || n, 'seller:S-88', timestamptz '2026-01-04 07:00Z'"
            "from generate_series(1000, 1002) n",
        )
        (told,) = await changed(services)
        assert told.startswith("3 customers had not ordered by what an earlier verdict read, and now had before it")
        say(url, "delete from company.orders where at = timestamptz '2026-01-04 07:00Z'")
        assert await changed(services) == [told], "what was said once stays said"
        say(url, "delete from company.orders where customer in ('customer:C-300', 'customer:C-301')")
        say(url, "update company.regions set region = 'west' where customer = 'customer:C-302'")
        first, _, routes = await changed(services)  # of the three routes, one took the place of one that is gone
    assert first.startswith("2 customers had ordered") and routes.startswith("2 customers had a route")


async def test_a_route_explains_only_as_it_was_said_before_the_first_contact_and_is_not_forgotten(
    company: tuple[str, Path],
) -> None:
    url, state = company
    say(
        url,
        "insert into company.regions select 'customer:C-' || n, 'book', '2026-01-09Z' from generate_series(0, 33) n",
    )
    say(
        url,
        "insert into company.regions select 'customer:C-' || n, 'rest', '2026-01-09Z' from generate_series(34, 159) n",
    )
    catalog(url, state, "routes")
    async with opened(url, state) as services:
        await complain(services, range(6))
        said = await verdict(services)
        assert not said.suspected() and said.verdict["method"]["matched_by"] == ["route"]
        say(url, f"update company.regions set at = '{CONTACT.isoformat()}'")
        with pytest.raises(WeighsLess, match="weighed routes, which this one does not"):
            await trace_case(services, CASE, by="P-1")
        late = await verdict(services, less=True)
        told = "160 customers had a route by what an earlier verdict read, and now none, or of another time"
        assert any(each.startswith(told) for each in late.verdict["missing"])
        assert late.named() == {HEIR}, "who complains is sent to the team for complaints: that says nothing"
        assert "only 0 of 160 customers had a route before the first contact" in late.verdict["missing"]
        say(url, "delete from company.regions")
        assert (await compute_again(services, CASE, said.seq))[1] == []
    catalog(url, state)
    async with opened(url, state) as services:
        with pytest.raises(WeighsLess, match="weighed routes, which this one does not"):
            await trace_case(services, CASE, by="P-1")


async def test_the_team_that_has_a_ticket_now_is_nobodys_route(company: tuple[str, Path]) -> None:
    url, state = company
    say(url, "update company.tickets set assignee = 'complaints' where substr(id, 3)::int < 40")
    async with opened(url, state) as services:
        await complain(services, range(6))
        said = await verdict(services)
    assert said.named() == {HEIR} and said.verdict["method"]["matched_by"] == []
