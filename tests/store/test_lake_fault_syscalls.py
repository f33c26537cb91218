"""The kernel says no to the exporter: strace makes its system calls fail, or kills it there.

What the lake then shows is what it held before or all of what is new, never a part; and the next export brings it up to
the trail with no row lost, doubled or left over. The signer and the journal have theirs in `test_fault_syscalls.py`.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from whosaw.lake.flow import export
from whosaw.lake.place import place_of
from whosaw.lake.trailmanifest import NAME, folder_of, read_trail
from whosaw.lake.trailread import Trail
from whosaw.lake.verify import verify_lake
from whosaw.prove import Payload
from whosaw.record import Appender, Integrator, load_or_create
from whosaw.store import Database
from whosaw.terms import SystemClock

strace = shutil.which("strace")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(strace is None, reason="strace is not installed"),
]

BASE = "faults.example"
EXPORTER = """
import asyncio, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from whosaw.lake.errors import LakeUnwritable
from whosaw.lake.flow import export
from whosaw.lake.trailread import Trail
from whosaw.prove import VerifierKey
from whosaw.store import Database
async def main(url, folder, key, lake):
    # one thread at the files: what strace counts to, it counts in each thread by itself
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    async with Database(url, pool_size=3) as db:
        try:
            trail = Trail(db, Path(folder), VerifierKey.parse(key))
            print("exported", (await export(trail, Path(lake))).end, flush=True)
        except LakeUnwritable:
            print("refused", flush=True)
asyncio.run(main(*sys.argv[1:]))
"""
# An export flushes and renames three files: a trial of the folder, the rows, the manifest. `*` stands where any file is
# meant, since the name of a file of rows is drawn; the manifest's draft is known by its name.
FAULTS = [
    ("*", "fsync:error=EIO:when=3"),
    ("*", "rename:error=ENOSPC:when=2"),
    ("*", "rename:signal=KILL:when=2"),
    (f"{NAME}.draft", "openat:error=ENOSPC"),
    (f"{NAME}.draft", "write:error=ENOSPC"),
    (f"{NAME}.draft", "fsync:error=EIO"),
    (f"{NAME}.draft", "rename:error=EIO"),
    (f"{NAME}.draft", "rename:signal=KILL"),
]


async def grow(database: Database, folder: Path, entries: int) -> Trail:
    """Append entries and sign them; return the trail."""
    keys = load_or_create(folder / "keys", SystemClock(), BASE)
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    shown: Payload = {"kind": "disclosure", "actor": 1, "fields": ["customer.email=reveal"], "door": "http"}
    async with Appender(database, keys, SystemClock()) as appender:
        await appender.append_many([shown | {"at": now_us + number, "subject": number} for number in range(entries)])
    await Integrator(database, keys, folder / "trail", SystemClock()).step()
    return Trail(database, folder / "trail", keys.trail.verifier)


def held(trail: Trail, lake: Path) -> int:
    """Return how many entries the lake says it holds."""
    manifest = read_trail(place_of(lake).within(folder_of(trail.origin)))
    return manifest.end if manifest is not None else 0


def export_under(fault: tuple[str, str], url: str, trail: Trail, lake: Path) -> subprocess.CompletedProcess[str]:
    """Export in a child in which one kind of call, on one file or on any, meets an injection."""
    name, injection = fault
    where = [] if name == "*" else ["-P", str(lake / folder_of(trail.origin) / name)]
    command = [str(strace), "-f", "-qq", "-o", "/dev/null", *where, "-e", f"trace={injection.partition(':')[0]}"]
    command += ["-e", f"inject={injection}", sys.executable, "-c", EXPORTER]
    words = [url, str(trail.folder), str(trail.key), str(lake)]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=120)


async def export_again(trail: Trail, lake: Path) -> None:
    for _ in range(100):
        try:
            await export(trail, lake)
        except BlockingIOError:  # the server has not noticed yet that the last one is dead
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError("the lake stayed locked")


async def test_an_exporter_that_fails_anywhere_shows_the_old_rows_or_all_of_the_new(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    trail = await grow(database, tmp_path, 300)
    before = tmp_path / "before"
    await export(trail, before)
    await grow(database, tmp_path, 300)
    met = 0
    for name, injection in FAULTS:
        lake = tmp_path / injection.replace(":", "-").replace("=", "-") / name.strip("*.")
        shutil.copytree(before, lake)
        done = export_under((name, injection), database_url, trail, lake)
        killed = "KILL" in injection
        assert done.stdout.strip() == ("" if killed else "refused"), (injection, done.stdout, done.stderr)
        assert not (killed and done.returncode == 0), injection
        assert held(trail, lake) in (300, 600), injection
        met += held(trail, lake) == 300
        await export_again(trail, lake)
        report = await verify_lake(trail, lake)
        assert not report.findings, injection
        rows = Counter(
            entry
            for path in lake.rglob("*.parquet")
            for entry in pq.read_table(path, columns=["entry"])["entry"].to_pylist()
        )
        assert rows == Counter(range(600)), injection
        assert not [*lake.rglob("*.draft")], injection
    assert met == len(FAULTS)  # none of these comes after the manifest counts
