"""The guard: each cause is made for real, closes the door with its own error, and the door opens again when it goes."""

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from whosaw.record import Appender, Integrator, Journal, TrailUnavailable, fsck, load_or_create, read_journal
from whosaw.record.closed import (
    ClockBehind,
    DatabaseGone,
    DiskFull,
    DurabilityLost,
    IntegratorStuck,
    KeyGone,
    ServerChanged,
    TrailShorter,
)
from whosaw.record.guard import Bounds, Guard, accept_server
from whosaw.record.serverfile import KnownServer
from whosaw.store import Database, EmbeddedPostgres, upgrade
from whosaw.store.database import with_database
from whosaw.terms import SystemClock, to_us

BOUNDS = Bounds(look_s=0.1, retry_s=0.05)
IMPATIENT = replace(BOUNDS, unsigned_s=0.8)
CLOCK = SystemClock()


class SettableClock:
    """A clock that says it is the world's, and can be wrong."""

    simulated = False

    def __init__(self):
        self.off = timedelta()

    def now(self):
        return datetime.now(UTC) + self.off


def payload(clock=CLOCK):
    return {"kind": "disclosure", "at": to_us(clock.now()), "actor": 1, "subject": 2}


@pytest.fixture
def keys(tmp_path):
    return load_or_create(tmp_path / "keys", CLOCK, "test")


@pytest.fixture
def guarded(database, keys, tmp_path):
    """Make an appender behind a guard, over the test's own database unless another is given."""

    def make(db=database, clock=CLOCK, bounds=BOUNDS, **more):
        guard = Guard(db, clock, keys_folder=tmp_path / "keys", trail_folder=tmp_path / "trail", bounds=bounds)
        return Appender(db, keys, clock, guard=guard, **more)

    return make


@pytest.fixture
def own_server():
    """A PostgreSQL that only this test uses, and may break."""
    folder = Path(tempfile.mkdtemp(prefix="whosaw-guard-"))
    server = EmbeddedPostgres(folder).start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("create database whosaw")
    upgrade(with_database(server.url(), "whosaw"))
    yield server
    server.stop()
    shutil.rmtree(folder)


async def refused(appender, clock=CLOCK):
    with pytest.raises(TrailUnavailable) as caught:
        await appender.append(payload(clock))
    return type(caught.value)


async def opens(appender, within_s=20.0, clock=CLOCK):
    """Return the receipt of the first entry that is taken, and fail where none is in time."""
    until = time.monotonic() + within_s
    while True:
        try:
            return await appender.append(payload(clock))
        except TrailUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


async def closes(appender, within_s=5.0, clock=CLOCK):
    """Return the class of the first refusal, and fail where none comes in time."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            await appender.append(payload(clock))
        except TrailUnavailable as closed:
            return type(closed)
        await asyncio.sleep(0.05)
    raise AssertionError("the door stayed open")


async def test_nothing_stands_in_the_way_of_a_whole_trail(guarded, tmp_path):
    async with guarded() as appender:
        receipts = await asyncio.gather(*(appender.append(payload()) for _ in range(50)))
    assert sorted(receipt.index for receipt in receipts) == list(range(50))
    known = KnownServer.load(tmp_path / "keys")
    assert known is not None
    assert (known.timeline, known.entries) == (1, 0)
    assert (tmp_path / "keys" / "server.json").stat().st_mode & 0o777 == 0o600


async def test_a_database_that_is_gone_closes_the_door_until_it_is_back(guarded, own_server):
    async with Database(with_database(own_server.url(), "whosaw")) as db, guarded(db) as appender:
        first = await appender.append(payload())
        own_server.stop()
        assert await refused(appender) is DatabaseGone
        assert await refused(appender) is DatabaseGone
        own_server.start()
        assert (await opens(appender)).index >= first.index + 1


async def test_a_key_that_is_gone_or_open_to_others_closes_the_door(guarded, keys, tmp_path):
    path = tmp_path / "keys" / "receipt.key"
    async with guarded() as appender:
        await appender.append(payload())
        path.rename(tmp_path / "elsewhere")
        assert await closes(appender) is KeyGone
        (tmp_path / "elsewhere").rename(path)
        await opens(appender)
        path.chmod(0o644)
        assert await closes(appender) is KeyGone
        path.chmod(0o600)
        await opens(appender)


async def test_a_clock_behind_the_last_entry_closes_the_door_until_it_is_right(guarded, database, keys):
    clock = SettableClock()
    async with Appender(database, keys, clock) as wrong, guarded(clock=clock) as appender:
        await appender.append(payload(clock))
        clock.off = timedelta(seconds=12)
        await wrong.append(payload(clock))
        clock.off = timedelta(seconds=8)  # four seconds are within what clocks differ by
        await opens(appender, clock=clock)
        clock.off = timedelta(seconds=12)
        await wrong.append(payload(clock))
        clock.off = timedelta()
        assert await closes(appender, clock=clock) is ClockBehind
        clock.off = timedelta(seconds=12)
        await opens(appender, clock=clock)


async def test_dates_that_were_settled_do_not_close_the_door(guarded, database, keys, tmp_path):
    clock = SettableClock()
    clock.off = timedelta(days=3_650)
    async with Appender(database, keys, clock) as wrong:
        await wrong.append(payload(clock))
    async with guarded() as appender:
        assert await refused(appender) is ClockBehind
        await accept_server(database, tmp_path / "keys")
        await opens(appender)


INTEGRATE = """
import asyncio, sys
from pathlib import Path
from whosaw.record import Integrator, load_or_create
from whosaw.store import Database
from whosaw.terms import SystemClock
async def main(url, folder):
    keys = load_or_create(folder / "keys", SystemClock(), "test")
    async with Database(url) as db:
        await Integrator(db, keys, folder / "trail", SystemClock()).run(0.05)
asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.fixture
def integrator(database_url, keys, tmp_path):
    """An integrator in a process of its own."""
    with subprocess.Popen([sys.executable, "-c", INTEGRATE, database_url, str(tmp_path)]) as child:
        yield child
        child.kill()


async def test_an_integrator_that_is_stopped_closes_the_door_until_it_goes_on(guarded, integrator, tmp_path):
    async with guarded(bounds=IMPATIENT) as appender:
        await appender.append(payload())
        await until_signed(tmp_path / "trail")
        os.kill(integrator.pid, signal.SIGSTOP)
        assert await closes(appender) is IntegratorStuck
        assert await refused(appender) is IntegratorStuck
        os.kill(integrator.pid, signal.SIGCONT)
        await opens(appender)


async def until_signed(trail: Path):
    for _ in range(400):
        if (trail / "checkpoint").exists():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nothing was signed")


async def test_a_trail_that_waited_for_nobody_is_not_held_against_the_first_ask(guarded, database, keys, tmp_path):
    async with guarded(bounds=IMPATIENT) as appender:
        await appender.append(payload())
        await Integrator(database, keys, tmp_path / "trail", CLOCK).step()
        await asyncio.sleep(1.0)  # longer than the bound, and nothing waits
        await appender.append(payload())


async def test_a_setting_made_unsafe_while_it_runs_closes_the_door_until_it_is_safe(guarded, own_server):
    url = with_database(own_server.url(), "whosaw")

    def set_to(change: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(change)  # type: ignore[arg-type]
            connection.execute("select pg_reload_conf()")

    async with Database(url) as db, guarded(db) as appender:
        await appender.append(payload())
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            set_to(f"alter system set {setting} = off")
            assert await closes(appender) is DurabilityLost
            set_to(f"alter system reset {setting}")
            await opens(appender)


async def test_another_server_closes_the_door_until_it_is_accepted(guarded, own_server, database, tmp_path, keys):
    async with guarded() as appender:
        await appender.append(payload())
    async with Database(with_database(own_server.url(), "whosaw")) as db, guarded(db) as appender:
        assert await refused(appender) is ServerChanged
        await asyncio.sleep(0.2)
        assert await refused(appender) is ServerChanged
        assert (await fsck(db, tmp_path / "trail", keys.trail.verifier)).ok
        await accept_server(db, tmp_path / "keys")
        await opens(appender)


async def test_a_file_that_names_no_server_closes_the_door(guarded, tmp_path, keys):
    async with guarded() as appender:
        await appender.append(payload())
        (tmp_path / "keys" / "server.json").write_text("{}")
        assert await closes(appender) is ServerChanged


async def test_a_failover_to_an_older_timeline_closes_the_door(guarded, own_server, tmp_path):
    url = with_database(own_server.url(), "whosaw")
    data = own_server.folder / "data"
    async with Database(url) as db, guarded(db) as appender:
        await appender.append(payload())
    own_server.stop()
    copy(data, own_server.folder / "backup")
    promote(own_server)
    async with Database(url) as db, guarded(db) as appender:
        assert await refused(appender) is ServerChanged
        accepted = await accept_server(db, tmp_path / "keys")
        assert accepted.timeline == 2
        await opens(appender)
    own_server.stop()
    shutil.rmtree(data)
    (own_server.folder / "backup").rename(data)
    own_server.start()
    async with Database(url) as db, guarded(db) as appender:
        with pytest.raises(ServerChanged, match="an older timeline: 1, and the trail was on 2"):
            await appender.append(payload())


def copy(folder: Path, to: Path) -> None:
    """Copy a folder with its owners."""
    subprocess.run(["cp", "-a", folder, to], check=True)


def promote(server: EmbeddedPostgres) -> None:
    """Start a stopped server as one that was restored: it ends its recovery on a timeline of its own."""
    data = server.folder / "data"
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("restore_command = 'false'\n")
    owner = data.stat()
    signal_file = data / "recovery.signal"
    signal_file.touch()
    os.chown(signal_file, owner.st_uid, owner.st_gid)
    server.start()
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for _ in range(200):
            if connection.execute("select pg_is_in_recovery()").fetchone() == (False,):
                return
            time.sleep(0.1)
    raise AssertionError("the server did not end its recovery")


async def test_a_database_put_back_to_an_older_state_closes_the_door(guarded, database, keys, database_url, tmp_path):
    async with guarded() as appender:
        for _ in range(3):
            await appender.append(payload())
        await Integrator(database, keys, tmp_path / "trail", CLOCK).step()
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("set session_replication_role = replica")
            connection.execute("delete from trail_entry where index = 2")
            connection.execute("update trail_head set size = 2")
        await asyncio.sleep(0.2)
        assert await refused(appender) is TrailShorter
    async with guarded() as appender:  # another process, which knows the checkpoint
        assert await refused(appender) is TrailShorter


# ---- full disks


@pytest.fixture
def small_disk():
    """A file system of 12 MiB of its own."""
    folder = Path(tempfile.mkdtemp(prefix="whosaw-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=12m,mode=0777", "whosaw-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        folder.rmdir()
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


def fill(disk: Path) -> Path:
    """Write until nothing fits any more."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4_096))
        except OSError:
            return filler


async def test_a_full_disk_of_the_database_closes_the_door_until_there_is_room(guarded, own_server, small_disk):
    url = with_database(own_server.url(), "whosaw")
    place = small_disk / "space"
    place.mkdir()
    owner = (own_server.folder / "data").stat()
    os.chown(place, owner.st_uid, owner.st_gid)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"create tablespace small location '{place}'")  # type: ignore[arg-type]
        connection.execute("alter table trail_entry set tablespace small")
        async with Database(url) as db, guarded(db) as appender:
            await appender.append(payload())
            filler = fill(small_disk)
            many = [payload() | {"note": "x" * 400}] * 20
            with pytest.raises(DiskFull):
                for _ in range(200):  # until the pages that were there are full
                    await appender.append_many(many)
            before = connection.execute("select size from trail_head").fetchone()
            with pytest.raises(DiskFull):
                await appender.append_many(many)
            assert connection.execute("select size from trail_head").fetchone() == before
            filler.unlink()
            await opens(appender)
        connection.execute("alter table trail_entry set tablespace pg_default")
        connection.execute("drop tablespace small")


async def test_a_full_disk_of_the_journal_closes_the_door_until_there_is_room(guarded, small_disk):
    path = small_disk / "door.jsonl"
    with Journal(path) as journal:
        async with guarded(journal=journal) as appender:
            await appender.append(payload())
            filler = fill(small_disk)
            with pytest.raises(DiskFull):
                for _ in range(20):
                    await appender.append(payload())
            filler.unlink()
            receipt = await opens(appender)
    assert [*read_journal(path)][-1] == receipt


async def test_a_limit_on_the_journals_size_closes_the_door_too(guarded, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(tmp_path / "door.jsonl") as journal:
        async with guarded(journal=journal) as appender:
            await appender.append(payload())
            resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "door.jsonl").stat().st_size + 10, hard))
            try:
                assert await refused(appender) is DiskFull
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            receipt = await appender.append(payload())
    assert [*read_journal(tmp_path / "door.jsonl")][-1] == receipt
