"""How many of some subjects each actor had opened before a time: the sums that every bet rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosaw.trace.index import Index, spans
from whosaw.trace.inputs import NEVER, Int64
from whosaw.trace.risk import RiskSet

_GAPS = 512


@dataclass(frozen=True, slots=True)
class Among:
    """Distinct subjects, and how they lie.

    Args:
        subjects: n of them.
        low, high: the range that holds them.
        others: those of the range that are not among them: where they are few, the whole range is counted and they are
            taken off; `None` where the subjects lie scattered.
    """

    subjects: Int64
    low: int
    high: int
    others: Int64 | None

    @classmethod
    def of(cls, subjects: Int64) -> Among:
        """Return how subjects lie."""
        low, high = int(subjects.min()), int(subjects.max()) + 1
        if high - low > subjects.size + _GAPS:
            return cls(subjects, low, high, None)
        outside = np.ones(high - low, np.bool_)
        outside[subjects - low] = False
        return cls(subjects, low, high, low + np.flatnonzero(outside))


@dataclass(frozen=True, slots=True)
class Openings:
    """First openings of one kind, sorted by subject, of all actors or of some of them.

    Args:
        actor: P actors; where only some are asked about, their positions among those.
        first_us: P times.
        start: n+1 offsets of the subjects.
        actors: how many can occur.
    """

    actor: Int64
    first_us: Int64
    start: Int64
    actors: int

    def count(self, among: Among, before_us: int) -> Int64:
        """Return per actor how many of the subjects he opened before a time.

        Args:
            among: the subjects.
            before_us: that time.
        """
        if among.others is None:
            return self._scattered(among.subjects, before_us)
        found = self._counted(slice(int(self.start[among.low]), int(self.start[among.high])), before_us)
        return found - self._scattered(among.others, before_us) if among.others.size else found

    def _scattered(self, subjects: Int64, before_us: int) -> Int64:
        return self._counted(spans(self.start, subjects)[1], before_us)

    def _counted(self, which: Int64 | slice, before_us: int) -> Int64:
        # places of those that hold, then their actors: a branch per opening would be mispredicted half of the time
        early = np.flatnonzero(self.first_us[which] < before_us)
        return np.bincount(self.actor[which][early], minlength=self.actors)


def openings_of(index: Index, chosen: Int64 | None = None) -> tuple[Openings, ...]:
    """Return the openings of every kind that the log tells apart: any, and irregular where it carries reasons.

    Args:
        index: the log.
        chosen: H actors, whose openings alone are wanted; absent for everybody's.
    """
    kinds = (index.pair_first_us, index.pair_irregular_us)[: 2 if index.has_reasons else 1]
    wanted: Int64 | None = None
    column, actors = None, index.actors.count
    if chosen is not None:
        column, actors = np.full(index.actors.count, -1), chosen.size
        column[chosen] = np.arange(chosen.size)
        wanted = np.flatnonzero(column[index.pair_actor] >= 0)
    found = []
    for kind, first_us in enumerate(kinds):
        at = wanted
        if kind:
            at = np.flatnonzero(first_us != NEVER) if wanted is None else wanted[first_us[wanted] != NEVER]
        if at is None:
            found.append(Openings(index.pair_actor, first_us, index.subject_pair, actors))
            continue
        actor = index.pair_actor[at]
        start = np.searchsorted(at, index.subject_pair)
        found.append(Openings(actor if column is None else column[actor], first_us[at], start, actors))
    return tuple(found)


def count_members(index: Index, sets: tuple[RiskSet, ...], chosen: Int64 | None = None) -> NDArray[np.int32]:
    """Return T × K × H numbers: the members of each risk set that an actor had opened before its contact.

    Args:
        index: the log.
        sets: K matched risk sets.
        chosen: H actors; absent for all.
    """
    kinds = openings_of(index, chosen)
    found = np.zeros((len(kinds), len(sets), kinds[0].actors), np.int32)
    for i, risk in enumerate(sets):
        among = Among.of(risk.members)
        for kind, openings in enumerate(kinds):
            found[kind, i] = openings.count(among, risk.contacted_us)
    return found
