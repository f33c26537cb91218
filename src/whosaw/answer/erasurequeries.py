"""The statements of requests for erasure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from whosaw.store import Database

_COLUMNS = "reference, subject, asked_at, due_at, had, held"


async def request(db: Database, reference: str) -> tuple[Any, ...] | None:
    """Return (reference, subject, asked at, due at, fields had then, held meanwhile), or None."""
    async with db.connection() as connection:
        rows = await connection.execute(
            f"select {_COLUMNS} from erasure_request where reference = %s".encode(), [reference]
        )
        return await rows.fetchone()


async def add(
    db: Database, about: tuple[str, int], terms: tuple[datetime, datetime], had: Sequence[str], entry: int
) -> None:
    """Keep a request; one of this reference that is there already stays as it is.

    Args:
        db: whosaw's own database.
        about: reference of the request, number of the subject.
        terms: when it was asked, when it is due.
        had: the fields that held something then.
        entry: of the trail, that notes it.
    """
    async with db.connection() as connection:
        await connection.execute(
            "insert into erasure_request (reference, subject, asked_at, due_at, had, entry) values "
            "(%s, %s, %s, %s, %s, %s) on conflict do nothing",
            [*about, *terms, list(had), entry],
        )


async def note_held(db: Database, reference: str, due_at: datetime, *, held: bool) -> None:
    """Note whether a hold keeps something of a request now, and when the rest is due."""
    async with db.connection() as connection:
        await connection.execute(
            "update erasure_request set held = %s, due_at = %s where reference = %s", [held, due_at, reference]
        )
