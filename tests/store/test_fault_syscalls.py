"""The kernel says no: strace makes system calls of real child processes fail, or kills them there.

Unlike the fault table this goes through everything between Python and the disk. What a child said was kept must be
there, and what it left must be the old state or the new one, never something between.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from whosaw.prove import Checkpoint, Payload, check_consistency, open_checkpoint, sign_batch
from whosaw.prove.merkle import consistency_proof
from whosaw.record import Appender, Integrator, Journal, Keys, fsck, load_or_create, read_journal
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.store import Database
from whosaw.terms import SystemClock

strace = shutil.which("strace")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(strace is None, reason="strace is not installed"),
]

BASE = "faults.example"

JOURNALIST = """
import sys
from pathlib import Path
from whosaw.prove import SigningKey, sign_batch
from whosaw.record import Journal, JournalRefused
key = SigningKey.generate("faults.example/receipt")
with Journal(Path(sys.argv[1])) as journal:
    for number in range(5):
        try:
            journal.write(sign_batch(key, "faults.example/trail", number, [bytes([number]) * 32], 0))
            print("kept", number, flush=True)
        except JournalRefused:
            print("refused", number, flush=True)
"""

SIGNER = """
import asyncio, sys
from pathlib import Path
from whosaw.record import Integrator, load_or_create
from whosaw.store import Database
from whosaw.terms import SystemClock
async def sign(url, folder):
    keys = load_or_create(folder / "keys", SystemClock(), "faults.example")
    async with Database(url) as db:
        try:
            print("signed", (await Integrator(db, keys, folder / "trail", SystemClock()).step()).size, flush=True)
        except OSError as cause:
            print("refused", cause.errno, flush=True)
asyncio.run(sign(sys.argv[1], Path(sys.argv[2])))
"""

# what strace does at which call on the journal, and what the child must then have said of entries 0 to 4 (K kept,
# r refused); a killed child says nothing more
JOURNAL_FAULTS = [
    ("write:error=ENOSPC:when=2", "KrKKK"),
    ("write:error=EIO:when=2..3", "KrrKK"),
    ("fsync:error=EIO:when=2", "KrKKK"),
    ("fsync:error=EIO", "rrrrr"),
    ("write:signal=KILL:when=3", "KK"),
    ("fsync:signal=KILL:when=3", "KK"),
]

SIGNER_FAULTS = [
    "openat:error=ENOSPC",
    "write:error=ENOSPC",
    "fsync:error=EIO",
    "rename:error=EIO",
    "write:signal=KILL",
    "rename:signal=KILL",
]
WRITTEN_FILES = ["tile/0/001.new", "checkpoint.new"]


def run_under(injection: str, path: Path, program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a child in which one kind of call on `path` meets `injection`."""
    call = injection.partition(":")[0]
    command = [str(strace), "-f", "-qq", "-o", "/dev/null", "-P", str(path), "-e", f"trace={call}"]
    command += ["-e", f"inject={injection}", sys.executable, "-c", program, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("injection", "said"), JOURNAL_FAULTS, ids=lambda each: each)
def test_the_journal_holds_what_it_said_and_can_be_gone_on_with(injection: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "door.receipts"
    path.touch(mode=0o600)
    done = run_under(injection, path, JOURNALIST, str(path))
    told = [line.split() for line in done.stdout.splitlines()]
    assert "".join("K" if how == "kept" else "r" for how, _ in told) == said, done.stderr
    before = [receipt.index for receipt in read_journal(path)]
    assert before[: said.count("K")] == [int(number) for how, number in told if how == "kept"]
    assert len(before) - said.count("K") <= (done.returncode != 0)  # killed between disk and word: one too many at most
    keys = load_or_create(tmp_path / "keys", SystemClock(), BASE)
    with Journal(path) as journal:
        journal.write(sign_batch(keys.receipt, keys.origin, 9, [b"9" * 32], 0))
    assert [receipt.index for receipt in read_journal(path)] == [*before, 9]


@pytest.fixture
async def signed(database: Database, tmp_path: Path) -> tuple[Keys, Checkpoint]:
    """A trail of 300 entries that are signed, and 300 more that are not; returns the checkpoint over the 300."""
    keys = load_or_create(tmp_path / "keys", SystemClock(), BASE)
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    async with Appender(database, keys, SystemClock()) as appender:
        entries: list[Payload] = [
            {"kind": "disclosure", "at": now_us + number, "actor": 1, "subject": number} for number in range(600)
        ]
        await appender.append_many(entries[:300])
        head = await Integrator(database, keys, tmp_path / "trail", SystemClock()).step()
        await appender.append_many(entries[300:])
    return keys, head


@pytest.mark.parametrize("name", WRITTEN_FILES)
async def test_a_signer_that_fails_anywhere_leaves_the_old_state_or_the_new_one(
    name: str, database: Database, database_url: str, signed: tuple[Keys, Checkpoint], tmp_path: Path
) -> None:
    keys, old = signed
    trail = tmp_path / "trail"
    for injection in SIGNER_FAULTS:
        folder = tmp_path / injection.replace(":", "-")
        shutil.copytree(trail, folder / "trail")
        shutil.copytree(tmp_path / "keys", folder / "keys")
        done = run_under(injection, folder / "trail" / name, SIGNER, database_url, str(folder))
        killed = "KILL" in injection
        assert done.stdout.startswith("" if killed else "refused"), (injection, done.stdout, done.stderr)
        assert not (killed and done.returncode == 0), injection
        standing, _ = open_checkpoint((folder / "trail" / "checkpoint").read_bytes(), [keys.trail.verifier])
        assert standing == old, injection
        await it_goes_on(database, keys, folder / "trail", old)
        async with database.connection() as connection:  # the next fault begins where this one did
            await connection.execute("delete from trail_checkpoint where size > %s", [old.size])


async def it_goes_on(database: Database, keys: Keys, trail: Path, old: Checkpoint) -> None:
    new = await Integrator(database, keys, trail, SystemClock()).step()
    assert new.size == 600
    proof = consistency_proof(old.size, new.size, TileNodes(Shelf(trail), new.size))
    check_consistency((old.size, old.root), (new.size, new.root), proof)
    report = await fsck(database, trail, keys.trail.verifier)
    assert report.ok, list(report.lines())
