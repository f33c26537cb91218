"""A verdict as a bundle may hold it: staff as numbers, customers as counts, and nobody by a key.

What trace says names people by the company's own keys all over: candidates, rivals, who was first after each complaint,
each complaint's customer. Two persons of different functions must agree before a staff key is seen (`unmasking`), and a
bundle is handed to strangers, so no key leaves in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STAFF = frozenset({"actors", "first", "instead", "not_excluded", "unreachable"})
"""Names under which a verdict holds staff keys, alone, in lists, or in lists of lists."""

_WORD = re.compile(r"[\w:@-]+(?:\.[\w:@-]+)*")


def staff_in(verdict: Mapping[str, Any]) -> set[str]:
    """Return every staff key that a verdict holds."""
    return set(_staff(verdict))


def by_number(verdict: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return a verdict with numbers for staff, counts for lists of subjects, and no subject beside a complaint.

    Args:
        verdict: as a case keeps it.
        numbers: of every member of staff in it, by key (`staff_in`).

    Raises:
        KeyError: somebody in it has no number.
    """
    said = {name: _numbered(name, each, numbers) for name, each in verdict.items()}
    if isinstance(verdict.get("scope"), Mapping):
        said["scope"] = _counted(verdict["scope"])
    return said


def unnamed(text: str, numbers: Mapping[str, int]) -> str:
    """Return a sentence with numbers in place of staff keys."""
    return _WORD.sub(lambda word: f"#{numbers[word.group()]}" if word.group() in numbers else word.group(), text)


def _numbered(name: str, value: Any, numbers: Mapping[str, int]) -> Any:
    if isinstance(value, Mapping):
        kept = {key: each for key, each in value.items() if key != "subject"}
        return {key: _numbered(key, each, numbers) for key, each in kept.items()}
    if isinstance(value, list):
        return [_numbered(name, each, numbers) for each in value]
    if not isinstance(value, str):
        return value
    if name in _STAFF and not _is_time(value):
        return numbers[value]
    return unnamed(value, numbers) if " " in value else value


def _counted(value: Any) -> Any:
    """Return a scope, also one by class of fields, with how many subjects in place of which."""
    if isinstance(value, Mapping):
        return {key: _counted(each) for key, each in value.items()}
    return len(value) if isinstance(value, list) else value


def _staff(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _staff(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from _staff(each, name)
    elif isinstance(value, str) and name in _STAFF and not _is_time(value):
        yield value


def _is_time(text: str) -> bool:
    """Whether it is a day or a time: a log's *first* entry is no person."""
    return re.match(r"\d{4}-\d\d-\d\d(T|$)", text) is not None
