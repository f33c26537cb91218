"""Statements of what is declared to explain looks afterwards. A row stays: it is withdrawn, and its words die."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection

Row = tuple[Any, ...]

_ROW = (
    "select id, flag, beneficiary, since_us, until_us, because, declared_by, declared_at, agreed_by, agreed_at, "
    "withdrawn_by, withdrawn_at from watch_explanation"
)


async def add(db: Database, values: Sequence[object]) -> int:
    """Store one: flag, beneficiary, since_us, until_us, because, declared_by, declared_at, entry; return its number."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "insert into watch_explanation (flag, beneficiary, since_us, until_us, because, declared_by, declared_at, "
            "entry) values (%s, %s, %s, %s, %s, %s, %s, %s) returning id",
            values,
        )
        return int((await rows.fetchall())[0][0])


async def one(db: Database, identifier: int) -> Row | None:
    """Return one."""
    async with db.connection() as connection:
        return await row(connection, identifier)


async def row(connection: Connection, identifier: int) -> Row | None:
    """Return one, over a connection."""
    rows = await connection.execute(f"{_ROW} where id = %s", [identifier])
    return await rows.fetchone()


async def every(db: Database) -> list[Row]:
    """Return all of them, the newest first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"{_ROW} order by id desc")
        return await rows.fetchall()


async def in_force(db: Database, moment: datetime) -> list[Row]:
    """Return beneficiary, since_us, until_us of those in force at a moment."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select beneficiary, since_us, until_us from watch_explanation where agreed_at < %s "
            "and (withdrawn_at is null or withdrawn_at >= %s) order by id",
            [moment, moment],
        )
        return await rows.fetchall()


async def agree(db: Database, identifier: int, values: Sequence[object]) -> bool:
    """Store who agreed, when, and the entry; false where somebody did, or it was withdrawn."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update watch_explanation set agreed_by = %s, agreed_at = %s, agreed_entry = %s "
            "where id = %s and agreed_at is null and withdrawn_at is null",
            [*values, identifier],
        )
        return done.rowcount == 1


async def withdraw(connection: Connection, identifier: int, values: Sequence[object]) -> bool:
    """Store who withdrew it, when, and the entry; false where somebody did."""
    done = await connection.execute(
        "update watch_explanation set withdrawn_by = %s, withdrawn_at = %s, withdrawn_entry = %s "
        "where id = %s and withdrawn_at is null",
        [*values, identifier],
    )
    return done.rowcount == 1


async def open_cases(db: Database, beneficiary: str) -> list[str]:
    """Return the cases about somebody that are not closed."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select id from case_file where beneficiary = %s and state <> 'closed'", [beneficiary]
        )
        return [str(row[0]) for row in await rows.fetchall()]


async def prune(db: Database, before: datetime) -> int:
    """Empty what was said, and by whom, before a moment, unless a hold or a case needs it; return of how many."""
    async with db.connection() as connection:
        done = await connection.execute(
            "update watch_explanation e set because = '', declared_by = '', agreed_by = null, withdrawn_by = null "
            "where declared_at < %s and because <> '' and not exists (select from case_file c "
            "where c.beneficiary = e.beneficiary and c.state <> 'closed') and not exists (select from legal_hold h "
            "left join watch_flag f on f.id = e.flag where h.lifted_at is null and h.space = 'actor' "
            "and (h.number = f.actor or h.number in (select number from number_map m where m.space = 'actor' "
            "and m.key in (e.declared_by, e.agreed_by, e.withdrawn_by))))",
            [before],
        )
        return done.rowcount


async def flagged_for(db: Database, beneficiary: str) -> set[int]:
    """Return the actors, by number, of all flags about looks that would profit somebody."""
    async with db.connection() as connection:
        rows = await connection.execute("select distinct actor from watch_flag where beneficiary = %s", [beneficiary])
        return {int(row[0]) for row in await rows.fetchall()}
