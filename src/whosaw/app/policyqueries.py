"""Statements about which policies were in force when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from whosaw.store import Database
from whosaw.store.database import Connection

# One process at a time compares what is in force with what was recorded last; this number names the lock.
_LOCK = 0x706F6C696379  # "policy"


@asynccontextmanager
async def alone(db: Database) -> AsyncIterator[Connection]:
    """Hold the lock of the record of policies until the block ends; it dies with the connection it lends."""
    async with db.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        yield connection


async def last_change(connection: Connection) -> str | None:
    """Return the payload of the newest entry about the policies, or None where there is none."""
    rows = await connection.execute(
        "select payload from trail_entry where kind = 'policy_change' and payload is not null "
        "order by index desc limit 1"
    )
    row = await rows.fetchone()
    return None if row is None else str(row[0])


async def answered_between(db: Database, since_us: int, until_us: int, after: int, limit: int) -> list[tuple[int, str]]:
    """Return (index, payload) of asks answered from `since_us` on and before `until_us`, by index, at most `limit`."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select index, payload from trail_entry where at_us >= %s and at_us < %s and index > %s "
            "and kind in ('disclosure', 'denial', 'action') and payload is not null order by index limit %s",
            [since_us, until_us, after, limit],
        )
        return await rows.fetchall()


async def entry_payload(db: Database, index: int) -> tuple[bool, str | None]:
    """Return whether there is an entry at `index`, and its payload, None where it was erased."""
    async with db.connection() as connection:
        rows = await connection.execute("select payload from trail_entry where index = %s", [index])
        row = await rows.fetchone()
        return row is not None, None if row is None or row[0] is None else str(row[0])
