"""Statements of friction: what holds somebody up now, and who is a canary."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database


async def begin(db: Database, values: Sequence[object]) -> int:
    """Store one: actor, sign, step, enforced, begun_at, until_at, entry, nonce; return its number."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "insert into gate_friction (actor, sign, step, enforced, begun_at, until_at, entry, nonce) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s) returning id",
            values,
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101 - an insert returns its row
        return int(row[0])


async def lately(db: Database, since: datetime) -> list[tuple[Any, ...]]:
    """Return key, step, enforced, until_at of all that ended after `since` and nobody released, the oldest first."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select m.key, f.step, f.enforced, f.until_at from gate_friction f "
            "join number_map m on m.space = 'actor' and m.number = f.actor "
            "where f.until_at > %s and f.released_at is null order by f.id",
            [since],
        )
        return await rows.fetchall()


async def canaries(db: Database) -> list[str]:
    """Return the keys of the persons who do not exist, as ``customer:C-17``."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select m.key from canary c join number_map m on m.space = 'subject' and m.number = c.subject "
            "where c.retired_at is null"
        )
        return [str(row[0]) for row in await rows.fetchall()]
