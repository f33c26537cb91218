"""The lake at scale: named questions beside SQL written by hand on the same files, export, and how cost grows.

Made data: `--rows` disclosures in months, in the layout that merging leaves (files of disjoint ranges of subjects,
sorted by subject). Half a million rows a day, a subject for every 20 rows, 20,000 staff and beneficiaries at most. Each
question runs once and then three times; their median counts. Each side has a process of its own, whose peak memory is
printed, and both must find equally many rows. CPU seconds are of all threads of that process: on a busy
machine they say more than the clock, and the ratio is theirs. Run: `python bench/lake.py --rows 1000000 10000000`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

TRAIL = "bench.example/trail"
ROWS_PER_FILE = 1_000_000
DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000
MONTH_ROWS = 16_000_000
FIELDS = ["customer.email=reveal,customer.phone=mask", "customer.address=reveal", "customer.email=reveal"]

SHOWN = "shown AND subject IS NOT NULL"
HAND = {
    "who-saw": f"""SELECT trail, entry, at_us, subject, actor, fields, purpose, verified, beneficiary, door, in_set,
        'trail' AS grade FROM {{files}} WHERE {SHOWN} AND trail = '{TRAIL}' AND subject IN ({{subjects}})
        ORDER BY at_us, trail, entry, subject, actor""",
    "overlap": f"""SELECT trail, actor, count(DISTINCT subject) AS seen, count(*) AS disclosures, min(at_us), max(at_us)
        FROM {{files}} WHERE {SHOWN} AND trail = '{TRAIL}' AND subject IN ({{subjects}}) GROUP BY 1, 2
        ORDER BY 3 DESC, 1, 2""",
    "actor-beneficiary": f"""SELECT trail, actor, beneficiary, count(*), min(at_us), max(at_us) FROM {{files}}
        WHERE {SHOWN} AND beneficiary IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "actor-exposure": f"""SELECT trail, actor, count(*) FROM
        (SELECT DISTINCT trail, actor, subject FROM {{files}} WHERE {SHOWN}) GROUP BY 1, 2 ORDER BY 1, 2""",
}
BARS_S = {"who-saw": 0.5, "overlap": 0.5, "actor-beneficiary": 25.0, "actor-exposure": 20.0}


