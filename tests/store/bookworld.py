"""A small company in which one employee took over a book of customers, and these turn up outside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import psycopg
from pydantic import SecretStr
from tests.catalogs import EMAIL, head
from tests.store.watchworld import Worlds

from whosaw.answer.intake import Complaint
from whosaw.answer.signature import DkimResult
from whosaw.app.casedesk import case_work
from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.store.database import with_database
from whosaw.store.migrate import engine_url
from whosaw.store.numbers import assign
from whosaw.terms import Clock, SimulatedClock, to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
HANDED = START + timedelta(days=40)
CONTACT = START + timedelta(days=50)
END = START + timedelta(days=60)
STAFF, CUSTOMERS, BOOK, HEIR, SELLER = 12, 160, 24, "E-5", "seller:S-88"

COMPANY = """
create schema company;
create table company.customers (id text primary key, email text);
create table company.staff (id text primary key, roles text, manager text);
create table company.tickets (id text primary key, assignee text, customer text, opened_by text,
    opened_at timestamptz, closed_at timestamptz, seller text);
create table company.books (actor text, previous text, customer text, at timestamptz);
create table company.badges (actor text, since timestamptz, until timestamptz);
create table company.logins (actor text, shared boolean, site text);
create table company.managers (actor text, seller text);
insert into company.books select 'E-5', 'vendor B', 'customer:C-' || n, '2026-02-10Z' from generate_series(0, 23) n;
insert into company.badges select 'E-' || n, '2026-01-01Z', '2026-03-31Z' from generate_series(0, 11) n;
insert into company.logins select 'E-' || n, false, 'Leipzig' from generate_series(0, 11) n;
insert into company.managers values ('E-0', 'seller:S-1');
"""
CATALOG = (
    head()
    + EMAIL
    + """
[purposes.ticket]
source = "company"
subject = "customer"
beneficiary = "seller"
query = '''select id as reference, assignee, customer as subject, opened_by as origin, opened_at, closed_at,
    seller as beneficiary from company.tickets'''
[actors]
source = "company"
attributes = ["manager"]
query = "select id as key, roles, '' as region, null as ended, manager from company.staff"
"""
)
WORDS = {
    "managers": "select actor, seller as beneficiary from company.managers",
    "handovers": "select actor, previous, customer as subject, at as since from company.books",
    "presence": "select actor, 'badge' as what, since, until, null as device from company.badges",
    "accounts": "select actor, shared, site from company.logins",
}
CUSTOMER_WORDS = {
    "orders": "select customer as subject, seller as beneficiary, at as since from company.orders",
    "routes": "select customer as subject, region as route, at as since from company.regions",
}


ALL_WORDS = WORDS | CUSTOMER_WORDS


@contextmanager
def books(server_url: str, template: str, folder: Path) -> Iterator[Worlds]:
    """Make the company with its looks, with a case about the seller that has no sighting yet."""
    name = f"books_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
    url, state = with_database(server_url, name), folder / "state"
    found(url, state)
    catalog(url, state)

    async def live() -> None:
        async with opened(url, state) as services:
            await work(services)
            await case_work(services).desk.open(SELLER, by="P-1", reason="customers forwarded its mail")

    asyncio.run(live())
    yield Worlds(server_url, name, state)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def found(url: str, state: Path) -> None:
    """Make the company's tables; the catalog is written by `catalog`."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(COMPANY)
        staff = [(f"E-{n}", "support", "M-1") for n in range(STAFF)]
        staff += [(name, "officer", None) for name in ("M-1", "P-1", "S-1")]
        cursor.executemany("insert into company.staff values (%s, %s, %s)", staff)
        rng = np.random.default_rng(1)
        for n in range(CUSTOMERS):
            at = START + timedelta(days=float(rng.random()) * 30)
            cursor.execute("insert into company.customers values (%s, %s)", [f"C-{n}", f"c{n}@mail.example"])
            cursor.execute(
                "insert into company.tickets values (%s, %s, %s, %s, %s, null, 'S-88')",
                [f"T-{n}", f"E-{n % STAFF}", f"C-{n}", f"customer:C-{n}", at],
            )
    state.mkdir(exist_ok=True)


def catalog(
    url: str, state: Path, *words: str, recompute: bool = False, more: str = "", source: str = "company"
) -> None:
    """Write the catalog with these words of ``[trace]``, read from `source`."""
    address = engine_url(url).render_as_string(hide_password=False)
    text = CATALOG.format(url=address) + more + (f"[trace]\nrecompute = {str(recompute).lower()}\n")
    text += "".join(f'[trace.{name}]\nsource = "{source}"\nquery = "{ALL_WORDS[name]}"\n' for name in words)
    (state / "whosaw.toml").write_text(text)


@asynccontextmanager
async def opened(url: str, state: Path, clock: Clock | None = None) -> AsyncIterator[Services]:
    """Open the company's whosaw."""
    settings = Settings(state=state, database=SecretStr(url))
    async with open_services(settings, clock or SimulatedClock(END), url, door="test") as services:
        yield services


async def work(services: Services) -> None:
    """Two colleagues look at each customer while his ticket is open; the heir looks through his book once he has it."""
    rng = np.random.default_rng(2)
    actors = await assign(services.db, "actor", [f"E-{n}" for n in range(STAFF)])
    subjects = await assign(services.db, "subject", [f"customer:C-{n}" for n in range(CUSTOMERS)])
    others = [n for n in range(STAFF) if f"E-{n}" != HEIR]
    looks = [
        (START + timedelta(days=31 + 8 * float(rng.random())), f"E-{actor}", customer)
        for customer in range(CUSTOMERS)
        for actor in rng.choice(others, 2, replace=False)
    ]
    looks += [(HANDED + timedelta(hours=1 + customer), HEIR, customer) for customer in range(BOOK)]
    payloads = [
        {
            "kind": "disclosure",
            "at": to_us(at),
            "actor": actors[actor],
            "subject": subjects[f"customer:C-{customer}"],
            "door": "http",
            "fields": ["customer.email=reveal"],
            "decision": "reveal",
            "verified": "yes",
            "reason": "purpose.verified",
        }
        for at, actor, customer in sorted(looks)
    ]
    await asyncio.gather(*(services.appender.append(each) for each in payloads))


async def complain(services: Services, customers: Sequence[int]) -> None:
    """Take in that customers were written to by the seller."""
    numbers = await assign(services.db, "subject", [f"customer:C-{n}" for n in customers])
    signed = DkimResult("pass", "rival.example", "s", "v=DKIM1", CONTACT)
    for n in customers:
        raw = sha256(f"{n}".encode()).hexdigest()
        at = CONTACT + timedelta(hours=n)
        said = ("", at, "attached", "x@rival.example", "rival.example", "", "", at, True, signed, signed, (), raw, raw)
        number = numbers[f"customer:C-{n}"]
        await case_work(services).book.add(Complaint(*said), subject=number, beneficiary=SELLER)
