"""What is refused before anything is computed: arrays that contradict one another, and values that mean nothing."""

from __future__ import annotations

import numpy as np

from whosaw.trace.errors import InputRefused
from whosaw.trace.index import Index
from whosaw.trace.inputs import Duties, Marks, Population, Sightings


def check(
    index: Index, population: Population, sightings: Sightings, marks: Marks, duties: Duties | None = None
) -> None:
    """Refuse inputs that do not fit one another.

    Raises:
        InputRefused: arrays differ in length, an index is out of range, or a value means nothing.
    """
    if population.entered_us.shape != (index.subject_count,):
        raise InputRefused(
            f"the log has `{index.subject_count}` subjects, `{population.entered_us.size}` entry times given"
        )
    work = [population.work_subject, population.work_at_us, population.work_in_context]
    if population.work_kind is not None:
        work.append(population.work_kind)
    if len({column.shape for column in work}) != 1:
        raise InputRefused("the columns of the work items differ in length")
    if population.stratum is not None and population.stratum.shape != population.entered_us.shape:
        raise InputRefused("every subject needs one stratum")
    _check_sightings(sightings)
    _check_marks(index, marks)
    _check_duties(index, duties or Duties())
    for name, subject in (("work item", population.work_subject), ("sighting", sightings.subject)):
        if subject.size and subject.max() >= index.subject_count:
            raise InputRefused(f"a {name} names a subject outside 0 … `{index.subject_count - 1}`")


def _check_sightings(sightings: Sightings) -> None:
    if sightings.subject.shape != sightings.contacted_us.shape:
        raise InputRefused("every sighting needs one subject and one time of contact")
    if sightings.trust is not None:
        if sightings.trust.shape != sightings.subject.shape:
            raise InputRefused("every sighting needs one weight")
        if not ((sightings.trust >= 0) & (sightings.trust <= 1)).all():
            raise InputRefused("the weight of a sighting lies between 0 and 1")
    if sightings.uncertain_us is not None:
        if sightings.uncertain_us.shape != sightings.subject.shape:
            raise InputRefused("every sighting needs one span of uncertainty")
        if sightings.uncertain_us.size and sightings.uncertain_us.min() < 0:
            raise InputRefused("a span of uncertainty cannot be negative")


def _check_marks(index: Index, marks: Marks) -> None:
    if len({column.shape for column in (marks.subject, marks.seen_us, marks.odds, marks.actor)}) != 1:
        raise InputRefused("every mark needs a subject, a time, odds and an actor")
    if marks.odds.size and not (np.isfinite(marks.odds) & (marks.odds >= 1)).all():
        raise InputRefused("the odds of a mark are finite and at least 1")
    if marks.subject.size and (marks.subject.max() >= index.subject_count or marks.actor.max() >= index.actors.count):
        raise InputRefused("a mark names a subject or an actor that does not exist")
    if marks.held.shape != marks.holder.shape:
        raise InputRefused("everybody who had a mark needs the mark and the actor")
    for column, count in ((marks.held, marks.odds.size), (marks.holder, index.actors.count)):
        if column.size and not (column.min() >= 0 and column.max() < count):
            raise InputRefused("whoever had a mark names a mark or an actor that does not exist")


def _check_duties(index: Index, duties: Duties) -> None:
    if len({column.shape for column in (duties.duty, duties.subject, duties.since_us)}) != 1:
        raise InputRefused("every subject that a duty brought needs the duty and a time")
    for name, column, count in (
        ("actor", duties.actor, index.actors.count),
        ("duty", duties.duty, duties.actor.size),
        ("subject", duties.subject, index.subject_count),
    ):
        if column.size and not (column.min() >= 0 and column.max() < count):
            raise InputRefused(f"a duty names a {name} that does not exist")
