"""What the DSA transparency database takes as a statement of reasons, rule by rule.

The words of closed lists are data beside the rules of law (`law/dsa.toml`); which field is required when, what is a
list, which lengths and days hold stands here. Source: the database's own request validation
(github.com/digital-services-act/transparency-database, commit 69e80a0b of 24 June 2026, schema of 1 July 2025). A field
that it does not know is refused here, though the database would drop it without a word: a statement must not say less
there than its author believes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

PER_CALL = 100
"""Statements that one call of the database's API takes."""

DECISIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")

_REQUIRED = (
    *("decision_ground", "content_type", "category", "content_date", "application_date", "decision_facts"),
    *("source_type", "automated_detection", "automated_decision", "puid"),
)
_LISTS = frozenset(
    ("decision_visibility", "content_type", "category_addition", "category_specification", "territorial_scope")
)
_MOST_CHARACTERS = {
    **dict.fromkeys(("decision_visibility_other", "decision_monetary_other", "content_type_other", "puid"), 500),
    **dict.fromkeys(("category_specification_other", "decision_ground_reference_url", "source_identity"), 500),
    **dict.fromkeys(("illegal_content_legal_ground", "incompatible_content_ground"), 500),
    **dict.fromkeys(("illegal_content_explanation", "incompatible_content_explanation"), 2000),
    "decision_facts": 5000,
}
_GROUNDS = {
    "DECISION_GROUND_ILLEGAL_CONTENT": ("illegal_content_legal_ground", "illegal_content_explanation"),
    "DECISION_GROUND_INCOMPATIBLE_CONTENT": ("incompatible_content_ground", "incompatible_content_explanation"),
}
_OTHERS = {
    "decision_visibility": ("DECISION_VISIBILITY_OTHER", "decision_visibility_other"),
    "decision_monetary": ("DECISION_MONETARY_OTHER", "decision_monetary_other"),
    "content_type": ("CONTENT_TYPE_OTHER", "content_type_other"),
}
_LAST_DAY = date(2038, 1, 1)
_FIRST_DAYS: dict[str, date | None] = {
    "content_date": date(2000, 1, 1),
    "application_date": date(2020, 1, 1),
    **dict.fromkeys([f"end_date_{what}_restriction" for what in ("account", "monetary", "service", "visibility")]),
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PUID = re.compile(r"[A-Za-z0-9_-]+")
_EAN = re.compile(r"[0-9]{13}")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}|\+?\d[\d ()/-]{7,}\d", re.IGNORECASE)
_NO_WORDS = frozenset({"puid", "content_id_ean", *_FIRST_DAYS})  # their forms are checked, and hold no text


@cache
def words() -> Mapping[str, frozenset[str]]:
    """Return the words of every closed list, by field."""
    text = resources.files("whosaw.answer").joinpath("law/dsa.toml").read_text(encoding="utf-8")
    return {name: frozenset(listed) for name, listed in tomllib.loads(text).items()}


def problems(record: Mapping[str, Any]) -> list[str]:
    """Return everything for which the database would refuse a statement, or drop a part of it; empty where nothing.

    Args:
        record: the statement as the API takes it.
    """
    given = {name: value for name, value in record.items() if value is not None}
    found = [*_missing(given), *_unknown(given), *_closed(given), *_lengths(given), *_days(given), *_forms(given)]
    return [*found, *_personal(given)]


def _missing(given: Mapping[str, Any]) -> Iterator[str]:
    for name in _REQUIRED:
        if not _said(given.get(name)):
            yield f"`{name}` is missing"
    if not any(_said(given.get(name)) for name in DECISIONS):
        yield "a statement names a decision: on visibility, money, service or account"
    for ground, needed in _GROUNDS.items():
        for name in needed:
            if given.get("decision_ground") == ground and not _said(given.get(name)):
                yield f"`{name}` is missing"
            elif given.get("decision_ground") != ground and name in given:
                yield f"`{name}` does not belong to this ground"
    if (
        "incompatible_content_illegal" in given
        and given.get("decision_ground") != "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    ):
        yield "`incompatible_content_illegal` does not belong to this ground"
    for name, (other, text) in _OTHERS.items():
        chosen = other in _listed(given.get(name))
        if chosen and not _said(given.get(text)):
            yield f"`{text}` is missing"
        elif not chosen and text in given:
            yield f"`{text}` is for `{other}` alone"
    if given.get("source_type") == "SOURCE_VOLUNTARY" and "source_identity" in given:
        yield "`source_identity` does not belong to the own initiative"


def _unknown(given: Mapping[str, Any]) -> Iterator[str]:
    known = {*_REQUIRED, *words(), *_MOST_CHARACTERS, *_FIRST_DAYS, "content_id", "content_id_ean"}
    return (f"`{name}` is no field of the database" for name in given if name not in known)


def _closed(given: Mapping[str, Any]) -> Iterator[str]:
    for name in _LISTS & given.keys():
        if not isinstance(given[name], list):
            yield f"`{name}` is a list"
    for name, listed in words().items():
        if name in given and not (name not in _LISTS and isinstance(given[name], list)):
            if not all(each in listed for each in _listed(given[name])):
                yield f"`{name}` holds what the database does not know"
        elif name in given:
            yield f"`{name}` is one word and no list"


def _lengths(given: Mapping[str, Any]) -> Iterator[str]:
    for name, most in _MOST_CHARACTERS.items():
        if name in given and not isinstance(given[name], str):
            yield f"`{name}` is a text"
        elif len(given.get(name, "")) > most:
            yield f"`{name}` has more than {most} characters"


def _days(given: Mapping[str, Any]) -> Iterator[str]:
    for name, first in _FIRST_DAYS.items():
        if name not in given:
            continue
        day = _day(given[name])
        if day is None:
            yield f"`{name}` holds no day: one is written as 2026-04-02"
        elif day > _LAST_DAY or (first is not None and day < first):
            yield f"`{name}` holds a day that the database does not take"


def _forms(given: Mapping[str, Any]) -> Iterator[str]:
    if "puid" in given and not _PUID.fullmatch(str(given["puid"])):
        yield "`puid` holds letters, digits, dash and underscore"
    if "decision_ground_reference_url" in given and not _URL.fullmatch(str(given["decision_ground_reference_url"])):
        yield "`decision_ground_reference_url` is no address of a page"
    codes = given.get("content_id", {})
    numbers = [*(codes.values() if isinstance(codes, Mapping) else [""]), *[given.get("content_id_ean", "0" * 13)]]
    if not all(_EAN.fullmatch(str(each)) for each in numbers):
        yield "a content's id is an EAN of 13 digits"


def _personal(given: Mapping[str, Any]) -> Iterator[str]:
    for name, value in given.items():
        if name not in _NO_WORDS and name not in words() and _PERSONAL.search(_DAY.sub("", str(value))):
            yield f"`{name}` holds what looks like an address or a telephone number"


def _said(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _day(value: object) -> date | None:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
