"""A guarded disclosure beside a bare FastAPI row read: same token check, same row, same pool, driver and worker count.

``python bench/disclosures.py [--seconds S] [--rounds N]`` starts its own PostgreSQL and the two servers, loads them in
turn from a third process with a fresh (actor, ticket, subject) for every ask, and prints throughput, latency and the
ratio at 1, 8 and 64 clients. Ratios are what counts: the machine is shared, its absolutes are not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

CLIENTS = (1, 8, 64)
ACTORS, CUSTOMERS = 200, 60_000

COMPANY = f"""
create table customers (id text primary key, name text, email text, region text);
create table staff (id text primary key, roles text, region text, ended timestamptz);
create table tickets (id text primary key, assignee text, customer text, opened_by text, opened_at timestamptz);
insert into customers
select 'C-' || i, 'Name ' || i, 'c' || i || '@mail.example', 'EU' from generate_series(1, {CUSTOMERS}) i;
insert into staff select 'E-' || i, 'support', 'EU', null from generate_series(1, {ACTORS}) i;
insert into tickets
select 'T-' || i, 'E-' || (i % {ACTORS} + 1), 'C-' || i, 'customer:C-' || i, now() - interval '1 day'
from generate_series(1, {CUSTOMERS}) i;
analyze;
"""

CATALOG = """
[company]
name = "Bench"
contact = "privacy@bench.example"
[sources.company]
url = "{url}"
[subjects.customer]
source = "company"
table = "customers"
key = "id"
region = "region"
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
query = "select id as key, roles, region, ended from staff"
"""


async def serve(kind: str, folder: Path, url: str) -> None:
    """Serve one of the two until standard input closes; both check the token and read the row in the same way."""
    from whosaw.app.server import Server, bind, build_app
    from whosaw.app.services import open_services
    from whosaw.app.settings import Settings
    from whosaw.catalog.statements import subject_statement
    from whosaw.doors.http import HttpDoor
    from whosaw.terms import SystemClock

    settings = Settings(state=folder, catalog=folder / "whosaw.toml")
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings, SystemClock(), url, door=kind))
        field = services.catalog.fields["customer.email"]
        statement = subject_statement(services.catalog.subjects["customer"], [field])

        async def bare(request: Request) -> JSONResponse:
            await services.tokens.actor(request.headers["authorization"].removeprefix("Bearer "))
            key = (await request.json())["subject"].partition(":")[2]
            (row,) = await services.sources["company"].rows(statement, keys=[key])
            return JSONResponse({"fields": {"customer.email": {"value": row["f0"]}}})

        router = APIRouter(prefix="/v1")
        router.add_api_route("/disclosures", bare, methods=["POST"])
        door = HttpDoor(services.gate, services.tokens, services.clock).router
        server = Server(build_app(door if kind == "guarded" else router), bind("127.0.0.1", 0))
        tasks = [asyncio.create_task(server.run())]
        if kind == "guarded":
            tasks.append(asyncio.create_task(services.integrator.run()))
        await server.started()
        print(server.address, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.stop()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait(tasks)


async def load(address: str, tokens: list[str], first: int, clients: int, seconds: float) -> list[float]:
    """Ask in `clients` closed loops for `seconds`; return every latency in milliseconds."""
    host, port = address.removeprefix("http://").split(":")
    ends, latencies, asked = time.perf_counter() + seconds, [], iter(range(first, 10**9))

    async def client() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.perf_counter() < ends:
            number = next(asked) % CUSTOMERS + 1
            body = json.dumps(
                {"subject": f"customer:C-{number}", "fields": ["customer.email"], "purpose": f"ticket:T-{number}"}
            )
            began = time.perf_counter()
            writer.write(
                f"POST /v1/disclosures HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {tokens[number % ACTORS]}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
            )
            answer = await reader.readexactly(length)
            if b" 200 " not in head.split(b"\r\n")[0] or f"c{number}@".encode() not in answer:
                raise SystemExit(f"a wrong answer: {head[:60]!r} {answer[:200]!r}")
            latencies.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return latencies


def spawn(*words: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, __file__, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def measure(folder: Path, url: str, tokens: list[str], seconds: float, rounds: int) -> list[tuple[str, ...]]:
    servers = {kind: spawn("--serve", kind, str(folder), url) for kind in ("bare", "guarded")}
    lines, first = [], 0
    try:
        for clients in CLIENTS:
            rates, all_ms = {"bare": [], "guarded": []}, {"bare": [], "guarded": []}
            for _ in range(rounds):
                for kind, (_, address) in servers.items():
                    spent = asyncio.run(load(address, tokens, first, clients, seconds))
                    first += len(spent)
                    rates[kind].append(len(spent) / seconds)
                    all_ms[kind] += spent
            ratio = statistics.median(g / b for g, b in zip(rates["guarded"], rates["bare"], strict=True))
            spread = [statistics.quantiles(all_ms[kind], n=100) for kind in ("bare", "guarded")]
            lines.append(
                (
                    str(clients),
                    f"{statistics.median(rates['bare']):.0f}",
                    f"{statistics.median(rates['guarded']):.0f}",
                    f"{ratio:.2f}",
                    *(f"{q[49]:.1f} / {q[98]:.1f}" for q in spread),
                )
            )
    finally:
        for process, _ in servers.values():
            process.stdin.close()
            process.wait(20)
    return lines


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--serve", nargs=3, metavar=("KIND", "FOLDER", "URL"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve[0], Path(given.serve[1]), given.serve[2]))
        return
    from whosaw.gate import add_tokens
    from whosaw.store import Database, EmbeddedPostgres, upgrade
    from whosaw.store.database import with_database
    from whosaw.store.migrate import engine_url
    from whosaw.terms import SystemClock

    folder = Path(tempfile.mkdtemp(prefix="whosaw-bench-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user where this runs as root
    with EmbeddedPostgres(folder / "postgres") as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database company")
            connection.execute("create database whosaw")
        company, own = with_database(server.url(), "company"), with_database(server.url(), "whosaw")
        with psycopg.connect(company, autocommit=True) as connection:
            connection.execute(COMPANY)
        upgrade(own)
        url = engine_url(company).render_as_string(hide_password=False)
        (folder / "whosaw.toml").write_text(CATALOG.format(url=url))

        async def tokens() -> list[str]:
            async with Database(own) as db:
                return await add_tokens(db, [f"E-{i}" for i in range(1, ACTORS + 1)], SystemClock().now())

        lines = measure(folder, own, asyncio.run(tokens()), given.seconds, given.rounds)
    shutil.rmtree(folder)
    print(
        "| clients | bare reads/s | guarded disclosures/s | guarded ÷ bare | bare p50 / p99 ms | guarded p50 / p99 ms |"
    )
    print("|---|---|---|---|---|---|")
    for line in lines:
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
