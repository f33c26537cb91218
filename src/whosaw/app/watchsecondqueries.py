"""Statements of second decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database

Row = tuple[Any, ...]

# what the second decider may know: neither what was decided first nor by whom
_BLIND = "select id, kind, object, asked_at, due_at, favours, because, answered_at from watch_second"


async def add(db: Database, values: Sequence[object]) -> bool:
    """Store a drawn decision; false where it is there.

    Args:
        db: the database.
        values: of_entry, kind, object, beneficiary, first_actor, first_favours, decided_us, second_actor, asked_at,
            due_at, entry.
    """
    async with db.connection() as connection:
        done = await connection.execute(
            "insert into watch_second (of_entry, kind, object, beneficiary, first_actor, first_favours, decided_us, "
            "second_actor, asked_at, due_at, entry) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
            "on conflict do nothing",
            values,
        )
        return done.rowcount == 1


async def to_person(db: Database, actor: int) -> list[Row]:
    """Return what somebody is asked to decide a second time, the newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_BLIND} where second_actor = %s order by id desc limit 100", [actor])
        return await rows.fetchall()


async def one(db: Database, identifier: int, actor: int) -> Row | None:
    """Return one that this person is asked about."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_BLIND} where id = %s and second_actor = %s", [identifier, actor])
        return await rows.fetchone()


async def answer(db: Database, identifier: int, values: Sequence[object]) -> bool:
    """Store an answer: favours, because, when, entry; false where there is one."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update watch_second set favours = %s, because = %s, answered_at = %s, answer_entry = %s "
            "where id = %s and answered_at is null",
            [*values, identifier],
        )
        return done.rowcount == 1


async def answers_before(db: Database, before: datetime) -> dict[int, bool]:
    """Return by entry of the first decision whether the second one, given in time and before a moment, disagrees."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select of_entry, favours <> first_favours from watch_second where answered_at < %s "
            "and answered_at <= due_at",
            [before],
        )
        return {int(row[0]): bool(row[1]) for row in await rows.fetchall()}


async def looking(db: Database, before: datetime) -> list[Row]:
    """Return second decider, subject of the first decision's entry, and from when until when he had it to decide."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select s.second_actor, e.subject, s.asked_at, "
            "case when s.answered_at < %(before)s then least(s.answered_at, s.due_at) else s.due_at end "
            "from watch_second s join trail_entry e on e.index = s.of_entry "
            "where s.asked_at < %(before)s and e.subject is not null order by s.id",
            {"before": before},
        )
        return await rows.fetchall()


async def prune(db: Database, before: datetime) -> int:
    """Delete those asked before a moment, where no legal hold stands on either decider; return how many."""
    async with db.connection() as connection:
        done = await connection.execute(
            "delete from watch_second s where s.asked_at < %s and not exists (select from legal_hold h where "
            "h.lifted_at is null and h.space = 'actor' and h.number in (s.first_actor, s.second_actor))",
            [before],
        )
        return done.rowcount
