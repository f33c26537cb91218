"""From a log's written times to microseconds since 1970 (UTC), minding the hours that a clock change makes unclear.

A local time that a clock change left out never existed and is refused; one that came twice is refused unless the
mapping says which of the two is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from whosaw.lake.mapping import EPOCH_FORMATS, Ambiguous, TimeReading

EMPTY = "at.empty"
UNREADABLE = "at.unreadable"
NO_ZONE = "at.no_zone"
AMBIGUOUS = "at.ambiguous"
NONEXISTENT = "at.nonexistent"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_EARLIEST_US = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_SHORTEST_ISO = len("2026-03-01T12:00")

Reading = int | str
"""Microseconds since 1970, or the reason why the text could not be read."""


@dataclass(frozen=True, slots=True)
class Times:
    """The times of n rows.

    Args:
        at_us: n microseconds since 1970; null where a time could not be read.
        reasons: position → why it could not be read.
    """

    at_us: pa.Array
    reasons: dict[int, str]


def times_of(readings: Sequence[Reading]) -> Times:
    """Return readings as an array and the reasons beside it."""
    reasons = {index: at for index, at in enumerate(readings) if isinstance(at, str)}
    return Times(pa.array([None if isinstance(at, str) else at for at in readings], pa.int64()), reasons)


def read_times(cells: pa.Array, how: TimeReading) -> Times:
    """Return the times that n texts write.

    A column that is written in one plain way throughout is read at once; any doubt about a single row is left to
    `time_reader`, text by text.
    """
    if not cells.null_count and len(cells):
        at_once = _read_at_once(cells, how)
        if at_once is not None:
            return Times(at_once, {})
    read = time_reader(how)
    written = cells.dictionary_encode()
    known = [read(text) for text in written.dictionary.to_pylist()]
    places = written.indices.to_pylist()
    return times_of([EMPTY if place is None else known[place] for place in places])


def _read_at_once(cells: pa.Array, how: TimeReading) -> pa.Array | None:
    if how.format is not None or pc.min(pc.binary_length(cells)).as_py() < _SHORTEST_ISO:
        return None
    try:
        return cells.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        pass  # some carry no zone, or are written otherwise
    if how.zone is None:
        return None
    choice = {"reject": "raise", "earlier": "earliest", "later": "latest"}[how.ambiguous]
    try:
        local = cells.cast(pa.timestamp("us"))
        return pc.assume_timezone(local, how.zone.key, ambiguous=choice, nonexistent="raise").cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None


def time_reader(how: TimeReading) -> Callable[[str | None], Reading]:
    """Return a function from a written time to a `Reading`; it never raises."""
    parse = _parser(how.format)

    def read(text: str | None) -> Reading:
        if text is None or not text.strip():
            return EMPTY
        try:
            at = parse(text)
            if isinstance(at, int):
                return at if _EARLIEST_US <= at <= _LATEST_US else UNREADABLE
            return place(at, how.zone, how.ambiguous)
        except (ValueError, OverflowError):
            return UNREADABLE

    return read


def place(at: datetime, zone: ZoneInfo | None, ambiguous: Ambiguous) -> Reading:
    """Return when `at` was; one without an offset is local time in `zone`.

    Raises:
        OverflowError: the time lies outside what a calendar holds.
    """
    if at.tzinfo is not None:
        return (at - _EPOCH) // _MICROSECOND
    if zone is None:
        return NO_ZONE
    first, second = at.replace(tzinfo=zone, fold=0), at.replace(tzinfo=zone, fold=1)
    first_offset, second_offset = first.utcoffset(), second.utcoffset()
    if first_offset != second_offset:
        # PEP 495: where the clock goes back the first reading has the larger offset, where it goes forward the smaller.
        if first_offset is not None and second_offset is not None and first_offset < second_offset:
            return NONEXISTENT
        if ambiguous == "reject":
            return AMBIGUOUS
    chosen = second if ambiguous == "later" else first
    return (chosen.astimezone(UTC) - _EPOCH) // _MICROSECOND


def _parser(pattern: str | None) -> Callable[[str], datetime | int]:
    if pattern is None:
        return _iso
    if pattern in EPOCH_FORMATS:
        factor = EPOCH_FORMATS[pattern]
        return lambda text: _epoch(text.strip(), factor)
    return lambda text: datetime.strptime(text.strip(), pattern)  # noqa: DTZ007 (the zone is put on by `place`)


def _iso(text: str) -> datetime:
    if len(text) < _SHORTEST_ISO:
        # A bare date would silently become midnight; a log of days needs `format = "%Y-%m-%d"` to say so.
        raise ValueError("a date without a time of day")
    return datetime.fromisoformat(text)


def _epoch(text: str, factor: int) -> int:
    whole, _, part = text.partition(".")
    negative = whole.startswith("-")
    digits = whole.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or (part and not (part.isascii() and part.isdigit())):
        raise ValueError("not a count of time units")
    at = int(digits) * factor + int((part or "0").ljust(6, "0")[:6]) * factor // 1_000_000
    return -at if negative else at
