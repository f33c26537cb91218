"""Checking stored rows against themselves: leaf against payload and salt, columns and spelling against the text.

This is the inner loop of `fsck`; a million rows pass through it, so it is written for speed and leaves the wording to
the caller. Canonical payloads over known names are a regular language: every name at most once, in order, no space, no
escape, one spelling for each value. So one expression decides the spelling and cuts out the columns; whatever it does
not recognise is read, spelled again and compared, and teaches it the names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from whosaw.prove import PayloadRefused, canonical, entry_leaf
from whosaw.prove.canonical import MAX_PAYLOAD_BYTES
from whosaw.record.auditqueries import AuditRow

_Form = Literal["number", "text", "texts"]

_MAX_NAMES = 96  # a longer expression would cost every row more than it spares
_COLUMN_FORMS: dict[str, _Form] = {  # in the order of `AUDIT_COLUMNS`
    "actor": "number",
    "at": "number",
    "beneficiary": "text",
    "kind": "text",
    "purpose": "number",
    "subject": "number",
}
# Groups repeat plainly: Python before 3.11.5 matches a possessive group wrongly, and every byte has one reading anyway.
# ASCII without quote, backslash and control characters: what has exactly one spelling; other text takes the long way.
_CHARS = r"[ !#-\[\]-\x7f]*+"
_VALUES: dict[_Form, tuple[str, str, str]] = {  # before what a column holds, what it holds, and after
    "number": ("", "(?:0|-?[1-9][0-9]{0,17}+)", ""),  # 19 digits may not fit 64 bits
    "text": ('"', _CHARS, '"'),
    "texts": ("", rf'\[(?:"{_CHARS}"(?:,(?=")|(?=\])))*\]', ""),
}


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_SCAN = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).decode


@dataclass(slots=True)
class Odd:
    """What is wrong inside a chunk of rows."""

    leaves: dict[int, bytes] = field(default_factory=dict)  # position in the chunk → the leaf payload and salt give
    malformed: list[int] = field(default_factory=list)  # positions
    columns: list[int] = field(default_factory=list)  # positions
    erased: list[int] = field(default_factory=list)  # positions: neither payload nor salt


class RowChecker:
    """Checks chunks of rows; remembers the names it has met and what kind of value stood under each."""

    # invariant: `_plain` has one group per generated column, in their order, and matches canonical payloads only

    def __init__(self) -> None:
        self._forms = dict(_COLUMN_FORMS)
        self._plain = _expression(self._forms)

    def check(self, rows: Sequence[AuditRow]) -> Odd:
        """Return what is wrong, by position in `rows`."""
        odd = Odd()
        plain = self._plain.fullmatch
        for at, row in enumerate(rows):
            raw = row[3]
            try:
                found = entry_leaf(row[2], raw)
                spelled = plain(raw)
            except (PayloadRefused, TypeError):
                if _gone(row[2], row[3]):  # erased: the leaf is all there is
                    odd.erased.append(at)
                    if any(column is not None for column in row[4:]):
                        odd.columns.append(at)
                    continue
                # constraints taken away: one of the two null, a salt cut short
                odd.leaves[at] = b""
                odd.malformed.append(at)
                continue
            if found != row[1]:
                odd.leaves[at] = found
            if spelled is None or len(raw) > MAX_PAYLOAD_BYTES:
                said = self._read(raw)
                plain = self._plain.fullmatch  # it may have learned
            else:
                said = spelled.groups()
            if said is None:
                odd.malformed.append(at)
            elif said != row[4:]:
                odd.columns.append(at)
        return odd

    def _read(self, raw: bytes) -> tuple[bytes | None, ...] | None:
        """Return what the columns must hold, or None where `raw` is not a canonical payload."""
        try:
            payload: dict[str, Any] = _SCAN(raw.decode())
            if canonical(payload) != raw:
                return None
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        self._learn(payload)
        return tuple(_column(payload.get(name), _COLUMN_FORMS[name]) for name in _COLUMN_FORMS)

    def _learn(self, payload: dict[str, Any]) -> None:
        fresh = {name: form for name, value in payload.items() if name not in self._forms and (form := _form(value))}
        if fresh and len(self._forms) + len(fresh) <= _MAX_NAMES:
            self._forms |= fresh
            self._plain = _expression(self._forms)


def _gone(salt: object, raw: object) -> bool:
    return salt is None and raw is None


def _expression(forms: dict[str, _Form]) -> re.Pattern[bytes]:
    """Return what matches the canonical payloads over some of these names, each with a value of its form."""
    parts = []
    for name in sorted(forms):
        before, value, after = _VALUES[forms[name]]
        held = f"({value})" if name in _COLUMN_FORMS else value
        # after a value comes a comma and another name, or the end
        parts.append(rf'(?:"{name}":{before}{held}{after}(?:,(?=")|(?=\}})))?')
    return re.compile((r"\{" + "".join(parts) + r"\}").encode())


def _form(value: object) -> _Form | None:
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "texts" if all(isinstance(each, str) for each in value) else None
    return "number"


def _column(value: object, form: _Form) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, list) or (form == "number") != isinstance(value, int):
        return b"\x00"  # no column holds this
    return str(value).encode()
