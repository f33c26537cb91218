"""The statements of grants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

_GRANTS = """
select g.id, g.kind, h.key, g.state, g.classes, g.action, g.digest, s.key, p.key, t.key, g.case_ref, g.minutes,
    g.approvals, g.requested_at, g.decide_by, g.from_at, g.until_at, g.entry, e.payload::json ->> 'stated',
    (select json_agg(json_build_array(coalesce(a.key, ''), v.function, v.verdict = 'approved') order by v.at)
        from standing_verdict v left join number_map a on a.space = 'actor' and a.number = v.approver
        where v.grant_id = g.id),
    g.holder
from standing_grant g
left join number_map h on h.space = 'actor' and h.number = g.holder
left join number_map s on s.space = 'subject' and s.number = g.subject
left join number_map p on p.space = 'purpose' and p.number = g.purpose
left join number_map t on t.space = 'actor' and t.number = g.target
left join trail_entry e on e.index = g.entry
"""


async def one(connection: Connection, grant: int) -> tuple[Any, ...] | None:
    """Return one grant with the verdicts on it, or None."""
    rows = await connection.execute(f"{_GRANTS} where g.id = %s", [grant])
    return await rows.fetchone()


async def many(db: Database, states: Sequence[str], holder: str | None, limit: int) -> list[tuple[Any, ...]]:
    """Return the latest grants in any of `states`, of one holder where given; newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"{_GRANTS} where g.state = any(%s) and (%s::text is null or h.key = %s) order by g.id desc limit %s",
            [list(states), holder, holder, limit],
        )
        return await rows.fetchall()


async def unmask_grants(db: Database) -> list[tuple[Any, ...]]:
    """Return every grant to unmask somebody, in any state, oldest first.

    Returns:
        (id, case, number of who would be unmasked, reason, holder, asked at, approvals as (person, function) pairs,
        in force from, until, state, ended at); reason and holder are None where they were erased.
    """
    async with db.connection() as connection:
        rows = await connection.execute(
            "select g.id, g.case_ref, g.target, e.payload::json ->> 'stated', h.key, g.requested_at, "
            "(select json_agg(json_build_array(coalesce(a.key, ''), v.function) order by v.at) from standing_verdict v "
            "left join number_map a on a.space = 'actor' and a.number = v.approver "
            "where v.grant_id = g.id and v.verdict = 'approved'), g.from_at, g.until_at, g.state, g.ended_at "
            "from standing_grant g left join number_map h on h.space = 'actor' and h.number = g.holder "
            "left join trail_entry e on e.index = g.entry where g.kind = 'unmask' order by g.id"
        )
        return await rows.fetchall()


async def add_verdict(
    connection: Connection, ids: tuple[int, int], function: str, verdict: str, noted: tuple[datetime, int]
) -> None:
    """Keep a verdict.

    Args:
        connection: a deciding one.
        ids: of the grant, and the number of who decided.
        function: in which he did.
        verdict: ``approved`` or ``refused``.
        noted: when, and the index of the entry that says so.
    """
    await connection.execute(
        "insert into standing_verdict (grant_id, approver, function, verdict, at, entry) "
        "values (%s, %s, %s, %s, %s, %s)",
        [*ids, function, verdict, *noted],
    )


async def put_in_force(connection: Connection, grant: int, at: datetime) -> None:
    """Let a grant hold from `at` for its minutes."""
    await connection.execute(
        "update standing_grant set state = 'in_force', from_at = %s, until_at = %s + minutes * interval '1 minute' "
        "where id = %s and state = 'requested'",
        [at, at, grant],
    )


async def end(connection: Connection, grant: int, state: str, at: datetime) -> None:
    """End a request or a grant: ``refused``, ``revoked`` or ``expired``."""
    await connection.execute(
        "update standing_grant set state = %s, ended_at = %s where id = %s and state in ('requested', 'in_force')",
        [state, at, grant],
    )


async def run_out(connection: Connection, at: datetime) -> list[tuple[int, int, str]]:
    """Return (id, holder's number, kind) of what nobody decided in time, and of what has ended."""
    rows = await connection.execute(
        "select id, holder, kind from standing_grant where (state = 'requested' and decide_by <= %s) "
        "or (state = 'in_force' and until_at <= %s) order by id",
        [at, at],
    )
    return [(int(number), int(holder), str(kind)) for number, holder, kind in await rows.fetchall()]
