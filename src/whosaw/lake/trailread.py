"""Reading the trail for the lake: entries as lines, the sets they name, what was erased, and the signed head."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whosaw.lake import trailqueries as queries
from whosaw.lake.errors import LakeBusy, SetMissing
from whosaw.lake.trailrows import INDEX, PAYLOAD, SAID, named_sets, read_payloads, rows_of
from whosaw.prove import Checkpoint, VerifierKey, open_checkpoint
from whosaw.prove.exposure import check_exposure
from whosaw.record.queries import snapshot
from whosaw.record.shelf import Shelf
from whosaw.store import Database

_PAGE_ENTRIES = 8_192  # of the longest payloads that many still fit into one value of the server
_NAMES_SET = re.compile(rb'"exposure":"([0-9a-f]{64})"')
_ARRAY_HEADER_BYTES = 20
_BIGINT = np.dtype([("bytes", ">i4"), ("value", ">i8")])
_INTEGER = np.dtype([("bytes", ">i4"), ("value", ">i4")])


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


@dataclass(frozen=True, slots=True)
class Said:
    """What the entries from index `first` on and below `end` say, read in one snapshot.

    Args:
        payloads: `SAID`, one row per entry that is not erased, ascending.
        sets: salt and bitmap of the sets they name, by the hash in hex.
    """

    first: int
    end: int
    payloads: pa.Table
    sets: Mapping[str, bytes]

    @property
    def erased(self) -> int:
        """Return how many of the entries are erased."""
        return self.end - self.first - int(self.payloads.num_rows)


async def said_between(trail: Trail, first: int, end: int) -> Said:
    """Return what the entries from index `first` on and below `end` say."""
    pages: list[pa.RecordBatch] = []
    hashes: set[bytes] = set()
    async with snapshot(trail.db) as conn:
        for start in range(first, end, _PAGE_ENTRIES):
            told = await queries.payloads(conn, start, min(end, start + _PAGE_ENTRIES))
            if told is not None:
                pages.append(_page(*told))
                hashes |= {bytes.fromhex(each.decode()) for each in _NAMES_SET.findall(told[2])}
        sets = await queries.sets(conn, list(hashes)) if hashes else {}
    return Said(first, end, pa.Table.from_batches(pages, schema=SAID), sets)


def rows_said(origin: str, said: Said) -> pa.Table:
    """Return the rows that entries make.

    Raises:
        SetMissing: an entry names a set that is not there.
    """
    read = read_payloads(said.payloads)
    named = named_sets(read)
    return rows_of(origin, read, _sets(said, named) if named else {})


async def rows_between(trail: Trail, first: int, end: int) -> tuple[pa.Table, int]:
    """Return the rows of the entries from index `first` on and below `end`, and how many of these are erased.

    Raises:
        SetMissing: an entry names a set that is not there.
    """
    said = await said_between(trail, first, end)
    return await asyncio.to_thread(rows_said, trail.origin, said), said.erased


def _page(indices: bytes, lengths: bytes, said: bytes) -> pa.RecordBatch:
    """Return payloads as columns; their bytes are not copied."""
    index = np.frombuffer(indices, _BIGINT, offset=_ARRAY_HEADER_BYTES)["value"].astype(np.int64)
    length = np.frombuffer(lengths, _INTEGER, offset=_ARRAY_HEADER_BYTES)["value"]
    ends = np.concatenate(([0], np.cumsum(length, dtype=np.int32))).astype(np.int32)
    texts = pa.StringArray.from_buffers(len(index), pa.py_buffer(ends), pa.py_buffer(said))
    return pa.record_batch([pa.array(index), texts], schema=SAID)


def _sets(said: Said, named: Mapping[int, str]) -> dict[int, list[int]]:
    held = said.payloads.filter(pc.is_in(said.payloads[INDEX], value_set=pa.array(list(named), pa.int64())))
    found = {}
    for index, payload in zip(held[INDEX].to_pylist(), held[PAYLOAD].to_pylist(), strict=True):
        if named[index] not in said.sets:
            raise SetMissing(f"entry {index} names a set of subjects that the trail does not hold")
        found[index] = check_exposure(json.loads(payload), said.sets[named[index]])
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
