"""Stored entries as a check takes them: joined block by block, or row by row where something is out of place.

A million rows are not looked at one by one. A block holds each column of some hundred entries as one piece of bytes,
and says of itself only what can be seen without reading an entry: that every row is there, whole or erased.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

from whosaw.prove.canonical import SALT_BYTES
from whosaw.prove.merkle import HASH_BYTES

Space = Literal["actor", "subject", "purpose"]

# The search columns by the name each has in a payload, in the order of these names.
AUDIT_COLUMNS = ("actor", "at", "beneficiary", "kind", "purpose", "subject")
TEXT_LINES = 3  # of each entry in a block: payload, numbers and kind, beneficiary
_NUMBER_BYTES = 8

# Index, leaf, salt, payload (both None where erased), then the columns.
AuditRow = tuple[int, bytes, bytes | None, bytes | None, bytes, bytes, bytes, bytes, bytes, bytes]
# What an entry's columns say, in the order of their names, each spelled as in a payload and empty where null.
Columns = tuple[bytes, ...]


class AuditColumns(NamedTuple):
    """Rows ordered by index, column by column, in whatever state they are.

    Salt and payload are None where they were erased. The search columns hold what the payload should say, spelled as it
    stands there (a text with its quotes), and are empty where null.
    """

    indices: tuple[int, ...]
    leaf: tuple[bytes, ...]
    salt: tuple[bytes | None, ...]
    payload: tuple[bytes | None, ...]
    actor: tuple[bytes, ...]
    at: tuple[bytes, ...]
    beneficiary: tuple[bytes, ...]
    kind: tuple[bytes, ...]
    purpose: tuple[bytes, ...]
    subject: tuple[bytes, ...]

    @classmethod
    def of(cls, rows: Iterable[AuditRow]) -> Self:
        """Return rows, at least one, as columns."""
        columns: Any = zip(*rows, strict=True)
        return cls(*columns)

    def cut(self, start: int, end: int) -> Self:
        """Return the entries from place `start` to before place `end`."""
        parts: Any = (column[start:end] for column in self)
        return type(self)(*parts)

    def numbers(self, space: Space) -> set[int]:
        """Return the numbers of one space that the columns hold."""
        found: tuple[bytes, ...] = getattr(self, space)
        return {*map(int, {*found} - {b""})}

    def dated(self) -> tuple[Sequence[int], Sequence[int]]:
        """Return the indices of the entries that have a date, and their dates in µs."""
        pairs = [(index, int(at)) for index, at in zip(self.indices, self.at, strict=True) if at]
        return [index for index, _ in pairs], [at_us for _, at_us in pairs]


@dataclass(frozen=True, slots=True)
class AuditBlock:
    """Entries without a gap from `first` on, each of them whole or erased; see `of` for what that means.

    Attributes:
        first: index of the first entry.
        leaves: the leaf of every entry, 32 bytes each.
        kept: places in the block of the entries that are not erased, ascending.
        salts: of the kept entries, 32 bytes each.
        lines: three lines for each kept entry, without a break at the end: its payload; actor, at, purpose, subject
            and kind with commas between; its beneficiary.
        texts: the same lines apart.
        at: dates of the kept entries in µs, 8 bytes each; big-endian, as all numbers here.
        actor: the numbers of actors in these entries, where there is one.
        purpose: likewise of purposes.
        subject: likewise of subjects.
    """

    first: int
    leaves: bytes
    kept: Sequence[int]
    salts: bytes
    lines: bytes
    texts: list[bytes]
    at: bytes
    actor: bytes
    purpose: bytes
    subject: bytes

    @classmethod
    def of(cls, counted: tuple[int, int], indices: bytes, erased: bytes, parts: Sequence[bytes]) -> Self | None:
        """Return a block, or None where its rows must be looked at one by one.

        Args:
            counted: how many rows there are, at least one, and how many of them are in order as the database counts:
                leaf and salt of 32 bytes, payload and date there; or a leaf and nothing else.
            indices: of all rows, 8 bytes each.
            erased: indices of the rows without payload.
            parts: leaves, salts, lines, at, actor, purpose and subject, joined.
        """
        rows, whole = counted
        leaves, salts, lines, at, *numbers = parts
        first = int.from_bytes(indices[:_NUMBER_BYTES], "big", signed=True)
        if rows != whole or _ints(indices) != tuple(range(first, first + rows)):
            return None
        gone = {index - first for index in _ints(erased)}
        kept = [place for place in range(rows) if place not in gone] if gone else range(rows)
        texts = lines.split(b"\n") if kept else []
        sizes = (len(leaves), len(salts), len(texts), len(at))
        each = (HASH_BYTES * rows, SALT_BYTES * len(kept), TEXT_LINES * len(kept), _NUMBER_BYTES * len(kept))
        return cls(first, leaves, kept, salts, lines, texts, at, *numbers) if sizes == each else None

    @property
    def rows(self) -> int:
        """How many entries."""
        return len(self.leaves) // HASH_BYTES

    @property
    def erased(self) -> list[int]:
        """Indices of the entries of which only the leaf is left."""
        kept = {*self.kept} if len(self.kept) < self.rows else None
        return [] if kept is None else [self.first + place for place in range(self.rows) if place not in kept]

    def kept_leaves(self) -> bytes:
        """Return the leaves of the kept entries, 32 bytes each."""
        if len(self.kept) == self.rows:
            return self.leaves
        return b"".join(self.leaves[place * HASH_BYTES : (place + 1) * HASH_BYTES] for place in self.kept)

    def columns(self, number: int) -> Columns:
        """Return what the columns of the kept entry `number`, counted from 0, say."""
        actor, at, purpose, subject, kind = self.texts[number * TEXT_LINES + 1].split(b",", 4)
        return actor, at, self.texts[number * TEXT_LINES + 2], kind, purpose, subject

    def numbers(self, space: Space) -> set[int]:
        """Return the numbers of one space that the columns hold."""
        found: bytes = getattr(self, space)
        return {*_ints(found)}

    def dated(self) -> tuple[Sequence[int], Sequence[int]]:
        """Return the indices of the entries that have a date, and their dates in µs."""
        if len(self.kept) == self.rows:
            return range(self.first, self.first + self.rows), _ints(self.at)
        return [self.first + place for place in self.kept], _ints(self.at)


def _ints(raw: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(raw) // _NUMBER_BYTES}q", raw)
