"""The statement of who is stopped."""

from __future__ import annotations

from datetime import datetime

from whosaw.store import Database


async def stopped(db: Database) -> list[tuple[str, datetime, str, str]]:
    """Return (actor, since, kind, ordered by) of everybody who is suspended, the latest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select actor, since, kind, ordered_by from gate_suspension order by since desc, actor limit 1000"
        )
        return await rows.fetchall()
