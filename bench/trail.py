"""Durable appends per second and the latency they add, beside the disk itself and what else could be done.

`python bench/trail.py` starts its own PostgreSQL, runs every writer in closed loops of 1, 8, 64 and 256 concurrent asks
and prints ratios with the bars they must reach; exit 1 where one is missed. `--slow` adds simulated slow disks (a
longer flush by `commit_delay`), `--pgaudit` Debian's PostgreSQL 15 with pgaudit, `--write` keeps the tables in
docs/measured. With `--parts FILE` every cell is a line there, and a run that `--at-most-s` ended goes on with the cells
that this commit has no line for. Absolutes are this machine's at this moment; the disk's raw flush rate beside them
says how fast that was.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import psycopg
from pgaudit_server import PgauditServer
from trail_writers import WRITERS, hash_work_us, payload, raw_flushes

from whosaw.store import EmbeddedPostgres, upgrade
from whosaw.store.database import with_database

ASKS = (1, 8, 64, 256)
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "measured" / "trail.md"
Table = dict[str, dict[int, "Cell"]]
# what a row of the table is, which writer makes it, and in how many processes
ROWS = {
    "whosaw trail": ("trail", 1),
    "whosaw trail, two processes": ("trail", 2),
    "whosaw trail with receipt journal": ("trail_and_journal", 1),
    "bare file, group commit": ("bare_file", 1),
    "bare file, group commit, two processes with a file each": ("bare_file", 2),
    "one INSERT per append (16 connections)": ("insert_each", 1),
    "one INSERT per append, two processes (16 connections each)": ("insert_each", 2),
    "one sequenced INSERT each (16 connections)": ("sequenced_each", 1),
    "one sequenced INSERT each, two processes (16 connections each)": ("sequenced_each", 2),
    "one `log_append` each (16 connections)": ("log_append_each", 1),
    "SQLite WAL FULL, one transaction each": ("sqlite_each", 1),
}
TRAIL, TRAIL_TWO, JOURNALLED, FILE, _, INSERT, INSERT_TWO, SEQUENCED, SEQUENCED_TWO, *OTHERS = ROWS


RATIOS = (
    "Asks are those of all processes together. A ratio is between rows of as many processes, but for the bare file: "
    "two processes would write two files there, which is two logs, so that one file stands against one process on the "
    "trail, and against two that share it. Bars are held against two processes (with one ask, one): a trail is made to "
    "be shared by several doors."
)


@dataclass(frozen=True)
class Cell:
    """One writer under one number of asks: appends a second, latency in ms, flushes of the disk around it."""

    rate: float
    p50_ms: float
    p99_ms: float
    raw: float

    def __str__(self) -> str:
        return f"{self.rate / 1000:.1f}k · {self.p50_ms:.1f} / {self.p99_ms:.1f}"


async def load(writer: str, url: str, folder: Path, asks: int, seconds: float) -> tuple[float, list[float]]:
    """Append in `asks` closed loops for `seconds` once told to; return the seconds it took and every latency in ms."""
    latencies: list[float] = []
    numbers = iter(range(os.getpid() << 32, (os.getpid() + 1) << 32))
    async with WRITERS[writer](url, folder) as write:
        await asyncio.gather(*(write(payload(next(numbers))) for _ in range(min(asks, 16))))  # connections and plans
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        starts = time.perf_counter()
        ends = starts + seconds

        async def ask() -> None:
            while (began := time.perf_counter()) < ends:
                await write(payload(next(numbers)))
                latencies.append((time.perf_counter() - began) * 1000)

        await asyncio.gather(*(ask() for _ in range(asks)))
        return time.perf_counter() - starts, latencies


def measure(row: str, url: str, folder: Path, asks: int, seconds: float) -> Cell:
    """Return one cell; its processes start together, and the disk is measured right before and after."""
    writer, processes = ROWS[row]
    load_words = ["--load", writer, url, str(folder)]
    before = raw_flushes(folder)
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--seconds", str(seconds), *load_words, str(asks // processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for each in started:
        assert each.stdout is not None
        if each.stdout.readline() != "ready\n":
            raise SystemExit(f"{row}: the load did not start")
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    answers = [json.loads(each.communicate()[0]) for each in started]
    latencies = [ms for _, several in answers for ms in several]
    raw = (before + raw_flushes(folder)) / 2
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Cell(len(latencies) / max(spent for spent, _ in answers), cuts[49], cuts[98], raw)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """Lend a migrated database; a table that another cell filled would be another table."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("create database bench template bench_template")
    yield with_database(server_url, "bench")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute("drop database bench with (force)")
        connection.execute("checkpoint")  # so that its writes do not fall into the next cell


class Ended(Exception):
    """The time given was up before every cell was measured."""


