"""The lake at scale: named questions beside SQL written by hand on the same files, export, and how cost grows.

Made data: `--rows` disclosures drawn by `whosaw.market.bulk`, in months of 16 million, in the layout that merging
leaves (past quarters, then months; files of disjoint ranges of subjects, sorted by subject); 20 rows for each
customer, 20,000 for each member of staff, as many sellers as staff. Each question runs once and then up to five times
while ten seconds last, and the median of these counts; one of more than 60 s runs once. Each question and side has a
process of its own, whose peak memory is printed, and both must find equally many rows; `--rounds` alternates them and
the medians count. The files are read once before, so that nobody waits for the disk. CPU seconds are of all threads
of that process: on a busy machine they say more than the clock, and the ratio is theirs. Run: `python bench/lake.py
--rows 1000000 10000000`; `--keep DIR` leaves the made lakes for the next call, `--side ours` measures one side alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whosaw.lake.place import Folder
from whosaw.lake.trailfiles import write_file
from whosaw.lake.trailmanifest import RowFile, TrailManifest, folder_of, write_trail
from whosaw.lake.trailrows import COLUMNS
from whosaw.market.bulk import Company, Disclosures, disclosures
from whosaw.market.work import FIELD_SETS

TRAIL = "bench.example/trail"
ROWS_PER_FILE = 1_000_000
DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000
MONTH_ROWS = 16_000_000
FIELDS = [",".join(f"{name}=reveal" for name in names) for names in FIELD_SETS]

SHOWN = "shown AND subject IS NOT NULL"
HAND = {
    "who-saw": f"""SELECT trail, entry, at_us, subject, actor, fields, purpose, verified, beneficiary, door, in_set,
        'trail' AS grade FROM {{files}} WHERE {SHOWN} AND trail = '{TRAIL}' AND subject IN ({{subjects}})
        ORDER BY at_us, trail, entry, subject, actor""",
    "overlap": f"""SELECT trail, actor, count(DISTINCT subject) AS seen, count(*) AS disclosures, min(at_us), max(at_us)
        FROM {{files}} WHERE {SHOWN} AND trail = '{TRAIL}' AND subject IN ({{subjects}}) GROUP BY 1, 2
        ORDER BY 3 DESC, 1, 2""",
    "actor-beneficiary": f"""SELECT trail, actor, beneficiary, count(*), min(at_us), max(at_us) FROM {{files}}
        WHERE {SHOWN} AND beneficiary IS NOT NULL GROUP BY 1, 2, 3""",
    "actor-exposure": f"""SELECT trail, actor, count(*) FROM
        (SELECT DISTINCT trail, actor, subject FROM {{files}} WHERE {SHOWN}) GROUP BY 1, 2 ORDER BY 1, 2""",
}
BARS_S = {"who-saw": 0.5, "overlap": 0.5, "actor-beneficiary": 25.0, "actor-exposure": 20.0}


def company_of(rows: int) -> Company:
    """Return the company whose year leaves so many rows: 20 for each customer, 20,000 for each member of staff."""
    many = max(50, rows // 20_000)
    return Company(customers=max(1_000, rows // 20), staff=many, sellers=many)


def make(lake: Path, rows: int) -> None:
    """Write the made lake, in the layout that merging leaves; one that was cut goes on after the last whole file."""
    company, place = company_of(rows), Folder(lake / folder_of(TRAIL))
    lake.mkdir(parents=True, exist_ok=True)
    noted = lake / "made.jsonl"
    files = [RowFile(**json.loads(line)) for line in noted.read_text().splitlines()] if noted.exists() else []
    for number, piece in enumerate(_pieces(company, rows)):
        if number < len(files):
            continue
        rng = np.random.default_rng([1, number])
        drawn = disclosures(rng, company, piece.rows, piece.customers, piece.period_us, piece.first + 1)
        table = _rows(rng, drawn, piece.first)
        files.append(write_file(place, piece.partition, table, piece.span, (rows, "00" * 32)))
        with noted.open("a") as file:
            file.write(json.dumps(asdict(files[-1])) + "\n")
    write_trail(place, TrailManifest(TRAIL, rows, "00" * 32, 0, tuple(files), {"customer.email": "contact"}))


@dataclass(frozen=True)
class _Piece:
    partition: str
    rows: int
    first: int
    span: tuple[int, int]
    customers: tuple[int, int]
    period_us: tuple[int, int]


def _pieces(company: Company, rows: int) -> Iterator[_Piece]:
    for months in _partitions(rows):
        first, end = months[0] * MONTH_ROWS, min((months[-1] + 1) * MONTH_ROWS, rows)
        cuts = np.linspace(1, company.customers + 1, -(-(end - first) // ROWS_PER_FILE) + 1).astype(np.int64).tolist()
        for piece, customers in enumerate(pairwise(cuts)):
            at = piece * ROWS_PER_FILE
            year, month = divmod(months[0], 12)
            yield _Piece(
                partition=f"quarter={2026 + year}-Q{month // 3 + 1}" if len(months) == 3 else _month(months[0]),
                rows=min(ROWS_PER_FILE, end - first - at),
                first=first + at,
                span=(first, end),
                customers=customers,
                period_us=(START_US + months[0] * 30 * DAY_US, START_US + (months[-1] + 1) * 30 * DAY_US),
            )


def _partitions(rows: int) -> Iterator[list[int]]:
    """Yield the months of each partition: quarters that are past are merged, what follows them are months."""
    there = list(range(-(-rows // MONTH_ROWS)))
    past = (len(there) - 1) // 3 * 3
    yield from (there[at : at + 3] for at in range(0, past, 3))
    yield from ([month] for month in there[past:])


def _month(month: int) -> str:
    return f"month={2026 + month // 12}-{month % 12 + 1:02d}"


def _rows(rng: np.random.Generator, drawn: Disclosures, first: int) -> pa.Table:
    size = len(drawn)
    pick = pa.DictionaryArray.from_arrays
    same = pa.array(np.zeros(size, np.int32))
    sellers = pa.array([f"seller:S-{n:06d}" for n in range(int(drawn.seller.max()) + 1)])
    seller = pa.array(drawn.seller.astype(np.int32), mask=drawn.seller == 0)
    columns = {
        "trail": pick(same, pa.array([TRAIL])),
        "entry": pa.array(first + rng.permutation(size)),
        "at_us": pa.array(drawn.at_us),
        "kind": pick(same, pa.array(["disclosure"])),
        "actor": pa.array(drawn.actor),
        "subject": pa.array(drawn.customer),
        "purpose": pa.array(drawn.ticket),
        "door": pick(same, pa.array(["http"])),
        "decision": pick(same, pa.array(["allow"])),
        "verified": pa.array(drawn.verified),
        "shown": pa.array(rng.random(size) < 0.95),
        "fields": pick(pa.array(drawn.fields.astype(np.int32)), pa.array(FIELDS)),
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


def on_spark(lake: Path, rows: int, name: str) -> Callable[[], int]:
    """Return what asks the named question of Spark on two threads."""
    from whosaw.lake.answers import ask
    from whosaw.lake.named import Asked

    asked = Asked(subjects={TRAIL: subjects_of(rows)})
    return lambda: int(ask(lake, name, asked, engine="local[2]").table.num_rows)


def by_hand(lake: Path, rows: int, name: str) -> Callable[[], int]:
    """Return what runs the SQL written by hand, on a connection with the same memory and threads."""
    import duckdb

    from whosaw.lake.duck import means_of

    means = means_of(name)

    files = f"read_parquet('{lake}/trails/*/*/*.parquet', hive_partitioning=false)"
    text = HAND[name].format(files=files, subjects=", ".join(map(str, subjects_of(rows))))

    def run() -> int:
        with duckdb.connect(
            config={"memory_limit": means.memory, "threads": means.threads, "temp_directory": f"{lake}.spill"}
        ) as connection:
            connection.execute("SET enable_progress_bar = false")
            return int(connection.execute(text).to_arrow_table().num_rows)

    return run


def _measured(side: str, lake: str, rows: int, name: str, queue: Any) -> None:
    found = timed({"ours": ours, "by_hand": by_hand}[side](Path(lake), rows, name))
    queue.put((found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def timed(work: Callable[[], int]) -> tuple[float, float, int]:
    """Return (seconds, CPU seconds, rows found) of some work warm: the medians."""
    spent: list[float] = []
    worked: list[float] = []
    # the first one warms the caches; beside one that takes so long, reading them cold is little
    while not spent or (len(spent) < 2 and spent[0] < 60) or (len(spent) < 6 and sum(spent) < 10):
        begun, at_work = time.perf_counter(), time.process_time()
        count = work()
        spent.append(time.perf_counter() - begun)
        worked.append(time.process_time() - at_work)
    return statistics.median(spent[1:] or spent), statistics.median(worked[1:] or worked), count


def measure(side: str, lake: Path, rows: int, name: str) -> tuple[tuple[float, float, int], float]:
    """Return (seconds, CPU seconds, rows found) of a question warm, and the peak memory in MB of its process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_measured, args=(side, str(lake), rows, name, queue))
    process.start()
    result: tuple[tuple[float, float, int], float] = queue.get(timeout=3_600)
    process.join()
    return result


