"""The trail's SQL."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from psycopg import AsyncCursor
from psycopg.postgres import types

from whosaw.store import Database
from whosaw.store.database import Connection

# One integrator per database: an advisory lock belongs to a database, and this number names ours in it.
_INTEGRATOR_LOCK = 0x77686F73_6177  # "whosaw"


_TEXT, _BYTEA, _INT4 = types["text"].oid, types["bytea"].oid, types["int4"].oid
_PIECE = struct.Struct(">i")
_INTEGER = struct.Struct(">i")
_ARRAY = struct.Struct(">iiIii")  # dimensions, whether nulls are in it, type of an element, elements, first subscript


_APPEND_NUMBERED = "select log_append_numbered.* from log_append_numbered($1, $2, $3, $4, $5, $6, $7)"


def _array(element: int, pieces: Sequence[bytes]) -> bytes:
    """Return an array in the form the server keeps it: far cheaper than adapting each element."""
    written = [_ARRAY.pack(1, 0, element, len(pieces), 1)]
    for each in pieces:
        written += (_PIECE.pack(len(each)), each)
    return b"".join(written)


async def append(db: Database, raws: list[bytes], salts: list[bytes], leaves: list[bytes]) -> int:
    """Append one batch durably and return the index of its first entry.

    Args:
        db: where the trail is.
        raws: canonical bytes of each entry, at least one.
        salts: 32 bytes each, as many.
        leaves: leaf hashes of 32 bytes, as many.
    """
    arrays = [_array(_TEXT, raws), _array(_BYTEA, salts), _array(_BYTEA, leaves)]
    ((first,),) = (await db.ask("select log_append($1, $2, $3)", arrays, binary=True)).rows
    return int(first)


async def append_numbered(
    db: Database,
    keys: Sequence[tuple[str, str]],
    places: Sequence[Sequence[int]],
    raws: Sequence[bytes],
    salts: Sequence[bytes],
) -> tuple[int, list[int], bytes]:
    """Append one batch whose entries wait for numbers; return the first index, the numbers, and all leaf hashes.

    Args:
        db: where the trail is.
        keys: (map, key) of every number that is to come, at least one.
        places: per name that may be missing (actor, subject, purpose) one place among `keys`, from 1, per entry; 0
            where none is missing.
        raws: canonical bytes of each entry, with 0 where a number is to come.
        salts: 32 bytes each, as many.
    """
    spaces, names = zip(*keys, strict=True)
    bound = [
        _array(_TEXT, [each.encode() for each in spaces]),
        _array(_TEXT, [each.encode() for each in names]),
        _array(_TEXT, raws),
        _array(_BYTEA, salts),
        *(_array(_INT4, [_INTEGER.pack(place) for place in each]) for each in places),
    ]
    ((first, numbers, leaves),) = (await db.ask(_APPEND_NUMBERED, bound, binary=True)).rows
    return int(first), list(numbers), bytes(leaves)


async def head_size(conn: Connection) -> int:
    """Return how many entries the head says there are."""
    return await _number(await conn.execute("select size from trail_head"))


async def leaves_from(conn: Connection, first: int, before: int, limit: int) -> list[tuple[int, bytes]]:
    """Return (index, leaf hash) from `first` on and below `before`, in order, at most `limit`."""
    cursor = conn.cursor(binary=True)
    await cursor.execute(
        "select index, leaf from trail_entry where index >= %s and index < %s order by index limit %s",
        [first, before, limit],
    )
    return await cursor.fetchall()


async def save_checkpoint(conn: Connection, size: int, root: bytes, at_us: int, note: str) -> None:
    """Keep a signed checkpoint; one per size."""
    await conn.execute(
        "insert into trail_checkpoint (size, root, at_us, note) values (%s, %s, %s, %s) on conflict (size) do nothing",
        [size, root, at_us, note],
    )


async def latest_checkpoint(conn: Connection) -> str | None:
    """Return the note of the largest checkpoint kept."""
    cursor = await conn.execute("select note from trail_checkpoint order by size desc limit 1")
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def try_lead(conn: Connection) -> bool:
    """Try to become the one integrator for as long as this connection holds the lock."""
    cursor = await conn.execute("select pg_try_advisory_lock(%s)", [_INTEGRATOR_LOCK])
    row = await cursor.fetchone()
    return row is not None and row[0] is True


async def stop_leading(conn: Connection) -> None:
    """Give the integrator's lock back."""
    await conn.execute("select pg_advisory_unlock(%s)", [_INTEGRATOR_LOCK])


async def payloads_where(
    db: Database, condition: LiteralString, bound: Sequence[object], after: int, limit: int
) -> list[tuple[int, str]]:
    """Return (index, payload) of entries after index `after` that meet `condition`, in order, at most `limit`.

    Erased entries meet none.
    """
    async with db.connection() as conn:
        cursor = await conn.execute(
            f"select index, payload from trail_entry where {condition} and payload is not null and index > %s"
            " order by index limit %s",
            [*bound, after, limit],
        )
        return await cursor.fetchall()


async def sealed_entries(db: Database, indices: list[int]) -> list[tuple[int, bytes, bytes | None, str | None]]:
    """Return (index, leaf, salt, payload) of the entries at `indices`, in order; erased ones have only the leaf."""
    async with db.connection() as conn:
        cursor = await conn.execute(
            "select index, leaf, salt, payload from trail_entry where index = any(%b) order by index", [indices]
        )
        return await cursor.fetchall()


@asynccontextmanager
async def snapshot(db: Database) -> AsyncIterator[Connection]:
    """Lend a connection that sees the trail as it is at one moment."""
    async with db.transaction() as conn:
        await conn.execute("set transaction isolation level repeatable read read only")
        yield conn


async def _number(cursor: AsyncCursor[tuple[Any, ...]]) -> int:
    row = await cursor.fetchone()
    if row is None or not isinstance(row[0], int):
        raise LookupError("the trail has no head row")
    return row[0]
