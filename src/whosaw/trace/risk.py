"""Risk sets: for every complaint, the subjects who might as well have been contacted, matched to the one who was.

Matching uses covariates only (when a subject entered, how much genuine work it caused), never who opened its record:
the leaker's own opening would change that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whosaw.trace.index import Index
from whosaw.trace.inputs import NEVER, Bool, Int64, Population, Sightings
from whosaw.trace.settings import DAY_US, Settings


@dataclass(frozen=True, slots=True)
class RiskSet:
    """One complaint and its matched subjects.

    Args:
        subject: who complained.
        contacted_us: when it was contacted from outside.
        members: the exchangeable subjects, the complainer among them; empty where the log offers no match.
        match: the level of matching that was used.
        trust: part of the complaint that no known outside source explains.
    """

    subject: int
    contacted_us: int
    members: Int64
    match: str
    trust: float = 1.0

    @property
    def matched(self) -> bool:
        """Whether anybody stands beside the complainer."""
        return self.members.size > 1


@dataclass(frozen=True, slots=True)
class Context:
    """The subjects of the question in an order that does not depend on how they are numbered.

    invariant: sorted by entry, then by first opening before the first contact, so that sampling and redraws are the
    same for any numbering of the subjects, and nothing opened after a contact can shift them.
    """

    subject: Int64
    entered_us: Int64
    place: Int64
    """Position of every subject in the order; -1 where it is outside the question."""


def order_context(index: Index, population: Population, first_contact_us: int) -> Context:
    """Return the subjects that entered at all, in canonical order."""
    subject = np.flatnonzero(population.entered_us != NEVER)
    opened = np.flatnonzero(index.subject_pair[1:] > index.subject_pair[:-1])
    first = np.full(index.subject_count, NEVER)
    if opened.size:  # the pairs of one subject end where those of the next begin
        first[opened] = np.minimum.reduceat(index.pair_first_us, index.subject_pair[opened])
    first = first[subject]
    first[first >= first_contact_us] = NEVER
    order = np.lexsort((first, population.entered_us[subject]))
    subject = subject[order]
    place = np.full(index.subject_count, -1)
    place[subject] = np.arange(subject.size)
    return Context(subject, population.entered_us[subject], place)


def order_sightings(sightings: Sightings, context: Context) -> Sightings:
    """Return one sighting per subject, the earliest, in order of contact; equal times follow the canonical order."""
    # where the contact may have been earlier, only what certainly preceded it counts
    order = np.lexsort((sightings.earliest_us, sightings.subject))
    subject, contacted_us = sightings.subject[order], sightings.earliest_us[order]
    # a negative subject is somebody the log does not know: each of those is a complainer of its own
    first = (np.diff(subject, prepend=np.iinfo(np.int64).min) != 0) | (subject < 0)
    subject, contacted_us, trust = subject[first], contacted_us[first], sightings.trusted[order][first]
    place = np.where(subject < 0, context.subject.size, context.place[subject])
    order = np.lexsort((place, contacted_us))
    return Sightings(subject[order], contacted_us[order], trust[order])


def match(
    context: Context, population: Population, sightings: Sightings, settings: Settings, *, coarser: bool = False
) -> tuple[RiskSet, ...]:
    """Return one risk set per sighting, in their order.

    Args:
        context: the subjects of the question.
        population: for its work items.
        sightings: K ordered sightings of distinct subjects.
        settings: calipers and sizes.
        coarser: take one step coarser than the finest level with enough controls.
    """
    reported = np.full(context.subject.size, NEVER)
    known = sightings.subject >= 0
    place = np.where(known, context.place[np.where(known, sightings.subject, 0)], -1)
    reported[place[place >= 0]] = sightings.contacted_us[place >= 0]
    work = _WorkCounts(context, population)
    sets = []
    for i, (subject, contacted_us) in enumerate(zip(sightings.subject, sightings.contacted_us, strict=True)):
        work.advance(int(contacted_us))
        case = int(place[i])
        members, how = np.empty(0, np.int64), "none"
        if case >= 0 and context.entered_us[case] < contacted_us:
            positions, how = _closest(context.entered_us, reported, case, work, settings, coarser=coarser)
            positions = _sample(positions, case, settings, i)
            members = context.subject[positions]
        sets.append(RiskSet(int(subject), int(contacted_us), members, how, float(sightings.trusted[i])))
    return tuple(sets)


class _WorkCounts:
    """What each subject of the context has caused so far: work inside and outside the beneficiary's context."""

    def __init__(self, context: Context, population: Population) -> None:
        place = context.place[population.work_subject] if population.work_subject.size else population.work_subject
        kept = np.flatnonzero(place >= 0)
        kept = kept[np.argsort(population.work_at_us[kept], kind="stable")]
        self._place, self._at_us = place[kept], population.work_at_us[kept]
        self._inside = population.work_in_context[kept]
        self._kind = None if population.work_kind is None else population.work_kind[kept]
        self._done = 0
        self.known = population.work_subject.size > 0
        self.inside = np.zeros(context.subject.size, np.int64)
        self.other = np.zeros(context.subject.size, np.int64)
        self.kind = np.full(context.subject.size, -1)
        """Kind of the latest item inside the context."""
        self.stratum = None if population.stratum is None else population.stratum[context.subject]

    def advance(self, to_us: int) -> None:
        """Count the items opened before `to_us`; times must not fall from call to call."""
        end = int(np.searchsorted(self._at_us, to_us))
        new, inside = self._place[self._done : end], self._inside[self._done : end]
        np.add.at(self.inside, new[inside], 1)
        np.add.at(self.other, new[~inside], 1)
        if self._kind is not None:
            self.kind[new[inside]] = self._kind[self._done : end][inside]  # in order of time: the latest stays
        self._done = end


