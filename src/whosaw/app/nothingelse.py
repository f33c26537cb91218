"""*No other information leaked*: said only where the record allows it, and else the sentence that is true.

Four things must hold: an outside source is excluded, the record is whosaw's own trail throughout, no hour in which it
usually writes is empty between its beginning and the last contact, and the database's own audit log shows that nothing
reached the protected tables around the doors. What fails is named, with its source and its hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from whosaw.lake.coverage import Coverage, Door, coverage
from whosaw.lake.errors import AuditMissing
from whosaw.lake.exposure import Exposure
from whosaw.lake.gaps import SourceGaps, gaps_by_source
from whosaw.lake.manifest import read_manifest
from whosaw.terms import from_us

_TRAIL = "trail"


@dataclass(frozen=True, slots=True)
class Whole:
    """What is known of how whole the record is.

    Args:
        gaps: every source of accesses.
        coverage: what the database's audit log says; `None` where the lake holds none or no door was named.
        rejected: per source the rows that could not be used.
        first, last: of the record; `None` where it is empty.
        contacted: the last contact.
    """

    gaps: tuple[SourceGaps, ...]
    coverage: Coverage | None
    rejected: dict[str, int]
    first: datetime | None
    last: datetime | None
    contacted: datetime

    @property
    def unproven(self) -> tuple[str, ...]:
        """Return what keeps the record from counting as whole, one clause each."""
        found = [*self._sources()]
        if self.last is None or self.first is None:
            return ("the record is empty",)
        if self.contacted > self.last:
            found.append(f"the record ends at {_time(self.last)}, before the last contact at {_time(self.contacted)}")
        if self.coverage is None:
            found.append("no audit log of the database says whether anything went around the doors")
        elif self.coverage.share is None:
            found.append("the database's audit log holds no access, so it cannot speak for the doors")
        else:
            around = sum(way.count for way in self.coverage.around)
            if around:
                found.append(f"{around} accesses went around the doors, by the database's audit log")
            if self.coverage.unrecorded:
                found.append(f"{self.coverage.unrecorded} accesses of the audit log are not in the own trail")
            days = [day.day for day in self.coverage.days]
            if days and (days[0] > self.first.date() or days[-1] < min(self.contacted, self.last).date()):
                found.append(f"the database's audit log covers {days[0]} to {days[-1]} alone")
        return tuple(found)

    def _sources(self) -> Sequence[str]:
        found = []
        for source in self.gaps:
            if source.grade != _TRAIL:
                found.append(f"whether `{source.source}` held every access is not known")
                continue
            inside = [gap for gap in source.gaps if gap.start <= self.contacted]
            if source.share is None:
                found.append(f"`{source.source}` spans too few weeks to tell a quiet hour from a lost one")
            elif inside:
                longest = inside[0]
                found.append(
                    f"`{source.source}` has {source.missing_hours} empty hours in which it usually writes, "
                    f"{longest.hours} of them from {_time(longest.start)}"
                )
        found += [f"{count} rows of `{name}` could not be used" for name, count in self.rejected.items() if count]
        return found


def measure_whole(lake: Path, exposure: Exposure, contacted_us: int, doors: Sequence[str]) -> Whole:
    """Return how whole the record of a lake is up to the last contact.

    Args:
        lake: the folder.
        exposure: for the first and last access.
        contacted_us: the last contact.
        doors: accounts that the doors log in with, as ROLE or ROLE@ADDRESS; without them no coverage is known.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    covered = None
    if doors:
        try:
            covered = coverage(lake, [Door.parse(each) for each in doors])
        except AuditMissing:
            covered = None
    manifest = read_manifest(lake.resolve())
    audits = {source.name for source in manifest.sources if source.format == "pgaudit"}
    rejected: dict[str, int] = {}
    for source in manifest.sources:
        if source.kind == "accesses" and source.rejected:
            rejected[source.name] = rejected.get(source.name, 0) + source.rejected
    return Whole(
        gaps=tuple(each for each in gaps_by_source(lake) if each.source not in audits),
        coverage=covered,
        rejected=rejected,
        first=exposure.completeness.first,
        last=exposure.completeness.last,
        contacted=from_us(contacted_us),
    )


def nothing_else(told: dict[str, Any], whole: Whole, alpha: float) -> dict[str, Any]:
    """Return the sentence about everything else; whether it says that nothing leaked; and why not where it does not.

    Args:
        told: the answer.
        whole: how whole the record is.
        alpha: 1 - confidence of the bound.
    """
    scope = told["scope"]
    listed = sum(len(scope[tier]) for tier in ("certain", "probable", "possible"))
    unproven = whole.unproven
    until = _time(whole.contacted)
    if told["outside_excluded"] and scope["bounded"] and not unproven:
        sentence = (
            f"Beyond the {listed} subjects listed, no other information leaked through anybody inside up to {until}, "
            f"with {1 - alpha:.0%} confidence, if at most two leaked; later leaks are not covered."
        )
        return {"holds": True, "sentence": sentence, "because": []}
    because = list(unproven)
    if not told["outside_excluded"]:
        because.insert(0, "a source outside is not excluded")
        sentence = f"It cannot be said that nothing else leaked: {'; '.join(because)}."
    elif listed:
        what = "is listed above" if not scope["bounded"] else f"is among the {listed} subjects listed above"
        sentence = (
            f"What those who are not excluded opened on the record up to {until} {what}; whether anything else leaked "
            f"is not known: {'; '.join(because) or 'no one actor and no two explain the complaints'}."
        )
    else:
        because = because or ["no one actor and no two explain the complaints"]
        sentence = f"Somebody inside leaked, but what else is not known: {'; '.join(because)}."
    return {"holds": False, "sentence": sentence, "because": because}


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} (UTC)"