def spark_slope(folder: Path, sizes: list[int], names: list[str]) -> list[str]:
    """Measure the questions on Spark with two threads, in one session."""
    lines = ["| rows | question | s on `local[2]` | rows found |", "|---|---|---|---|"]
    print("\n".join(lines))
    on_spark(kept(folder, sizes[0]), sizes[0], names[0])()  # starts the session
    for rows in sizes:
        for name in names:
            spent, _, found = timed(on_spark(kept(folder, rows), rows, name))
            lines.append(f"| {rows:,} | {name} | {spent:.2f} | {found:,} |")
            print(lines[-1], flush=True)
    return lines


def kept(folder: Path, rows: int) -> Path:
    """Return the lake of so many rows, made where it is not there yet."""
    lake = folder / f"lake-{rows}"
    if not lake.exists():
        begun = time.perf_counter()
        draft = folder / f"draft-{rows}"
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(draft, rows))
        maker.start()  # a process of its own, so that what it takes is in nobody's peak
        maker.join()
        if maker.exitcode:
            raise SystemExit("the lake could not be made")
        draft.rename(lake)
        size = sum(path.stat().st_size for path in lake.rglob("*.parquet"))
        print(f"made {rows:,} rows in {time.perf_counter() - begun:.0f} s, {size / 1e6:.0f} MB", flush=True)
    return lake


