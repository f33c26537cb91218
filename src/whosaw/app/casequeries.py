"""Statements of case work over the trail, and over alerts that nobody reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from whosaw.store import Database


async def coverage_days(db: Database, first: date, last: date) -> list[dict[str, Any]]:
    """Return the daily entries of coverage about the days from `first` to `last`."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select payload from trail_entry where kind = 'coverage' and payload is not null "
            "and payload::json ->> 'day' between %s and %s order by index",
            [first.isoformat(), last.isoformat()],
        )
        return [json.loads(row[0]) for row in await rows.fetchall()]


async def unread_alerts(
    db: Database, severities: Sequence[str], again: str
) -> list[tuple[int, Any, str, datetime, int]]:
    """Return (number, severity, code, raised at, rounds) of alerts that nobody has read.

    Those of the code `again` are left out: they tell others again, each in its round, and `rounds` is the last told.
    """
    async with db.connection() as connection:
        rows = await connection.execute(
            "select a.id, a.severity, a.code, a.raised_at, coalesce(t.rounds, 0) from alert a left join (select "
            "(about ->> 'alert')::bigint as id, max((about ->> 'round')::int) as rounds from alert "
            "where code = %(again)s group by 1) t using (id) where a.severity = any(%(severities)s) "
            "and a.code <> %(again)s and not exists (select from alert_read r where r.alert_id = a.id) order by a.id",
            {"severities": list(severities), "again": again},
        )
        return [(int(row[0]), row[1], str(row[2]), row[3], int(row[4])) for row in await rows.fetchall()]
