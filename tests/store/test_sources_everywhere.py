"""The same company in PostgreSQL, MariaDB, MySQL and SQLite: the whole path reads the same from each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.store.engines import ENGINES, WORDS, ground

from whosaw.catalog import Catalog, Source, SourceUnreachable, check, parse
from whosaw.catalog.source import SourceRefused, open_sources
from whosaw.catalog.statements import (
    actor_statement,
    lookup_statement,
    object_statement,
    presence_statement,
    roles_statement,
    subject_statement,
    work_statement,
)

AT = {
    "postgresql": "'2026-03-02 12:00:00+00'",
    "mariadb": "'2026-03-02 17:00:00'",  # the server's clock hangs five hours ahead of UTC
    "mysql": "'2026-03-02 17:00:00'",
    "sqlite": "'2026-03-02T12:00:00+00:00'",
}
SCHEMA = """
create table {q}order{q} (id integer primary key, {q}e-mail{q} varchar(80), {q}Full Name{q} varchar(80), born date,
    region varchar(10), phone varchar(40), vip {flag});
create table staff (id varchar(20) primary key, roles varchar(80), region varchar(10), gone {flag}, since date);
create table tickets (id integer primary key, owner varchar(20), customer integer, opened_by varchar(40),
    opened_at {moment}, closed_at {moment});
create table reviews (id varchar(20) primary key, customer integer, seller varchar(20));
insert into {q}order{q} values
    (1, 'ada@mail.example', 'Ada Ålesund', '1987-04-12', 'EU', '+4915112345678', {yes}),
    (2, 'ben@mail.example', '李 小龙', null, 'US', null, {no});
insert into staff values
    ('E-1', 'support, quality', 'EU', {no}, '2020-01-01'), ('E-2', '["support"]', 'EU', {yes}, null);
insert into tickets values (7, 'E-1', 1, 'customer', {at}, null), (8, 'E-1', 2, 'E-1', {at}, {at});
insert into reviews values ('R-1', 1, 'S-9');
"""
CATALOG = """
[company]
name = "Shop"
contact = "privacy@shop.example"
[sources.shop]
url = "{url}"
[subjects.customer]
source = "shop"
table = "order"
key = "id"
region = "region"
identifying = ["phone"]
[fields."customer.email"]
column = "e-mail"
class = "contact"
mask = "email"
[fields."customer.name"]
column = "Full Name"
class = "name"
mask = "name"
[fields."customer.born"]
column = "born"
class = "name"
mask = "date"
[purposes.ticket]
source = "shop"
subject = "customer"
query = '''select id as reference, owner as assignee, customer as subject, opened_by as origin, opened_at, closed_at
    from tickets'''
