"""A small company with a catalog, a trail and a gate, for the tests of the hot path."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import psycopg
import pytest
from tests.catalogs import head
from tests.store.mariadb import mariadb
from tests.store.mysql import mysql

from whosaw.answer import RawMails, SightingBook
from whosaw.answer.notes import Notes
from whosaw.app.caseintake import CaseIntake
from whosaw.catalog import Catalog, Source, parse
from whosaw.catalog.source import open_sources
from whosaw.decide import PolicyHolder, load_policies
from whosaw.doors.http import House, Pdp, People, PersonalTokens, Repeats, Reporting, Throttle
from whosaw.gate import Gate, Suspensions, Tokens
from whosaw.gate.approvalpeople import catalog_directory
from whosaw.gate.approvers import Approvers
from whosaw.gate.conduct import Conducts
from whosaw.gate.facts import FactFinder
from whosaw.gate.glass import Glasses
from whosaw.gate.grants import Grants
from whosaw.gate.left import Leftovers
from whosaw.gate.stopping import Stopping
from whosaw.gate.whocould import Reach, WhoCould
from whosaw.record import Appender, Integrator, Keys, load_or_create
from whosaw.store import Database
from whosaw.store.migrate import engine_url
from whosaw.terms import SimulatedClock

if TYPE_CHECKING:
    from whosaw.app.casedesk import CaseWork
    from whosaw.app.services import Services

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

COMPANY = """
create schema company;
create table company.customers (id text primary key, name text, email text, phone text, address text, region text);
create table company.staff (id text primary key, roles text, region text, ended timestamptz);
create table company.tickets (id text primary key, assignee text, customer text, opened_by text, opened_at timestamptz,
    closed_at timestamptz, seller text);
create table company.items (id text primary key, assignee text, customer text, opened_by text, opened_at timestamptz);
create table company.reviews (id text primary key, customer text, seller text);
insert into company.customers
select 'C-' || i, 'Ada Number' || i, 'ada' || i || '@mail.example', '+4915100000' || (100 + i),
       'Street ' || i || ', 10117 Berlin, Germany', 'EU' from generate_series(1, 40) i;
insert into company.staff values
    ('E-1', 'support', 'EU', null), ('E-2', 'review_care', 'EU', null), ('E-3', 'support', 'EU', '2026-01-01Z'),
    ('E-4', 'gardener', 'EU', null);
insert into company.tickets
select 'T-' || i, 'E-1', 'C-' || i, 'customer:C-' || i, '2026-03-01Z', null, 'S-9' from generate_series(1, 40) i;
insert into company.tickets values
    ('T-self', 'E-1', 'C-1', 'E-1', '2026-03-01Z', null, null),
    ('T-old', 'E-1', 'C-1', 'customer:C-1', '2026-01-01Z', '2026-01-02Z', null);
insert into company.items values ('M-1', 'E-2', 'C-1', 'system', '2026-03-01Z');
insert into company.reviews values ('R-1', 'C-1', 'S-9');
"""

CATALOG = (
    head()
    + """
region = "region"
[fields."customer.name"]
column = "name"
class = "name"
mask = "name"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[fields."customer.address"]
column = "address"
class = "address"
mask = "address"
[purposes.ticket]
source = "company"
subject = "customer"
beneficiary = "seller"
query = '''select id as reference, assignee, customer as subject, opened_by as origin, opened_at, closed_at,
    seller as beneficiary from company.tickets'''
[purposes.review_care]
source = "company"
subject = "customer"
mode = "observe"
query = '''select id as reference, assignee, customer as subject, opened_by as origin, opened_at,
    null::timestamptz as closed_at from company.items'''
