"""The statements of broken glass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

_GLASS = """
select b.id, h.key, b.classes, s.key, p.key, b.broken_at, coalesce(b.ended_at, b.until_at), b.review_by, b.state,
    b.escalations, b.entry, e.payload::json ->> 'stated',
    (select json_agg(json_build_array(coalesce(a.key, ''), r.function, r.verdict = 'justified') order by r.at)
        from standing_review r left join number_map a on a.space = 'actor' and a.number = r.reviewer
        where r.glass_id = b.id),
    b.holder
from standing_glass b
left join number_map h on h.space = 'actor' and h.number = b.holder
left join number_map s on s.space = 'subject' and s.number = b.subject
left join number_map p on p.space = 'purpose' and p.number = b.purpose
left join trail_entry e on e.index = b.entry
"""


async def one(connection: Connection, glass: int) -> tuple[Any, ...] | None:
    """Return one with its reviews, or None."""
    rows = await connection.execute(f"{_GLASS} where b.id = %s", [glass])
    return await rows.fetchone()


async def many(db: Database, *, unreviewed: bool, limit: int) -> list[tuple[Any, ...]]:
    """Return the latest, or only those that still wait for a review; newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"{_GLASS} where not %s or b.state = 'unreviewed' order by b.id desc limit %s", [unreviewed, limit]
        )
        return await rows.fetchall()


async def add_review(
    connection: Connection, ids: tuple[int, int], function: str, verdict: str, noted: tuple[datetime, int]
) -> None:
    """Keep a review.

    Args:
        connection: a deciding one.
        ids: of the glass, and the number of who reviewed.
        function: in which he did.
        verdict: ``justified`` or ``unjustified``.
        noted: when, and the index of the entry that says so.
    """
    await connection.execute(
        "insert into standing_review (glass_id, reviewer, function, verdict, at, entry) "
        "values (%s, %s, %s, %s, %s, %s)",
        [*ids, function, verdict, *noted],
    )


async def settle(connection: Connection, glass: int, state: str, at: datetime) -> None:
    """Note what the reviews came to."""
    await connection.execute(
        "update standing_glass set state = %s, reviewed_at = %s where id = %s and state = 'unreviewed'",
        [state, at, glass],
    )


async def close(connection: Connection, glass: int, at: datetime) -> None:
    """End the access before its time."""
    await connection.execute(
        "update standing_glass set ended_at = %s where id = %s and ended_at is null and until_at > %s", [at, glass, at]
    )


async def overdue(connection: Connection, at: datetime, hours: float) -> list[tuple[int, int, int]]:
    """Return (id, holder's number, escalations so far) of what should have been reviewed, once for every `hours`."""
    rows = await connection.execute(
        "select id, holder, escalations from standing_glass where state = 'unreviewed' "
        "and review_by + escalations * %s * interval '1 hour' <= %s order by id limit 200",
        [hours, at],
    )
    return [(int(number), int(holder), int(times)) for number, holder, times in await rows.fetchall()]


async def escalated(connection: Connection, glass: int, times: int) -> None:
    """Note how often it was escalated."""
    await connection.execute("update standing_glass set escalations = %s where id = %s", [times, glass])
