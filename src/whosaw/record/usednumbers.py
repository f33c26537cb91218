"""The number map against the entries: every number in use was given, and its row is there or was erased.

A row that is lost takes the name of whoever stands in the entries with it, as an erasure would, but nobody ordered it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from whosaw.record import auditqueries
from whosaw.record.auditqueries import AuditRow, Space
from whosaw.record.findings import Finding
from whosaw.store.database import Connection

_MOST_NAMED = 1_000
_PLACES: dict[Space, int] = {
    space: 4 + auditqueries.AUDIT_COLUMNS.index(space) for space in get_args(Space)
}  # in a row


class UsedNumbers:
    """Collects the numbers that entries use, then looks for their map rows."""

    def __init__(self) -> None:
        self._used: dict[Space, set[bytes]] = {space: set() for space in _PLACES}

    def take(self, rows: Sequence[AuditRow]) -> None:
        """Note the numbers of one chunk."""
        for space, place in _PLACES.items():
            self._used[space].update({row[place] for row in rows if row[place] is not None})  # type: ignore[misc]

    async def compare(self, conn: Connection) -> list[Finding]:
        """Return every number whose row is not there, with the first entry that uses it."""
        findings: list[Finding] = []
        for space, texts in self._used.items():
            last, there, erased = await auditqueries.map_state(conn, space)
            used = {int(text) for text in texts}
            unknown = {number for number in used if not 0 < number <= last}
            lost = used - there - erased - unknown
            gaps = set(range(1, last + 1)) - used - there - erased
            uses = await auditqueries.first_uses(conn, space, sorted(lost | unknown)[: 2 * _MOST_NAMED])
            findings += _named("number_unknown", unknown, uses, f"{space} number %d was never given")
            findings += _named("number_lost", lost, uses, f"{space} number %d has lost its map row")
            findings += _named("number_lost", gaps, {}, f"{space} number %d has lost its map row, and no entry uses it")
        return findings


def _named(kind: str, numbers: set[int], uses: dict[int, int], text: str) -> list[Finding]:
    found = []
    for number in sorted(numbers)[:_MOST_NAMED]:
        index = uses.get(number)
        where = "" if index is None else f"entry {index}: "
        found.append(Finding(index, kind, where + text % number))  # type: ignore[arg-type]
    if len(numbers) > _MOST_NAMED:
        line = f"{len(numbers) - _MOST_NAMED} more: {text % sorted(numbers)[_MOST_NAMED]}, and so on"
        found.append(Finding(None, kind, line))  # type: ignore[arg-type]
    return found
