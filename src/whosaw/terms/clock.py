"""One injected clock. Times are aware UTC; the record counts microseconds since 1970.

The simulated clocks only move forward. A trail written under one says so in its origin, and a server configuration
refuses it.
"""

from __future__ import annotations

import mmap
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Protocol

from whosaw.terms.errors import WhosawError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = struct.Struct("<q")


class ClockWentBack(WhosawError, ValueError):
    """A simulated clock was asked to move backwards."""

    code: ClassVar[str] = "terms.clock_went_back"


class Clock(Protocol):
    """What tells the time; ``simulated`` is true where the time is not the world's."""

    simulated: bool

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        ...


def to_us(at: datetime) -> int:
    """Return microseconds since 1970 of an aware datetime.

    Raises:
        ValueError: `at` carries no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without zone cannot be recorded")
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_us(at_us: int) -> datetime:
    """Return the aware UTC datetime of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at_us)


def iso_seconds(at_us: int) -> str:
    """Return microseconds since 1970 as an ISO 8601 time of whole seconds, with the zone."""
    return from_us(at_us).isoformat(timespec="seconds")


class SystemClock:
    """The machine's own clock."""

    simulated = False

    def now(self) -> datetime:
        """Return the present as an aware UTC datetime."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until it is moved, and only moves forward."""

    simulated = True

    def __init__(self, start: datetime) -> None:
        self._now_us = to_us(start)

    def now(self) -> datetime:
        """Return the simulated present."""
        return from_us(self._now_us)

    def advance_to(self, at: datetime) -> None:
        """Move to `at`.

        Raises:
            ClockWentBack: `at` lies before the simulated present.
        """
        at_us = to_us(at)
        if at_us < self._now_us:
            raise ClockWentBack(f"the clock stands at {self.now().isoformat()} and cannot go back to {at.isoformat()}")
        self._now_us = at_us


class SharedClock:
    """A simulated clock that several processes read from one small file; one of them moves it.

    An aligned eight-byte store is atomic where CPython runs: a reader sees the old time or the new one.
    """

    simulated = True

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        """Open the clock at `path`; with `start`, make it (mode 0600) standing at that time."""
        if start is not None:
            path.touch(mode=0o600)
            path.write_bytes(_INT64.pack(to_us(start)))
        handle = os.open(path, os.O_RDWR)
        try:
            self._map = mmap.mmap(handle, _INT64.size)
        finally:
            os.close(handle)

    def now(self) -> datetime:
        """Return the simulated present."""
        return from_us(_INT64.unpack_from(self._map)[0])

    def advance_to(self, at: datetime) -> None:
        """Move to `at` for every process that shares the file.

        Raises:
            ClockWentBack: `at` lies before the simulated present.
        """
        if at < self.now():
            raise ClockWentBack(f"the clock stands at {self.now().isoformat()} and cannot go back to {at.isoformat()}")
        _INT64.pack_into(self._map, 0, to_us(at))
