"""The number map against the entries: every number in use was given, and its row is there or was erased.

A row that is lost takes the name of whoever stands in the entries with it, as an erasure would, but nobody ordered it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import get_args

from whosaw.record import auditqueries
from whosaw.record.auditqueries import ACTOR_MEMBERS
from whosaw.record.auditrows import AuditBlock, AuditColumns, Space
from whosaw.record.findings import Finding
from whosaw.store.database import Connection

_MOST_NAMED = 1_000
_SPACES: tuple[Space, ...] = get_args(Space)
_MARKS = {name: f'"{name}":'.encode() for name in ACTOR_MEMBERS}


class UsedNumbers:
    """Collects the numbers that entries use, then looks for their map rows."""

    def __init__(self) -> None:
        self._used: dict[Space, set[int]] = {space: set() for space in _SPACES}
        self._members: dict[int, int] = {}  # actor named outside the columns → the first entry that does
        self._in_sets: dict[int, int] = {}  # subject in a set → the first entry that names one with him

    def take_set(self, index: int, numbers: Iterable[int]) -> None:
        """Note the subjects in a set that the entry at `index` names."""
        for number in numbers:
            self._in_sets.setdefault(number, index)

    def take(self, rows: AuditBlock | AuditColumns, payloads: Iterable[tuple[int, bytes]]) -> None:
        """Note the numbers in some entries' columns, and in index and payload of those that may hold more."""
        for space in _SPACES:
            self._used[space] |= rows.numbers(space)
        for index, raw in payloads:
            for name, mark in _MARKS.items():
                if mark in raw:
                    for number in _numbers(raw, name):
                        self._members.setdefault(number, index)

    def _elsewhere(self, space: Space) -> dict[int, int]:
        """Return what is used outside the columns, with the first entry that does so."""
        return {"actor": self._members, "subject": self._in_sets}.get(space, {})

    async def compare(self, conn: Connection) -> list[Finding]:
        """Return every number whose row is not there, with the first entry that uses it."""
        findings: list[Finding] = []
        for space, columns in self._used.items():
            last, there, erased = await auditqueries.map_state(conn, space)
            elsewhere = self._elsewhere(space)
            used = {*columns, *elsewhere}
            unknown = {number for number in used if not 0 < number <= last}
            lost = used - there - erased - unknown
            gaps = set(range(1, last + 1)) - used - there - erased
            uses = await auditqueries.first_uses(conn, space, sorted(lost | unknown)[: 2 * _MOST_NAMED])
            for number in (lost | unknown) & elsewhere.keys():
                uses[number] = min(elsewhere[number], uses.get(number, elsewhere[number]))
            findings += _named("number_unknown", unknown, uses, f"{space} number %d was never given")
            findings += _named("number_lost", lost, uses, f"{space} number %d has lost its map row")
            findings += _named("number_lost", gaps, {}, f"{space} number %d has lost its map row, and no entry uses it")
        return findings


def _numbers(raw: bytes, name: str) -> Iterable[int]:
    """Return the number, or numbers, under a name of a payload; a malformed payload is named elsewhere."""
    try:
        said = json.loads(raw).get(name)
    except (ValueError, AttributeError, RecursionError):
        return ()
    return [each for each in (said if isinstance(said, list) else [said]) if type(each) is int]


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
