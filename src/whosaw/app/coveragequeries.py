"""Statements of the daily coverage."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

_LOCK = 0x636F7665  # "cove"
_ASKS = ("disclosure", "denial", "action", "lookup")


@asynccontextmanager
async def alone(db: Database) -> AsyncIterator[Connection]:
    """Hold the lock of the daily entry until the block ends; it dies with the connection it lends."""
    async with db.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        yield connection


async def last_day(db: Database) -> dict[str, Any] | None:
    """Return the newest daily entry, or None where there is none."""
    async with db.connection() as connection:
        return await last_day_in(connection)


async def last_day_in(connection: Connection) -> dict[str, Any] | None:
    """Return the newest daily entry, or None where there is none."""
    rows = await connection.execute(
        "select payload from trail_entry where kind = 'coverage' and payload is not null order by index desc limit 1"
    )
    row = await rows.fetchone()
    if row is None:
        return None
    found: dict[str, Any] = json.loads(row[0])
    return found


async def askers(db: Database, since_us: int, until_us: int) -> list[int]:
    """Return the numbers of everybody from whom an ask came from `since_us` on and before `until_us`."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select distinct actor from trail_entry where at_us >= %s and at_us < %s and kind = any(%s)",
            [since_us, until_us, list(_ASKS)],
        )
        return [int(row[0]) for row in await rows.fetchall()]


async def doors(db: Database, since_us: int, until_us: int) -> set[str]:
    """Return the doors through which an ask came in that time."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select distinct payload::json ->> 'door' from trail_entry where at_us >= %s and at_us < %s "
            "and kind = any(%s)",
            [since_us, until_us, list(_ASKS)],
        )
        return {str(row[0]) for row in await rows.fetchall()}


async def unread_alerts(db: Database) -> tuple[int, datetime | None]:
    """Return how many alerts nobody read, and when the oldest of them was raised."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*), min(raised_at) from alert a "
            "where not exists (select from alert_read r where r.alert_id = a.id)"
        )
        count, oldest = await rows.fetchone() or (0, None)
        return int(count), oldest
