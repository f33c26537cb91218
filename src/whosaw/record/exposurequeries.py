"""The statements about exposure sets."""

from __future__ import annotations

from whosaw.store import Database


async def keep(db: Database, salt: bytes, numbers: bytes) -> bytes:
    """Keep a set, durably when this returns, and return its hash; the door's role may do it."""
    async with db.connection() as connection:
        rows = await connection.execute("select trail_expose(%b, %b)", [salt, numbers])
        row = await rows.fetchone()
        assert row is not None  # noqa: S101 - a function call yields one row
        return bytes(row[0])


async def exposing(db: Database, number: int) -> list[int]:
    """Return the indices of the entries whose set holds a subject's number, ascending; every set is looked into."""
    async with db.connection() as connection:
        rows = await connection.execute("select trail_exposing(%s)", [number])
        return [int(row[0]) for row in await rows.fetchall()]


async def sweep(db: Database) -> int:
    """Delete sets that no entry came to name within a day; return how many. For the owner alone."""
    async with db.connection() as connection:
        rows = await connection.execute("select trail_sweep_exposures()")
        row = await rows.fetchone()
        return int(row[0]) if row else 0
