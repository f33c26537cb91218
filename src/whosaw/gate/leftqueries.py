"""The statement of what was spent."""

from __future__ import annotations

from whosaw.store import Database

_HOUR_US, _DAY_US = 3_600_000_000, 86_400_000_000


async def spent(db: Database, actor: str, at_us: int) -> dict[str, tuple[int, int, int]]:
    """Return what is counted → (in this hour, this day, this month); a window that is over counts nothing any more."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select b.class, "
            "case when b.hour_us >= %(hour)s then b.hour_spent else 0 end, "
            "case when b.day_us >= %(day)s then b.day_spent else 0 end, "
            "case when b.month_us >= extract(epoch from date_trunc('month', "
            "to_timestamp(%(at)s / 1000000) at time zone 'UTC'))::bigint * 1000000 then b.month_spent else 0 end "
            "from gate_budget b join number_map m on m.space = 'actor' and m.number = b.actor where m.key = %(actor)s",
            {"actor": actor, "at": at_us, "hour": at_us - at_us % _HOUR_US, "day": at_us - at_us % _DAY_US},
        )
        return {str(row[0]): (int(row[1]), int(row[2]), int(row[3])) for row in await rows.fetchall()}
