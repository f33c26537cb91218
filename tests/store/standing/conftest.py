"""A company whose staff may approve, break glass and acknowledge: people, their functions, and one whosaw over them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.catalogs import EMAIL, head

from whosaw.catalog import Catalog, parse
from whosaw.catalog.source import open_sources
from whosaw.gate.approvalpeople import Directory, catalog_directory
from whosaw.gate.conduct import Conducts
from whosaw.gate.directory import everybody
from whosaw.gate.glass import Glasses
from whosaw.gate.grants import Grants
from whosaw.gate.grantsfunctions import Functions
from whosaw.record import Appender, entries_from, load_or_create
from whosaw.store import Database
from whosaw.store.migrate import engine_url
from whosaw.terms import SimulatedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

STAFF = """
create schema company;
create table company.customers (id text primary key, email text);
create table company.reviews (id text primary key, customer text);
create table company.staff (id text primary key, roles text, region text, ended timestamptz, function text,
    changed_at timestamptz, since date);
insert into company.staff values
    ('E-1', 'support', 'EU', null, null, '2025-01-01Z'), ('E-2', 'support', 'EU', null, null, '2025-01-01Z'),
    ('G-1', 'gardener', 'EU', null, null, '2025-01-01Z'),
    ('P-1', 'support', 'EU', null, 'privacy', '2025-01-01Z'), ('P-2', 'support', 'EU', null, 'privacy', '2025-01-01Z'),
    ('S-1', 'support', 'EU', null, 'security', '2025-01-01Z'), ('L-1', 'lead', 'EU', null, 'team_lead', '2025-01-01Z'),
    ('N-1', 'support', 'EU', null, 'privacy', '2026-03-02 11:00Z'), ('U-1', 'support', 'EU', null, 'privacy', null),
    ('X-1', 'support', 'EU', '2026-01-01Z', 'privacy', '2025-01-01Z');
insert into company.staff values ('B-1', 'support', 'EU', null, 'privacy', '2025-01-01Z', '2026-04-01');
"""

CATALOG = (
    head()
    + EMAIL
    + """
[purposes.ticket]
source = "company"
subject = "customer"
query = '''select 'T-1' as reference, 'E-1' as assignee, 'C-1' as subject, 'C-1' as origin, now() as opened_at,
    null::timestamptz as closed_at'''
[actions."review.delete"]
source = "company"
object = "review"
subject = "customer"
query = "select id as object, customer as subject from company.reviews"
second_person_above = 20
[actors]
source = "company"
query = "select id as key, roles, region, ended, function, changed_at, since from company.staff"
attributes = ["function", "changed_at", "since"]
[grants.extended_contact]
classes = ["contact"]
approvers = ["team_lead", "privacy"]
approvals = 1
hours_most = 8
[grants.unmask]
approvers = ["privacy", "works_council", "security"]
approvals = 2
hours_most = 72
[grants.second_person]
approvers = ["privacy", "security"]
hours_most = 1
[break_glass]
roles = ["support"]
classes = ["contact"]
minutes = 60
reviewers = ["privacy", "security"]
review_h = 24
[conduct]
required = true
valid_days = 365
[alerts]
mail = ["security@company.example"]
"""
)


@dataclass(frozen=True)
class Desk:
    """One whosaw over the company, with what this folder tests."""

    db: Database
    url: str
    catalog: Catalog
    directory: Directory
    clock: SimulatedClock
    appender: Appender
    keys_folder: Path
    grants: Grants
    glasses: Glasses
    conducts: Conducts
    functions: Functions
    seen: list[Mapping[str, Any]] = field(default_factory=list)

    def later(self, **by: float) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(**by))

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        return [dict(each.payload) async for each in entries_from(self.db) if each.payload["kind"] == kind]

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with self.db.connection() as connection:
            found = await connection.execute(statement, list(values))
            return await found.fetchall() if found.description else []


@pytest.fixture
async def desk(database_url: str, database: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(STAFF)
    catalog = parse(CATALOG.format(url=engine_url(database_url).render_as_string(hide_password=False)))
    sources = open_sources(catalog)
    directory = catalog_directory(catalog, sources)
    clock = SimulatedClock(NOON)
    keys = load_or_create(tmp_path / "keys", clock)
    async with Database(database_url) as door, Appender(door, keys, clock) as appender:
        yield Desk(
            db=database,
            url=database_url,
            catalog=catalog,
            directory=directory,
            clock=clock,
            appender=appender,
            keys_folder=tmp_path / "keys",
            grants=Grants(database, appender, catalog, directory, clock),
            glasses=Glasses(
                *(database, appender, catalog, directory, clock),
                everybody=lambda: everybody(catalog, sources, database),
            ),
            conducts=Conducts(database, appender, catalog.conduct, clock),
            functions=Functions(database, appender, catalog, directory, clock),
        )
    for source in sources.values():
        await source.__aexit__()
