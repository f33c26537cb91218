"""Statements of the console's overview pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from whosaw.store import Database
from whosaw.terms import from_us


async def newest_entries(db: Database, before: int | None, limit: int) -> list[tuple[int, str]]:
    """Return (index, payload) of at most `limit` entries below `before` that are not erased, newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select index, payload from trail_entry where index < coalesce(%s, 9223372036854775807) "
            "and payload is not null order by index desc limit %s",
            [before, limit],
        )
        return await rows.fetchall()


async def reach(db: Database) -> tuple[int, datetime | None, datetime | None]:
    """Return how many entries there are, and the times of the first and the last that is not erased."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*), (select at_us from trail_entry where at_us is not null order by index limit 1), "
            "(select at_us from trail_entry where at_us is not null order by index desc limit 1) from trail_entry"
        )
        count, first_us, last_us = await rows.fetchone() or (0, None, None)
        return count, None if first_us is None else from_us(first_us), None if last_us is None else from_us(last_us)


async def signed_at(db: Database, size: int) -> int:
    """Return when the checkpoint over `size` entries was signed, in microseconds since 1970; 0 where none is kept.

    The newest one reaches its folder a moment before this table; until then the one before it answers.
    """
    async with db.connection() as connection:
        rows = await connection.execute("select max(at_us) from trail_checkpoint where size <= %s", [size])
        row = await rows.fetchone()
        return int(row[0]) if row and row[0] is not None else 0


@dataclass(frozen=True, slots=True)
class CaseStepRow:
    """One step of a case with the times at which things happened to it."""

    kind: str
    target: str
    state: str
    reason: str
    planned_by: str
    planned_at: datetime
    done_at: datetime | None
    undone_at: datetime | None
    entry: int | None
    approvals: tuple[tuple[str, datetime], ...]


async def case_steps(db: Database, case_id: str) -> list[CaseStepRow]:
    """Return the steps of a case in the order they were planned."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select s.id, s.kind, s.target, s.state, s.reason, s.planned_by, s.planned_at, s.done_at, s.undone_at, "
            "s.entry from case_step s where s.case_id = %s order by s.seq",
            [case_id],
        )
        steps = await rows.fetchall()
        rows = await connection.execute(
            "select step_id, person, at from case_approval where step_id = any(%s) order by at, person",
            [[step[0] for step in steps]],
        )
        approvals: dict[str, list[tuple[str, datetime]]] = {}
        for step_id, person, at in await rows.fetchall():
            approvals.setdefault(step_id, []).append((person, at))
    return [
        CaseStepRow(kind, target, state, reason, by, at, done_at, undone_at, entry, tuple(approvals.get(step_id, ())))
        for step_id, kind, target, state, reason, by, at, done_at, undone_at, entry in steps
    ]
