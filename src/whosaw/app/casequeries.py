"""Statements of case work over the trail."""

from __future__ import annotations

import json
from datetime import date
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
