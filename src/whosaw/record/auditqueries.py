"""The SQL of `fsck`: everything stored, read once in order inside one snapshot.

The server joins the columns of a block of entries, so that neither the wire nor the interpreter handles them one by
one; what it joins is hashed and compared here. Where a block is not what it should be, its rows are read as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.types.string import ByteaBinaryLoader

from whosaw.prove.canonical import SALT_BYTES
from whosaw.prove.merkle import HASH_BYTES
from whosaw.record.auditrows import AuditBlock, AuditColumns, Space
from whosaw.store.database import Connection

_FETCHED_ROWS = 8_192
_CHUNK_ROWS = 1_024  # what the caller works on at a time stays in the core's own cache
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_FAR = 1 << 62  # no block begins further out, so that its end is still a number
# Members of a payload that have no column and hold a number of an actor, or several.
ACTOR_MEMBERS = ("target", "approved_by", "holder")
# Of a payload that was checked before, these members are looked at again each time.
SEEN_AGAIN = (*ACTOR_MEMBERS, "exposure")
_SEEN_AGAIN = " or ".join(f"payload like '%%\"{name}\":%%'" for name in SEEN_AGAIN)

_ROWS = f"""
select index, leaf, case when index between 0 and %(known)s - 1 and salt is not null then '' else salt end,
  case when index not between 0 and %(known)s - 1 or payload is null or kind in ('erasure', 'pruning') or {_SEEN_AGAIN}
    then payload else '' end,
  coalesce(actor::text, ''), coalesce(at_us::text, ''), coalesce('"' || beneficiary || '"', ''),
  coalesce('"' || kind || '"', ''), coalesce(purpose::text, ''), coalesce(subject::text, '')
from trail_entry where index between %(first)s and %(last)s order by index
"""
_BLOCKS = f"""
select count(*),
  count(*) filter (where octet_length(leaf) = {HASH_BYTES} and case when payload is null
    then num_nonnulls(salt, actor, at_us, beneficiary, kind, purpose, subject) = 0
    else octet_length(salt) = {SALT_BYTES} and at_us is not null end),
  string_agg(int8send(index), ''), string_agg(int8send(index), '') filter (where payload is null),
  string_agg(leaf, ''), string_agg(salt, ''),
  string_agg(payload || e'\\n' || concat(actor, ',', at_us, ',', purpose, ',', subject, ',', '"' || kind || '"',
    e'\\n', '"' || beneficiary || '"'), e'\\n'),
  string_agg(int8send(at_us), ''), string_agg(int8send(actor), ''), string_agg(int8send(purpose), ''),
  string_agg(int8send(subject), '')
from (select index, leaf, salt, payload, actor, at_us, beneficiary, kind, purpose, subject from trail_entry
  where index >= block.first and index < block.first + %(rows)d order by index) entry
"""
_INDEXED = """
select exists (select from pg_index where indrelid = 'trail_entry'::regclass and indisunique and indisvalid
  and indpred is null and indkey::text = (select attnum::text from pg_attribute
    where attrelid = 'trail_entry'::regclass and attname = 'index'))
"""


async def audit_rows(conn: Connection, known: int) -> AsyncIterator[AuditBlock | AuditColumns]:
    """Yield every stored entry with its search columns, in order of index.

    Of entries below `known` salt and payload are not read and stand empty, but for the payload of those that announce
    an erasure, name actors outside the columns, or name a set of subjects. Both are None where they were erased.
    """
    [(indexed,)] = await (await conn.execute(_INDEXED)).fetchall()
    if not indexed:  # taken away: then an index may stand twice, and ranges are dear
        async for rows in _read_rows(conn, known, _LEAST, _MOST):
            yield rows
        return
    if known:
        async for rows in _read_rows(conn, known, _LEAST, known - 1):
            yield rows
    async for each in _read_blocks(conn, known if known else _LEAST):
        yield each


async def _read_rows(conn: Connection, known: int, first: int, last: int) -> AsyncIterator[AuditColumns]:
    async with conn.cursor(name="trail_audit", binary=True) as cursor:
        cursor.adapters.register_loader("text", ByteaBinaryLoader)
        await cursor.execute(_ROWS, {"known": known, "first": first, "last": last})
        loading = Transformer(cursor)
        command = f"fetch forward {_FETCHED_ROWS} from trail_audit"
        result = await _run(conn, command)
        while result.ntuples:
            # asked for before these are used, so that server and network work while the caller computes
            following = asyncio.create_task(_run(conn, command))
            try:
                await asyncio.sleep(0)
                loading.set_pgresult(result)
                for start in range(0, result.ntuples, _CHUNK_ROWS):
                    end = min(start + _CHUNK_ROWS, result.ntuples)
                    yield AuditColumns.of(loading.load_rows(start, end, tuple))
            finally:
                result = await following


async def _read_blocks(conn: Connection, low: int) -> AsyncIterator[AuditBlock | AuditColumns]:
    """Yield the entries from index `low` on, those of a block together; an unsound block as its rows."""
    cursor = conn.cursor(binary=True)
    cursor.adapters.register_loader("text", ByteaBinaryLoader)
    loading = Transformer(cursor)
    start = await _next_index(conn, low)
    fetching = asyncio.create_task(_fetch_blocks(conn, start)) if start is not None and start < _FAR else None
    while fetching is not None and start is not None:
        result, following = await fetching
        near = following is not None and following < _FAR
        fetching = asyncio.create_task(_fetch_blocks(conn, following)) if near and following is not None else None
        try:
            await asyncio.sleep(0)
            loading.set_pgresult(result)
            for number, (rows, whole, indices, erased, *parts) in enumerate(
                loading.load_rows(0, result.ntuples, tuple)
            ):
                if not rows:
                    continue
                block = AuditBlock.of((rows, whole), indices, erased or b"", [part or b"" for part in parts])
                if block is not None:
                    yield block
                else:
                    at = start + number * _CHUNK_ROWS
                    async for each in _read_rows(conn, 0, at, at + _CHUNK_ROWS - 1):
                        yield each
        finally:
            if fetching is not None:
                await asyncio.wait([fetching])
        start = following
    if start is not None:
        async for each in _read_rows(conn, 0, start, _MOST):
            yield each


async def _fetch_blocks(conn: Connection, start: int) -> tuple[PGresult, int | None]:
    """Return some blocks from index `start` on, and the first index behind them that is there."""
    end = start + _FETCHED_ROWS
    blocks = _BLOCKS % {"rows": _CHUNK_ROWS}
    result = await _run(
        conn,
        f"select entries.* from generate_series({start}::bigint, {end - 1}, {_CHUNK_ROWS}) block(first),"
        f" lateral ({blocks}) entries order by block.first",
    )
    counts = [int.from_bytes(result.get_value(row, 0) or b"", "big") for row in range(result.ntuples)]
    return result, end if sum(counts) == _FETCHED_ROWS else await _next_index(conn, end)


async def _next_index(conn: Connection, low: int) -> int | None:
    """Return the least index from `low` on, or None."""
    row = await (await conn.execute("select min(index) from trail_entry where index >= %s", [low])).fetchone()
    return row[0] if row else None


async def _run(conn: Connection, command: str) -> PGresult:
    """Return what a command answers, read by a thread that needs the interpreter only at the end.

    Driven by the event loop, a result of some megabytes wakes it for every few kilobytes.
    """
    async with conn.lock:
        result = await asyncio.to_thread(conn.pgconn.exec_params, command.encode(), None, result_format=Format.BINARY)
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.OperationalError("the entries cannot be read to their end")
    return result


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
