"""Reading the trail for the lake: entries as lines, the sets they name, what was erased, and the signed head."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from whosaw.lake import trailqueries as queries
from whosaw.lake.errors import LakeBusy, SetMissing
from whosaw.lake.trailrows import named_sets, read_payloads, rows_of
from whosaw.prove import Checkpoint, VerifierKey, open_checkpoint
from whosaw.prove.exposure import check_exposure
from whosaw.record.queries import snapshot
from whosaw.record.shelf import Shelf
from whosaw.store import Database
from whosaw.store.database import Connection

_PAGE_ENTRIES = 8_192  # of the longest payloads that many still fit into one answer of the server


@dataclass(frozen=True, slots=True)
class Trail:
    """One trail to read.

    Args:
        db: where its entries are; a role that may read them is enough.
        folder: where its checkpoint is published.
        key: the trail key's public half; its name is the origin.
    """

    db: Database
    folder: Path
    key: VerifierKey

    @property
    def origin(self) -> str:
        """Return the trail's name."""
        return self.key.name

    def head(self) -> Checkpoint | None:
        """Return the last signed checkpoint, None where nothing was signed yet.

        Raises:
            NoteInvalid: it is not signed by the trail key.
        """
        note = Shelf(self.folder).checkpoint()
        return None if note is None else open_checkpoint(note, [self.key])[0]


async def rows_between(trail: Trail, first: int, end: int) -> tuple[pa.Table, int]:
    """Return the rows of the entries from index `first` on and below `end`, and how many of these are erased.

    Raises:
        SetMissing: an entry names a set that is not there.
    """
    said: list[tuple[int, str]] = []
    async with snapshot(trail.db) as conn:
        for start in range(first, end, _PAGE_ENTRIES):
            said += await queries.payloads(conn, start, min(end, start + _PAGE_ENTRIES))
        read = await asyncio.to_thread(read_payloads, said)
        named = named_sets(read)
        sets = await _sets(conn, said, named) if named else {}
    rows = await asyncio.to_thread(rows_of, trail.origin, read, sets)
    return rows, end - first - len(said)


async def _sets(conn: Connection, said: list[tuple[int, str]], named: Mapping[int, str]) -> dict[int, list[int]]:
    sealed = await queries.sets(conn, [bytes.fromhex(each) for each in set(named.values())])
    found = {}
    for index, payload in said:
        if index not in named:
            continue
        if named[index] not in sealed:
            raise SetMissing(f"entry {index} names a set of subjects that the trail does not hold")
        found[index] = check_exposure(json.loads(payload), sealed[named[index]])
    return found


@asynccontextmanager
async def sole_writer(trail: Trail, where: str) -> AsyncIterator[None]:
    """Hold the right to write this trail into one lake, over all machines, for as long as the block runs.

    Raises:
        LakeBusy: another process has it.
    """
    number = int.from_bytes(sha256(f"{trail.origin}\n{where}".encode()).digest()[:8], "big", signed=True)
    async with trail.db.connection() as conn:
        if not await queries.try_lock(conn, number):
            raise LakeBusy(f"another process writes this trail to lake `{where}`")
        try:
            yield
        finally:
            await queries.unlock(conn, number)
