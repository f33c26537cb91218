"""Statements about exhibits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from whosaw.answer.casequeries import fetch
from whosaw.store import Database

_EXHIBIT = "seq, name, sha256, what, by, at, entry"


async def add(db: Database, case: str, said: Mapping[str, object]) -> tuple[Any, ...]:
    """Keep an exhibit under the next number of its case and return it."""
    bound = {"case": case, **said}
    async with db.transaction() as connection:
        await connection.execute("select 1 from case_file where id = %(case)s for update", bound)
        rows = await connection.execute(
            f"insert into case_exhibit (case_id, {_EXHIBIT}) select %(case)s, coalesce(max(seq), 0) + 1, %(name)s, "
            f"%(sha256)s, %(what)s, %(by)s, %(at)s, %(entry)s from case_exhibit where case_id = %(case)s "
            f"returning {_EXHIBIT}",
            bound,
        )
        row = await rows.fetchone()
        assert row is not None  # noqa: S101  an insert returns its row
        return row


async def exhibits(db: Database, case: str) -> list[tuple[Any, ...]]:
    """Return the exhibits of a case, in order."""
    return await fetch(db, f"select {_EXHIBIT} from case_exhibit where case_id = %(case)s order by seq", {"case": case})
