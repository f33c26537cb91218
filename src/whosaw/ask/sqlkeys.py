"""What the SQL reader is asked with and answers: tables that hold subjects, and the keys a statement names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KeyType = Literal["text", "integer"]


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A table that holds subjects.

    Args:
        table: as `schema.table`, in the writing the database keeps (lower case unless it was made otherwise).
        key: the column that holds the subject's key.
        type: whether the key is a whole number or text; a number is written in one way only.
    """

    table: str
    key: str
    type: KeyType = "text"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement says about subjects.

    Args:
        keys: per table of the catalog that it touches, the keys it is confined to.
        others: relations that are not in the catalog, as written (`customer` or `schema.customer`).
        calls: functions it calls, as written; the database's own and a company's look alike here.
        writes_only: it touches the tables only to put rows in, and gives nothing back.
    """

    keys: dict[str, frozenset[str]]
    others: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    writes_only: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A statement whose subjects are not known, and why: a word, never a part of the statement."""

    reason: str