[actions."review.delete"]
source = "company"
object = "review"
subject = "customer"
beneficiary = "seller"
query = "select id as object, customer as subject, seller as beneficiary from company.reviews"
[actors]
source = "company"
query = "select id as key, roles, region, ended from company.staff"
"""
)


@dataclass(frozen=True)
class Company:
    """The parts of one running whosaw over one small company."""

    db: Database
    catalog: Catalog
    sources: dict[str, Source]
    clock: SimulatedClock
    keys: Keys
    appender: Appender
    gate: Gate
    tokens: Tokens
    suspensions: Suspensions
    integrator: Integrator
    trail: Path
    policies: PolicyHolder


@pytest.fixture
def company_sql() -> str:
    """The company's own tables; a folder of tests may have others."""
    return COMPANY


@pytest.fixture
def catalog_text() -> str:
    """The company's catalog, with `{url}` for its database."""
    return CATALOG


@pytest.fixture
def forge(database_url: str) -> Iterator[psycopg.Connection]:
    """A superuser who has taken the tripwires away."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        yield connection


@pytest.fixture
async def company(
    database_url: str, database: Database, tmp_path: Path, company_sql: str, catalog_text: str
) -> AsyncIterator[Company]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(company_sql)
    url = engine_url(database_url).render_as_string(hide_password=False)
    catalog = parse(catalog_text.replace("{url}", url))
    sources = open_sources(catalog)
    clock = SimulatedClock(NOON)
    keys = load_or_create(tmp_path / "keys", clock)
    policies = PolicyHolder(load_policies())
    async with Appender(database, keys, clock) as appender:
        yield Company(
            db=database,
            catalog=catalog,
            sources=sources,
            clock=clock,
            keys=keys,
            appender=appender,
            gate=Gate(database, appender, catalog, sources, policies),
            tokens=Tokens(database),
            suspensions=Suspensions(database, appender, clock),
            integrator=Integrator(database, keys, tmp_path / "trail", clock),
            trail=tmp_path / "trail",
            policies=policies,
        )
    for source in sources.values():
        await source.__aexit__()


@pytest.fixture
def house(company: Company, tmp_path: Path) -> House:
    """What stands behind the HTTP door of the company: security suspends, auditors search, `pep` asks for others."""
    # the intake works with some of what a server has: these parts are the real ones
    parts = SimpleNamespace(db=company.db, clock=company.clock, catalog=company.catalog, sources=company.sources)
    work = SimpleNamespace(
        notes=Notes(company.db, company.clock, company.appender.append),
        book=SightingBook(company.db),
        raws=RawMails(tmp_path / "complaints"),
    )
    intake = CaseIntake(cast("Services", parts), cast("CaseWork", work), lambda _: None)
    db, appender, catalog, clock = company.db, company.appender, company.catalog, company.clock
    directory = catalog_directory(catalog, company.sources)
    facts, approvers = FactFinder(db, catalog, company.sources), Approvers(db, directory, clock)
    reach = Reach(db, appender, catalog, company.sources, company.policies)
    return House(
        gate=company.gate,
        catalog=catalog,
        clock=clock,
        authenticator=PersonalTokens(company.tokens),
        throttle=Throttle(),
        repeats=Repeats(db),
        people=People(
            grants=Grants(db, appender, catalog, directory, clock),
            glasses=Glasses(db, appender, catalog, directory, clock),
            conducts=Conducts(db, appender, catalog.conduct, clock),
            stopping=Stopping(db, company.suspensions, appender, approvers, clock),
            approvers=approvers,
            facts=facts,
            leftovers=Leftovers(db, catalog),
            stoppers=frozenset({"security"}),
        ),
        pdp=Pdp(company.gate, catalog, facts, WhoCould(reach, frozenset({"auditor"})), frozenset({"pep"}), ""),
        reporting=Reporting(intake, frozenset({"intake"})),
    )


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """The address of a MariaDB's database ``shop``; asked for only where the server is installed."""
    with mariadb() as url:
        yield url


@pytest.fixture(scope="session")
def mysql_url() -> Iterator[str]:
    """The address of a MySQL's database ``shop``; asked for only where the server is there."""
    with mysql() as url:
        yield url
