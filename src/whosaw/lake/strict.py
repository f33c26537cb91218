"""Strict reading of a TOML document: a key that means nothing is refused with the nearest one that does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from whosaw.lake.errors import MappingInvalid


def table(path: str, given: object, names: Iterable[str] | None, what: str = "a key") -> dict[str, Any]:
    """Return a table; its keys must be among `names`, or may be anything where that is None."""
    if not isinstance(given, dict):
        raise MappingInvalid(f"{path} must be a table, not {kind_of(given)}")
    if names is not None:
        known(path, given, tuple(names), what)
    return given


def known(path: str, given: Mapping[str, Any], names: tuple[str, ...], what: str = "a key") -> None:
    """Refuse a key that is not among `names`."""
    for key in given:
        if key not in names:
            full = f"{path}.{key}" if path else key
            close = difflib.get_close_matches(key, names, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ""
            raise MappingInvalid(f"`{full}` is not {what} here{meant}", hint="known: " + ", ".join(names))


def choice(path: str, given: object, choices: tuple[str, ...]) -> str:
    """Return one of the choices."""
    if given not in choices:
        listed = ", ".join(f"`{each}`" for each in choices)
        found = "missing" if given is None else f"`{given}`"
        raise MappingInvalid(f"{path} is {found}, must be one of {listed}")
    return str(given)


def text(path: str, given: object, *, empty: bool = False) -> str:
    """Return a text, which may be empty only where that is allowed."""
    if not isinstance(given, str):
        raise MappingInvalid(f"{path} must be text, not {kind_of(given)}")
    if not given and not empty:
        raise MappingInvalid(f"{path} must not be empty")
    return given


def texts(path: str, given: object) -> tuple[str, ...]:
    """Return a list of texts."""
    if not isinstance(given, list):
        raise MappingInvalid(f"{path} must be a list of texts, not {kind_of(given)}")
    return tuple(text(f"{path}[{index}]", item, empty=True) for index, item in enumerate(given))


def flag(path: str, given: object) -> bool:
    """Return true or false."""
    if not isinstance(given, bool):
        raise MappingInvalid(f"{path} must be true or false, not {kind_of(given)}")
    return given


def whole(path: str, given: object, least: int, most: int) -> int:
    """Return a whole number between `least` and `most`, both allowed."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise MappingInvalid(f"{path} must be a whole number, not {kind_of(given)}")
    if not least <= given <= most:
        raise MappingInvalid(f"{path} is `{given}`, must be between {least} and {most}")
    return given


def kind_of(given: object) -> str:
    """Say what a value is, in TOML's words."""
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(given), "a date or time")
