"""A following export killed at random while the trail grows: no row of the lake is lost or doubled.

The process that is killed is a real one, with a real database behind it; after every kill another takes over. The judge
is the check of every row against the trail, and a count of rows per entry made without it. Run as a program for the
campaign: `python tests/crash/lake_kills.py --kills 200 --write` keeps the table in docs/measured. A campaign runs in
parts, each over a fresh trail and lake and judged by itself; with `--parts FILE` a finished part is a line there, and a
campaign that was interrupted goes on after the last one. Exit 1 where anything is lost, doubled, found or left over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from whosaw.lake.compact import Sizes
from whosaw.lake.flow import export
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake
from whosaw.record import Appender, Integrator, load_or_create
from whosaw.store import Database
from whosaw.terms import SystemClock

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measured" / "lake-crash.md"
SIZES = Sizes(file_rows=300, day_files=3, month_after_days=2)  # merges all the time, so that kills hit them too
DAY_US = 86_400_000_000
# Imports once and forks for each line it reads: what is killed is a process of its own, and starts at once.
MOTHER = f"""
import asyncio, os, signal, sys
from pathlib import Path
from whosaw.lake.compact import Sizes
from whosaw.lake.flow import follow
from whosaw.lake.trailread import Trail
from whosaw.prove import VerifierKey
from whosaw.store import Database

