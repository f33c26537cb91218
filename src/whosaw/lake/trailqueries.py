"""The SQL by which the lake reads the trail."""

from __future__ import annotations

from whosaw.store.database import Connection


async def payloads(conn: Connection, first: int, end: int) -> tuple[bytes, bytes, bytes] | None:
    """Return the payloads from index `first` on and below `end` of entries that are not erased, as one value each.

    One row for all of them: taking rows apart would cost a reader more than all that it does with them.

    Returns:
        The indices (an array of bigint, ascending) and lengths in bytes (of integer) as the server sends arrays in
        binary, and the payloads one behind the other; None where there are none.
    """
    cursor = conn.cursor(binary=True)
    await cursor.execute(
        "select array_agg(index), array_agg(octet_length(payload)), string_agg(payload, '') from"
        " (select index, payload from trail_entry where index >= %s and index < %s and payload is not null"
        " order by index) as held",
        [first, end],
    )
    told = cursor.pgresult
    indices, lengths, said = (told.get_value(0, column) if told is not None else None for column in range(3))
    return None if indices is None or lengths is None or said is None else (indices, lengths, said)


async def sets(conn: Connection, hashes: list[bytes]) -> dict[str, bytes]:
    """Return salt and bitmap of the exposure sets with these hashes, by the hash in hex."""
    cursor = conn.cursor(binary=True)
    await cursor.execute("select hash, salt || numbers from trail_exposure where hash = any(%s)", [hashes])
    return {bytes(named).hex(): bytes(sealed) for named, sealed in await cursor.fetchall()}


async def erased_below(conn: Connection, end: int) -> int:
    """Return how many entries below index `end` are erased."""
    cursor = await conn.execute("select count(*) from trail_entry where payload is null and index < %s", [end])
    [(count,)] = await cursor.fetchall()
    return int(count)


async def erased_indices(conn: Connection, end: int) -> list[int]:
    """Return the indices below `end` of entries that are erased, ascending."""
    cursor = await conn.execute(
        "select index from trail_entry where payload is null and index < %s order by index", [end]
    )
    return [int(row[0]) for row in await cursor.fetchall()]


async def sealed_between(conn: Connection, first: int, end: int) -> list[tuple[int, bytes, bytes | None, bytes | None]]:
    """Return (index, leaf, salt, payload) from index `first` on and below `end`; erased ones have only the leaf."""
    cursor = conn.cursor(binary=True)
    await cursor.execute(
        "select index, leaf, salt, convert_to(payload, 'UTF8') from trail_entry where index >= %s and index < %s"
        " order by index",
        [first, end],
    )
    return await cursor.fetchall()


async def try_lock(conn: Connection, number: int) -> bool:
    """Try to take an advisory lock for as long as this connection lives."""
    cursor = await conn.execute("select pg_try_advisory_lock(%s)", [number])
    row = await cursor.fetchone()
    return row is not None and row[0] is True


async def unlock(conn: Connection, number: int) -> None:
    """Give an advisory lock back."""
    await conn.execute("select pg_advisory_unlock(%s)", [number])
