"""The SQL of `fsck`: everything stored, read once in order inside one snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Literal, NamedTuple, Self

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult
from psycopg.types.string import ByteaBinaryLoader

from whosaw.store.database import Connection

Space = Literal["actor", "subject", "purpose"]

# The search columns by the name each has in a payload, in the order of these names.
AUDIT_COLUMNS = ("actor", "at", "beneficiary", "kind", "purpose", "subject")
_FETCHED_ROWS = 8_192
_CHUNK_ROWS = 1_024  # what the caller works on at a time stays in the core's own cache
# Members of a payload that have no column and hold a number of an actor, or several.
ACTOR_MEMBERS = ("target", "approved_by", "holder")
# Of a payload that was checked before, these members are looked at again each time.
_SEEN_AGAIN = " or ".join(f"payload like '%%\"{name}\":%%'" for name in (*ACTOR_MEMBERS, "exposure"))

# Index, leaf, salt, payload (both None where erased), then the columns.
AuditRow = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


class AuditColumns(NamedTuple):
    """A chunk of stored entries, ordered by index, column by column: a million rows are not looked at one by one.

    Salt and payload are None where they were erased, whatever their type says: a check of every row for that would
    cost more than the check itself. The search columns hold what the payload should say, spelled as
    it stands there (a text with its quotes), and are empty where null.
    """

    indices: tuple[int, ...]
    leaf: tuple[bytes, ...]
    salt: tuple[bytes, ...]
    payload: tuple[bytes, ...]
    actor: tuple[bytes, ...]
    at: tuple[bytes, ...]
    beneficiary: tuple[bytes, ...]
    kind: tuple[bytes, ...]
    purpose: tuple[bytes, ...]
    subject: tuple[bytes, ...]

    @classmethod
    def of(cls, rows: Iterable[AuditRow]) -> Self:
        """Return rows, at least one, as columns."""
        columns: Any = zip(*rows, strict=True)
        return cls(*columns)

    def cut(self, start: int, end: int) -> Self:
        """Return the entries from place `start` to before place `end`."""
        parts: Any = (column[start:end] for column in self)
        return type(self)(*parts)


async def audit_rows(conn: Connection, first: int) -> AsyncIterator[AuditColumns]:
    """Yield every stored entry with its search columns, in order of index, in chunks.

    Of entries below `first` salt and payload are not read and stand empty, but for the payload of those that announce
    an erasure, name actors outside the columns, or name a set of subjects. Both are None where they were erased.
    """
    async with conn.cursor(name="trail_audit", binary=True) as cursor:
        cursor.adapters.register_loader("text", ByteaBinaryLoader)
        await cursor.execute(
            "select index, leaf, case when index between 0 and %(last)s and salt is not null then '' else salt end,"
            " case when index not between 0 and %(last)s or payload is null or kind in ('erasure', 'pruning')"
            f" or {_SEEN_AGAIN} then payload else '' end,"
            " coalesce(actor::text, ''), coalesce(at_us::text, ''), coalesce('\"' || beneficiary || '\"', ''),"
            " coalesce('\"' || kind || '\"', ''), coalesce(purpose::text, ''), coalesce(subject::text, '')"
            " from trail_entry order by index",
            {"last": first - 1},
        )
        loading = Transformer(cursor)
        result = await _fetch(conn)
        while result.ntuples:
            # asked for before these are used, so that server and network work while the caller computes
            following = asyncio.create_task(_fetch(conn))
            try:
                await asyncio.sleep(0)
                loading.set_pgresult(result)
                for start in range(0, result.ntuples, _CHUNK_ROWS):
                    end = min(start + _CHUNK_ROWS, result.ntuples)
                    yield AuditColumns.of(loading.load_rows(start, end, tuple))
            finally:
                result = await following


async def _fetch(conn: Connection) -> PGresult:
    """Return the cursor's next rows, read by a thread that needs the interpreter only at the end.

    Driven by the event loop, a result of some megabytes wakes it for every few kilobytes.
    """
    command = b"fetch forward %d from trail_audit" % _FETCHED_ROWS
    async with conn.lock:
        result = await asyncio.to_thread(conn.pgconn.exec_params, command, None, result_format=Format.BINARY)
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
