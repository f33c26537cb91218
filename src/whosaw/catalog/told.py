"""How databases tell the same thing: times, yes or no, and lists, each brought into one form as it is read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType

from whosaw.catalog.model import CatalogError

_YES_NO = {"0": False, "false": False, "f": False, "no": False, "1": True, "true": True, "t": True, "yes": True}


class TimeUnreadable(CatalogError, ValueError):
    """A company database told a time in a form that is none."""

    code: ClassVar[str] = "catalog.time_unreadable"
    hint = "let the query give a date and time, or text as in 2026-03-02T12:00:00+00:00"


class Moment(UserDefinedType[Any]):
    """A time, or None; SQLite has only text for it."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return what reads a time."""
        return moment


class Ending(UserDefinedType[Any]):
    """Whether, or when, something ended; MySQL and SQLite tell yes and no as 1 and 0."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return what reads an ending."""
        return ending


class Listed(UserDefinedType[Any]):
    """Several names: an array, a JSON array, or text separated by commas."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """Return what reads a list."""
        return listed


class Key(UserDefinedType[Any]):
    """A key as we write it: text that the database itself brings to the type of the column it is compared with."""

    cache_ok = True


def moment(value: Any) -> datetime | None:
    """Return a time, or None where nothing stands; a day alone is its first moment.

    Raises:
        TimeUnreadable: what stands there tells no time.
    """
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value.strip())
    raise TimeUnreadable(f"a time is told as a {type(value).__name__} that cannot be read")


def ending(value: Any) -> Any:
    """Return yes or no as a bool and a written time as a time; what cannot be read stays, and counts as ended."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if not isinstance(value, str):
        return value
    written = value.strip().lower()
    if not written:
        return None
    if written in _YES_NO:
        return _YES_NO[written]
    for read in (date.fromisoformat, datetime.fromisoformat):  # a day alone is no midnight
        with contextlib.suppress(ValueError):
            return read(value.strip())
    return value


def yes_or_no(value: Any) -> bool | None:
    """Return a yes or a no as databases tell it; None where it is neither."""
    return value if isinstance(value, bool) else _YES_NO.get(str(value).strip().lower())


def listed(value: Any) -> Any:
    """Return a JSON array as a list; everything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        with contextlib.suppress(ValueError):
            return [str(each) for each in json.loads(value)]
    return value
