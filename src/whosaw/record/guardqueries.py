"""The SQL of the guard: one question about the server and the trail's end."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.store.database import Connection

_SAFE_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the server says of itself and of the trail's end.

    Attributes:
        system: the cluster's identifier, in decimal.
        timeline: the timeline it writes, > 0; None while it recovers and takes no writes.
        unsafe: settings under which it may lose what it says is committed.
        size: entries that the head counts.
        last_us: when the last entry is dated, µs, or None where there is none or it was erased.
        signed: entries under the largest checkpoint kept in the database.
    """

    system: str
    timeline: int | None
    unsafe: tuple[str, ...]
    size: int
    last_us: int | None
    signed: int


async def read_server(conn: Connection) -> Reading:
    """Ask the server for all of it at once."""
    cursor = await conn.execute(
        "select (select system_identifier::text from pg_control_system()),"
        " case when not pg_is_in_recovery() then substring(pg_walfile_name(pg_current_wal_lsn()) for 8) end,"
        " (select coalesce(array_agg(name order by name), '{}') from pg_settings"
        "  where name = any(%s) and setting = 'off'),"
        " head.size, (select at_us from trail_entry where index = head.size - 1),"
        " coalesce((select max(size) from trail_checkpoint), 0)"
        " from trail_head head",
        [list(_SAFE_SETTINGS)],
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("the trail has no head row")
    system, timeline, unsafe, size, last_us, signed = row
    return Reading(system, int(timeline, 16) if timeline else None, tuple(unsafe), size, last_us, signed)
