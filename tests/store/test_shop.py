"""The company's own database: filled whole, given out by roles, and acted on through the connector."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from whosaw.market import (
    TRUTH_ROLE,
    ShopExists,
    ShopMarketplace,
    ShopPasswords,
    Size,
    Truth,
    UnknownSeller,
    World,
    build_world,
    create_shop,
    read_truth,
    store_truth,
    write_truth,
)
from whosaw.market.schema import CONNECTOR, READER, TABLES
from whosaw.terms import SimulatedClock

PASSWORDS = ShopPasswords(reader="reads-only", connector="acts-little")
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)

# how a company that keeps hand-overs says whether a purpose is real at the time of an ask
VERIFIED = """
    select count(*), count(*) filter (where verified), kind from (
        select split_part(purpose, ':', 1) as kind, coalesce(
            exists (
                select 1 from tickets t join ticket_assignments a on a.ticket_id = t.id
                where 'ticket:' || t.id = purpose and t.customer_id = p.customer_id and a.assignee = actor
                and t.opened_by <> actor and a.assigned_at <= p.at and coalesce(a.released_at, 'infinity') > p.at
                and coalesce(t.closed_at, 'infinity') + interval '3 days' > p.at
            ) or exists (
                select 1 from moderation_items m join reviews r on r.id = m.review_id
                where 'review_care:' || m.id = purpose and r.customer_id = p.customer_id and m.assigned_to = actor
                and m.opened_at <= p.at and coalesce(m.done_at, 'infinity') + interval '3 days' > p.at
            ), false) as verified
        from planned p
    ) as checked group by kind"""


@pytest.fixture(scope="module")
def built() -> tuple[World, Truth]:
    return build_world(11, Size(customers=6_000, staff=150, days=20))


@pytest.fixture(scope="module")
def shop_url(postgres_url: str, built: tuple[World, Truth]) -> Iterator[str]:
    """The owner's address of a database that holds the shop of `built`."""
    name = f"shop_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    url = make_conninfo(postgres_url, dbname=name)
    create_shop(url, built[0], PASSWORDS)
    yield url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def connector(shop_url: str) -> ShopMarketplace:
    url = make_conninfo(shop_url, user=CONNECTOR, password=PASSWORDS.connector)
    return ShopMarketplace(url, SimulatedClock(NOW))


