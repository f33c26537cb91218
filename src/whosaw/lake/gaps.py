"""How whole each source is by its own habit: hours of the week that are usually busy and once were not.

A source that wrote something in an hour of the week in four of five weeks is expected to do so in the fifth; that it
did not may be a holiday or a lost file. What is told is an estimate, and only where there are weeks to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosaw.lake.opened import Opened, opened
from whosaw.terms import from_us

_HOUR_US = 3_600_000_000
_WEEK_HOURS = 168
_FEWEST_WEEKS = 4
_USUAL_SHARE = 0.8
_MOST_GAPS = 5
_MOST_HOURS = 1_000_000  # a century; a source that spans more has wrong clocks, and no habit


@dataclass(frozen=True, slots=True)
class Gap:
    """Hours that follow one another and are empty against the habit."""

    start: datetime
    hours: int


@dataclass(frozen=True, slots=True)
class SourceGaps:
    """One source of accesses and how whole it is.

    Args:
        source: name of the log.
        grade: `trail`, or the letter of `whosaw.lake.grades`; empty where it was imported before there were letters.
        rows: accesses.
        hours: from its first to its last row, both counted.
        empty_hours: those without a row, whatever the habit.
        missing_hours: those without a row against the habit.
        share: estimated part of its rows that is there, 0 < share ≤ 1; None where there are too few weeks to tell.
        gaps: the longest runs of missing hours.
    """

    source: str
    grade: str
    rows: int
    hours: int
    empty_hours: int
    missing_hours: int
    share: float | None
    gaps: tuple[Gap, ...]

    @property
    def line(self) -> str:
        """Return one sentence for a person."""
        if self.share is None:
            return f"{self.source}: {self.empty_hours} of {self.hours} hours empty; too few weeks to know its habit"
        return (
            f"{self.source}: about {self.share:.1%} of its rows are there; {self.missing_hours} hours are empty in "
            f"which it usually writes"
        )


def gaps_by_source(lake: Path) -> tuple[SourceGaps, ...]:
    """Return how whole each source of accesses is.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as open_lake:
        return measure_gaps(open_lake)


def measure_gaps(open_lake: Opened) -> tuple[SourceGaps, ...]:
    """Return how whole each source of accesses of an open lake is; imports of one name are one source."""
    found = open_lake.rows(
        """
        SELECT source, at_us // ? AS hour, count(*) FROM (FROM accesses UNION ALL FROM touches)
        GROUP BY ALL ORDER BY ALL
        """,
        [_HOUR_US],
    )
    by_name: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for position, hour, count in found:
        source = open_lake.manifest.sources[position]
        grade = "trail" if source.grade == "trail" else source.letter
        by_name.setdefault((source.name, grade), []).append((hour, count))
    return tuple(_source(name, grade, hours) for (name, grade), hours in sorted(by_name.items()))


def _source(name: str, grade: str, busy: list[tuple[int, int]]) -> SourceGaps:
    hour = np.array([hour for hour, _ in busy], np.int64)
    count = np.array([count for _, count in busy], np.int64)
    first, size, rows = int(hour.min()), int(hour.max() - hour.min() + 1), int(count.sum())
    if size > _MOST_HOURS:
        return SourceGaps(name, grade, rows, size, size - len(set(hour.tolist())), 0, None, ())
    counts = np.zeros(size, np.int64)
    np.add.at(counts, hour - first, count)
    empty = int((counts == 0).sum())
    if size < _FEWEST_WEEKS * _WEEK_HOURS:
        return SourceGaps(name, grade, rows, size, empty, 0, None, ())
    missing, expected = _against_habit(counts)
    runs = sorted(_runs(missing), key=lambda run: (-run[1], run[0]))[:_MOST_GAPS]
    gaps = tuple(Gap(from_us((first + start) * _HOUR_US), length) for start, length in runs)
    return SourceGaps(name, grade, rows, size, empty, int(missing.sum()), rows / (rows + expected), gaps)


def _against_habit(counts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], float]:
    """Return which hours are empty against the habit, and how many rows the habit puts there."""
    missing, expected = np.zeros(len(counts), np.bool_), 0.0
    for slot in range(_WEEK_HOURS):
        weeks = counts[slot::_WEEK_HOURS]
        if np.mean(weeks > 0) < _USUAL_SHARE:
            continue
        empty = weeks == 0
        missing[slot::_WEEK_HOURS] = empty
        expected += float(np.median(weeks[~empty])) * int(empty.sum())
    return missing, expected


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return start and length of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(start), int(end - start)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
