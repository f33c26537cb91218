"""The one statement that says where actors stand, and the two that change it from the hot path."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.line import array

_STANDING = "select gate_standing_brief($1, $2, $3, $4)"
_PLAIN = "plain"  # no actor has anything to tell; said outright, so that an answer that is missing opens nothing


async def standing_rows(
    db: Database, actors: Sequence[str], at: datetime, *, required: bool, since: datetime
) -> list[list[Any]] | None:
    """Return (key, suspended, acknowledged, grants, glass) of every actor, the last two as lists or None.

    None where none of the actors is suspended, has a grant or broken glass, or has yet to acknowledge the code.

    Args:
        db: whosaw's database; the door's role may run it.
        actors: keys.
        at: the moment in question.
        required: whether the code must be acknowledged.
        since: acknowledgements before this do not count any more.

    Raises:
        LookupError: the database said nothing.
    """
    bound = [array(actors), at.isoformat().encode(), b"t" if required else b"f", since.isoformat().encode()]
    ((told,),) = (await db.ask(_STANDING, bound)).rows
    if told == _PLAIN:
        return None
    if not isinstance(told, list):
        raise LookupError("the database does not say where actors stand")
    return told


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