def make(lake: Path, rows: int) -> None:
    """Write the made lake."""
    from whosaw.lake.place import Folder
    from whosaw.lake.trailfiles import write_file
    from whosaw.lake.trailmanifest import TrailManifest, folder_of, write_trail

    rng = np.random.default_rng(1)
    place = Folder(lake / folder_of(TRAIL))
    files, first = [], 0
    people, staff = max(1_000, rows // 20), min(20_000, max(50, rows // 5_000))
    month = 0
    while first < rows:
        of_month = min(MONTH_ROWS, rows - first)
        partition = f"month={2026 + month // 12}-{month % 12 + 1:02d}"
        pieces = -(-of_month // ROWS_PER_FILE)
        cuts = np.linspace(1, people + 1, pieces + 1).astype(np.int64)
        for piece in range(pieces):
            size = min(ROWS_PER_FILE, of_month - piece * ROWS_PER_FILE)
            table = _piece(
                rng,
                (first + piece * ROWS_PER_FILE, size),
                (cuts[piece], max(cuts[piece + 1], cuts[piece] + 1)),
                staff,
                month,
            )
            files.append(write_file(place, partition, table, (first, first + of_month), (rows, "00" * 32)))
        first += of_month
        month += 1
    write_trail(place, TrailManifest(TRAIL, rows, "00" * 32, 0, tuple(files), {"customer.email": "contact"}))


def _piece(
    rng: np.random.Generator, span: tuple[int, int], people: tuple[int, int], staff: int, month: int
) -> pa.Table:
    from whosaw.lake.trailrows import COLUMNS

    first, size = span
    subject = np.sort(rng.integers(people[0], people[1], size))
    at = START_US + month * 30 * DAY_US + rng.integers(0, 30 * DAY_US, size)
    sellers = pa.array([f"seller:S-{n}" for n in range(staff)])
    seller = pa.array((subject * 7919 + rng.integers(0, 3, size)) % staff, pa.int32())
    pick = pa.DictionaryArray.from_arrays
    same = pa.array(np.zeros(size, np.int32))
    columns = {
        "trail": pick(same, pa.array([TRAIL])),
        "entry": pa.array(first + rng.permutation(size)),
        "at_us": pa.array(at),
        "kind": pick(same, pa.array(["disclosure"])),
        "actor": pa.array((rng.pareto(1.2, size) * staff / 20).astype(np.int64) % staff + 1),
        "subject": pa.array(subject),
        "purpose": pa.array(rng.integers(1, 1 << 22, size)),
        "door": pick(same, pa.array(["http"])),
        "decision": pick(same, pa.array(["allow"])),
        "verified": pa.array(rng.random(size) < 0.97),
        "shown": pa.array(rng.random(size) < 0.95),
        "fields": pick(pa.array(rng.integers(0, 3, size), pa.int32()), pa.array(FIELDS)),
        "beneficiary": pick(seller, sellers),
        "action": pa.nulls(size, pa.string()),
        "reason": pick(same, pa.array(["purpose.verified"])),
        "rows": pa.nulls(size, pa.int64()),
        "in_set": pa.array(np.zeros(size, bool)),
    }
    return pa.table(columns).cast(COLUMNS)


def subjects_of(rows: int) -> tuple[int, ...]:
    """Return the 50 subjects asked about."""
    return tuple(np.random.default_rng(2).integers(1, max(1_000, rows // 20), 50).tolist())


def ours(lake: Path, rows: int, name: str) -> Callable[[], int]:
    """Return what asks the named question, the lake looked over anew each time."""
    from whosaw.lake.answers import ask
    from whosaw.lake.named import Asked

    asked = Asked(subjects={TRAIL: subjects_of(rows)})
    return lambda: int(ask(lake, name, asked).table.num_rows)


def by_hand(lake: Path, rows: int, name: str) -> Callable[[], int]:
    """Return what runs the SQL written by hand, on a connection with the same memory and threads."""
    import duckdb

    files = f"read_parquet('{lake}/trails/*/*/*.parquet', hive_partitioning=false)"
    text = HAND[name].format(files=files, subjects=", ".join(map(str, subjects_of(rows))))

    def run() -> int:
        with duckdb.connect(
            config={"memory_limit": "2GB", "threads": 2, "temp_directory": f"{lake}.spill"}
        ) as connection:
            return int(connection.execute(text).to_arrow_table().num_rows)

    return run


def _measured(side: str, lake: str, rows: int, queue: Any) -> None:
    found = {}
    for name in HAND:
        work = {"ours": ours, "by_hand": by_hand}[side](Path(lake), rows, name)
        spent, worked = [], []
        for _ in range(4 if rows < 50_000_000 else 3):
            begun, at_work = time.perf_counter(), time.process_time()
            count = work()
            spent.append(time.perf_counter() - begun)
            worked.append(time.process_time() - at_work)
        found[name] = (statistics.median(spent[1:]), statistics.median(worked[1:]), count)
    queue.put((found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def measure(side: str, lake: Path, rows: int) -> tuple[dict[str, tuple[float, float, int]], float]:
    """Return per question the seconds, CPU seconds and rows found, and the peak memory in MB, of one process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measured, args=(side, str(lake), rows, queue))
    process.start()
    result: tuple[dict[str, tuple[float, float, int]], float] = queue.get(timeout=3_600)
    process.join()
    return result


def questions(folder: Path, sizes: list[int]) -> list[str]:
    """Measure every question at every size."""
    lines = [
        "| rows | question | s | by hand s | CPU s | by hand CPU s | CPU ratio | rows found | bar at 100 M |",
        "|" + "---|" * 9,
    ]
    for rows in sizes:
        lake = folder / f"lake-{rows}"
        begun = time.perf_counter()
        make(lake, rows)
        size = sum(path.stat().st_size for path in lake.rglob("*.parquet"))
        print(f"made {rows:,} rows in {time.perf_counter() - begun:.0f} s, {size / 1e6:.0f} MB", flush=True)
        mine, peak = measure("ours", lake, rows)
        hand, hand_peak = measure("by_hand", lake, rows)
        for name, (spent, work, found) in mine.items():
            hand_spent, hand_work, hand_found = hand[name]
            if found != hand_found:
                raise SystemExit(f"{name}: {found} rows, by hand {hand_found}")
            times = " | ".join(f"{each:.2f}" for each in (spent, hand_spent, work, hand_work, work / hand_work))
            lines.append(f"| {rows:,} | {name} | {times} | {found:,} | ≤ {BARS_S[name]} s |")
            print(lines[-1], flush=True)
        print(f"peak memory: {peak:.0f} MB, by hand {hand_peak:.0f} MB", flush=True)
        shutil.rmtree(lake)
    return lines


async def export_speed(folder: Path, entries: int) -> str:
    """Return entries per second from a real trail in an embedded server into Parquet."""
    import psycopg

    from whosaw.lake.flow import export
    from whosaw.lake.trailread import Trail
    from whosaw.record import Appender, Integrator, load_or_create
    from whosaw.record.appender import Limits
    from whosaw.store import Database, EmbeddedPostgres, upgrade
    from whosaw.store.database import with_database
    from whosaw.terms import SystemClock

    with EmbeddedPostgres(Path(tempfile.mkdtemp(prefix="whosaw-bench-pg-"))) as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database bench")
        url = with_database(server.url(), "bench")
        upgrade(url)
        clock = SystemClock()
        keys = load_or_create(folder / "keys", clock)
        rng = np.random.default_rng(3)
        actors, subjects = rng.integers(1, 500, entries).tolist(), rng.integers(1, 50_000, entries).tolist()
        said = [
            {
                "kind": "disclosure",
                "at": START_US + n * DAY_US // 300_000,
                "actor": actors[n],
                "subject": subjects[n],
                "purpose": n % 9_000 + 1,
                "door": "http",
                "decision": "mask",
                "verified": "yes",
                "reason": "purpose.verified",
                "mode": "enforce",
                "policy": "2026-03-02.1",
                "ask": f"{n:032x}",
                "beneficiary": f"seller:S-{n % 800}",
                "fields": ["customer.email=reveal", "customer.phone=mask", "customer.address=deny"],
            }
            for n in range(entries)
        ]
        limits = Limits(queue_entries=1 << 20, deadline_s=600)
        async with Database(url, pool_size=4) as db, Appender(db, keys, clock, limits=limits) as appender:
            await appender.append_many(said)  # type: ignore[arg-type]
            await Integrator(db, keys, folder / "trail", clock).step()
            trail = Trail(db, folder / "trail", keys.trail.verifier)
            begun, at_work = time.perf_counter(), time.process_time()
            done = await export(trail, folder / "exported")
            spent, work = time.perf_counter() - begun, time.process_time() - at_work
    pace = f"{done.entries / spent:,.0f} entries/s (bar: 100,000)"
    return f"export: {done.entries:,} entries in {spent:.2f} s = {pace}; {work:.2f} CPU s in this process"


def main() -> int:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    words.add_argument("--export", type=int, default=300_000)
    words.add_argument("--json", action="store_true")
    said = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="whosaw-bench-lake-") as own:
        lines = questions(Path(own), said.rows) if said.rows else []
        if said.export:
            lines.append(asyncio.run(export_speed(Path(own), said.export)))
            print(lines[-1])
    if said.json:
        print(json.dumps(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
