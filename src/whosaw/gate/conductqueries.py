"""The statements of the conduct code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from whosaw.store import Database
from whosaw.store.database import Connection

CodeRow = tuple[int, str, str, datetime, datetime, int]
_COLUMNS = "id, version, sha256, published_at, in_force_at, entry"


async def version(connection: Connection, name: str) -> CodeRow | None:
    """Return one version, or None."""
    rows = await connection.execute(f"select {_COLUMNS} from conduct_code where version = %s", [name])
    return await rows.fetchone()


async def add(connection: Connection, cells: dict[str, object]) -> None:
    """Keep a version; the columns are those of the table."""
    names, places = ", ".join(cells), ", ".join(["%s"] * len(cells))
    await connection.execute(f"insert into conduct_code ({names}) values ({places})", list(cells.values()))


async def codes(db: Database) -> list[CodeRow]:
    """Return every version, the one in force last first."""
    async with db.connection() as connection:
        rows = await connection.execute(f"select {_COLUMNS} from conduct_code order by in_force_at desc, id desc")
        return await rows.fetchall()


async def text_of(db: Database, code: int) -> str:
    """Return the text of a version."""
    async with db.connection() as connection:
        rows = await connection.execute("select text from conduct_code where id = %s", [code])
        row = await rows.fetchone()
        return str(row[0]) if row else ""


async def acknowledged_at(connection: Connection, actor: int, code: int) -> datetime | None:
    """Return when this actor last acknowledged this version, or None."""
    rows = await connection.execute(
        "select at from conduct_acknowledgement where actor = %s and code = %s", [actor, code]
    )
    row = await rows.fetchone()
    return row[0] if row else None


async def acknowledge(connection: Connection, actor: int, code: int, at: datetime, entry: int) -> None:
    """Note that this actor acknowledged this version."""
    await connection.execute(
        "insert into conduct_acknowledgement (actor, code, at, entry) values (%s, %s, %s, %s) "
        "on conflict (actor, code) do update set at = excluded.at, entry = excluded.entry",
        [actor, code, at, entry],
    )


async def acknowledgements(db: Database, code: int, keys: Sequence[str]) -> dict[str, datetime]:
    """Return who of `keys` acknowledged this version, and when."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "select m.key, a.at from conduct_acknowledgement a "
            "join number_map m on m.space = 'actor' and m.number = a.actor where a.code = %s and m.key = any(%s)",
            [code, list(keys)],
        )
        return dict(await rows.fetchall())
