"""The trail's SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from psycopg import AsyncCursor

from whosaw.store import Database
from whosaw.store.database import Connection

# One integrator per database: an advisory lock belongs to a database, and this number names ours in it.
_INTEGRATOR_LOCK = 0x77686F73_6177  # "whosaw"

AuditRow = tuple[
    int, bytes, bytes, str, str | None, int | None, int | None, int | None, int | None, str | None
]  # index, leaf, salt, payload, kind, at_us, actor, subject, purpose, beneficiary


async def append(db: Database, payloads: list[str], salts: list[bytes], leaves: list[bytes]) -> int:
    """Append one batch durably and return the index of its first entry."""
    async with db.connection() as conn:
        cursor = await conn.execute(
            "select log_append(%b::text[], %b::bytea[], %b::bytea[])", [payloads, salts, leaves]
        )
        return await _number(cursor)


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


async def all_checkpoints(conn: Connection) -> list[tuple[int, bytes, str]]:
    """Return (size, root, note) of every checkpoint kept, by size."""
    cursor = await conn.execute("select size, root, note from trail_checkpoint order by size")
    return await cursor.fetchall()


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
    """Return (index, payload) of entries after index `after` that meet `condition`, in order, at most `limit`."""
    async with db.connection() as conn:
        cursor = await conn.execute(
            f"select index, payload from trail_entry where {condition} and index > %s order by index limit %s",
            [*bound, after, limit],
        )
        return await cursor.fetchall()


async def sealed_entries(db: Database, indices: list[int]) -> list[tuple[int, bytes, bytes, str]]:
    """Return (index, leaf, salt, payload) of the entries at `indices`, in order."""
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


async def audit_rows(conn: Connection, chunk_rows: int) -> AsyncIterator[list[AuditRow]]:
    """Yield every stored entry with its generated columns, in order of index, in chunks."""
    async with conn.cursor(name="trail_audit", binary=True) as cursor:
        await cursor.execute(
            "select index, leaf, salt, payload, kind, at_us, actor, subject, purpose, beneficiary"
            " from trail_entry order by index"
        )
        while rows := await cursor.fetchmany(chunk_rows):
            yield rows


async def _number(cursor: AsyncCursor[tuple[Any, ...]]) -> int:
    row = await cursor.fetchone()
    if row is None or not isinstance(row[0], int):
        raise LookupError("the trail has no head row")
    return row[0]
