"""Checking stored rows against themselves: leaf against payload and salt, columns and spelling against the text.

This is the inner loop of `fsck`; a million rows pass through it, so it is written for speed and leaves the wording to
the caller. Canonical payloads over known names are a regular language: every name at most once, in order, no space, no
escape, one spelling for each value. So one expression decides the spelling of a whole chunk and cuts out the columns;
rows it does not recognise are looked at one by one: read, spelled again and compared, and they teach it the names.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, NoReturn

from whosaw.prove import PayloadRefused, canonical, entry_leaf
from whosaw.prove.canonical import COMMITMENT_DOMAIN, ENTRY_DOMAIN, MAX_PAYLOAD_BYTES, SALT_BYTES
from whosaw.record.auditqueries import AuditColumns

_Form = Literal["number", "text", "list"]

_MAX_NAMES = 96  # a longer expression would cost every row more than it spares
_BLOCK_ROWS = 512  # what is looked at row by row where something in it is odd
_COLUMN_FORMS: dict[str, _Form] = {  # in the order of `AUDIT_COLUMNS`
    "actor": "number",
    "at": "number",
    "beneficiary": "text",
    "kind": "text",
    "purpose": "number",
    "subject": "number",
}
_PIVOT = "kind"  # stands in every payload that the expression recognises, so that commas have a side to stand on
# What has more than one spelling in a payload, or stands in none: no text that the expression sees holds one of these.
_OUTSIDE = bytes([*range(0x20), ord("\\"), *range(0x80, 0x100)])
# Groups repeat plainly: Python before 3.11.5 matches a possessive group wrongly, and every byte has one reading anyway.
_NUMBER = "(?:0|-?[1-9][0-9]{0,17}+)"  # 19 digits may not fit 64 bits
_TEXT = '"[^"]*+"'
_VALUES: dict[_Form, str] = {
    "number": _NUMBER,
    "text": _TEXT,
    "list": rf"\[(?:(?:{_TEXT}|{_NUMBER})(?:,(?:{_TEXT}|{_NUMBER}))*)?\]",
}
_LEAF_START = b"\x00" + ENTRY_DOMAIN


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

    # invariant: `_plain` has one group per search column, in their order, and of lines without a byte `_OUTSIDE` it
    # matches canonical payloads only

    def __init__(self) -> None:
        self._forms = dict(_COLUMN_FORMS)
        self._always: set[str] | None = None  # names that stood in every payload that was read
        self._plain = _expression(self._forms, {_PIVOT})

    def check(self, rows: AuditColumns) -> Odd:
        """Return what is wrong, by position in `rows`."""
        odd = Odd()
        if not self._sound(rows):
            for start in range(0, len(rows.indices), _BLOCK_ROWS):
                block = rows.cut(start, start + _BLOCK_ROWS)
                if not self._sound(block):
                    self._check_each(block, start, odd)
        return odd

    def _sound(self, rows: AuditColumns) -> bool:
        """Return whether nothing is wrong with any row; where it says no, something may be."""
        try:
            found = [
                sha256(_LEAF_START + sha256(COMMITMENT_DOMAIN + salt + raw).digest()).digest()
                for salt, raw in zip(rows.salt, rows.payload, strict=True)
            ]
            lines = b"\n".join(rows.payload)
            sizes = {*map(len, rows.salt)}
        except TypeError:  # erased, or constraints were taken away
            return False
        breaks = len(rows.indices) - 1
        if tuple(found) != rows.leaf or sizes != {SALT_BYTES} or max(map(len, rows.payload)) > MAX_PAYLOAD_BYTES:
            return False
        if len(lines.translate(None, _OUTSIDE)) != len(lines) - breaks:
            return False
        # as many whole lines as rows, and no break within a row: each line is one match, and nothing lies between
        said = self._plain.findall(lines)
        return len(said) == breaks + 1 and said == [*zip(*rows[4:], strict=True)]

    def _check_each(self, rows: AuditColumns, start: int, odd: Odd) -> None:
        """Look at rows one by one; the first stands at `start` in the chunk."""
        for at, (_, leaf, salt, raw, *columns) in enumerate(zip(*rows, strict=True), start):
            try:
                found = entry_leaf(salt, raw)
                said = self._said(raw)
            except (PayloadRefused, TypeError, AttributeError):
                if salt is None and raw is None:  # erased: the leaf is all there is
                    odd.erased.append(at)
                    if any(columns):
                        odd.columns.append(at)
                    continue
                # constraints taken away: one of the two null, a salt cut short
                odd.leaves[at] = b""
                odd.malformed.append(at)
                continue
            if found != leaf:
                odd.leaves[at] = found
            if said is None:
                odd.malformed.append(at)
            elif said != tuple(columns):
                odd.columns.append(at)

    def _said(self, raw: bytes) -> tuple[bytes, ...] | None:
        """Return what the columns must hold, or None where `raw` is not a canonical payload."""
        if len(raw) <= MAX_PAYLOAD_BYTES and len(raw.translate(None, _OUTSIDE)) == len(raw):
            spelled = self._plain.fullmatch(raw)
            if spelled is not None:
                return spelled.groups(b"")
        try:
            payload: dict[str, Any] = _SCAN(raw.decode())
            if canonical(payload) != raw:
                return None
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        self._learn(payload)
        return tuple(_column(payload.get(name), form) for name, form in _COLUMN_FORMS.items())

    def _learn(self, payload: dict[str, Any]) -> None:
        if not isinstance(payload.get(_PIVOT), str):
            return
        fresh = {name: _form(value) for name, value in payload.items() if name not in self._forms}
        always = payload.keys() if self._always is None else self._always & payload.keys()
        if len(self._forms) + len(fresh) <= _MAX_NAMES and (fresh or always != self._always):
            self._forms |= fresh
            self._always = {*always}
            self._plain = _expression(self._forms, self._always)


def _expression(forms: dict[str, _Form], always: set[str]) -> re.Pattern[bytes]:
    """Return what matches lines that are canonical payloads over these names, each with a value of its form.

    Names that are not `always` there may be left out.
    """
    parts = []
    for name in sorted(forms):
        value = _VALUES[forms[name]]
        held = f"({value})" if name in _COLUMN_FORMS else value
        before, after = (",", "") if name > _PIVOT else ("", "," if name < _PIVOT else "")
        part = f'{before}"{name}":{held}{after}'
        parts.append(part if name in always else f"(?:{part})?")
    return re.compile((r"^\{" + "".join(parts) + r"\}$").encode(), re.MULTILINE)


def _form(value: object) -> _Form:
    if isinstance(value, list):
        return "list"
    return "text" if isinstance(value, str) else "number"


def _column(value: object, form: _Form) -> bytes:
    if value is None:
        return b""
    if isinstance(value, list) or (form == "number") != isinstance(value, int):
        return b"\x00"  # no column holds this
    return str(value).encode() if form == "number" else f'"{value}"'.encode()
