"""Checking stored rows against themselves: leaf against payload and salt, columns and spelling against the text.

This is the inner loop of `fsck`; a million rows pass through it, so it is written for speed and leaves the wording to
the caller.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from whosaw.prove import PayloadRefused, canonical, entry_leaf
from whosaw.record.queries import AuditRow


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_SCAN = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).raw_decode


def _plainly_spelled(text: str, names: int) -> bool:
    """Tell whether JSON with this many names has nothing in it that could be written another way.

    No white space and no escape anywhere, no name twice, no minus zero, no object or list inside another, no word for a
    value that is neither integer nor string: then only the choice and order of the names is free. A text that has one
    of these inside a string is not wrong, it just takes the slow way.
    """
    return (
        text.count('":') == names
        and text.count("{") == 1
        and "\\" not in text
        and " " not in text
        and "\n" not in text
        and "\t" not in text
        and "\r" not in text
        and "-0" not in text
        and "[[" not in text
        and ",[" not in text
        and "true" not in text
        and "false" not in text
        and "null" not in text
    )


@dataclass(slots=True)
class Odd:
    """What is wrong inside a chunk of rows."""

    leaves: dict[int, bytes] = field(default_factory=dict)  # position in the chunk → the leaf payload and salt give
    malformed: list[int] = field(default_factory=list)  # positions
    columns: list[int] = field(default_factory=list)  # positions


class RowChecker:
    """Checks chunks of rows; remembers which sequences of names it has seen to be canonical."""

    def __init__(self) -> None:
        self._known_names: set[tuple[str, ...]] = set()

    def check(self, rows: Sequence[AuditRow]) -> Odd:
        """Return what is wrong, by position in `rows`."""
        odd = Odd()
        for at, row in enumerate(rows):
            _, leaf, salt, text, kind, at_us, actor, subject, purpose, beneficiary = row
            try:
                found = entry_leaf(salt, text.encode())
            except (PayloadRefused, AttributeError, TypeError):  # constraints taken away: nulls, salts cut short
                odd.leaves[at] = b""
                odd.malformed.append(at)
                continue
            if found != leaf:
                odd.leaves[at] = found
            payload = self._canonical_payload(text)
            if payload is None:
                odd.malformed.append(at)
                continue
            said = payload.get
            if (
                said("kind") != kind
                or said("at") != at_us
                or said("actor") != actor
                or said("subject") != subject
                or said("purpose") != purpose
                or said("beneficiary") != beneficiary
            ):
                odd.columns.append(at)
        return odd

    def _canonical_payload(self, text: str) -> dict[str, Any] | None:
        """Return the payload that `text` spells canonically, or None where it does not."""
        try:
            payload: dict[str, Any]
            payload, end = _SCAN(text)
            names = tuple(payload)
            if names in self._known_names and end == len(text) and _plainly_spelled(text, len(names)):
                return payload
            if canonical(payload) != text.encode():
                return None
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        self._known_names.add(names)
        return payload
