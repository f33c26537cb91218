"""Checking stored entries against themselves: leaf against payload and salt, columns and spelling against the text.

This is the inner loop of `fsck`; a million entries pass through it, so it is written for speed and leaves the wording
to the caller. Canonical payloads over known names are a regular language: every name at most once, in order, no space,
no escape, one spelling for each value. So one expression decides the spelling of a whole block and compares the columns
that stand behind each payload; entries that it does not recognise are looked at one by one: read, spelled again and
compared, and they teach it the names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain
from struct import iter_unpack
from typing import Any, Literal, NoReturn

from whosaw.prove import PayloadRefused, canonical, entry_leaf
from whosaw.prove.canonical import COMMITMENT_DOMAIN, ENTRY_DOMAIN, MAX_PAYLOAD_BYTES, SALT_BYTES
from whosaw.prove.merkle import HASH_BYTES
from whosaw.record.auditqueries import SEEN_AGAIN
from whosaw.record.auditrows import TEXT_LINES, AuditBlock, AuditColumns, Columns
from whosaw.record.erased import ANNOUNCING

_Form = Literal["count", "number", "text", "texts", "list"]

_MAX_NAMES = 96  # a longer expression would cost every entry more than it spares
_COLUMN_FORMS: dict[str, _Form] = {  # in the order of `AUDIT_COLUMNS`
    "actor": "number",
    "at": "number",
    "beneficiary": "text",
    "kind": "text",
    "purpose": "number",
    "subject": "number",
}
_WIDER: dict[_Form, _Form] = {"count": "number", "texts": "list"}  # learnt where a value asks for it
_PIVOT = "kind"  # stands in every payload that the expression recognises, so that commas have a side to stand on
# What has more than one spelling in a payload, or stands in none: no text that the expression sees holds one of these.
_OUTSIDE = bytes([*range(0x20), ord("\\"), *range(0x80, 0x100)])
_MATCHED = b"\x00"  # one of them
# Groups repeat plainly: Python before 3.11.5 matches a possessive group wrongly, and every byte has one reading anyway.
_COUNT = "[1-9][0-9]{0,17}+"  # 19 digits may not fit 64 bits
_NUMBER = f"(?:0|-?{_COUNT})"
_TEXT = '"[^"]*+"'
_VALUES: dict[_Form, str] = {
    "count": _COUNT,
    "number": _NUMBER,
    "text": _TEXT,
    "texts": rf"\[{_TEXT}(?:,{_TEXT})*\]",
    "list": rf"\[(?:(?:{_TEXT}|{_NUMBER})(?:,(?:{_TEXT}|{_NUMBER}))*)?\]",
}
# The caller looks at every payload with one of these names or kinds, so the expression recognises none of them.
_NO_ANNOUNCEMENT = f"(?!{'|'.join(sorted(kind.decode() for kind in ANNOUNCING))})"
_LEAF_START = b"\x00" + ENTRY_DOMAIN


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_SCAN = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).decode


@dataclass(slots=True)
class Odd:
    """What is wrong among some entries, by place, and which of them were looked at one by one."""

    leaves: dict[int, bytes] = field(default_factory=dict)  # place → the leaf that payload and salt give
    malformed: list[int] = field(default_factory=list)  # places
    columns: list[int] = field(default_factory=list)  # places
    erased: list[int] = field(default_factory=list)  # places: neither payload nor salt
    single: list[tuple[int, bytes]] = field(default_factory=list)  # place and payload; any other is like most others


class RowChecker:
    """Checks entries; remembers the names it has met and what kind of value stood under each."""

    # invariant: of three lines without a byte `_OUTSIDE`, `_plain` matches a canonical payload followed by what the
    # columns must hold only; and none that names what is in `SEEN_AGAIN`, or is of a kind in `ANNOUNCING`

    def __init__(self) -> None:
        self._forms: dict[str, _Form] = {
            name: "count" if form == "number" else form for name, form in _COLUMN_FORMS.items()
        }
        self._always: set[str] | None = None  # names that stood in every payload that taught one
        self._plain = _expression(self._forms, {_PIVOT})

    def check(self, rows: AuditColumns) -> Odd:
        """Return what is wrong with rows, each looked at for itself."""
        odd = Odd()
        for at, (_, leaf, salt, raw, *columns) in enumerate(zip(*rows, strict=True)):
            if salt is None and raw is None:  # erased: the leaf is all there is
                odd.erased.append(at)
                if any(columns):
                    odd.columns.append(at)
            elif salt is None or raw is None or len(salt) != SALT_BYTES:  # constraints were taken away
                odd.leaves[at] = b""
                odd.malformed.append(at)
            else:
                self._check_one(odd, (at, leaf, salt, raw), tuple(columns))
        return odd

    def check_block(self, block: AuditBlock) -> Odd:
        """Return what is wrong with a block's entries."""
        odd = Odd(erased=[index - block.first for index in block.erased])
        salts = [salt for (salt,) in iter_unpack(f"{SALT_BYTES}s", block.salts)]
        payloads = block.texts[::TEXT_LINES]
        found = [
            sha256(_LEAF_START + sha256(COMMITMENT_DOMAIN + salt + raw).digest()).digest()
            for salt, raw in zip(salts, payloads, strict=True)
        ]
        leaves = block.kept_leaves()
        single = self._unlike(block)
        if b"".join(found) != leaves:
            single.update(at for at, leaf in enumerate(found) if leaf != _leaf(leaves, at))
        if max(map(len, payloads), default=0) > MAX_PAYLOAD_BYTES:
            single.update(at for at, raw in enumerate(payloads) if len(raw) > MAX_PAYLOAD_BYTES)
        for at in sorted(single):
            self._check_one(odd, (block.kept[at], _leaf(leaves, at), salts[at], payloads[at]), block.columns(at))
        return odd

    def _unlike(self, block: AuditBlock) -> set[int]:
        """Return which of the kept entries the expression does not recognise, columns and all."""
        lines, texts = block.lines, block.texts
        plain: Collection[int] = range(len(texts) // TEXT_LINES)
        everyone = set(plain)
        if len(lines.translate(None, _OUTSIDE)) + max(0, len(texts) - 1) != len(lines):
            plain = [at for at in plain if _all_inside(_three(texts, at))]
            lines = b"\n".join(chain.from_iterable(_three(texts, at) for at in plain))
        left, matched = self._plain.subn(_MATCHED, lines)
        if matched == len(plain):  # each match holds three lines at least, so it holds no more
            return everyone.difference(plain)
        parts = left.split(b"\n")
        if len(parts) != TEXT_LINES * len(plain) - (TEXT_LINES - 1) * matched:  # a text without an end ran on
            return everyone
        at = 0
        for number in plain:
            if parts[at] == _MATCHED:
                everyone.discard(number)
                at += 1
            else:
                at += TEXT_LINES
        return everyone

    def _check_one(self, odd: Odd, entry: tuple[int, bytes, bytes, bytes], columns: Columns) -> None:
        """Check one entry: its place, leaf, salt of 32 bytes and payload, and what its columns say."""
        at, leaf, salt, raw = entry
        odd.single.append((at, raw))
        found = entry_leaf(salt, raw)
        if found != leaf:
            odd.leaves[at] = found
        said = self._said(raw)
        if said is None:
            odd.malformed.append(at)
        elif said != columns:
            odd.columns.append(at)

    def _said(self, raw: bytes) -> Columns | None:
        """Return what the columns must hold, or None where `raw` is not a canonical payload."""
        try:
            payload: dict[str, Any] = _SCAN(raw.decode())
            if canonical(payload) != raw:
                return None
        except (ValueError, TypeError, AttributeError, RecursionError, PayloadRefused):
            return None
        if isinstance(payload.get(_PIVOT), str) and payload.keys().isdisjoint(SEEN_AGAIN):
            self._learn(payload)
        return tuple(_column(payload.get(name), form) for name, form in _COLUMN_FORMS.items())

    def _learn(self, payload: dict[str, Any]) -> None:
        forms = self._forms | {
            name: form
            for name, form in ((name, _form(value)) for name, value in payload.items())
            if name not in self._forms or _WIDER.get(self._forms[name]) == form
        }
        always = payload.keys() if self._always is None else self._always & payload.keys()
        if len(forms) <= _MAX_NAMES and (forms != self._forms or always != self._always):
            self._forms = forms
            self._always = {*always}
            self._plain = _expression(self._forms, self._always)


def _expression(forms: dict[str, _Form], always: set[str]) -> re.Pattern[bytes]:
    """Return what matches a canonical payload over these names, each with a value of its form, and its columns.

    Names that are not `always` there may be left out.
    """
    parts = []
    for name in sorted(forms):
        value = _VALUES[forms[name]]
        held = f"(?P<{name}>{_NO_ANNOUNCEMENT if name == _PIVOT else ''}{value})" if name in _COLUMN_FORMS else value
        before, after = (",", "") if name > _PIVOT else ("", "," if name < _PIVOT else "")
        part = f'{before}"{name}":{held}{after}'
        parts.append(part if name in always else f"(?:{part})?")
    said = {name: f"(?P={name})" if name in always else f"(?({name})(?P={name}))" for name in _COLUMN_FORMS}
    numbers = ",".join(said[name] for name in ("actor", "at", "purpose", "subject", "kind"))
    columns = f"\\n{numbers}\\n{said['beneficiary']}$"
    return re.compile((r"^\{" + "".join(parts) + r"\}" + columns).encode(), re.MULTILINE)


def _form(value: object) -> _Form:
    if isinstance(value, list):
        return "texts" if value and all(isinstance(each, str) for each in value) else "list"
    if isinstance(value, int):
        return "count" if value > 0 else "number"
    return "text"


def _column(value: object, form: _Form) -> bytes:
    if value is None:
        return b""
    if isinstance(value, list) or (form == "number") != isinstance(value, int):
        return b"\x00"  # no column holds this
    return str(value).encode() if form == "number" else f'"{value}"'.encode()


def _leaf(leaves: bytes, at: int) -> bytes:
    return leaves[at * HASH_BYTES : (at + 1) * HASH_BYTES]


def _three(texts: list[bytes], at: int) -> list[bytes]:
    return texts[at * TEXT_LINES : (at + 1) * TEXT_LINES]


def _all_inside(texts: Iterable[bytes]) -> bool:
    text = b"".join(texts)
    return len(text.translate(None, _OUTSIDE)) == len(text)
