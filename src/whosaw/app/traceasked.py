"""One question answered from the log on disk, in the numbers of its files."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.app.traceindex import DiskIndex
from whosaw.trace import Actors, Attribution, Duties, Hit, Marks, Population, Settings, Sightings, rank
from whosaw.trace.inputs import Int64


@dataclass(frozen=True, slots=True)
class Asked:
    """Who could have been contacted, as subjects of the files, and what turned up.

    Args:
        subject: n distinct subjects of the question.
        entered_us: n times from which each could have been contacted.
        population: work items and strata, their subjects as positions among the n; its entry times are not used.
        sightings: complaints, likewise; -1 for somebody whom the log does not know.
        marks: canaries and the like, likewise; they must be among the n with `NEVER` as their entry.
        duties: what may explain openings, likewise; they name none but the n.
    """

    subject: Int64
    entered_us: Int64
    sightings: Sightings
    population: Population | None = None
    marks: Marks | None = None
    duties: Duties | None = None


def rank_on_disk(disk: DiskIndex, asked: Asked, actors: Actors, settings: Settings) -> Attribution:
    """Answer one question on an index on disk; the answer's subjects are those of the files.

    Args:
        disk: the index.
        asked: the question.
        actors: all actors, as the files number them.
        settings: the method's constants.

    Raises:
        InputRefused: as for `whosaw.trace.rank`.
    """
    # neighbours in time of entry become neighbours in the index: matched sets are ranges then, and quick to count
    order = np.argsort(asked.entered_us, kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    index = disk.of(asked.subject[order], actors)
    population, marks = asked.population or Population(asked.entered_us), asked.marks or Marks()
    population = replace(
        population,
        entered_us=asked.entered_us[order],
        work_subject=_moved(place, population.work_subject),
        stratum=None if population.stratum is None else population.stratum[order],
    )
    sightings = replace(asked.sightings, subject=_moved(place, asked.sightings.subject))
    marks = replace(marks, subject=_moved(place, marks.subject))
    duties = asked.duties or Duties()
    duties = replace(duties, subject=_moved(place, duties.subject))
    found = rank(index, population, sightings, settings, marks=marks, duties=duties)
    return _renamed(found, asked.subject[order])


def _moved(place: Int64, subject: Int64) -> Int64:
    """Return the new positions of subjects; who is unknown stays so, and who does not exist is refused later."""
    there = (subject >= 0) & (subject < place.size)
    return np.where(there, place[np.where(there, subject, 0)], subject) if place.size else subject


def _renamed(found: Attribution, subject: Int64) -> Attribution:
    """Return an answer with the files' own numbers of subjects."""

    def names(places: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(subject[np.array(places, np.int64)].tolist())

    scope = found.scope
    likely = sorted(zip(names(scope.probable), scope.chance, strict=True))
    scope = replace(
        scope,
        certain=tuple(sorted(names(scope.certain))),
        probable=tuple(each for each, _ in likely),
        possible=tuple(sorted(names(scope.possible))),
        chance=tuple(chance for _, chance in likely),
    )
    candidates = tuple(
        replace(each, hits=tuple(_hit(hit, int(subject[hit.subject])) for hit in each.hits)) if each.hits else each
        for each in found.candidates
    )
    return replace(found, scope=scope, candidates=candidates)


def _hit(hit: Hit, subject: int) -> Hit:
    return Hit(subject, hit.contacted_us, hit.opened_us, hit.irregular, hit.share, hit.irregular_share)
