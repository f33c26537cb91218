"""A small company whose record holds eight weeks of looks: everybody works on tickets, and one sells customers."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
from pydantic import SecretStr
from tests.catalogs import EMAIL, head

from whosaw.app.services import Services, open_services
from whosaw.app.settings import Settings
from whosaw.app.watchday import note_watch
from whosaw.store.database import with_database
from whosaw.store.migrate import engine_url
from whosaw.store.numbers import assign
from whosaw.terms import SimulatedClock, to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2026, 2, 26, 3, tzinfo=UTC)
PEOPLE, CUSTOMERS, SELLERS, LOOKS, DAYS = 30, 600, 40, 3_000, 56
BRIBED, SOLD = 5, 7

COMPANY = """
create schema company;
create table company.customers (id text primary key, email text);
create table company.staff (id text primary key, roles text, function text, mail text);
create table company.tickets (id text primary key, assignee text, customer text, opened_by text,
    opened_at timestamptz, closed_at timestamptz, seller text);
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
attributes = ["function", "mail"]
query = "select id as key, roles, '' as region, null as ended, function, mail from company.staff"
[grants.unmask]
approvers = ["privacy", "security"]
[watch]
prompts = true
"""
)


@dataclass(frozen=True)
class Worlds:
    """A company's database and state folder, made once and copied for each test.

    Args:
        server_url: the owner's address of the server's maintenance database.
        name: of the database to copy.
        state: the folder to copy.
    """

    server_url: str
    name: str
    state: Path

    @contextmanager
    def copy(self, folder: Path) -> Iterator[tuple[str, Path]]:
        """Lend a copy: the owner's address of its database, and its state folder."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(f"create database {name} template {self.name}")
        url, state = with_database(self.server_url, name), folder / "state"
        shutil.copytree(self.state, state)
        catalog = state / "whosaw.toml"
        catalog.write_text(catalog.read_text().replace(f"/{self.name}", f"/{name}"))
        yield url, state
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


@contextmanager
def worlds(server_url: str, template: str, folder: Path, *, weighed: bool) -> Iterator[Worlds]:
    """Make the company with its eight weeks of looks, and have them weighed where wanted."""
    name = f"world_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
    url, state = with_database(server_url, name), folder / "state"
    found_company(url, state)

    async def live() -> None:
        settings = Settings(state=state, database=SecretStr(url))
        async with open_services(settings, SimulatedClock(END), url, door="serve") as services:
            await work_for_weeks(services)
            if weighed:
                await note_watch(services)

    asyncio.run(live())
    yield Worlds(server_url, name, state)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def found_company(database_url: str, state: Path) -> None:
    """Make the company's tables and its catalog in `state`."""
    rng = np.random.default_rng(4)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(COMPANY)
        staff = [(f"E-{n}", "support", "", f"e{n}@company.example") for n in range(PEOPLE)]
        staff += [("P-1", "officer", "privacy", ""), ("S-1", "officer", "security", "")]
        with connection.cursor() as cursor:
            cursor.executemany("insert into company.staff values (%s, %s, %s, %s)", staff)
            customers = [(f"C-{n}", f"c{n}@mail.example") for n in range(CUSTOMERS)]
            cursor.executemany("insert into company.customers values (%s, %s)", customers)
            seller = rng.integers(0, SELLERS, CUSTOMERS)
            opened = [START - timedelta(days=1)] * CUSTOMERS
            tickets = [
                (f"T-{n}", f"E-{n % PEOPLE}", f"C-{n}", f"customer:C-{n}", opened[n], None, f"S-{seller[n]}")
                for n in range(CUSTOMERS)
            ]
            cursor.executemany("insert into company.tickets values (%s, %s, %s, %s, %s, %s, %s)", tickets)
    state.mkdir(exist_ok=True)
    address = engine_url(database_url).render_as_string(hide_password=False)
    (state / "whosaw.toml").write_text(CATALOG.format(url=address))


async def work_for_weeks(services: Services) -> None:
    """Append the looks of eight weeks: 1 % carry no reason that holds; one person's unexplained ones are all of S-7."""
    rng = np.random.default_rng(5)
    seller = np.random.default_rng(4).integers(0, SELLERS, CUSTOMERS)
    actors = await assign(services.db, "actor", [f"E-{n}" for n in range(PEOPLE)])
    subjects = await assign(services.db, "subject", [f"customer:C-{n}" for n in range(CUSTOMERS)])
    looks = []
    for _ in range(LOOKS):
        at = START + timedelta(days=float(rng.random()) * DAYS)
        looks.append((at, int(rng.integers(PEOPLE)), int(rng.integers(CUSTOMERS)), bool(rng.random() > 0.01)))
    for customer in rng.choice(np.flatnonzero(seller == SOLD), 10, replace=False).tolist():
        looks.append((START + timedelta(days=30 + float(rng.random()) * 25), BRIBED, customer, False))
    looks.append((START + timedelta(days=DAYS - 0.5), 3, 17, False))
    payloads = [
        {
            "kind": "disclosure",
            "at": to_us(at),
            "actor": actors[f"E-{actor}"],
            "subject": subjects[f"customer:C-{customer}"],
            "door": "http",
            "fields": ["customer.email=reveal"],
            "decision": "reveal",
            "verified": "yes" if verified else "no",
            "reason": "purpose.verified" if verified else "purpose.missing",
        }
        for at, actor, customer, verified in sorted(looks)
    ]
    for start in range(0, len(payloads), 500):
        await asyncio.gather(*(services.appender.append(each) for each in payloads[start : start + 500]))
