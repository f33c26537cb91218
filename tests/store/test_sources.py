"""The company's own database as the catalog reads it: by key, never written, and silent about values when it fails."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from whosaw.catalog import CatalogError, Purpose, Source, SourceUnreachable, check
from whosaw.catalog.source import SourceRefused
from whosaw.catalog.statements import (
    about_actors_statement,
    actor_statement,
    object_statement,
    presence_statement,
    sample_statement,
    subject_statement,
    work_about_statement,
    work_statement,
)
from whosaw.catalog.told import TimeUnreadable

if TYPE_CHECKING:
    from tests.store.conftest import Company

STRANGE = ("", "'", "C-1' or '1'='1", "%s", ":keys", "\\", "\u202e", "𝒞-1", "C-1;--", "x" * 10_000)


async def test_every_statement_of_a_good_catalog_is_accepted(company: Company) -> None:
    report = await check(company.catalog, company.sources)
    assert report.passed
    assert report.problems == ()
    assert len(report.tried) == 5


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("alter table company.customers rename column email to mail", "subjects.customer"),
        ("alter table company.tickets rename to gone", "purposes.ticket"),
        ("alter table company.reviews drop column seller", "actions.review.delete"),
        ("alter table company.staff drop column ended", "actors"),
    ],
)
async def test_a_statement_that_the_tables_no_longer_fit_is_named(
    company: Company, database_url: str, damage: str, named: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(damage)
    report = await check(company.catalog, company.sources)
    assert not report.passed
    (problem,) = report.problems
    assert problem.startswith(named)


async def test_one_statement_serves_one_key_and_many_and_unknown_keys_are_absent(company: Company) -> None:
    kind, source = company.catalog.subjects["customer"], company.sources["company"]
    for keys in (["C-1"], [f"C-{i}" for i in range(1, 41)], ["C-1", "C-none"], ["C-none"]):
        rows = await source.rows(presence_statement(kind), keys=keys)
        assert {row["key"] for row in rows} == set(keys) - {"C-none"}


async def test_presence_fetches_no_protected_value(company: Company) -> None:
    rows = await company.sources["company"].rows(presence_statement(company.catalog.subjects["customer"]), keys=["C-1"])
    assert set(rows[0].keys()) == {"key", "region"}


async def test_only_the_asked_columns_are_fetched(company: Company) -> None:
    catalog = company.catalog
    fields = [catalog.fields["customer.name"], catalog.fields["customer.email"]]
    rows = await company.sources["company"].rows(subject_statement(catalog.subjects["customer"], fields), keys=["C-7"])
    assert [dict(row) for row in rows] == [{"key": "C-7", "f0": "Ada Number7", "f1": "ada7@mail.example"}]


async def test_a_strange_key_is_a_key_and_nothing_else(company: Company) -> None:
    catalog, source = company.catalog, company.sources["company"]
    keys = list(STRANGE)
    assert not await source.rows(presence_statement(catalog.subjects["customer"]), keys=keys)
    assert not await source.rows(work_statement(catalog.purposes["ticket"]), references=keys)
    assert not await source.rows(object_statement(catalog.actions["review.delete"]), objects=keys)
    assert not await source.rows(actor_statement(catalog.actors), keys=keys)


async def test_a_row_whose_time_cannot_be_read_counts_as_none_and_takes_no_other_along(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "desk.db") as connection:
        connection.executescript(
            "create table work (id text, who text, whom text, by text, at text);"
            "insert into work values ('T-1', 'E-1', 'C-1', 'C-1', '2026-03-01T00:00:00+00:00'),"
            "('T-2', 'E-1', 'C-1', 'C-1', 'last Tuesday'), ('T-3', 'E-1', 'C-1', 'C-1', '2026-03-01T00:00:00+00:00')"
        )
    query = (
        "select id as reference, who as assignee, whom as subject, by as origin, at as opened_at, "
        "null as closed_at from work"
    )
    purpose = Purpose("ticket", "desk", query, "customer", "enforce", grace_h=72, beneficiary_kind=None)
    async with Source("desk", f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}") as source:
        rows = await source.rows(work_statement(purpose), lenient=True, references=["T-1", "T-2", "T-3"])
        assert {row["reference"] for row in rows} == {"T-1", "T-3"}
        with pytest.raises(TimeUnreadable):  # a row may excuse somebody: that one is missing must not pass unseen
            await source.rows(work_statement(purpose), references=["T-1", "T-2", "T-3"])
        with pytest.raises(TimeUnreadable):
            await source.rows(work_about_statement(purpose), subjects=["C-1"])
        with pytest.raises(TimeUnreadable):  # whoever looks at the table itself is told
            await source.rows(sample_statement(query, ["reference", "opened_at"], 10))


async def test_a_time_that_the_database_itself_cannot_read_is_no_missing_key(company: Company) -> None:
    query = (
        "select 'E-' || n as actor, (array['2026-03-01Z', 'still in'])[n]::timestamptz as since "
        "from generate_series(1, 2) n"
    )
    statement, source = about_actors_statement(query, ("actor", "since")), company.sources["company"]
    assert [row["actor"] for row in await source.rows(statement, keys=["E-1"])] == ["E-1"]
    with pytest.raises(SourceRefused):
        await source.rows(statement, keys=["E-1", "E-2"])
    assert [row["actor"] for row in await source.rows(statement, lenient=True, keys=["E-1", "E-2"])] == ["E-1"]


async def test_an_identifier_of_the_catalog_is_quoted(company: Company, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute('alter table company.customers rename column email to "e mail; drop table x --"')
    field = company.catalog.fields["customer.email"]
    odd = type(field)(field.name, field.subject_kind, "e mail; drop table x --", field.klass, field.mask)
    statement = subject_statement(company.catalog.subjects["customer"], [odd])
    rows = await company.sources["company"].rows(statement, keys=["C-1"])
    assert rows[0]["f0"] == "ada1@mail.example"


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "sqlite://",
        "mysql+nodriver://u:topsecret@h/d",
        "postgresql+psycopg2://u:topsecret@h/d",
        "postgresql+psycopg://u:topsecret@h:port/d",
    ],
)
def test_an_address_that_cannot_be_used_is_said_without_its_password(url: str) -> None:
    with pytest.raises(SourceUnreachable, match="`shop` cannot be used") as refused:
        Source("shop", url)
    assert "topsecret" not in refused.value.diagnostics()


async def test_a_source_that_does_not_answer_is_said_without_its_password() -> None:
    async with Source("shop", "postgresql+psycopg://u:topsecret@127.0.0.1:1/d") as source:
        with pytest.raises(SourceUnreachable, match="`shop` does not answer") as refused:
            await source.rows("select 1")
    assert "topsecret" not in refused.value.diagnostics()


async def test_a_refused_statement_tells_its_state_and_no_value(company: Company) -> None:
    source = company.sources["company"]
    for statement, values in (
        ("select email::int from company.customers where id = :key", {"key": "C-1"}),
        ("select * from company.nothing where id = :key", {"key": "C-1"}),
        ("select :key", {"key": "a\x00b"}),
    ):
        with pytest.raises(CatalogError) as refused:
            await source.rows(statement, **values)
        assert isinstance(refused.value, SourceRefused)
        assert "ada" not in str(refused.value)
        assert "C-1" not in str(refused.value)
