"""The statements of approving: one decision at a time, and what is known of who decides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

from whosaw.store import Database
from whosaw.store.database import Connection

_LOCK = 0x7374616E64  # "stand"


@asynccontextmanager
async def deciding(db: Database) -> AsyncIterator[Connection]:
    """Lend a transaction in which nobody else requests, approves, reviews or confirms anything.

    The rules look across requests (two people approving each other), so one lock for all of them is what makes them
    exact. It is held while the entry becomes durable: milliseconds, for something people do by hand.
    """
    async with db.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        yield connection


async def signed_for(connection: Connection, functions: Iterable[str]) -> list[str]:
    """Return the keys of everybody to whom two signed one of these functions."""
    rows = await connection.execute(
        "select distinct m.key from standing_function f join number_map m on m.space = 'actor' and m.number = f.actor "
        "where f.function = any(%s) and f.confirmed_at is not null and f.ended_at is null",
        [sorted(functions)],
    )
    return [str(row[0]) for row in await rows.fetchall()]


_STATE = """
with approvals as materialized (
    select v.approver as by, g.holder as of, v.at from standing_verdict v join standing_grant g on g.id = v.grant_id
    where v.verdict = 'approved' and v.at > %(since)s
    union all
    select r.reviewer, b.holder, r.at from standing_review r join standing_glass b on b.id = r.glass_id
    where r.verdict = 'justified' and r.at > %(since)s
)
select exists (select from gate_suspension s join number_map m on m.space = 'actor' and m.key = s.actor
        where m.number = %(approver)s),
    coalesce(f.functions, '{}'), f.last,
    (select max(a.at) from approvals a where a.by = %(holder)s and a.of = %(approver)s),
    (select max(least(a.at, b.at)) from approvals a join approvals b on b.by = a.of
        where a.by = %(holder)s and b.of = %(approver)s)
from (select array_agg(function) as functions, max(confirmed_at) as last from standing_function
    where actor = %(approver)s and confirmed_at is not null and ended_at is null) f
"""


async def approver_state(
    connection: Connection, approver: int, holder: int | None, since: datetime
) -> tuple[bool, list[str], datetime | None, datetime | None, datetime | None]:
    """Return of one person: suspended, functions that two signed, when the last was, and how he stands to `holder`.

    Args:
        connection: a deciding one.
        approver: number of the person.
        holder: number of whose request it is. The last two values are when he last approved something of `approver`,
            and since when he has approved something of somebody who has approved something of `approver`.
        since: approvals before this are not looked at.
    """
    rows = await connection.execute(_STATE, {"approver": approver, "holder": holder, "since": since})
    row = await rows.fetchone()
    assert row is not None  # noqa: S101 - an aggregate always has its row
    return row
