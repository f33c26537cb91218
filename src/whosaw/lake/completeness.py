"""How whole the record is, as far as it shows by itself: days and hours in which nothing was written.

A gap may be a holiday or a lost file; the record cannot tell. What it says is a lower bound of what may be missing, and
a missing row never means that nobody looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from whosaw.lake.opened import Opened
from whosaw.terms import from_us

_DAY_US = 86_400_000_000
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Completeness:
    """Gaps in the accesses between the first and the last.

    Args:
        grades: `trail`, `imported` or both: who wrote the record.
        days: calendar days (UTC) from the first to the last row, both counted.
        empty_days: those without a row.
        hours: clock hours from the first to the last row, both counted.
        empty_hours: those without a row.
        longest_gap_hours: longest time between two rows of different hours that follow each other.
        rejected: rows of the logs that could not be used.
        first, last: None where there are no accesses.
    """

    grades: tuple[str, ...]
    days: int
    empty_days: int
    hours: int
    empty_hours: int
    longest_gap_hours: float
    rejected: int
    first: datetime | None
    last: datetime | None

    @property
    def line(self) -> str:
        """Return one sentence for a person."""
        names = {"trail": "own trail", "imported": "imported log"}
        who = " and ".join(names[grade] for grade in self.grades)
        if self.first is None or self.last is None:
            return "no accesses: nothing can be said about who saw anyone"
        parts = [
            f"{who}: {self.first:%Y-%m-%d} to {self.last:%Y-%m-%d} (UTC)",
            f"{self.empty_days} of {self.days} days and {self.empty_hours} of {self.hours} hours without a row",
            f"longest gap {self.longest_gap_hours:.1f} h",
        ]
        if self.rejected:
            parts.append(f"{self.rejected} rows could not be used")
        if "imported" in self.grades:
            parts.append("whether the log held every access is not known")
        return ", ".join(parts)


def measure(open_lake: Opened) -> Completeness:
    """Measure the gaps in the accesses of a lake."""
    sources = [source for source in open_lake.manifest.sources if source.kind == "accesses"]
    grades = tuple(sorted({source.grade for source in sources}, reverse=True))
    rejected = sum({(source.sha256, source.mapping): source.rejected for source in sources}.values())
    found = open_lake.rows(
        """
        WITH hours AS (
            SELECT at_us // ? AS hour, min(at_us) AS first_us, max(at_us) AS last_us FROM accesses GROUP BY 1
        ), gaps AS (
            SELECT first_us - lag(last_us) OVER (ORDER BY hour) AS gap_us FROM hours
        )
        SELECT min(first_us), max(last_us), count(*), count(DISTINCT first_us // ?),
               greatest(coalesce((SELECT max(gap_us) FROM gaps), 0), 0)
        FROM hours
        """,
        [_HOUR_US, _DAY_US],
    )[0]
    first_us, last_us, busy_hours, busy_days, gap_us = found
    if first_us is None:
        return Completeness(grades, 0, 0, 0, 0, 0.0, rejected, None, None)
    days = last_us // _DAY_US - first_us // _DAY_US + 1
    hours = last_us // _HOUR_US - first_us // _HOUR_US + 1
    return Completeness(
        grades=grades,
        days=days,
        empty_days=days - busy_days,
        hours=hours,
        empty_hours=hours - busy_hours,
        longest_gap_hours=gap_us / _HOUR_US,
        rejected=rejected,
        first=from_us(first_us),
        last=from_us(last_us),
    )
