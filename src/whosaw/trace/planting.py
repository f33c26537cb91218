"""Invented leaks in a real log: what the method would have said there, had the truth been known.

Half of the invented leakers pass on what they met in genuine work; the others look subjects up for it, without a reason
that holds. The lists without an insider are drawn from the same subjects at the same times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.trace.inputs import NEVER, Accesses, Actors, Int64, Population, Sightings
from whosaw.trace.settings import DAY_US

STRAY = 0.15
"""Part of the complaints of an invented leak that come from elsewhere."""


@dataclass(frozen=True, slots=True)
class Planted:
    """An invented question.

    Args:
        accesses: the log, with the leaker's look-ups where he made any.
        sightings: complaints.
        leaker: who leaked; -1 where nobody inside did.
    """

    accesses: Accesses
    sightings: Sightings
    leaker: int


@dataclass(frozen=True, slots=True)
class Ground:
    """A real question to plant in; only accesses to its own subjects matter.

    Args:
        accesses, population, actors: the real log; see `whosaw.trace.inputs`.
        contacted_us: K real times of contact, rising: the invented ones fall alike.
        taken: real complainers: they never complain in an invented list.
        pool: actors among whom leakers are invented; absent for everybody who is no service.
    """

    accesses: Accesses
    population: Population
    actors: Actors
    contacted_us: Int64
    taken: Int64
    pool: Int64 | None = None

    @property
    def eligible(self) -> Int64:
        """The actors among whom leakers are invented."""
        everybody = np.flatnonzero(~self.actors.service)
        return everybody if self.pool is None else np.intersect1d(everybody, self.pool)


def ground_of(accesses: Accesses, population: Population, sightings: Sightings, actors: Actors) -> Ground:
    """Return the ground of a real question."""
    inside = population.entered_us[accesses.subject] != NEVER
    kept = replace(
        accesses,
        actor=accesses.actor[inside],
        subject=accesses.subject[inside],
        at_us=accesses.at_us[inside],
        irregular=accesses.irregular[inside],
    )
    known = sightings.subject[sightings.subject >= 0]
    return Ground(kept, population, actors, np.sort(sightings.earliest_us), known)


def plant_nobody(ground: Ground, generator: np.random.Generator) -> Planted:
    """Return complaints that have nothing to do with any actor, at the real times."""
    return Planted(ground.accesses, _strays(ground, ground.contacted_us, generator, ground.taken), -1)


def plant_leaker(ground: Ground, generator: np.random.Generator) -> Planted:
    """Return complaints of subjects whom one actor passed on, and some from elsewhere."""
    complaints = ground.contacted_us.size
    if generator.random() < 0.5:
        found = _who_met(ground, complaints, generator)
        if found is not None:
            leaker, subject, opened_us = found
            return _complain(ground, ground.accesses, leaker, (subject, opened_us), generator)
    leaker = int(generator.choice(ground.eligible))
    start = int(ground.contacted_us[0]) - int(generator.uniform(5, 30) * DAY_US)
    there = _free(ground, start + 20 * DAY_US, ground.taken)
    most = max(complaints, min(there.size, max(int(generator.uniform(2, 8) * complaints), 20)))
    subject = generator.choice(there, min(most, there.size), replace=False)
    opened_us = np.maximum(ground.population.entered_us[subject] + DAY_US // 24, start)
    opened_us = opened_us + (generator.uniform(0, 15, subject.size) * DAY_US).astype(np.int64)
    log = ground.accesses
    accesses = replace(
        log,
        actor=np.append(log.actor, np.full(subject.size, leaker)),
        subject=np.append(log.subject, subject),
        at_us=np.append(log.at_us, opened_us),
        irregular=np.append(log.irregular, np.full(subject.size, log.has_reasons)),
    )
    return _complain(ground, accesses, leaker, (subject, opened_us), generator)


def _who_met(ground: Ground, complaints: int, generator: np.random.Generator) -> tuple[int, Int64, Int64] | None:
    """Return somebody who opened enough subjects in the log, which, and when last; `None` where nobody did."""
    log, last_us = ground.accesses, int(ground.contacted_us[-1])
    early = (log.at_us < last_us) & ~np.isin(log.subject, ground.taken)
    pair = np.unique(log.actor[early] * ground.population.entered_us.size + log.subject[early])
    met = np.bincount(pair // ground.population.entered_us.size, minlength=ground.actors.count)
    enough = ground.eligible[met[ground.eligible] >= complaints + 2]
    if not enough.size:
        return None
    leaker = int(generator.choice(enough))
    mine = np.flatnonzero(early & (log.actor == leaker))
    mine = mine[np.argsort(log.at_us[mine], kind="stable")]
    subject, first = np.unique(log.subject[mine][::-1], return_index=True)
    return leaker, subject, log.at_us[mine][::-1][first]


def _complain(
    ground: Ground, accesses: Accesses, leaker: int, sold: tuple[Int64, Int64], generator: np.random.Generator
) -> Planted:
    subject, opened_us = sold
    complaints = ground.contacted_us.size
    own = min(subject.size, complaints - int(generator.binomial(complaints, STRAY)))
    picked = generator.choice(subject.size, own, replace=False)
    contacted_us = opened_us[picked] + (generator.uniform(1, 14, own) * DAY_US).astype(np.int64)
    times = generator.choice(contacted_us, complaints - own) if own else ground.contacted_us
    strays = _strays(ground, times, generator, np.append(ground.taken, subject[picked]))
    return Planted(
        accesses,
        Sightings(
            np.append(subject[picked], strays.subject), np.append(contacted_us, strays.contacted_us).astype(np.int64)
        ),
        leaker,
    )


def _strays(ground: Ground, times: Int64, generator: np.random.Generator, taken: Int64) -> Sightings:
    subject: list[int] = []
    for contacted_us in times.tolist():
        free = _free(ground, contacted_us, np.append(taken, np.array(subject, np.int64)))
        if not free.size:
            return Sightings(np.array(subject, np.int64), times[: len(subject)])
        subject.append(int(generator.choice(free)))
    return Sightings(np.array(subject, np.int64), times)


def _free(ground: Ground, before_us: int, taken: Int64) -> Int64:
    """Return the subjects that had entered by a time and are not taken."""
    entered = ground.population.entered_us < before_us
    entered[taken] = False
    return np.flatnonzero(entered)
