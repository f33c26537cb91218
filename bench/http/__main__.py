"""A guarded disclosure beside a bare FastAPI row read: same token check, same row, same pool, driver and worker count.

``python bench/http [--seconds S] [--rounds N] [--profile]`` starts its own PostgreSQL and the two servers, loads
them in turn from a third process with a fresh (actor, ticket, subject) for every ask, and prints

- throughput and latency at 1, 8 and 64 clients in closed loops, and guarded ÷ bare: the median of all rounds, and of
  the quietest round, the one in which the bare server did most;
- what guarding adds to the median and the 99th percentile in an open loop, at half of the guarded peak, and at
  rates that do not depend on it;
- how often the remembered work item or the remembered decision answered;
- with ``--profile``, how long each stage of a guarded ask takes, and in which part of the code the server's thread is.

Ratios are what counts: the machine is shared, its absolutes are not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psycopg
import uvloop
from load import Asker, closed, opened, quantiles
from serving import serve
from world import ACTORS, CATALOG, COMPANY

CLIENTS = (1, 8, 64)
LADDER = (50, 100, 200, 300, 400, 500, 600)  # asks a second


def spawn(*words: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, __file__, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def cpu_s(process: int) -> float:
    """Return the processor time that a process has used; it depends little on what else the machine does."""
    cells = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")


def used_s(server: int, folder: Path) -> tuple[float, float, float]:
    """Return the processor time that a server, PostgreSQL with all its processes, and this process have used."""
    postmaster = int((folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    database = cpu_s(postmaster)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            database += cpu_s(int(process.name)) if parent == postmaster else 0.0
    return cpu_s(server), database, time.process_time()


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
        print(HEADING.format("round"))
        for number in range(rounds):
            print(added(servers, askers, folder, str(number + 1), peak / 2, seconds), flush=True)
        stages[f"open, {peak / 2:.0f}/s"] = staged(servers["guarded"][0])
        print(f"\n{HEADING.format('open loop, asks/s')}")
        for rate in LADDER:
            print(added(servers, askers, folder, str(rate), rate, seconds), flush=True)
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


HEADING = (
    "| {} | bare p50 / p99 ms | guarded p50 / p99 ms | added p50 / p99 ms | "
    "CPU per guarded answer, server / PostgreSQL / load, µs |\n|---|---|---|---|---|"
)


def added(servers: dict, askers: dict[str, Asker], folder: Path, title: str, per_s: float, seconds: float) -> str:
    """Load both in an open loop and return a row: what guarding adds, and what it costs."""
    told = {"bare": quantiles(uvloop.run(opened(askers["bare"], per_s, seconds)))}
    before = used_s(servers["guarded"][0].pid, folder)
    spent = uvloop.run(opened(askers["guarded"], per_s, seconds))
    after = used_s(servers["guarded"][0].pid, folder)
    told["guarded"] = quantiles(spent)
    more = [told["guarded"][place] - told["bare"][place] for place in (0, 1)]
    rows = ["{:.1f} / {:.1f}".format(*told[kind]) for kind in ("bare", "guarded")]
    used = [f"{(late - early) * 1e6 / len(spent):.0f}" for early, late in zip(before, after, strict=True)]
    return "| " + " | ".join([title, *rows, f"{more[0]:.1f} / {more[1]:.1f}", " / ".join(used)]) + " |"


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
            for statement in ("vacuum analyze", "checkpoint"):  # else the server does it at a moment of its own
                connection.execute(statement)
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
