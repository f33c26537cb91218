"""The statements about exposure sets."""

from __future__ import annotations

from whosaw.store import Database
from whosaw.store.database import Connection


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


async def sealed(db: Database, named: bytes) -> bytes | None:
    """Return salt and bitmap of the set with this hash, or None where it is not there."""
    async with db.connection() as connection:
        cursor = connection.cursor(binary=True)
        await cursor.execute("select salt || numbers from trail_exposure where hash = %b", [named])
        row = await cursor.fetchone()
        return None if row is None else bytes(row[0])


async def sweep(conn: Connection) -> int:
    """Delete sets that no entry came to name within a day; return how many. For the owner alone."""
    rows = await conn.execute("select trail_sweep_exposures()")
    row = await rows.fetchone()
    return int(row[0]) if row else 0


async def stored(conn: Connection) -> list[tuple[bytes, bool, list[int]]]:
    """Return (hash, whether it waits for its entry still, indices that its rows lead from) of every set."""
    cursor = await conn.execute(
        "select x.hash, x.stored_at >= clock_timestamp() - interval '1 day',"
        " array(select r.index from trail_exposed r where r.hash = x.hash order by 1) from trail_exposure x"
    )
    return await cursor.fetchall()


async def bitmap(conn: Connection, named: bytes) -> tuple[bytes, bytes, int]:
    """Return (salt, bitmap, count) of a set that is there."""
    cursor = conn.cursor(binary=True)
    await cursor.execute("select salt, numbers, count from trail_exposure where hash = %b", [named])
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - it was there in this snapshot
    return bytes(row[0]), bytes(row[1]), int(row[2])