_BINS = np.array([1, 2, 3, 4, 6, 9])
"""Numbers of work items are alike within 0, 1, 2, 3, 4-5, 6-8, 9 and more."""


def _levels(work: _WorkCounts, settings: Settings) -> Iterator[tuple[str, int | None, tuple[Int64 | Bool, ...]]]:
    """Yield the levels of matching, finest first: name, caliper in days, what must be equal."""
    routed: tuple[Int64, ...] = () if work.stratum is None else (work.stratum,)
    if work.known:
        topic = (work.kind,) if (work.kind >= 0).any() else ()
        fine = (np.searchsorted(_BINS, work.inside, "right"), np.minimum(work.other, 2))
        for days in settings.calipers_days:
            yield f"work, {days} d", days, (*fine, *routed, *topic)
        if topic or routed:
            for days in (*settings.calipers_days[-1:], 56):
                yield f"work, {days} d, topic free", days, (*fine, *routed)
        coarse = (np.minimum(work.inside, 2), work.other > 0)
        yield "coarse work, 28 d", 28, (*coarse, *routed)
        some = (work.inside + work.other > 0,)
        yield "any work, 56 d", 56, (*some, *routed)
        yield "any work", None, some
    else:
        for days in settings.calipers_alone_days:
            yield f"{days} d", days, routed
        yield "56 d", 56, routed
    yield "all", None, ()


def _closest(
    entered_us: Int64, reported: Int64, case: int, work: _WorkCounts, settings: Settings, *, coarser: bool = False
) -> tuple[Int64, str]:
    """Return the finest matched set with enough controls, as positions, and its name."""
    at, contacted_us = entered_us[case], reported[case]
    last = int(np.searchsorted(entered_us, contacted_us))
    for name, days, equal in _levels(work, settings):
        low, high = 0, last
        if days is not None:
            low = int(np.searchsorted(entered_us, at - days * DAY_US, "right"))
            high = min(high, int(np.searchsorted(entered_us, at + days * DAY_US)))
        # those contacted at the very same time stay in each other's sets: no order among them is invented, and drawing
        # without replacement only makes the product of their factors smaller on average
        fits = reported[low:high] >= contacted_us
        for column in equal:
            fits &= column[low:high] == column[case]
        positions = low + np.flatnonzero(fits)
        if positions.size > settings.min_controls:
            if not coarser:
                return positions, name
            coarser = False
    return positions, name


def _sample(positions: Int64, case: int, settings: Settings, ordinal: int) -> Int64:
    """Keep the case and at most `max_controls` others (nested case-control sampling keeps exactness; Thomas 1977)."""
    if positions.size <= settings.max_controls:
        return positions
    generator = np.random.default_rng((settings.seed, ordinal))
    controls = positions[positions != case]
    chosen = generator.choice(controls, settings.max_controls, replace=False)
    return np.sort(np.append(chosen, case))
