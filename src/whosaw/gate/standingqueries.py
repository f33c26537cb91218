"""The one statement that says where actors stand, and the two that change it from the hot path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.line import array

_STANDING = "select key, suspended, acknowledged, grants, glass from gate_standing($1, $2, $3, $4)"


async def standing_rows(
    db: Database, actors: Sequence[str], at: datetime, *, required: bool, since: datetime
) -> list[tuple[Any, ...]]:
    """Return (key, suspended, acknowledged, grants, glass) of every actor, the last two as lists or None.

    Args:
        db: whosaw's database; the door's role may run it.
        actors: keys.
        at: the moment in question.
        required: whether the code must be acknowledged.
        since: acknowledgements before this do not count any more.
    """
    bound = [array(actors), at.isoformat().encode(), b"t" if required else b"f", since.isoformat().encode()]
    return (await db.ask(_STANDING, bound)).rows


async def consume(db: Database, grant: int, holder: int, at: datetime) -> bool:
    """Use up a grant that is good for one use; true for exactly one caller."""
    async with db.connection() as connection:
        rows = await connection.execute("select standing_consume(%s, %s, %s)", [grant, holder, at])
        row = await rows.fetchone()
        return bool(row and row[0])


async def exports_used(db: Database, holder: int, since: datetime) -> int:
    """Return how many words of a second person `holder` has used up for exports since then."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select count(*) from standing_grant where holder = %s and kind = 'second_person' and action = 'export' "
            "and state = 'used' and ended_at >= %s",
            [holder, since],
        )
        row = await rows.fetchone()
        return int(row[0]) if row else 0


async def void(db: Database, actor: str, at: datetime) -> list[tuple[str, int]]:
    """End every request, grant and broken glass of `actor`; return which, as (``grant`` or ``glass``, id)."""
    async with db.connection() as connection:
        rows = await connection.execute("select kind, id from standing_void(%s, %s) order by 1, 2", [actor, at])
        return [(str(kind), int(number)) for kind, number in await rows.fetchall()]
