"""Every storage call of append and integrate fails in two ways, and the table says what may follow.

*Not saved*: the call fails before it did anything. *Saved*: it did everything, and then its answer is lost. Whatever
fails, nobody is answered for it, what was answered before stands, and the next one goes on from a state that checks.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest

from whosaw.prove import check_consistency, check_receipt, open_checkpoint
from whosaw.prove.merkle import consistency_proof
from whosaw.record import (
    Appender,
    Integrator,
    Journal,
    Keys,
    TrailUnavailable,
    entries_from,
    fsck,
    load_or_create,
    read_journal,
)
from whosaw.record.shelf import Shelf, TileNodes
from whosaw.store import Database, StoreError
from whosaw.store.line import Answer, Line
from whosaw.terms import SimulatedClock

CLOCK = SimulatedClock(datetime(2024, 1, 1, tzinfo=UTC))
How = Literal["not saved", "saved"]


@dataclass(frozen=True)
class Append:
    """One failing call of an append, and what may follow it."""

    call: str
    how: How
    entry: bool  # the entry stands in the trail, though nobody was answered
    kept: bool = False  # the journal holds its receipt
    next_ask: Literal["answered", "refused"] = "answered"


@dataclass(frozen=True)
class Integrate:
    """One failing call of an integrator's step, and which checkpoint stands after it."""

    call: str
    how: How
    stands: Literal["old", "new"]


APPENDS = [
    Append("a connection", "not saved", entry=False),
    Append("select log_append", "not saved", entry=False),
    Append("select log_append", "saved", entry=True),
    Append("journal write", "not saved", entry=True),
    Append("journal write", "saved", entry=True),
    Append("journal fsync", "not saved", entry=True),
    Append("journal fsync", "saved", entry=True),
    # a line that could neither be finished nor taken away: nothing may be written behind it by this process
    Append("journal write and cut", "not saved", entry=True, next_ask="refused"),
]

INTEGRATES = [
    Integrate("a connection", "not saved", "old"),
    *(
        Integrate(call, how, "old")
        for call in ("select note from trail_checkpoint", "select size from trail_head", "select index, leaf")
        for how in ("not saved", "saved")
    ),
    *(
        Integrate(f"{call} of a tile", how, "old")
        for call in ("fsync", "rename", "folder fsync")
        for how in ("not saved", "saved")
    ),
    Integrate("fsync of the checkpoint", "not saved", "old"),
    Integrate("fsync of the checkpoint", "saved", "old"),
    Integrate("rename of the checkpoint", "not saved", "old"),
    Integrate("rename of the checkpoint", "saved", "new"),
    Integrate("folder fsync of the checkpoint", "not saved", "new"),
    Integrate("folder fsync of the checkpoint", "saved", "new"),
    Integrate("insert into trail_checkpoint", "not saved", "new"),
    Integrate("insert into trail_checkpoint", "saved", "new"),
]


def named(row: Append | Integrate) -> str:
    return f"{row.call}, {row.how}"


class Wire:
    """A real connection or cursor whose statements can be made to fail; a failure closes the connection."""

    def __init__(self, real: Any, faulty: Faulty) -> None:
        self._real = real
        self._faulty = faulty

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def cursor(self, **options: Any) -> Wire:
        return Wire(self._real.cursor(**options), self._faulty)

    async def execute(self, statement: str, *bound: Any, **options: Any) -> Any:
        how = self._faulty.due(statement)
        if how == "not saved":
            await self._lose()
        done = await self._real.execute(statement, *bound, **options)
        if how == "saved":
            await self._lose()
        return done

    async def _lose(self) -> None:
        await getattr(self._real, "connection", self._real).close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


class FaultyLine(Line):
    """The same for statements that go through libpq itself."""

    def __init__(self, connection: Any, faulty: Faulty) -> None:
        super().__init__(connection)
        self._faulty = faulty

    async def ask(self, statement: str, parameters: Sequence[bytes | None], *, binary: bool = False) -> Answer:
        how = self._faulty.due(statement)
        if how == "not saved":
            await self._lose()
        answer = await super().ask(statement, parameters, binary=binary)
        if how == "saved":
            await self._lose()
        return answer

    async def _lose(self) -> None:
        self.rest()
        await self.connection.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")


