"""The SQL of `fsck`: everything stored, read once in order inside one snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal

from psycopg.types.string import ByteaBinaryLoader

from whosaw.store.database import Connection

Space = Literal["actor", "subject", "purpose"]

# The generated columns by the name each has in a payload, in the order of these names.
AUDIT_COLUMNS = ("actor", "at", "beneficiary", "kind", "purpose", "subject")

# Index, leaf, salt, payload (both None where erased), then the columns as text, which compares with a piece of the
# payload as it is.
AuditRow = tuple[
    int, bytes, bytes, bytes, bytes | None, bytes | None, bytes | None, bytes | None, bytes | None, bytes | None
]


async def audit_rows(conn: Connection, first: int, chunk_rows: int) -> AsyncIterator[list[AuditRow]]:
    """Yield every stored entry with its generated columns, in order of index, in chunks.

    Of entries below `first` salt and payload are not read and stand empty, but for the payload of those that announce
    an erasure. Both are None where they were erased.
    """
    async with conn.cursor(name="trail_audit", binary=True) as cursor:
        cursor.adapters.register_loader("text", ByteaBinaryLoader)
        await cursor.execute(
            "select index, leaf, case when index between 0 and %(last)s and salt is not null then '' else salt end,"
            " case when index between 0 and %(last)s and kind not in ('erasure', 'pruning') then '' else payload end,"
            " actor::text, at_us::text, beneficiary, kind, purpose::text, subject::text"
            " from trail_entry order by index",
            {"last": first - 1},
        )
        rows = await cursor.fetchmany(chunk_rows)
        while rows:
            # asked for before this chunk is used, so that the server reads while the caller computes
            following = asyncio.create_task(cursor.fetchmany(chunk_rows))
            try:
                await asyncio.sleep(0)
                yield rows
            finally:
                rows = await following


async def all_checkpoints(conn: Connection) -> list[tuple[int, bytes, int, str]]:
    """Return (size, root, at_us, note) of every checkpoint kept, by size."""
    cursor = await conn.execute("select size, root, at_us, note from trail_checkpoint order by size")
    return await cursor.fetchall()


async def stored_at(conn: Connection, indices: Iterable[int]) -> dict[int, tuple[bytes, int | None]]:
    """Return index → (leaf hash, time in µs) of the entries that are there at `indices`."""
    cursor = conn.cursor(binary=True)
    await cursor.execute("select index, leaf, at_us from trail_entry where index = any(%b)", [list(indices)])
    return {index: (leaf, at_us) for index, leaf, at_us in await cursor.fetchall()}


async def map_state(conn: Connection, space: Space) -> tuple[int, set[int], set[int]]:
    """Return the last number given in `space`, the numbers that have a row, and those whose row was erased."""
    last = await (await conn.execute("select last from number_space where space = %s", [space])).fetchone()
    rows = await (await conn.execute("select number from number_map where space = %s", [space])).fetchall()
    gone = await (await conn.execute("select number from number_erased where space = %s", [space])).fetchall()
    return last[0] if last else 0, {number for (number,) in rows}, {number for (number,) in gone}


async def first_uses(conn: Connection, space: Space, numbers: Sequence[int]) -> dict[int, int]:
    """Return number → index of the first entry that uses it, for `numbers` of `space`."""
    column = {"actor": "actor", "subject": "subject", "purpose": "purpose"}[space]
    cursor = await conn.execute(
        f"select {column}, min(index) from trail_entry where {column} = any(%s) group by {column}",
        [list(numbers)],
    )
    return dict(await cursor.fetchall())


async def sealed_rows(
    conn: Connection, first: int, dated: tuple[int | None, int | None], limit: int
) -> list[tuple[int, bytes, bytes | None, str | None]]:
    """Return (index, leaf, salt, payload) from `first` on, dated from and before the two times where given, in µs."""
    cursor = conn.cursor(binary=True)
    await cursor.execute(
        "select index, leaf, salt, payload from trail_entry where index >= %(first)s"
        " and (%(since)s::bigint is null or at_us >= %(since)s) and (%(until)s::bigint is null or at_us < %(until)s)"
        " order by index limit %(limit)s",
        {"first": first, "since": dated[0], "until": dated[1], "limit": limit},
    )
    return await cursor.fetchall()