async def main(url, folder, key, lake):
    async with Database(url, pool_size=3) as db:
        await follow(Trail(db, Path(folder), VerifierKey.parse(key)), lake, sizes={SIZES!r}, every_s=0.01)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    child = os.fork()
    if not child:
        asyncio.run(main(*sys.argv[1:]))
        os._exit(0)
    print(child, flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    """What a campaign came to.

    Args:
        kills: processes killed.
        entries: in the trail at the end.
        lost, doubled: rows.
        findings: of the check of every row.
        leftovers: files under the lake that no manifest names, after the last export.
        advanced: kills between which the lake had grown.
    """

    kills: int
    entries: int
    lost: int
    doubled: int
    findings: int
    leftovers: int
    advanced: int


async def campaign(url: str, folder: Path, kills: int, seed: int) -> Outcome:
    """Kill the follower `kills` times while entries are appended, let another finish, and judge.

    Each lives for up to three times as long as the first one took to bring something into the lake, on this machine as
    it is.
    """
    rng, lake = random.Random(seed), folder / "lake"
    clock = SystemClock()
    keys = load_or_create(folder / "keys", clock)
    total, advanced, before = 0, 0, 0
    async with Database(url, pool_size=4) as db, Appender(db, keys, clock) as appender:
        integrator = Integrator(db, keys, folder / "trail", clock)
        trail = Trail(db, folder / "trail", keys.trail.verifier)
        mother = _mother(url, trail, lake)
        await appender.append(_entry(rng, total))
        total += 1
        await integrator.step()
        wait_s = 3 * _first_s(mother, lake)
        for _ in range(kills):
            child = _next_child(mother)
            until = time.monotonic() + rng.random() * wait_s
            while time.monotonic() < until:
                batch = [_entry(rng, total + n) for n in range(rng.randrange(1, 120))]
                await appender.append_many(batch)
                total += len(batch)
                await integrator.step()
                await asyncio.sleep(0.02)  # where nothing waits for a disk the trail would outrun every follower
            os.kill(child, signal.SIGKILL)
            there = sum(pq.read_metadata(path).num_rows for path in lake.rglob("*.parquet"))
            advanced += there != before
            before = there
        mother.communicate()
        await _finish(trail, lake)
        report = await verify_lake(trail, lake)
    rows = Counter(
        e for path in lake.rglob("*.parquet") for e in pq.read_table(path, columns=["entry"])["entry"].to_pylist()
    )
    files = len([path for path in lake.rglob("*") if path.is_file() and path.suffix in {".parquet", ".draft"}])
    return Outcome(
        kills=kills,
        entries=total,
        lost=total - len(rows),
        doubled=sum(count - 1 for count in rows.values()),
        findings=len(report.findings),
        leftovers=files - report.files,
        advanced=advanced,
    )


def _first_s(mother: subprocess.Popen[bytes], lake: Path) -> float:
    """Return how long a follower takes from its start to its first rows; it is killed then."""
    child = _next_child(mother)
    begun = time.monotonic()
    while not any(lake.rglob("MANIFEST.json")):
        if time.monotonic() > begun + 300:
            raise TimeoutError("the export brought nothing into the lake")
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    return time.monotonic() - begun


async def _finish(trail: Trail, lake: Path) -> None:
    for _ in range(100):
        try:
            await export(trail, lake, sizes=SIZES)
        except BlockingIOError:  # the server has not noticed yet that the last one is dead
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError("the lake stayed locked")


def _mother(url: str, trail: Trail, lake: Path) -> subprocess.Popen[bytes]:
    words = [url, str(trail.folder), str(trail.key), str(lake)]
    return subprocess.Popen(
        [sys.executable, "-c", MOTHER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )


def _next_child(mother: subprocess.Popen[bytes]) -> int:
    assert mother.stdin is not None
    assert mother.stdout is not None
    mother.stdin.write(b"\n")
    return int(mother.stdout.readline())


def _entry(rng: random.Random, n: int) -> dict[str, int | str | list[int | str]]:
    return {
        "kind": "disclosure",
        "at": 1_772_409_600_000_000 + n * DAY_US // 700,
        "actor": rng.randrange(1, 30),
        "subject": rng.randrange(1, 2_000),
        "door": "http",
        "verified": "yes",
        "fields": ["customer.email=reveal"],
    }


def run_part(kills: int, seed: int) -> Outcome:
    """Run one part on an embedded server of its own."""
    import psycopg

    from whosaw.store import EmbeddedPostgres, upgrade
    from whosaw.store.database import with_database

    with (
        tempfile.TemporaryDirectory(prefix="whosaw-lake-kills-") as own,
        EmbeddedPostgres(Path(tempfile.mkdtemp(prefix="whosaw-pg-"))) as server,
    ):
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database kills")
        url = with_database(server.url(), "kills")
        upgrade(url)
        return asyncio.run(campaign(url, Path(own), kills, seed))


def run_parts(words: argparse.Namespace) -> list[Outcome]:
    """Run what is still missing of a campaign, part by part, and return all of it."""
    kept: Path | None = words.parts
    parts = [Outcome(**json.loads(line)) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    began = time.monotonic()
    while (left := words.kills - sum(part.kills for part in parts)) > 0 and time.monotonic() - began < words.at_most_s:
        parts.append(run_part(min(left, words.part_kills), words.seed + len(parts)))
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with kept.open("a") as file:
                file.write(json.dumps(asdict(parts[-1])) + "\n")
        print(f"  part {len(parts)}: {parts[-1]}", file=sys.stderr, flush=True)
    return parts


def page(done: Outcome, parts: int, commit: str) -> str:
    """Return the measured page."""
    ran = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · `python tests/crash/lake_kills.py --kills {done.kills} --write`"
    columns = (done.kills, done.entries, done.advanced, done.lost, done.doubled, done.findings, done.leftovers)
    return f"""# The export killed at random

{ran} · commit {commit} · {os.cpu_count()} cores · {parts} parts, each over a trail and a lake of its own.

A following export is killed (SIGKILL) at a random moment while the trail grows and files are merged all the time; the
next one takes over. After the last kill of a part another export finishes; then every row is checked against the signed
trail, and rows are counted per entry without that check.

| kills | entries | kills between which the lake had changed | rows lost | rows doubled | findings | files left over |
|---|---|---|---|---|---|---|
| {" | ".join(f"{each:,}" for each in columns)} |
"""


def main() -> int:
    """Run the campaign, or what is missing of it, and print its page."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=200)
    words.add_argument("--seed", type=int, default=1, help="of moments and entries")
    words.add_argument("--part-kills", type=int, default=40, help="kills over one trail, before it is judged")
    words.add_argument("--parts", type=Path, metavar="FILE", help="keep finished parts there, and go on after them")
    words.add_argument("--at-most-s", type=float, default=math.inf, help="begin no part after so many seconds")
    words.add_argument("--write", action="store_true", help=f"keep {PAGE.relative_to(ROOT)}")
    said = words.parse_args()
    parts = run_parts(said)
    done = Outcome(*(sum(getattr(part, each.name) for part in parts) for each in fields(Outcome)))
    head = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    print(page(done, len(parts), commit))
    if said.write:
        PAGE.write_text(page(done, len(parts), commit))
    return 1 if done.lost or done.doubled or done.findings or done.leftovers else 0


if __name__ == "__main__":
    sys.exit(main())
