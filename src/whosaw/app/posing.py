"""From a lake's arrays and a file of sightings to the arrays of one question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from whosaw.app.routing import told_apart
from whosaw.app.traceduties import Duty, pose_duties
from whosaw.app.tracefiles import Account, Known
from whosaw.lake.exposure import Exposure
from whosaw.lake.sightings import Complaints, Sighting
from whosaw.trace import (
    GUESSABLE_ODDS,
    UNIQUE_ODDS,
    Accesses,
    Actors,
    Duties,
    Marks,
    Population,
    Sightings,
)
from whosaw.trace.inputs import NEVER

UNKNOWN = -1

MARK_ODDS = {
    "canary": UNIQUE_ODDS,
    "alias": UNIQUE_ODDS,
    "unique copy": UNIQUE_ODDS,
    "guessable canary": GUESSABLE_ODDS,
}
"""Channels of a sighting that are no complaint: what turned up can only have come from a record."""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything one attribution reads, and what its indices stand for.

    Args:
        exposure: what the arrays were made from, with the references of the indices.
        complaints: the sightings the question is about.
        marks: those of them that are canaries and the like.
        labels: words for the groups of `actors`.
        duties: account management and hand-overs.
        told_duties: those of `duties` in words, in their order.
        unknown_duties: how many more name accounts that are not on record.
    """

    accesses: Accesses
    population: Population
    sightings: Sightings
    actors: Actors
    exposure: Exposure
    complaints: Complaints
    marks: Marks = field(default_factory=Marks)
    labels: tuple[str, ...] = ()
    duties: Duties = field(default_factory=Duties)
    told_duties: tuple[Duty, ...] = ()
    unknown_duties: int = 0


def pose(
    exposure: Exposure,
    complaints: Complaints,
    known: Mapping[str, Sequence[Known]] | None = None,
    accounts: Mapping[str, Account] | None = None,
    duties: Sequence[Duty] = (),
) -> Question:
    """Return the arrays of one question; complainers whom the record does not know get the index `UNKNOWN`.

    Args:
        exposure: the lake's arrays.
        complaints: the sightings; those whose channel is one of `MARK_ODDS` become marks.
        known: subject → outside sources that may explain the complaint.
        accounts: account → whether it is shared, and where it belongs.
        duties: account management and hand-overs.
    """
    place = exposure.subject_indices()
    marks = [sighting for sighting in complaints.sightings if sighting.channel in MARK_ODDS]
    plain = replace(complaints, sightings=tuple(s for s in complaints.sightings if s.channel not in MARK_ODDS))
    subject = np.array([place.get(sighting.subject, UNKNOWN) for sighting in plain.sightings], np.int64)
    contacted_us = np.array([sighting.contacted_us for sighting in plain.sightings], np.int64)
    uncertain_us = np.array([sighting.uncertain_us for sighting in plain.sightings], np.int64)
    trust = [
        s.weight * math.prod(1.0 - k.probability for k in (known or {}).get(s.subject, ())) for s in plain.sightings
    ]
    shared, label, labels = _accounts(exposure, accounts or {})
    asked = Sightings(subject, contacted_us, np.array(trust, np.float64), uncertain_us)
    posed, kept, unknown = pose_duties(duties, exposure, complaints.beneficiary)
    return Question(
        accesses=Accesses(
            exposure.actor, exposure.subject, exposure.at_us, exposure.irregular, has_reasons=exposure.has_reasons
        ),
        population=_population(exposure, asked),
        sightings=asked,
        actors=Actors(len(exposure.actors), exposure.service, shared, label),
        exposure=exposure,
        complaints=plain,
        marks=_marks(marks, place, {name: index for index, name in enumerate(exposure.actors)}),
        labels=labels,
        duties=posed,
        told_duties=kept,
        unknown_duties=unknown,
    )


def _population(exposure: Exposure, asked: Sightings) -> Population:
    """Return who could have been contacted, with what decided who worked for them: kind of work, and route.

    Both come from work records and orders, never from who opened a record; and routes from what was said before anybody
    was contacted, for a complaint makes a ticket.
    """
    customer = exposure.entered_us != NEVER
    subject, kind = exposure.work_subject, None
    if exposure.work_kind.size:
        counts = exposure.work_in_context & customer[subject]
        kind = told_apart(exposure.work_kind, counts, subject)
        # of several items of one moment the last counts: the same one wherever the rows come from
        order = np.lexsort((exposure.work_kind, exposure.work_at_us))
    else:
        order = np.arange(subject.size)
    route = None
    if exposure.routes.order.size:
        route = exposure.routes.before(_first_contact(exposure, asked), exposure.entered_us)
    return Population(
        exposure.entered_us,
        subject[order],
        exposure.work_at_us[order],
        exposure.work_in_context[order],
        None if kind is None else kind[order],
        None if route is None else told_apart(route, customer, np.arange(customer.size)),
    )


def routed(question: Question) -> tuple[int, int]:
    """Return of how many customers a route counts, and how many there are."""
    exposure = question.exposure
    customer = exposure.entered_us != NEVER
    if not exposure.routes.order.size:
        return 0, int(customer.sum())
    route = exposure.routes.before(_first_contact(exposure, question.sightings), exposure.entered_us)
    return int((route[customer] >= 0).sum()), int(customer.sum())


def _first_contact(exposure: Exposure, asked: Sightings) -> int:
    """Return when the first complainer whom the question can speak about was contacted, at the earliest."""
    customers = np.append(exposure.entered_us != NEVER, False)[asked.subject]
    return int(asked.earliest_us[customers].min(initial=NEVER))


def _marks(marks: Sequence[Sighting], place: Mapping[str, int], actors: Mapping[str, int]) -> Marks:
    """Return the marks; one that an actor alone was shown says nothing of others who opened the record."""
    subject = [UNKNOWN if mark.actor else place.get(mark.subject, UNKNOWN) for mark in marks]
    return Marks(
        subject=np.array(subject, np.int64),
        seen_us=np.array([mark.contacted_us for mark in marks], np.int64),
        odds=np.array([MARK_ODDS[mark.channel or ""] for mark in marks], np.float64),
        actor=np.array([actors.get(mark.actor or "", UNKNOWN) for mark in marks], np.int64),
    )


def _accounts(exposure: Exposure, accounts: Mapping[str, Account]) -> tuple[Any, Any, tuple[str, ...]]:
    """Return flags of shared accounts, group per actor (None where nothing is known), and the words for the groups."""
    if not accounts:
        return None, None, ()
    known = [accounts.get(name, Account(shared=False, group="")) for name in exposure.actors]
    labels = tuple(sorted({account.group for account in known if account.group}))
    label = np.array([labels.index(account.group) if account.group else -1 for account in known], np.int64)
    return np.array([account.shared for account in known], np.bool_), label, labels