def questions(folder: Path, sizes: list[int], names: list[str], side: str = "both", rounds: int = 1) -> list[str]:
    """Measure the questions at every size, the sides by turns; one side alone is for runs that must be short."""
    lines = [
        "| rows | question | s | by hand s | CPU s | by hand CPU s | CPU ratio | rows found | peak MB (by hand) |",
        "|" + "---|" * 9,
    ]
    print("\n".join(lines))
    for rows in sizes:
        lake = kept(folder, rows)
        read_once(lake)
        for name in names:
            if side != "both":
                (spent, work, found), peak = measure(side, lake, rows, name)
                print(f"{rows:,} | {name} | {side} | {spent:.2f} s | {work:.2f} CPU s | {found:,} rows | {peak:.0f} MB")
                continue
            lines.append(_line(lake, rows, name, rounds))
            print(lines[-1], flush=True)
    return lines


def _line(lake: Path, rows: int, name: str, rounds: int) -> str:
    """Return a line of the table."""
    taken = [(measure("ours", lake, rows, name), measure("by_hand", lake, rows, name)) for _ in range(rounds)]
    counts = {count for turn in taken for (_, _, count), _ in turn}
    if len(counts) > 1:
        raise SystemExit(f"{name}: the sides find {counts} rows")
    (spent, work, peak), (hand_spent, hand_work, hand_peak) = (
        [statistics.median(each) for each in zip(*((*said[:2], most) for said, most in turns), strict=True)]
        for turns in zip(*taken, strict=True)
    )
    times = " | ".join(f"{each:.2f}" for each in (spent, hand_spent, work, hand_work, work / hand_work))
    return f"| {rows:,} | {name} | {times} | {counts.pop():,} | {peak:.0f} ({hand_peak:.0f}) |"


def read_once(lake: Path) -> None:
    """Read the files of a lake, so that what is measured next finds them in memory where they fit."""
    for path in lake.rglob("*.parquet"):
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass


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
            await appender.append_many(said)
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
    words.add_argument("--only", nargs="*", default=list(HAND), choices=list(HAND), help="these questions")
    words.add_argument("--export", type=int, default=300_000, help="entries to export from a real trail; 0 for none")
    words.add_argument("--spark", action="store_true", help="on Spark instead, with two threads")
    words.add_argument("--side", default="both", choices=["both", "ours", "by_hand"])
    words.add_argument("--rounds", type=int, default=1, help="how often both sides are measured, by turns")
    words.add_argument("--keep", type=Path, help="folder where made lakes stay for the next call")
    said = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="whosaw-bench-lake-") as own:
        folder = said.keep or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        if said.rows:
            if said.spark:
                spark_slope(folder, said.rows, said.only)
            else:
                questions(folder, said.rows, said.only, said.side, said.rounds)
        if said.export:
            print(asyncio.run(export_speed(Path(own), said.export)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
