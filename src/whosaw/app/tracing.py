"""Trace over a lake: complaints from a file against the accesses of a folder, answered in the logs' own references."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.lake.exposure import Exposure, load_exposure
from whosaw.lake.sightings import Complaints, choose, read_sightings
from whosaw.terms import to_us
from whosaw.trace import (
    Accesses,
    Actors,
    Attribution,
    Candidate,
    Method,
    Population,
    Scope,
    Settings,
    Sightings,
    Verdict,
    attribute,
)

UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Question:
    """Everything one attribution reads, and what its indices stand for.

    Args:
        exposure: what the arrays were made from, with the references of the indices.
        complaints: the sightings the question is about.
    """

    accesses: Accesses
    population: Population
    sightings: Sightings
    actors: Actors
    exposure: Exposure
    complaints: Complaints


def trace_lake(
    lake: Path, sightings_file: Path, beneficiary: str | None = None, settings: Settings | None = None
) -> dict[str, Any]:
    """Answer *who could have leaked* for the complaints in a file.

    Args:
        lake: folder of the lake.
        sightings_file: CSV, see `whosaw.lake.sightings`.
        beneficiary: whom the question is about; the one the sightings name where absent.
        settings: the method's constants; where absent the measured ones, and the record counts as complete only where
            all of it is whosaw's own trail.

    Returns:
        What `whosaw trace --json` prints; every reference as the logs write it.

    Raises:
        SightingsInvalid, BeneficiaryUnclear, BeneficiaryUnknown: the question cannot be asked so.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    complaints = choose(read_sightings(sightings_file), beneficiary)
    question = pose(load_exposure(lake, complaints.beneficiary), complaints)
    used = settings or Settings(complete=question.exposure.own_trail)
    return report(_answer(question, used), question)


def _answer(question: Question, settings: Settings) -> Attribution:
    if not question.exposure.actor.size:  # with nobody to rank there is nothing to compute, and `missing` says so
        method = Method(settings, complaints=len(question.complaints.sightings), matched=0)
        return Attribution(Verdict.UNDECIDED, (), settings.outside_prior, Scope(), method)
    return attribute(question.accesses, question.population, question.sightings, question.actors, settings)


def pose(exposure: Exposure, complaints: Complaints) -> Question:
    """Return the arrays of one question; complainers whom the record does not know get the index `UNKNOWN`."""
    place = exposure.subject_indices()
    subject = np.array([place.get(sighting.subject, UNKNOWN) for sighting in complaints.sightings], np.int64)
    contacted_us = np.array([sighting.contacted_us for sighting in complaints.sightings], np.int64)
    return Question(
        accesses=Accesses(
            exposure.actor, exposure.subject, exposure.at_us, exposure.irregular, has_reasons=exposure.has_reasons
        ),
        population=Population(
            exposure.entered_us, exposure.work_subject, exposure.work_at_us, exposure.work_in_context
        ),
        sightings=Sightings(subject, contacted_us),
        actors=Actors(len(exposure.actors), exposure.service),
        exposure=exposure,
        complaints=complaints,
    )


def report(found: Attribution, question: Question) -> dict[str, Any]:
    """Return an answer as plain values with the logs' own references, ready for JSON.

    Args:
        found: the answer.
        question: what was asked, as made by `pose`.
    """
    exposure = question.exposure
    return {
        "verdict": str(found.verdict),
        "beneficiary": question.complaints.beneficiary,
        "candidates": [_candidate(candidate, exposure) for candidate in found.candidates],
        "outside_probability": found.outside_probability,
        "scope": {
            "certain": _names(found.scope.certain, exposure.subjects),
            "probable": _names(found.scope.probable, exposure.subjects),
            "possible": _names(found.scope.possible, exposure.subjects),
            "bound": found.scope.bound,
            "bounded": found.scope.bounded,
        },
        "complaints": _complaints(question),
        "method": asdict(found.method) | {"entered_by": exposure.entered_by, "has_reasons": exposure.has_reasons},
        "completeness": _completeness(exposure),
        "missing": [*found.missing, *_missing(question)],
    }


def _candidate(candidate: Candidate, exposure: Exposure) -> dict[str, Any]:
    return {
        "actors": _names(candidate.actors, exposure.actors),
        "probability": candidate.probability,
        "rung": str(candidate.rung),
        "e_value": candidate.e_value,
        "seen": candidate.seen,
        "of": candidate.of,
        "expected": candidate.expected,
        "robust": candidate.robust,
    }


def _names(indices: Iterable[int], names: tuple[str, ...]) -> list[str]:
    return [names[index] for index in indices]


def _complaints(question: Question) -> dict[str, int]:
    """Count what became of the sightings: used, set aside, and those that the record cannot speak about."""
    completeness, contacted_us = question.exposure.completeness, question.sightings.contacted_us
    first = to_us(completeness.first) if completeness.first is not None else 0
    last = to_us(completeness.last) if completeness.last is not None else 0
    return {
        "used": int(contacted_us.size),
        "repeated": question.complaints.repeated,
        "other_beneficiary": question.complaints.others,
        "unknown_subject": int((question.sightings.subject == UNKNOWN).sum()),
        "before_record": int((contacted_us <= first).sum()),
        "after_record": int((contacted_us > last).sum()),
    }


def _completeness(exposure: Exposure) -> dict[str, Any]:
    measured = exposure.completeness
    values = asdict(measured) | {
        "first": measured.first.isoformat() if measured.first is not None else None,
        "last": measured.last.isoformat() if measured.last is not None else None,
    }
    return {"line": measured.line, **values}


def _missing(question: Question) -> list[str]:
    counts = _complaints(question)
    lacking = []
    if not question.exposure.actor.size:
        lacking.append("the lake holds no accesses")
    if counts["unknown_subject"]:
        lacking.append(f"the record does not know {counts['unknown_subject']} of {counts['used']} complainers")
    if counts["before_record"]:
        lacking.append(f"{counts['before_record']} contacts lie before the record begins")
    if counts["after_record"]:
        lacking.append(
            f"{counts['after_record']} contacts lie after the record ends: what was opened in between is unknown"
        )
    return lacking
