"""Entries as they lie under the tree: leaf, salt and payload, so that who gets them can derive the leaf again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from whosaw.record import auditqueries
from whosaw.store import Database

_PAGE_ROWS = 4_096


@dataclass(frozen=True, slots=True)
class Sealed:
    """One stored entry.

    Attributes:
        index: its place in the trail.
        leaf: its leaf hash, 32 bytes.
        salt: 32 bytes, None where the entry was erased.
        payload: the canonical text, None where the entry was erased.
    """

    index: int
    leaf: bytes
    salt: bytes | None
    payload: str | None


async def sealed_from(
    db: Database, first: int = 0, since_us: int | None = None, until_us: int | None = None
) -> AsyncIterator[Sealed]:
    """Yield entries in order of index; with a time given, those dated within, which erased ones are not.

    Args:
        db: where the trail is.
        first: the index to begin at.
        since_us: dated from then on, µs since 1970.
        until_us: dated before then.
    """
    # by pages, so that no connection is held while the caller thinks
    while True:
        async with db.connection() as conn:
            rows = await auditqueries.sealed_rows(conn, first, (since_us, until_us), _PAGE_ROWS)
        for row in rows:
            yield Sealed(*row)
        if len(rows) < _PAGE_ROWS:
            return
        first = rows[-1][0] + 1
