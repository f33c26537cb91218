"""A following export killed at random while the trail grows: no row of the lake is lost or doubled.

The process that is killed is a real one, with a real database behind it; after every kill another takes over. The judge
is the check of every row against the trail, and a count of rows per entry made without it. Run as a program for the
campaign: `python tests/crash/lake_kills.py --kills 200`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from whosaw.lake.compact import Sizes
from whosaw.lake.flow import export
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake
from whosaw.record import Appender, Integrator, load_or_create
from whosaw.store import Database
from whosaw.terms import SystemClock

SIZES = Sizes(file_rows=300, day_files=3, month_after_days=2)  # merges all the time, so that kills hit them too
DAY_US = 86_400_000_000
CHILD = f"""
import asyncio, sys
from pathlib import Path
from whosaw.lake.compact import Sizes
from whosaw.lake.flow import follow
from whosaw.lake.trailread import Trail
from whosaw.prove import VerifierKey
from whosaw.store import Database

async def main(url, folder, key, lake):
    async with Database(url, pool_size=3) as db:
        print("ready", flush=True)
        await follow(Trail(db, Path(folder), VerifierKey.parse(key)), lake, sizes={SIZES!r}, every_s=0.01)

asyncio.run(main(*sys.argv[1:]))
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
    """Kill the follower `kills` times while entries are appended, let another finish, and judge."""
    rng, lake = random.Random(seed), folder / "lake"
    clock = SystemClock()
    keys = load_or_create(folder / "keys", clock)
    total, advanced, before = 0, 0, 0
    async with Database(url, pool_size=4) as db, Appender(db, keys, clock) as appender:
        integrator = Integrator(db, keys, folder / "trail", clock)
        trail = Trail(db, folder / "trail", keys.trail.verifier)
        for _ in range(kills):
            child = _start(url, trail, lake)
            until = time.monotonic() + rng.random() * 0.6
            while time.monotonic() < until:
                batch = [_entry(rng, total + n) for n in range(rng.randrange(1, 120))]
                await appender.append_many(batch)
                total += len(batch)
                await integrator.step()
            child.kill()
            child.communicate()
            there = sum(pq.read_metadata(path).num_rows for path in lake.rglob("*.parquet"))
            advanced += there != before
            before = there
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


async def _finish(trail: Trail, lake: Path) -> None:
    for _ in range(100):
        try:
            await export(trail, lake, sizes=SIZES)
        except BlockingIOError:  # the server has not noticed yet that the last one is dead
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError("the lake stayed locked")


def _start(url: str, trail: Trail, lake: Path) -> subprocess.Popen[bytes]:
    words = [url, str(trail.folder), str(trail.key), str(lake)]
    child = subprocess.Popen([sys.executable, "-c", CHILD, *words], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    return child


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


def main() -> int:
    """Run the campaign on an embedded server and print its table."""
    import psycopg

    from whosaw.store import EmbeddedPostgres, upgrade
    from whosaw.store.database import with_database

    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--kills", type=int, default=200)
    words.add_argument("--seed", type=int, default=1)
    said = words.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="whosaw-lake-kills-") as own,
        EmbeddedPostgres(Path(tempfile.mkdtemp(prefix="whosaw-pg-"))) as server,
    ):
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database kills")
        url = with_database(server.url(), "kills")
        upgrade(url)
        done = asyncio.run(campaign(url, Path(own), said.kills, said.seed))
    print("| kills | entries | lake grew between kills | rows lost | rows doubled | findings | files left over |")
    print("|---|---|---|---|---|---|---|")
    columns = (done.kills, done.entries, done.advanced, done.lost, done.doubled, done.findings, done.leftovers)
    print(f"| {' | '.join(str(each) for each in columns)} |")
    return 1 if done.lost or done.doubled or done.findings or done.leftovers else 0


if __name__ == "__main__":
    sys.exit(main())