class Kept:
    """Cells that were measured, kept in a file where one was named."""

    def __init__(self, path: Path | None, at_most_s: float) -> None:
        self._path = path
        self._commit = commit()
        self._until = time.monotonic() + at_most_s
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        read = [json.loads(line) for line in lines]
        self._cells = {each["key"]: Cell(**each["cell"]) for each in read if each["commit"] == self._commit}

    def cell(self, key: str, take: Callable[[], Cell]) -> Cell:
        """Return a cell, measured now where it was not before.

        Raises:
            Ended: the time is up.
        """
        if key in self._cells:
            return self._cells[key]
        if time.monotonic() > self._until:
            raise Ended
        self._cells[key] = found = take()
        print(f"  {key}: {found}", file=sys.stderr, flush=True)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "commit": self._commit, "cell": asdict(found)}) + "\n")
        return found


def commit() -> str:
    """Return the source's commit, marked where files differ from it."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def measure_all(server_url: str, folder: Path, options: argparse.Namespace, kept: Kept) -> Table:
    """Return every cell, going round the writers for each number of asks so that all meet the same disk."""
    cells: Table = {row: {} for row in ROWS}
    for number in options.asks:
        found: dict[str, list[Cell]] = {row: [] for row, (_, processes) in ROWS.items() if processes <= number}
        for turn, row in product(range(options.rounds), found):

            def take(row: str = row, number: int = number) -> Cell:
                with fresh_database(server_url) as url:
                    return measure(row, url, folder, number, options.seconds)

            found[row].append(kept.cell(f"{number:>3} asks, turn {turn}, {row}", take))
        for row, several in found.items():
            cells[row][number] = sorted(several, key=lambda cell: cell.rate)[len(several) // 2]
    return cells


def rates_table(cells: Table) -> list[str]:
    """Return durable appends a second with latency, and the disk's own flush rate around each number of asks."""
    asks = [*cells[TRAIL]]
    lines = ["| appends/s · added latency p50 / p99 ms | " + " | ".join(f"{n} at once" for n in asks) + " |"]
    lines.append("|---" * (len(asks) + 1) + "|")
    lines += [f"| {row} | " + " | ".join(str(of.get(n, "–")) for n in asks) + " |" for row, of in cells.items()]
    raw = [statistics.median(of[n].raw for of in cells.values() if n in of) for n in asks]
    lines.append("| raw 4 KiB fdatasync, flushes/s | " + " | ".join(f"{each / 1000:.1f}k" for each in raw) + " |")
    return lines


@dataclass(frozen=True)
class Bar:
    """A ratio that must be reached: by one process, by two on one trail, and which of the two is held to it."""

    name: str
    at_least: float
    one: float
    two: float | None
    by_two: bool

    @property
    def reached(self) -> bool:
        return (self.two if self.by_two and self.two is not None else self.one) >= self.at_least

    def __str__(self) -> str:
        two = "–" if self.two is None else f"{self.two:.2f}"
        cells = [f"{self.one:.2f}", two]
        cells[self.by_two] = f"**{cells[self.by_two]}**"
        return f"| {self.name} | {' | '.join(cells)} | ≥ {self.at_least} | {'✓' if self.reached else 'missed'} |"


def ratios(cells: Table) -> list[Bar]:
    """Return every bar with what was reached."""

    def pair(name: str, at_least: float, rivals: tuple[str, str], asks: int) -> Bar:
        one, two = (
            cells[ours][asks].rate / cells[rival][asks].rate if asks in cells[ours] else None
            for ours, rival in zip((TRAIL, TRAIL_TWO), rivals, strict=True)
        )
        assert one is not None
        return Bar(f"trail ÷ {name}, {asks} asks", at_least, one, two, by_two=two is not None)

    bars = [
        ("one INSERT per append", 4.0, (INSERT, INSERT_TWO), 64),
        ("one INSERT per append", 4.5, (INSERT, INSERT_TWO), 256),
        ("one sequenced INSERT each", 15.0, (SEQUENCED, SEQUENCED_TWO), 64),
        *(("bare file's group commit", 0.35, (FILE, FILE), asks) for asks in ASKS),
    ]
    return [pair(*bar) for bar in bars if bar[-1] in cells[TRAIL]]


def slow_disks(server_url: str, folder: Path, fast: Table, seconds: float, kept: Kept) -> tuple[list[str], list[str]]:
    """Return the table under simulated slow flushes and the bars missed; throughput may fall as the flush rate does."""
    lines = ["| flush | trail at 256 asks | falls to 1/ | flush rate falls to 1/ |", "|---|---|---|---|"]
    missed = []
    base = fast[TRAIL][256]
    for added_ms in (3, 11):

        def take(added_ms: int = added_ms) -> Cell:
            set_flush(server_url, added_ms * 1000)
            with fresh_database(server_url) as url:
                return measure(TRAIL, url, folder, 256, seconds)

        cell = kept.cell(f"256 asks, flush +{added_ms} ms", take)
        falls, explained = base.rate / cell.rate, 1 + added_ms * base.raw / 1000
        lines.append(f"| +{added_ms} ms | {cell} | {falls:.1f} | {explained:.1f} |")
        if falls > explained:
            missed.append(f"slow disk +{added_ms} ms")
    set_flush(server_url, 0)
    return lines, missed