class Faulty(Database):
    """A database on whose wire one call fails once."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._fault: tuple[str, How] | None = None
        self.calls: list[str] = []

    def fail(self, call: str, how: How) -> None:
        self._fault = (call, how)

    @property
    def failed(self) -> bool:
        return self._fault is None

    def due(self, call: str) -> How | None:
        self.calls.append(call)
        if self._fault is None or not call.startswith(self._fault[0]):
            return None
        how, self._fault = self._fault[1], None
        return how

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        async with super().connection() as real:
            yield Wire(real, self)

    async def _take(self) -> Line:
        if self.due("a connection"):
            raise psycopg.OperationalError("the server is starting up")
        line = await super()._take()
        return line if isinstance(line, FaultyLine) else FaultyLine(line.connection, self)


class Disk:
    """Makes one call on a file whose name fits fail once; it either never happens, or happens and says it did not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._faults: dict[str, tuple[str, How]] = {}
        self.calls: list[tuple[str, Path]] = []
        for name in ("write", "fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._on_handle(name, getattr(os, name)))
        rename = Path.rename

        def renamed(path: Path, target: Path) -> Path:
            done: Path = self._do("rename", str(path), lambda: rename(path, target))
            return done

        monkeypatch.setattr(Path, "rename", renamed)

    def fail(self, call: str, name: str, how: How) -> None:
        self._faults[call] = (name, how)

    @property
    def failed(self) -> bool:
        return not self._faults

    def _on_handle(self, call: str, real: Any) -> Any:
        def done(handle: int, *rest: Any) -> Any:
            return self._do(call, str(Path(f"/proc/self/fd/{handle}").readlink()), lambda: real(handle, *rest))

        return done

    def _do(self, call: str, path: str, act: Any) -> Any:
        self.calls.append((call, Path(path)))
        name, how = self._faults.get(call, ("\0", "saved"))
        if not path.endswith(name):
            return act()
        del self._faults[call]
        if how == "saved":
            act()
        raise OSError(5, "input/output error")


@pytest.fixture
async def faulty(database_url: str) -> AsyncIterator[Faulty]:
    async with Faulty(database_url) as db:
        yield db


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return load_or_create(tmp_path / "keys", CLOCK, "test")


def payload(number: int) -> dict[str, Any]:
    return {"kind": "disclosure", "at": number, "actor": 1, "subject": number}


async def test_the_tables_name_every_storage_call(faulty: Faulty, disk: Disk, keys: Keys, tmp_path: Path) -> None:
    path, folder = tmp_path / "door.receipts", tmp_path / "trail"
    with Journal(path) as journal:
        async with Appender(faulty, keys, CLOCK, journal=journal) as appender:
            faulty.calls.clear()
            disk.calls.clear()
            await appender.append(payload(0))
    said = {
        f"journal {call}" if at == path else f"{call} {at}" for call, at in disk.calls if at.is_relative_to(tmp_path)
    }
    fits({*faulty.calls, *said}, {row.call for row in APPENDS})
    faulty.calls.clear()
    disk.calls.clear()
    await Integrator(faulty, keys, folder, CLOCK).step()
    said = set()
    for call, at in disk.calls:
        if at.is_relative_to(tmp_path):
            of = "a tile" if (folder / "tile") in (at, *at.parents) else "the checkpoint"
            said.add(f"{'' if at.suffix == '.new' else 'folder '}{call} of {of}")
    fits({*faulty.calls, *said}, {row.call for row in INTEGRATES})


def fits(called: set[str], rows: set[str]) -> None:
    """Check that each call has its row, and each row its call; the one that follows a failure apart."""
    assert not [call for call in called if not any(call.startswith(row) for row in rows)]
    assert {row for row in rows if not any(call.startswith(row) for call in called)} <= {"journal write and cut"}


@pytest.mark.parametrize("row", APPENDS, ids=named)
async def test_whatever_fails_in_an_append_nobody_is_answered_for_it(
    row: Append, faulty: Faulty, disk: Disk, keys: Keys, tmp_path: Path
) -> None:
    path = tmp_path / "door.receipts"
    with Journal(path) as journal:
        async with Appender(faulty, keys, CLOCK, journal=journal) as appender:
            answered = [await appender.append(payload(0))]
            if row.call.startswith("journal"):
                disk.fail("fsync" if "fsync" in row.call else "write", path.name, row.how)
                if "cut" in row.call:
                    disk.fail("ftruncate", path.name, row.how)
            else:
                faulty.fail(row.call, row.how)
            with pytest.raises(TrailUnavailable):
                await appender.append(payload(1))
            assert faulty.failed
            assert disk.failed
            if row.next_ask == "refused":
                with pytest.raises(TrailUnavailable):
                    await appender.append(payload(2))
            else:
                answered.append(await appender.append(payload(3)))
    stored = [entry.payload["at"] async for entry in entries_from(faulty)]
    assert (1 in stored) == row.entry
    assert [stored[receipt.index] for receipt in answered] == [0, 3][: len(answered)]
    for receipt in answered:
        check_receipt(receipt, keys.receipt.verifier)
    kept = [receipt.index for receipt in read_journal(path)]
    assert (1 in kept and stored[1] == 1) == row.kept
    assert {receipt.index for receipt in answered} <= set(kept)
    with Journal(path) as again:  # the next process finds a journal that it can go on with
        async with Appender(faulty, keys, CLOCK, journal=again) as appender:
            last = await appender.append(payload(4))
    assert [*kept, last.index] == [receipt.index for receipt in read_journal(path)]
    await the_trail_checks(faulty, keys, tmp_path / "trail")


@pytest.mark.parametrize("row", INTEGRATES, ids=named)
async def test_whatever_fails_in_a_step_the_next_one_continues_what_was_signed(
    row: Integrate, faulty: Faulty, disk: Disk, keys: Keys, tmp_path: Path
) -> None:
    folder = tmp_path / "trail"
    integrator = Integrator(faulty, keys, folder, CLOCK)
    async with Appender(faulty, keys, CLOCK) as appender:
        await appender.append_many([payload(number) for number in range(300)])
        old = await integrator.step()
        await appender.append_many([payload(number) for number in range(300, 600)])
        what, _, of = row.call.partition(" of ")
        if of:
            in_tiles, in_trail = ("tile/0/001.new", "tile/0"), ("checkpoint.new", "trail")
            file, parent = in_tiles if of == "a tile" else in_trail
            disk.fail(what.removeprefix("folder "), parent if what.startswith("folder") else file, row.how)
        else:
            faulty.fail(row.call, row.how)
            if row.call == "select note from trail_checkpoint":
                integrator = Integrator(faulty, keys, folder, CLOCK)  # only a fresh one looks there
        with pytest.raises((StoreError, OSError)):
            await integrator.step()
        assert faulty.failed
        assert disk.failed
        standing, _ = open_checkpoint((folder / "checkpoint").read_bytes(), [keys.trail.verifier])
        assert standing.size == {"old": 300, "new": 600}[row.stands]
        new = await integrator.step()
        assert new.size == 600
        assert (await Integrator(faulty, keys, folder, CLOCK).step()) == new
        await appender.append(payload(600))
        await integrator.step()
    proof = consistency_proof(old.size, new.size, TileNodes(Shelf(folder), new.size))
    check_consistency((old.size, old.root), (new.size, new.root), proof)
    await the_trail_checks(faulty, keys, folder)


async def the_trail_checks(faulty: Faulty, keys: Keys, folder: Path) -> None:
    async with Database(faulty.url) as db:
        await Integrator(db, keys, folder, CLOCK).step()
        report = await fsck(db, folder, keys.trail.verifier)
    assert report.ok, list(report.lines())
