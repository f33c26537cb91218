"""Statements about what holds people up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from whosaw.store import Database

Row = tuple[Any, ...]

_HELD = "select id, actor, sign, step, enforced, begun_at, until_at, entry, released_by from gate_friction "


async def held(db: Database, limit: int) -> list[Row]:
    """Return id, actor, sign, step, enforced, begun_at, until_at, entry, released_by, the newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_HELD} order by id desc limit %s", [limit])
        return await rows.fetchall()


async def holding(db: Database, now: datetime) -> list[Row]:
    """Return the columns of `held` of each person's latest that still holds, the newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"{_HELD} f where until_at > %s and released_at is null and not exists (select from gate_friction l "
            "where l.actor = f.actor and l.id > f.id and l.released_at is null) order by id desc",
            [now],
        )
        return await rows.fetchall()


async def one(db: Database, number: int) -> Row | None:
    """Return one of them."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_HELD} where id = %s", [number])
        return await rows.fetchone()


async def release(db: Database, number: int, values: Sequence[object]) -> None:
    """End this person's steps that hold now: when, who, why."""
    async with db.connection() as connection:
        await connection.execute(
            "update gate_friction f set released_at = %s, released_by = %s, note = %s from gate_friction o "
            "where o.id = %s and f.actor = o.actor and f.released_at is null and f.id <= o.id",
            [*values, number],
        )


async def prune(db: Database, before: datetime) -> int:
    """Delete what ended before a moment, where no legal hold stands on the person; return how many."""
    async with db.connection() as connection:
        done = await connection.execute(
            "delete from gate_friction f where f.until_at < %s and not exists (select from legal_hold h "
            "where h.lifted_at is null and h.space = 'actor' and h.number = f.actor)",
            [before],
        )
        return done.rowcount


async def stops(db: Database, now: datetime) -> list[tuple[int, str]]:
    """Return number and actor's key of every enforced stop that no suspension followed yet."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select f.id, m.key from gate_friction f join number_map m on m.space = 'actor' and m.number = f.actor "
            "where f.step = 'stop' and f.enforced and f.suspended_at is null and f.released_at is null "
            "and f.until_at > %s order by f.id",
            [now],
        )
        return [(int(row[0]), str(row[1])) for row in await rows.fetchall()]


@asynccontextmanager
async def stopping(db: Database, number: int, at: datetime) -> AsyncIterator[bool]:
    """Hold one stop while it is carried out, and note it at the end; false where another process has it or did it."""
    async with db.transaction() as connection:
        rows = await connection.execute(
            "select id from gate_friction where id = %s and suspended_at is null for update skip locked", [number]
        )
        mine = await rows.fetchone() is not None
        yield mine
        if mine:
            await connection.execute("update gate_friction set suspended_at = %s where id = %s", [at, number])
