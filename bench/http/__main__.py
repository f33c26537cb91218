"""A guarded disclosure beside a bare FastAPI row read: same token check, same row, same pool, driver and worker count.

``python bench/http [--seconds S] [--rounds N] [--profile]`` starts its own PostgreSQL and the two servers, loads
them in turn from a third process with a fresh (actor, ticket, subject) for every ask, and prints

- throughput and latency at 1, 8 and 64 clients in closed loops, and guarded ÷ bare: the median of all rounds, and of
  the quietest round, the one in which the bare server did most;
- what guarding adds to the median and the 99th percentile in an open loop, at half of the guarded peak;
- how often the remembered work item or the remembered decision answered;
- with ``--profile``, how long each stage of a guarded ask takes, and in which part of the code the server's thread is.

Ratios are what counts: the machine is shared, its absolutes are not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import uvloop
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


class Hits:
    """How often something remembered answered."""

    def __init__(self, gate: object, policies: object) -> None:
        self.work, self.asked, self.memo, self.memo_asked = 0, 0, 0, 0
        finder = gate._disclosing._parts.facts._work
        read, known, memo = finder.work, finder._known, policies.current._memo
        get = memo.get

        async def work(purposes: object, at: object) -> object:
            wanted = list(purposes)
            self.asked += len(wanted)
            self.work += sum(each in known and finder._fresh(known[each], at) for each in wanted)
            return await read(wanted, at)

        def remembered(question: object) -> object:
            answer = get(question)
            self.memo_asked += 1
            self.memo += answer is not None
            return answer

        finder.work, memo.get = work, remembered


class Stages:
    """How long the stages of a batch take on the clock, and how many asks a batch holds; taken anew after each load."""

    def __init__(self, services: object) -> None:
        import whosaw.gate.facts as facts
        import whosaw.record.queries as trail

        self.spent: dict[str, list[float]] = {}
        disclosing, appender = services.gate._disclosing, services.appender
        parts, batcher = disclosing._parts, services.gate._disclosures
        self._time(services.tokens, "actor", "token")
        self._time(services.gate, "disclose", "gate: the whole of it, waiting for a batch included")
        self._time(disclosing._deciding, "_judge", "facts, side by side, and decision")
        self._time(facts, "standing", "… where actors stand (own)")
        self._time(parts.facts, "_read", "… staff directory (company; remembered 5 s)")
        self._time(parts.facts, "regions", "… subject (company)")
        self._time(parts.facts, "work", "… work item (company)")
        self._time(parts.budgets, "spend", "budgets and numbers (own)")
        self._time(appender, "append_many", "entry: waiting, guard, commit, signature, journal")
        self._time(trail, "append", "… commit (own, flushed)")
        self._time(disclosing._fetcher, "rows", "values (company)")
        write, work = appender._journal.write, batcher._work

        def journaled(signed: object) -> None:
            began = time.perf_counter()
            write(signed)
            self._note("… receipt journal (flushed)", time.perf_counter() - began)

        async def batch(asks: list) -> object:
            self._note(self.SIZE, len(asks) / 1000)
            return await work(asks)

        appender._journal.write, batcher._work = journaled, batch

    SIZE = "asks in a batch (number)"

    def _note(self, stage: str, spent_s: float) -> None:
        self.spent.setdefault(stage, []).append(spent_s)

    def _time(self, owner: object, name: str, stage: str) -> None:
        run = getattr(owner, name)

        async def timed(*given: object, **named: object) -> object:
            began = time.perf_counter()
            try:
                return await run(*given, **named)
            finally:
                self._note(stage, time.perf_counter() - began)

        setattr(owner, name, timed)

    def take(self) -> dict[str, tuple[float, float]]:
        """Return stage → median and 99th percentile in ms since the last time."""
        taken = {stage: quantiles([each * 1000 for each in spent]) for stage, spent in self.spent.items() if spent[1:]}
        self.spent.clear()
        return taken


class Samples:
    """Where the event loop's thread is, every 2 ms of processor time: its part of the code, and its function.

    A signal interrupts it; a thread that looks in from outside only ever sees it where it waits.
    """

    PARTS = (
        ("whosaw/doors", "door: token, body, answer"),
        ("whosaw/ask", "door: token, body, answer"),
        ("whosaw/decide", "decide"),
        ("whosaw/reveal", "reveal"),
        ("whosaw/prove", "record: canonical bytes, hashes, signature, receipts"),
        ("whosaw/record", "record: canonical bytes, hashes, signature, receipts"),
        ("whosaw/catalog", "reads of the company's tables"),
        ("sqlalchemy", "reads of the company's tables"),
        ("whosaw/store", "statements: pool, libpq"),
        ("psycopg", "statements: pool, libpq"),
        ("whosaw/gate", "gate: facts, budgets, numbers, entries"),
        ("whosaw/app", "server: uvicorn, Starlette"),
        ("uvicorn", "server: uvicorn, Starlette"),
        ("starlette", "server: uvicorn, Starlette"),
        ("fastapi", "server: uvicorn, Starlette"),
        ("bench/http", "this profile"),
        ("asyncio/runners", "event loop itself (uvloop, in C), system calls"),
    )

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self.functions: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._look)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)

    def _look(self, _: int, frame: object) -> None:
        while frame is not None:
            name = frame.f_code.co_filename
            for piece, part in self.PARTS:
                if piece in name:
                    self.found[part] += 1
                    self.functions[f"{Path(name).stem}.{frame.f_code.co_qualname}"] += 1
                    return
            frame = frame.f_back
        self.found["elsewhere"] += 1


async def serve(kind: str, folder: Path, url: str) -> None:
    """Serve one of the two until standard input closes; both check the token and read the row in the same way."""
    from whosaw.app.httpdoor import http_door
    from whosaw.app.memory import settle_memory
    from whosaw.app.server import Server, bind, build_app
    from whosaw.app.services import open_services
    from whosaw.app.settings import Settings
    from whosaw.catalog.statements import subject_statement
    from whosaw.terms import SystemClock

    settings = Settings(state=folder, catalog=folder / "whosaw.toml", requests_per_s=1e6)
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
        guarded = kind == "guarded"
        hits = Hits(services.gate, services.policies) if guarded else None
        profiled = guarded and os.environ.get("BENCH_PROFILE")
        samples, stages = (Samples(), Stages(services)) if profiled else (None, None)
        door = http_door(services) if guarded else None
        app = build_app(door.router, direct=door.direct) if door else build_app(router)
        server = Server(app, bind("127.0.0.1", 0))
        settle_memory()  # both, as `whosaw serve` does
        tasks = [asyncio.create_task(server.run())]
        if guarded:
            tasks.append(asyncio.create_task(services.integrator.run()))
        await server.started()
        print(server.address, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):  # a line asks for the stages since the last one
            print(json.dumps(stages.take() if stages else {}), flush=True)
        if hits is not None:
            counts = {"work": [hits.work, hits.asked], "memo": [hits.memo, hits.memo_asked]}
            print(
                json.dumps(
                    counts
                    | {"samples": samples.found if samples else {}, "functions": samples.functions if samples else {}}
                ),
                flush=True,
            )
        server.stop()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait(tasks)


class Asker:
    """Asks fresh things of one server, and checks every answer."""

    def __init__(self, address: str, tokens: list[str], numbers: object) -> None:
        host, port = address.removeprefix("http://").split(":")
        self._where, self._tokens, self._numbers = (host, int(port)), tokens, numbers
        self.unanswered = 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self._where)

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        number = next(self._numbers) % CUSTOMERS + 1
        body = json.dumps(
            {"subject": f"customer:C-{number}", "fields": ["customer.email"], "purpose": f"ticket:T-{number}"}
        )
        writer.write(
            f"POST /v1/disclosures HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._tokens[number % ACTORS]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        answer = await reader.readexactly(length)
        if b" 503 " in head.split(b"\r\n")[0]:  # the machine is so busy that the door gave up: it counts as no answer
            self.unanswered += 1
            return False
        if b" 200 " not in head.split(b"\r\n")[0] or f"c{number}@".encode() not in answer:
            raise SystemExit(f"a wrong answer: {head[:60]!r} {answer[:200]!r}")
        return True


async def closed(asker: Asker, clients: int, seconds: float) -> list[float]:
    """Ask in `clients` closed loops for `seconds`; return every latency in milliseconds."""
    ends, latencies = time.perf_counter() + seconds, []

    async def client() -> None:
        reader, writer = await asker.connect()
        while time.perf_counter() < ends:
            began = time.perf_counter()
            if await asker.ask(reader, writer):
                latencies.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return latencies


async def opened(asker: Asker, rate_per_s: float, seconds: float) -> list[float]:
    """Ask at random moments, `rate_per_s` of them a second, whatever is answered; return latencies since the moment."""
    free: asyncio.Queue = asyncio.Queue()
    for _ in range(128):
        free.put_nowait(await asker.connect())
    latencies, tasks, chance = [], [], random.Random(1)

    async def one(due: float) -> None:
        connection = await free.get()
        if await asker.ask(*connection):
            latencies.append((time.perf_counter() - due) * 1000)
        free.put_nowait(connection)

    due = began = time.perf_counter()
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
        due += chance.expovariate(rate_per_s)
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait()[1].close()
    return latencies


def spawn(*words: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, __file__, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def cpu_s(process: int) -> float:
    """Return the processor time that a process has used; it depends little on what else the machine does."""
    cells = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


def quantiles(latencies: list[float]) -> tuple[float, float]:
    cut = statistics.quantiles(latencies, n=100)
    return cut[49], cut[98]


def measure(folder: Path, url: str, tokens: list[str], seconds: float, rounds: int) -> None:
    """Load both servers in turn and print what came of it."""
    servers = {kind: spawn("--serve", kind, str(folder), url) for kind in ("bare", "guarded")}
    numbers = iter(range(10**9))
    askers = {kind: Asker(address, tokens, numbers) for kind, (_, address) in servers.items()}
    peak, stages = 0.0, {}
    try:
        for asker in askers.values():
            uvloop.run(closed(asker, 8, 1.0))  # warm
        staged(servers["guarded"][0])
        print(
            "| clients | bare reads/s | guarded/s | ÷ median | ÷ quietest | bare p50 / p99 ms | guarded p50 / p99 ms | "
            "server CPU per answer, bare / guarded, µs |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for clients in CLIENTS:
            rates, all_ms = {"bare": [], "guarded": []}, {"bare": [], "guarded": []}
            cpu_us = {"bare": 0.0, "guarded": 0.0}
            for _ in range(rounds):
                for kind, asker in askers.items():
                    before = cpu_s(servers[kind][0].pid)
                    spent = uvloop.run(closed(asker, clients, seconds))
                    cpu_us[kind] += (cpu_s(servers[kind][0].pid) - before) * 1e6
                    rates[kind].append(len(spent) / seconds)
                    all_ms[kind] += spent
            ratios = [g / b for g, b in zip(rates["guarded"], rates["bare"], strict=True)]
            quietest = rates["bare"].index(max(rates["bare"]))
            peak = max(peak, statistics.median(rates["guarded"]))
            cells = [
                str(clients),
                f"{statistics.median(rates['bare']):.0f}",
                f"{statistics.median(rates['guarded']):.0f}",
            ]
            cells += [f"{statistics.median(ratios):.2f}", f"{ratios[quietest]:.2f}"]
            cells += ["{:.1f} / {:.1f}".format(*quantiles(all_ms[kind])) for kind in ("bare", "guarded")]
            cells.append(" / ".join(f"{cpu_us[kind] / len(all_ms[kind]):.0f}" for kind in ("bare", "guarded")))
            print("| " + " | ".join(cells) + " |", flush=True)
            stages[f"{clients} clients" if clients > 1 else "1 client"] = staged(servers["guarded"][0])
        print(f"\nopen loop, {peak / 2:.0f} asks/s, half of the guarded peak:\n")
        print("| round | bare p50 / p99 ms | guarded p50 / p99 ms | added p50 / p99 ms |")
        print("|---|---|---|---|")
        for number in range(rounds):
            told = {kind: quantiles(uvloop.run(opened(each, peak / 2, seconds))) for kind, each in askers.items()}
            added = [told["guarded"][place] - told["bare"][place] for place in (0, 1)]
            rows = ["{:.1f} / {:.1f}".format(*told[kind]) for kind in ("bare", "guarded")]
            print(f"| {number + 1} | {rows[0]} | {rows[1]} | {added[0]:.1f} / {added[1]:.1f} |", flush=True)
        stages[f"open, {peak / 2:.0f}/s"] = staged(servers["guarded"][0])
        told = ", ".join(f"{kind} {asker.unanswered}" for kind, asker in askers.items())
        print(f"\nanswered 503 because the machine was too busy: {told}")
        if any(stages.values()):
            print("\n| stage of the guarded server, p50 / p99 ms | " + " | ".join(stages) + " |")
            print("|---" * (len(stages) + 1) + "|")
            for stage in next(iter(stages.values())):
                shown = [each.get(stage, (0.0, 0.0)) for each in stages.values()]
                print(f"| {stage} | " + " | ".join(f"{p50:.1f} / {p99:.1f}" for p50, p99 in shown) + " |")
    finally:
        for kind, (process, _) in servers.items():
            process.stdin.close()
            if kind == "guarded":
                report(json.loads(process.stdout.readline() or "null"))
            process.wait(60)


def staged(process: subprocess.Popen[str]) -> dict[str, list[float]]:
    """Return what the stages of a server took since it was last asked."""
    process.stdin.write("stages\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def report(told: dict | None) -> None:
    """Print what the guarded server says of itself."""
    if told is None:
        return
    for name, what in (("work", "work items"), ("memo", "decisions")):
        hit, asked = told[name]
        print(f"\nremembered {what}: {hit} of {asked} ({100 * hit / max(1, asked):.1f} %)")
    for name, title, most in (("samples", "part", 20), ("functions", "function", 25)):
        samples = Counter(told[name])
        if samples:
            print(f"\n| {title} of the guarded server | share of its processor time |\n|---|---|")
            for part, count in samples.most_common(most):
                print(f"| {part} | {100 * count / samples.total():.1f} % |")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--profile", action="store_true")
    options.add_argument("--serve", nargs=3, metavar=("KIND", "FOLDER", "URL"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        uvloop.run(serve(given.serve[0], Path(given.serve[1]), given.serve[2]))
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

        if given.profile:
            os.environ["BENCH_PROFILE"] = "1"
        print(f"load before: {os.getloadavg()[0]:.1f}\n")
        measure(folder, own, asyncio.run(tokens()), given.seconds, given.rounds)
        print(f"\nload after: {os.getloadavg()[0]:.1f}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
