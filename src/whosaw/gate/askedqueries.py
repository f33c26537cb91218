"""What the tables of grants and of broken glass share: a row is numbered before its entry, and known by its ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from whosaw.store import Database
from whosaw.store.database import Connection
from whosaw.store.numbers import Space, assign
from whosaw.terms import PurposeRef, SubjectRef

Table = Literal["standing_grant", "standing_glass"]


async def named(
    db: Database, holder: str, subject: SubjectRef | None, purpose: PurposeRef | None, target: str | None = None
) -> dict[str, int]:
    """Return the numbers of whoever and whatever an ask names, under the names of their columns."""
    keys: list[tuple[str, Space, str]] = [("holder", "actor", holder)]
    keys += [("target", "actor", target)] if target else []
    keys += [("subject", "subject", str(subject))] if subject is not None else []
    keys += [("purpose", "purpose", str(purpose))] if purpose is not None else []
    return {column: (await assign(db, space, [key]))[key] for column, space, key in keys}


async def new_id(connection: Connection, table: Table) -> int:
    """Return the number that the next row will have, for its entry comes first."""
    rows = await connection.execute("select nextval(pg_get_serial_sequence(%s, 'id'))", [table])
    row = await rows.fetchone()
    assert row is not None  # noqa: S101 - a sequence always answers
    return int(row[0])


async def add(connection: Connection, table: Table, cells: Mapping[str, object]) -> None:
    """Keep a row; the names of the cells are columns of the table."""
    names, places = ", ".join(cells), ", ".join(["%s"] * len(cells))
    await connection.execute(f"insert into {table} ({names}) values ({places})", list(cells.values()))


async def by_ask(connection: Connection, table: Table, ask: str) -> int | None:
    """Return the number of the row that this ask made, or None."""
    rows = await connection.execute(f"select id from {table} where ask = %s", [ask])
    row = await rows.fetchone()
    return int(row[0]) if row else None