def set_flush(server_url: str, added_us: int) -> None:
    """Make every commit's flush longer by a sleep before it, as a slower disk would be."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        for name, value in (("commit_delay", added_us), ("commit_siblings", 0)):
            connection.execute(f"alter system set {name} = {value}")
        connection.execute("select pg_reload_conf()")
    time.sleep(0.2)


def pgaudit_lines(folder: Path, seconds: float, kept: Kept) -> list[str]:
    """Return what pgaudit costs and what it does not give, or why it could not be measured."""
    server = PgauditServer(folder / "pgaudit")
    if (absent := server.absent()) is not None:
        return [f"pgaudit: not measured, {absent}."]
    with server:
        found = {}
        for name in ("none", "write"):
            server.audit(name)
            found[name] = [
                kept.cell(f"{n:>3} asks, pgaudit {name}", lambda n=n: measure(INSERT, server.url, folder, n, seconds))
                for n in (64, 256)
            ]
    lines = ["| PostgreSQL 15, one INSERT each | 64 asks | 256 asks |", "|---|---|---|"]
    lines.append("| without pgaudit | " + " | ".join(map(str, found["none"])) + " |")
    lines.append("| with pgaudit writing each statement to the server's log | " + " | ".join(map(str, found["write"])))
    lines[-1] += " |"
    return [*lines, "", "pgaudit's log is not flushed before the answer and not tamper-evident."]


def report(folder: Path, options: argparse.Namespace, kept: Kept) -> tuple[list[str], list[str]]:
    """Measure everything; return the page's lines and the bars missed."""
    with EmbeddedPostgres(folder / "postgres") as server:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database bench_template")
        upgrade(with_database(server.url(), "bench_template"))
        cells = measure_all(server.url(), folder, options, kept)
        slow, missed = slow_disks(server.url(), folder, cells, options.seconds, kept) if options.slow else ([], [])
    bars = ratios(cells)
    lines = [
        *rates_table(cells),
        "",
        "| ratio, same run | by one process | by two | bar | |",
        "|---|---|---|---|---|",
    ]
    lines += [str(bar) for bar in bars]
    missed += [bar.name for bar in bars if not bar.reached]
    lines += ["", RATIOS]
    spelling, hashing = hash_work_us()
    share = sum(hashing.values()) * 20_000 / 1e6
    lines += [
        "",
        f"Hashing and signing beside the database, groups of 64: {share:.0%} of a core at 20 k/s (bar ≤ 25 %):",
    ]
    lines += [", ".join(f"{name} {us:.1f} µs" for name, us in (hashing | spelling).items()) + " an entry;"]
    lines += ["the last two, spelling the payload and drawing its salt, are not counted."]
    if share > 0.25:
        missed.append("hash work")
    lines += ["", *slow] if slow else []
    lines += ["", *pgaudit_lines(folder, options.seconds, kept)] if options.pgaudit else []
    return lines, missed


def page(lines: list[str], missed: list[str]) -> str:
    """Return the measured page: what ran, when, on what, and what came out."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in cpus if line.startswith("model name")), "?")
    head = [
        "# Appending to the trail",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python bench/trail.py {' '.join(sys.argv[1:])}` · commit "
        f"{commit()} · {os.cpu_count()} cores ({model}), Python {sys.version.split()[0]}, "
        f"load average {os.getloadavg()[0]:.1f} at the end.",
        "",
        "Every ask waits for its own entry (closed loop). Clients, appender and PostgreSQL share the cores. The INSERT "
        "rival is a bare table without search columns or checked leaf. Latency is what the append adds to an ask.",
        "",
    ]
    return "\n".join([*head, *lines, "", f"Missed: {'; '.join(missed) or 'none'}.", ""])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=1.0, help="of load for each cell")
    options.add_argument("--rounds", type=int, default=1, help="of every cell; the median by rate is kept")
    options.add_argument("--asks", type=int, nargs="+", choices=ASKS, default=ASKS, help="at once; --slow needs 256")
    options.add_argument("--parts", type=Path, metavar="FILE", help="keep cells there, and go on after them")
    options.add_argument("--at-most-s", type=float, default=1e9, help="seconds after which no cell is begun")
    options.add_argument("--slow", action="store_true", help="simulate flushes of +3 ms and +11 ms")
    options.add_argument("--pgaudit", action="store_true", help="measure Debian's postgresql-15-pgaudit where it is")
    options.add_argument("--write", action="store_true", help=f"keep the tables in {PAGE.relative_to(ROOT)}")
    options.add_argument("--load", nargs=4, metavar=("WRITER", "URL", "FOLDER", "ASKS"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.load:
        writer, url, folder, asks = given.load
        print(json.dumps(asyncio.run(load(writer, url, Path(folder), int(asks), given.seconds))))
        return 0
    with tempfile.TemporaryDirectory(prefix="whosaw-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user where this runs as root
        try:
            lines, missed = report(folder, given, Kept(given.parts, given.at_most_s))
        except Ended:
            print("cells are left", file=sys.stderr)
            return 3
    text = page(lines, missed)
    print(text)
    if given.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
