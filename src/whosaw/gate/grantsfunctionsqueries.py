"""The statements of functions that two signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

_ROWS = """
select f.id, coalesce(a.key, ''), f.function, coalesce(p.key, ''), f.proposed_at, c.key, f.confirmed_at
from standing_function f
left join number_map a on a.space = 'actor' and a.number = f.actor
left join number_map p on p.space = 'actor' and p.number = f.proposed_by
left join number_map c on c.space = 'actor' and c.number = f.confirmed_by
where f.ended_at is null
"""


async def one(connection: Connection, assignment: int) -> tuple[Any, ...] | None:
    """Return one that is not ended, or None."""
    rows = await connection.execute(f"{_ROWS} and f.id = %s", [assignment])
    return await rows.fetchone()


async def open_one(connection: Connection, actor: int, function: str) -> tuple[Any, ...] | None:
    """Return the one of this person and function that is not ended, or None."""
    rows = await connection.execute(f"{_ROWS} and f.actor = %s and f.function = %s", [actor, function])
    return await rows.fetchone()


async def standing(db: Database) -> list[tuple[Any, ...]]:
    """Return every one that is not ended."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_ROWS} order by f.id")
        return await rows.fetchall()


async def any_confirmed(connection: Connection) -> bool:
    """Return whether anybody has a function that two signed."""
    rows = await connection.execute(
        "select exists (select from standing_function where confirmed_at is not null and ended_at is null)"
    )
    row = await rows.fetchone()
    return bool(row and row[0])


async def add(connection: Connection, made: tuple[int, str, int, datetime, int]) -> tuple[Any, ...]:
    """Keep a proposal (actor, function, proposed by, when, entry) and return its row."""
    rows = await connection.execute(
        "insert into standing_function (actor, function, proposed_by, proposed_at, entry) "
        "values (%s, %s, %s, %s, %s) returning id",
        made,
    )
    row = await rows.fetchone()
    assert row is not None  # noqa: S101 - an insert returns its row
    found = await one(connection, row[0])
    assert found is not None  # noqa: S101 - it was just added
    return found


async def confirm(connection: Connection, assignment: int, by: int, at: datetime) -> None:
    """Note who confirmed it, and when."""
    await connection.execute(
        "update standing_function set confirmed_by = %s, confirmed_at = %s where id = %s and confirmed_at is null",
        [by, at, assignment],
    )


async def end(connection: Connection, assignment: int, at: datetime) -> None:
    """Note that it is over."""
    await connection.execute(
        "update standing_function set ended_at = %s where id = %s and ended_at is null", [at, assignment]
    )