[actions."review.delete"]
source = "shop"
object = "review"
subject = "customer"
beneficiary = "seller"
query = "select id as object, customer as subject, seller as beneficiary from reviews"
[lookups."customer.email"]
form = "email"
[lookups.phone]
source = "shop"
subject = "customer"
query = '''select phone as value, id as subject from {q}order{q}'''
[actors]
source = "shop"
query = '''select id as {q}key{q}, roles, region, gone as ended, since from staff'''
attributes = ["since"]
"""


@dataclass(frozen=True)
class Shop:
    engine: str
    catalog: Catalog
    source: Source
    change: Callable[[str], None]


@pytest.fixture(params=ENGINES)
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    engine = request.param
    url, change = ground(engine, request, tmp_path)
    change(SCHEMA.format(**WORDS[engine], at=AT[engine]))
    catalog = parse(CATALOG.format(url=url, q=WORDS[engine]["q"]))
    sources = open_sources(catalog)
    yield Shop(engine, catalog, sources["shop"], change)
    for source in sources.values():
        await source.__aexit__()


async def test_every_statement_is_accepted(shop: Shop) -> None:
    report = await check(shop.catalog, {"shop": shop.source})
    assert report.problems == ()


async def test_a_subject_is_fetched_by_its_own_names(shop: Shop) -> None:
    kind = shop.catalog.subjects["customer"]
    rows = await shop.source.rows(subject_statement(kind, list(shop.catalog.fields.values())), keys=["1", "2", "3"])
    said = {str(row["key"]): [None if row[f"f{i}"] is None else str(row[f"f{i}"]) for i in range(3)] for row in rows}
    assert said == {
        "1": ["ada@mail.example", "Ada Ålesund", "1987-04-12"],
        "2": ["ben@mail.example", "李 小龙", None],
    }


async def test_a_key_that_the_column_cannot_hold_is_nobodys_and_hides_no_other(shop: Shop) -> None:
    strange = ["", "'", "1 or 1=1", "%s", ":keys", "\\", "\u202e", "9" * 40, "1.0", "x" * 1000, "1\x00"]
    rows = await shop.source.rows(
        presence_statement(shop.catalog.subjects["customer"]), keys=[*strange, "1", "2", *strange]
    )
    # "1.0" and "1 or 1=1" are 1 to MySQL; the key it answers with is the row's own
    assert {str(row["key"]) for row in rows} == {"1", "2"}
    assert not {str(row["key"]) for row in rows} & set(strange)
    assert {row["region"] for row in rows} == {"EU", "US"}


async def test_a_key_in_signs_that_the_column_does_not_know_is_nobodys_and_hides_no_other(shop: Shop) -> None:
    if shop.engine in ("mariadb", "mysql"):
        shop.change("alter table staff convert to character set latin1")
    rows = await shop.source.rows(actor_statement(shop.catalog.actors), keys=["E-1", "E-李", "E-😀", "E-2"])
    assert {row["key"] for row in rows} == {"E-1", "E-2"}


async def test_work_is_told_with_its_times_in_utc(shop: Shop) -> None:
    rows = await shop.source.rows(work_statement(shop.catalog.purposes["ticket"]), references=["7", "8", "nothing"])
    told = {str(row["reference"]): row for row in rows}
    assert set(told) == {"7", "8"}
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    opened = told["7"]["opened_at"]
    assert (opened if opened.tzinfo else opened.replace(tzinfo=UTC)) == noon
    assert told["7"]["closed_at"] is None
    assert told["8"]["closed_at"] is not None
    assert [str(told["7"][name]) for name in ("assignee", "subject", "origin")] == ["E-1", "1", "customer"]


async def test_staff_are_told_with_roles_and_yes_or_no(shop: Shop) -> None:
    rows = await shop.source.rows(actor_statement(shop.catalog.actors), keys=["E-1", "E-2", "E-9"])
    told = {row["key"]: row for row in rows}
    assert told["E-1"]["roles"] == "support, quality"
    assert told["E-2"]["roles"] == ["support"]
    assert (told["E-1"]["ended"], told["E-2"]["ended"]) == (False, True)
    since = told["E-1"]["since"]
    assert (since.date() if isinstance(since, datetime) else since) == date(2020, 1, 1)
    combinations = [row["roles"] for row in await shop.source.rows(roles_statement(shop.catalog.actors))]
    assert sorted(combinations, key=str) == [["support"], "support, quality"]


async def test_objects_and_lookups_lead_to_subjects(shop: Shop) -> None:
    objects = await shop.source.rows(object_statement(shop.catalog.actions["review.delete"]), objects=["R-1", "R-2"])
    assert [{name: str(value) for name, value in row.items()} for row in objects] == [
        {"object": "R-1", "subject": "1", "beneficiary": "S-9"}
    ]
    for name, value in (("customer.email", "ada@mail.example"), ("phone", "+4915112345678")):
        found = await shop.source.rows(lookup_statement(shop.catalog.lookups[name]), values=[value, "nothing"])
        assert [(row["value"], str(row["subject"])) for row in found] == [(value, "1")]


async def test_a_missing_column_is_refused_and_a_stopped_one_does_not_answer(shop: Shop) -> None:
    q = WORDS[shop.engine]["q"]
    shop.change(f"alter table {q}order{q} drop column phone")
    with pytest.raises(SourceRefused) as refused:
        await shop.source.rows(lookup_statement(shop.catalog.lookups["phone"]), values=["+4915112345678"])
    assert "4915" not in refused.value.diagnostics()
    report = await check(shop.catalog, {"shop": shop.source})
    assert not report.passed


async def test_a_source_is_never_written(shop: Shop) -> None:
    if shop.engine != "sqlite":
        pytest.skip("what a server lets its reader write is the server's to say")
    with pytest.raises((SourceRefused, SourceUnreachable)):
        await shop.source.rows("delete from staff")