def ask(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def test_every_row_of_the_world_lies_in_the_shop(shop_url: str, built: tuple[World, Truth]) -> None:
    world = built[0]
    counts = {table: ask(shop_url, f"select count(*) from {table}")[0][0] for table in TABLES}
    assert counts == {
        "customers": 6_000,
        "sellers": 600,
        "staff": 150,
        "orders": len(world.orders.at_us),
        "reviews": len(world.reviews.order),
        "tickets": len(world.tickets),
        "ticket_assignments": len(world.tickets) + int((world.tickets.handed_us >= 0).sum()),
        "moderation_items": len(world.items.review),
        "seller_measures": 0,
        "review_notes": 0,
        "measure_answers": 0,
    }


def test_a_row_reads_as_the_world_has_it(shop_url: str, built: tuple[World, Truth]) -> None:
    people = built[0].customers
    row = ask(shop_url, "select name, email, phone, address from customers where id = 'C-000017'")[0]
    assert row == (people.name[16], people.email[16], people.phone[16], people.address[16])


def test_tickets_name_the_final_assignee_and_history_has_no_gap(shop_url: str) -> None:
    wrong = ask(
        shop_url,
        """select count(*) from tickets t where t.assignee is distinct from (
               select a.assignee from ticket_assignments a where a.ticket_id = t.id and a.released_at is null)""",
    )
    gaps = ask(
        shop_url,
        """select count(*) from ticket_assignments a where a.released_at is not null and not exists (
               select 1 from ticket_assignments b where b.ticket_id = a.ticket_id and b.assigned_at = a.released_at)""",
    )
    assert wrong == gaps == [(0,)]


def test_nearly_all_honest_purposes_verify_and_some_do_not(shop_url: str, built: tuple[World, Truth]) -> None:
    world, truth = built
    rows = [(a.at, a.actor, a.subject.partition(":")[2], a.purpose) for a in world.plan if a.actor not in truth.actors]
    with psycopg.connect(shop_url, autocommit=True) as connection:
        connection.execute("create temp table planned (at timestamptz, actor text, customer_id text, purpose text)")
        with connection.cursor() as cursor, cursor.copy("copy planned from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        found = {kind: (total, good) for total, good, kind in connection.execute(VERIFIED).fetchall()}
    assert found["ticket"][1] / found["ticket"][0] > 0.96
    assert 0.90 < found["review_care"][1] / found["review_care"][0] < 0.99
    assert found[None][1] == 0
    unverified = sum(total - good for total, good in found.values())
    assert 0.02 < unverified / len(rows) < 0.05


def test_the_bribed_moderator_has_real_tickets_and_baseless_items(shop_url: str, built: tuple[World, Truth]) -> None:
    world, truth = built
    his = [a for a in world.plan if a.actor in truth.actors and a.subject.partition(":")[2] in truth.subjects]
    sold = [a for a in his if a.fields == ("customer.email",)]
    real = ask(
        shop_url,
        """select id, customer_id from tickets
           where assignee = %s and seller_id = %s and opened_by = 'customer:' || customer_id""",
        truth.actors[0],
        truth.beneficiary,
    )
    under_ticket = {(f"ticket:{ticket}", f"customer:{customer}") for ticket, customer in real}
    backed = [a for a in sold if (a.purpose, a.subject) in under_ticket]
    items = {row[0] for row in ask(shop_url, "select id from moderation_items where assigned_to = %s", truth.actors[0])}
    baseless = [a for a in sold if a.purpose and a.purpose.startswith("review_care:") and a.purpose[12:] not in items]
    assert len(backed) >= 10
    assert len(baseless) >= 20
    assert {a.subject.partition(":")[2] for a in backed + baseless} == set(truth.subjects)


def test_a_second_shop_is_refused_unless_it_replaces_the_first(postgres_url: str) -> None:
    name = f"shop_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    try:
        url = make_conninfo(postgres_url, dbname=name)
        small = build_world(1, Size(customers=2_000, staff=40, days=14))[0]
        create_shop(url, small, PASSWORDS)
        with pytest.raises(ShopExists, match="already holds a table") as caught:
            create_shop(url, small, PASSWORDS)
        assert caught.value.code == "market.shop_exists"
        assert create_shop(url, small, PASSWORDS, replace=True)["customers"] == 2_000
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def test_the_reader_reads_and_changes_nothing(shop_url: str) -> None:
    url = make_conninfo(shop_url, user=READER, password=PASSWORDS.reader)
    assert ask(url, "select count(*) from customers") == [(6_000,)]
    for statement in ("update reviews set deleted_at = now()", "delete from customers", "create table x (y int)"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(url, statement)


def test_the_connector_sees_no_customer_and_changes_no_date(shop_url: str) -> None:
    url = make_conninfo(shop_url, user=CONNECTOR, password=PASSWORDS.connector)
    for statement in (
        "select email from customers",
        "update reviews set at = now()",
        "delete from reviews",
        "delete from seller_measures",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(url, statement)


async def test_a_deleted_review_comes_back_under_its_own_date(shop_url: str, connector: ShopMarketplace) -> None:
    before = ask(shop_url, "select at from reviews where id = 'R-000012'")
    assert await connector.delete_review("review:R-000012", by="E-0003", at=NOW)
    assert not await connector.delete_review("R-000012", by="E-0003", at=NOW)
    marked = ask(shop_url, "select deleted_at, deleted_by from reviews where id = 'R-000012'")
    assert marked == [(NOW, "E-0003")]
    both = ["review:R-000012", "R-000013", "R-999999"]
    assert await connector.restore_reviews(both, "K-1") == ["review:R-000012"]
    assert await connector.restore_reviews(both, "K-1") == []
    after = ask(shop_url, "select at, deleted_at, deleted_by from reviews where id = 'R-000012'")
    assert after == [(*before[0], None, None)]
    assert await connector.delete_reviews(both, "K-1") == ["R-000013", "review:R-000012"]
    assert await connector.restore_reviews(both, "K-1") == ["R-000013", "review:R-000012"]


async def test_a_suspension_is_imposed_once_and_lifted_once(shop_url: str, connector: ShopMarketplace) -> None:
    reasons: dict[str, str | int | list[str]] = {
        "grounds": ["3.2", "7.1"],
        "facts": "contacted customers",
        "days_to_answer": 30,
    }
    assert await connector.suspend_seller("seller:S-0007", reasons, "K-1")
    assert not await connector.suspend_seller("S-0007", {"facts": "again"}, "K-2")
    held = ask(shop_url, "select statement, case_reference, since from seller_measures where lifted_at is null")
    assert held == [(reasons, "K-1", NOW)]
    assert await connector.unsuspend_seller("S-0007", "K-1")
    assert not await connector.unsuspend_seller("S-0007", "K-1")
    assert ask(shop_url, "select lifted_at from seller_measures where seller_id = 'S-0007'") == [(NOW,)]


async def test_withheld_funds_are_exactly_what_comes_back(shop_url: str, connector: ShopMarketplace) -> None:
    balance = ask(shop_url, "select balance_cents from sellers where id = 'S-0008'")[0][0]
    assert balance > 0
    assert await connector.withhold_funds("S-0008", "K-1") == balance
    assert await connector.withhold_funds("S-0008", "K-1") == 0
    assert ask(shop_url, "select balance_cents from sellers where id = 'S-0008'") == [(0,)]
    assert await connector.release_funds("S-0008", "K-1") == balance
    assert await connector.release_funds("S-0008", "K-1") == 0
    assert ask(shop_url, "select balance_cents from sellers where id = 'S-0008'") == [(balance,)]


async def test_an_unknown_seller_is_refused(connector: ShopMarketplace) -> None:
    with pytest.raises(UnknownSeller, match="there is no seller `S-99999`") as caught:
        await connector.suspend_seller("S-99999", {}, "K-1")
    assert caught.value.code == "market.unknown_seller"


def test_the_truth_is_read_by_its_own_role_only(shop_url: str, built: tuple[World, Truth]) -> None:
    truth = built[1]
    store_truth(shop_url, truth, "nobody-knows")
    store_truth(shop_url, truth, "nobody-knows")
    mine = make_conninfo(shop_url, user=TRUTH_ROLE, password="nobody-knows")
    assert ask(mine, "select key from truth.fact where kind = 'actor'") == [(truth.actors[0],)]
    assert len(ask(mine, "select 1 from truth.fact where kind = 'subject'")) == len(truth.subjects)
    for role, password in ((READER, PASSWORDS.reader), (CONNECTOR, PASSWORDS.connector)):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(make_conninfo(shop_url, user=role, password=password), "select * from truth.fact")


def test_the_truth_file_is_private_and_reads_back(tmp_path: Path, built: tuple[World, Truth]) -> None:
    path = tmp_path / "truth.json"
    path.write_text("old")
    path.chmod(0o644)
    write_truth(built[1], path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_truth(path) == built[1]
    assert json.loads(path.read_text())["actors"] == list(built[1].actors)
    assert [entry.name for entry in tmp_path.iterdir()] == ["truth.json"]
