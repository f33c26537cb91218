"""How fast a suspension holds at two doors in two processes: from the order to the last answer that showed a value.

``python bench/suspension.py [--rounds N] [--write]`` starts its own PostgreSQL and two ``whosaw serve``, asks both
without a pause, orders the suspension from a third process, and lifts it again; N times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg

from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.gate import add_token
from whosaw.store import EmbeddedPostgres, upgrade
from whosaw.store.database import with_database
from whosaw.store.migrate import engine_url
from whosaw.terms import SystemClock

PAGE = Path(__file__).parents[1] / "docs/measured/suspension.md"
CLIENTS = 4  # at each door
BODY = {"subject": "customer:C-1", "fields": ["customer.email"], "purpose": "ticket:T-1"}
COMPANY = """
create table customers (id text primary key, email text);
create table staff (id text primary key, roles text);
create table tickets (id text primary key, assignee text, customer text, opened_by text, opened_at timestamptz);
insert into customers values ('C-1', 'ada@mail.example');
insert into staff values ('E-1', 'support');
insert into tickets values ('T-1', 'E-1', 'C-1', 'customer:C-1', now() - interval '1 day');
"""
CATALOG = """
[company]
name = "Bench"
contact = "privacy@bench.example"
[sources.company]
url = {url}
[subjects.customer]
source = "company"
table = "customers"
key = "id"
[fields."customer.email"]
column = "email"
class = "contact"
mask = "email"
[purposes.ticket]
source = "company"
subject = "customer"
query = '''select id as reference, assignee, customer as subject, opened_by as origin, opened_at,
    null::timestamptz as closed_at from tickets'''
[actors]
source = "company"
query = "select id as key, roles, '' as region, null as ended from staff"
"""


@dataclass
class Door:
    """One door process, and what its clients wrote down: when each answer was asked for, when it came, what it was."""

    process: subprocess.Popen[str]
    address: str
    answers: list[tuple[float, float, bool]] = field(default_factory=list)


def start(state: Path, url: str) -> Door:
    """Start a door over `url` with its own state folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "whosaw", "serve", "--port", "0"],
        env=os.environ | {"WHOSAW_STATE": str(state), "WHOSAW_DATABASE": url},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    listens = re.search(r"listens on (http://\S+)", process.stdout.readline())
    assert listens is not None
    return Door(process, listens[1])


async def ask(door: Door, token: str, over: asyncio.Event) -> None:
    """Ask without a pause and write down what came."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=door.address, headers=headers, trust_env=False, timeout=30) as http:
        while not over.is_set():
            asked = time.perf_counter()
            answer = (await http.post("/v1/disclosures", json=BODY)).json()
            shown = "value" in answer.get("fields", {}).get("customer.email", {})
            if not shown and answer.get("reason") != "actor.suspended":
                raise SystemExit(f"a door answered neither: {answer}")
            door.answers.append((asked, time.perf_counter(), shown))


async def measure(url: str, state: Path, doors: list[Door], rounds: int) -> list[dict[str, float]]:
    """Order, watch and lift a suspension `rounds` times; milliseconds after the order."""
    found = []
    settings = Settings(state=state, database=url)
    async with open_services(settings, SystemClock(), url, door="bench") as services:
        token = await add_token(services.db, "E-1", services.clock.now())
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for door in doors:
                for _ in range(CLIENTS):
                    group.create_task(ask(door, token, over))
            for _ in range(rounds):
                await asyncio.sleep(0.5)
                for door in doors:
                    door.answers.clear()
                ordered = time.perf_counter()
                await services.suspensions.suspend("E-1", reason="measured", by="operator:bench")
                done = time.perf_counter()
                while not all(any(not was for _, _, was in door.answers) for door in doors):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                await asyncio.sleep(1.0)  # for whatever a door might still let through
                found.append(_round(doors, ordered, done))
                await services.suspensions.restore("E-1", reason="measured", by="operator:bench")
            over.set()
    return found


def _round(doors: list[Door], ordered: float, done: float) -> dict[str, float]:
    shown = [each for door in doors for each in door.answers if each[2]]
    refused = [min(came for _, came, was in door.answers if not was) for door in doors]
    late = [asked for asked, _, _ in shown if asked > done]
    return {
        "ordered": (done - ordered) * 1000,
        "first refusals": (max(refused) - ordered) * 1000,
        "after it": (max((came for _, came, _ in shown), default=done) - done) * 1000,
        "last value": (max((came for _, came, _ in shown), default=ordered) - ordered) * 1000,
        "asked after and shown": len(late),
    }


def page(found: list[dict[str, float]], rounds: int) -> str:
    """Return the page of what was measured."""
    worst = max(each["last value"] for each in found)
    late = int(sum(each["asked after and shown"] for each in found))
    lines = [
        "# How fast a suspension holds",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python bench/suspension.py --rounds {rounds} --write` · "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.",
        "Two `whosaw serve` in two processes, four clients at each asking for the same value without a pause; a third "
        "process orders the suspension. Milliseconds after the order.",
        "",
        "| | median | worst |",
        "|---|---|---|",
    ]
    for name, told in [
        ("ordered", "the order is durable and in force"),
        ("first refusals", "both doors have refused"),
        ("last value", "the last answer that still showed a value arrived"),
        ("after it", "the same, after the order was in force"),
    ]:
        cells = [each[name] for each in found]
        lines.append(f"| {told} | {statistics.median(cells):.0f} | {max(cells):.0f} |")
    verdict = "reached" if worst < 1000 and late == 0 else "missed"
    lines += [
        "",
        f"Bar: within 1,000 ms at every door: **{verdict}**. Values shown to an ask that began after the order was in "
        f"force: {late}.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="whosaw-bench-"))
    folder.chmod(0o755)
    doors: list[Door] = []
    with EmbeddedPostgres(folder / "postgres") as server:
        try:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("create database bench")
            url = with_database(server.url(), "bench")
            upgrade(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(COMPANY)
            address = engine_url(url).render_as_string(hide_password=False)
            states = [folder / name for name in ("one", "two")]
            states[0].mkdir()
            (states[0] / "whosaw.toml").write_text(CATALOG.format(url=json.dumps(address)))
            doors.append(start(states[0], url))
            # the same keys, receipts of its own; a file that is about to get its name may go meanwhile
            shutil.copytree(states[0], states[1], ignore=shutil.ignore_patterns("*.new-*"))
            doors.append(start(states[1], url))
            text = page(asyncio.run(measure(url, states[0], doors, arguments.rounds)), arguments.rounds)
        finally:
            for door in doors:
                door.process.kill()
                door.process.wait()
    shutil.rmtree(folder)
    sys.stdout.write(text)
    if arguments.write:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
