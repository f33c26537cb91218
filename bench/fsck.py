"""How long it takes to derive a whole trail again: a million entries, re-encoded from what is stored, in one process.

`python bench/fsck.py` starts its own PostgreSQL, appends the entries as doors do, signs a checkpoint every thousand,
then runs the check as `whosaw fsck` does, each time in a fresh process: leaves, columns, tiles, checkpoints, dates and
the number map. Exit 1 where the quickest of the rounds takes longer than the bar. `--write` keeps the page in
docs/measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from trail_writers import payload

from whosaw.record import Appender, Integrator, load_or_create
from whosaw.record.appender import Limits
from whosaw.record.fsck import Extent, fsck
from whosaw.store import Database, EmbeddedPostgres, upgrade
from whosaw.store.database import with_database
from whosaw.store.numbers import assign
from whosaw.terms import SystemClock, to_us

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "measured" / "fsck.md"
BAR_S = 10.0
ACTORS, PURPOSES, SUBJECTS = 400, 50_000, 60_000
BATCH_ENTRIES = 1_000
ORIGIN = "bench.example"
BUILT = "built"


async def build(url: str, state: Path, entries: int) -> None:
    """Append `entries` disclosures about a known number map, with a signed checkpoint after every thousand."""
    clock = SystemClock()
    keys = load_or_create(state / "keys", clock, ORIGIN)
    limits = Limits(batch_entries=BATCH_ENTRIES, deadline_s=60)
    async with Database(url) as db, Appender(db, keys, clock, limits=limits) as appender:
        for space, count in (("actor", ACTORS), ("purpose", PURPOSES), ("subject", SUBJECTS)):
            await assign(db, space, [f"{space}:{number}" for number in range(count)])
        integrator = Integrator(db, keys, state / "trail", clock)
        for first in range(0, entries, BATCH_ENTRIES):
            numbers = range(first, min(first + BATCH_ENTRIES, entries))
            await appender.append_many(entry(number, to_us(clock.now())) for number in numbers)
            await integrator.step()


def entry(number: int, at_us: int) -> dict[str, int | str | list[int | str]]:
    """Return a disclosure of the usual size, dated now, its numbers within the map."""
    who = {"actor": number % ACTORS + 1, "purpose": number % PURPOSES + 1, "subject": number % SUBJECTS + 1}
    return payload(number) | who | {"at": at_us}


async def check(url: str, state: Path) -> dict[str, float]:
    """Check the trail as the command does; return seconds by the clock and of this process's own work, and its memory.

    Raises:
        SystemExit: something was found.
    """
    keys = load_or_create(state / "keys", SystemClock(), ORIGIN)
    shown = 0

    def progress(_done: int, _size: int) -> None:
        nonlocal shown
        shown += 1

    began, worked = time.perf_counter(), time.process_time()
    async with Database(url, pool_size=2) as db:
        extent = Extent(numbers=True, delay_s=60.0, state=True)
        report = await fsck(db, state / "trail", keys.trail.verifier, progress, (), extent)
    if not report.ok or not shown:
        raise SystemExit("\n".join(report.lines()))
    return {
        "entries": report.entries,
        "seconds": time.perf_counter() - began,
        "own_s": time.process_time() - worked,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def page(found: list[dict[str, float]], url: str) -> str:
    """Return the measured page."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    best = min(each["seconds"] for each in found)
    with psycopg.connect(url) as connection:
        [(bytes_each,)] = connection.execute(
            "select pg_table_size('trail_entry') / greatest(count(*), 1) from trail_entry"
        ).fetchall()
        [(checkpoints,)] = connection.execute("select count(*) from trail_checkpoint").fetchall()
    lines = [
        "# Deriving the whole trail again",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python bench/fsck.py {' '.join(sys.argv[1:])}` · commit "
        f"{asked.stdout.strip() or 'unknown'} · {os.cpu_count()} cores shared with PostgreSQL, Python "
        f"{sys.version.split()[0]}, load average {os.getloadavg()[0]:.1f} at the end.",
        "",
        f"{found[0]['entries']:,.0f} entries of {bytes_each} bytes in the table, {checkpoints:,} signed checkpoints. "
        "One process per round reads everything once: each leaf from payload and salt, the canonical spelling, the six "
        "columns, tiles, every checkpoint's signature and root, dates, and the number map.",
        "",
        "| round | seconds | of these its own work | peak memory, MiB |",
        "|---|---|---|---|",
    ]
    for number, each in enumerate(found, 1):
        lines.append(f"| {number} | {each['seconds']:.1f} | {each['own_s']:.1f} | {each['peak_mib']:.0f} |")
    verdict = "reached" if best <= BAR_S else "missed"
    lines += ["", f"Quickest: {best:.1f} s; bar: 1,000,000 entries in {BAR_S:.0f} s, {verdict}."]
    return "\n".join([*lines, ""])


def measure(folder: Path, entries: int, rounds: int) -> tuple[str, bool]:
    """Check one trail `rounds` times, built first where it is not there; return the page and whether the bar holds."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # PostgreSQL runs as another user where this runs as root
    with EmbeddedPostgres(folder / "postgres") as server:
        url = with_database(server.url(), "bench")
        if not (folder / BUILT).exists():
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("create database bench")
            upgrade(url)
            began = time.perf_counter()
            asyncio.run(build(url, folder, entries))
            (folder / BUILT).touch()
            print(f"  built in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        found = []
        for _ in range(rounds):
            command = [sys.executable, __file__, "--check", url, str(folder)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found.append(json.loads(done.stdout))
            print(f"  {found[-1]}", file=sys.stderr, flush=True)
        bar_s = BAR_S * entries / 1_000_000
        reached = not found or min(each["seconds"] for each in found) <= bar_s
        return page(found, url) if found else "", reached


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3, help="0 only builds the trail")
    options.add_argument("--state", type=Path, help="keep the trail here, and check what an earlier run kept")
    options.add_argument("--write", action="store_true", help=f"keep the page in {PAGE.relative_to(ROOT)}")
    options.add_argument("--check", nargs=2, metavar=("URL", "STATE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.check:
        print(json.dumps(asyncio.run(check(given.check[0], Path(given.check[1])))))
        return 0
    with tempfile.TemporaryDirectory(prefix="whosaw-fsck-") as name:
        text, reached = measure(given.state or Path(name), given.entries, given.rounds)
    print(text)
    if given.write:
        PAGE.write_text(text)
    return 0 if reached else 1


if __name__ == "__main__":
    raise SystemExit(main())
