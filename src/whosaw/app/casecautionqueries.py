"""Statements about what may clear somebody: answers of a case, and keys that the record knows or knows otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from whosaw.store import Database
from whosaw.store.database import Connection


async def cleared(connection: Connection, case: str) -> dict[str, list[str]]:
    """Return by actor the questions whose latest answer in a case clears him."""
    rows = await connection.execute(
        "select actor, array_agg(item order by item) from (select distinct on (actor, item) actor, item, finding "
        "from case_exculpatory where case_id = %s order by actor, item, at desc) latest "
        "where finding = 'clears' group by actor",
        [case],
    )
    return {str(actor): list(items) for actor, items in await rows.fetchall()}


async def verdicts_between(connection: Connection, case: str, after: int, before: int) -> list[Mapping[str, Any]]:
    """Return the verdicts of a case whose numbers lie between two, oldest first."""
    rows = await connection.execute(
        "select verdict from case_verdict where case_id = %s and seq > %s and seq < %s order by seq",
        [case, after, before],
    )
    return [row[0] for row in await rows.fetchall()]


async def is_open(connection: Connection, case: str) -> bool:
    """Return whether a case is open."""
    rows = await connection.execute("select state <> 'closed' from case_file where id = %s", [case])
    row = await rows.fetchone()
    return row is not None and bool(row[0])


async def spelled_otherwise(db: Database, keys: Collection[str]) -> tuple[int, int]:
    """Return how many of these references to subjects have a number, and how many have one only if case counts not."""
    async with db.connection() as connection:
        rows = await connection.execute(
            "with given as (select key, exists (select from number_map m where m.space = 'subject' and m.key = g.key) "
            "as known from unnest(%s::text[]) as g(key)), "
            "folded as (select distinct lower(key) as key from given where not known) "
            "select (select count(*) from given where known), "
            "(select count(distinct f.key) from folded f join number_map m "
            "on m.space = 'subject' and lower(m.key) = f.key)",
            [list(keys)],
        )
        row = await rows.fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))
