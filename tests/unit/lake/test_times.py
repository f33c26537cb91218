"""Times of a log: what they mean in UTC, and what cannot be said."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from whosaw.lake.mapping import TimeReading
from whosaw.lake.times import AMBIGUOUS, EMPTY, NO_ZONE, NONEXISTENT, UNREADABLE, time_reader
from whosaw.terms import to_us

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text).astimezone(UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-10-01T00:38:44.546+02:00", us("2011-09-30T22:38:44.546+00:00")),
        ("2011-10-01 00:38:44Z", us("2011-10-01T00:38:44+00:00")),
        ("2011-10-01T00:38:44", NO_ZONE),
        ("2011-10-01", UNREADABLE),
        ("", EMPTY),
        ("  ", EMPTY),
        (None, EMPTY),
        ("soon, and more text", UNREADABLE),
        ("2011-02-30T00:00:00Z", UNREADABLE),
        ("0001-01-01T00:00:00+23:00", us("0001-01-01T00:00:00+00:00") - 23 * 3_600_000_000),
    ],
)
def test_iso_times_are_read_with_their_own_offset(text: str | None, expected: int | str) -> None:
    assert time_reader(TimeReading())(text) == expected


def test_a_zone_says_where_the_logs_clock_stood() -> None:
    read = time_reader(TimeReading(zone=AMSTERDAM))
    assert read("2026-01-15T12:00:00") == us("2026-01-15T11:00:00+00:00")
    assert read("2026-07-15T12:00:00") == us("2026-07-15T10:00:00+00:00")
    assert read("2026-07-15T12:00:00+00:00") == us("2026-07-15T12:00:00+00:00")


def test_the_hour_that_comes_twice_is_refused_unless_the_mapping_chooses() -> None:
    twice = "2026-10-25T02:30:00"
    assert time_reader(TimeReading(zone=AMSTERDAM))(twice) == AMBIGUOUS
    earlier = time_reader(TimeReading(zone=AMSTERDAM, ambiguous="earlier"))(twice)
    later = time_reader(TimeReading(zone=AMSTERDAM, ambiguous="later"))(twice)
    assert (earlier, later) == (us("2026-10-25T00:30:00+00:00"), us("2026-10-25T01:30:00+00:00"))


def test_the_hour_that_never_was_is_refused_whatever_the_mapping_chooses() -> None:
    for ambiguous in ("reject", "earlier", "later"):
        how = TimeReading(zone=AMSTERDAM, ambiguous=ambiguous)
        assert time_reader(how)("2026-03-29T02:30:00") == NONEXISTENT


def test_a_format_reads_other_writings() -> None:
    read = time_reader(TimeReading(zone=AMSTERDAM, format="%d.%m.%Y %H:%M"))
    assert read("15.01.2026 12:00") == us("2026-01-15T11:00:00+00:00")
    assert read("2026-01-15T12:00:00") == UNREADABLE
    assert time_reader(TimeReading(format="%d.%m.%Y %H:%M %z"))("15.01.2026 12:00 +0100") == us(
        "2026-01-15T11:00+00:00"
    )


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("epoch_s", "1317422324", 1_317_422_324_000_000),
        ("epoch_s", "1317422324.5", 1_317_422_324_500_000),
        ("epoch_s", "-1.5", -1_500_000),
        ("epoch_ms", " 1317422324546 ", 1_317_422_324_546_000),
        ("epoch_us", "17", 17),
        ("epoch_s", "1e9", UNREADABLE),
        ("epoch_s", "٣", UNREADABLE),
        ("epoch_s", "9" * 5000, UNREADABLE),
        ("epoch_s", "9" * 15, UNREADABLE),
    ],
)
def test_counts_since_1970_are_read(pattern: str, text: str, expected: int | str) -> None:
    assert time_reader(TimeReading(format=pattern))(text) == expected
