"""Trace over a lake: complaints from a file against the accesses of a folder, answered in the logs' own references."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.app.calibration import Calibration, calibrate
from whosaw.app.tracedetail import candidate_detail, detail, measured_rates, verdict_in_words
from whosaw.app.tracefiles import Account, Known, read_accounts, read_known
from whosaw.lake.exposure import Exposure, load_exposure
from whosaw.lake.sightings import Complaints, Sighting, choose, read_sightings
from whosaw.terms import to_us
from whosaw.trace import (
    GUESSABLE_ODDS,
    UNIQUE_ODDS,
    Accesses,
    Actors,
    Attribution,
    Candidate,
    Marks,
    Method,
    Population,
    Scope,
    Settings,
    Sightings,
    Verdict,
    build_index,
    evidence_over_time,
    rank,
)
from whosaw.trace.planting import ground_of

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
    """

    accesses: Accesses
    population: Population
    sightings: Sightings
    actors: Actors
    exposure: Exposure
    complaints: Complaints
    marks: Marks = field(default_factory=Marks)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beside:
    """What an investigator adds to the lake and the sightings.

    Args:
        known: CSV of known outside sources, see `whosaw.app.tracefiles`.
        accounts: CSV of shared accounts and of sites or employers.
        calibrate: leaks to invent in the log, and as many lists without an insider; 0 for none.
    """

    known: Path | None = None
    accounts: Path | None = None
    calibrate: int = 0


def trace_lake(
    lake: Path,
    sightings_file: Path,
    beneficiary: str | None = None,
    settings: Settings | None = None,
    beside: Beside | None = None,
) -> dict[str, Any]:
    """Answer *who could have leaked* for the complaints in a file.

    Args:
        lake: folder of the lake.
        sightings_file: CSV, see `whosaw.lake.sightings`.
        beneficiary: whom the question is about; the one the sightings name where absent.
        settings: the method's constants; where absent the measured ones, and the record counts as complete only where
            all of it is whosaw's own trail.
        beside: what the investigator adds.

    Returns:
        What `whosaw trace --json` prints; every reference as the logs write it.

    Raises:
        SightingsInvalid, BeneficiaryUnclear, BeneficiaryUnknown: the question cannot be asked so.
        NotALake, LakeDamaged: the lake cannot be read.
        TraceFileInvalid: a file beside them cannot be read.
    """
    beside = beside or Beside()
    known = read_known(beside.known) if beside.known else {}
    accounts = read_accounts(beside.accounts) if beside.accounts else {}
    complaints = choose(read_sightings(sightings_file), beneficiary)
    question = pose(load_exposure(lake, complaints.beneficiary), complaints, known, accounts)
    used = settings or Settings(complete=question.exposure.own_trail)
    found, over_time = _answer(question, used)
    told = report(found, question) | over_time
    told["explained"] = {subject: [asdict(each) for each in sources] for subject, sources in known.items()}
    if beside.calibrate and found.candidates:
        ground = ground_of(question.accesses, question.population, question.sightings, question.actors)
        told["calibration"] = _calibrated(calibrate(ground, used, beside.calibrate), found)
    told["verdict_in_words"] = verdict_in_words(told)
    return told


def _answer(question: Question, settings: Settings) -> tuple[Attribution, dict[str, Any]]:
    """Return the answer, and what was said after each complaint as plain values."""
    if not question.exposure.actor.size:  # with nobody to rank there is nothing to compute, and `missing` says so
        method = Method(settings, complaints=len(question.complaints.sightings), matched=0)
        return Attribution(Verdict.UNDECIDED, (), settings.outside_prior, Scope(), method), {}
    index = build_index(question.accesses, question.actors, question.population.entered_us.size)
    found = rank(index, question.population, question.sightings, settings, marks=question.marks)
    steps = evidence_over_time(index, question.population, question.sightings, settings) if found.candidates else ()
    return found, detail(found, question.exposure, steps, question.labels)


def _calibrated(made: Calibration, found: Attribution) -> dict[str, Any]:
    best = np.array([found.candidates[0].probability])
    return made.told() | {"probability": float(made.scale.apply(best)[0]) if made.scale else None}


def pose(
    exposure: Exposure,
    complaints: Complaints,
    known: Mapping[str, Sequence[Known]] | None = None,
    accounts: Mapping[str, Account] | None = None,
) -> Question:
    """Return the arrays of one question; complainers whom the record does not know get the index `UNKNOWN`.

    Args:
        exposure: the lake's arrays.
        complaints: the sightings; those whose channel is one of `MARK_ODDS` become marks.
        known: subject → outside sources that may explain the complaint.
        accounts: account → whether it is shared, and where it belongs.
    """
    place = exposure.subject_indices()
    marks = [sighting for sighting in complaints.sightings if sighting.channel in MARK_ODDS]
    plain = replace(complaints, sightings=tuple(s for s in complaints.sightings if s.channel not in MARK_ODDS))
    subject = np.array([place.get(sighting.subject, UNKNOWN) for sighting in plain.sightings], np.int64)
    contacted_us = np.array([sighting.contacted_us for sighting in plain.sightings], np.int64)
    trust = [math.prod(1.0 - k.probability for k in (known or {}).get(s.subject, ())) for s in plain.sightings]
    shared, label, labels = _accounts(exposure, accounts or {})
    return Question(
        accesses=Accesses(
            exposure.actor, exposure.subject, exposure.at_us, exposure.irregular, has_reasons=exposure.has_reasons
        ),
        population=Population(
            exposure.entered_us, exposure.work_subject, exposure.work_at_us, exposure.work_in_context
        ),
        sightings=Sightings(subject, contacted_us, np.array(trust, np.float64)),
        actors=Actors(len(exposure.actors), exposure.service, shared, label),
        exposure=exposure,
        complaints=plain,
        marks=_marks(marks, place),
        labels=labels,
    )


def _marks(marks: Sequence[Sighting], place: Mapping[str, int]) -> Marks:
    return Marks(
        subject=np.array([place.get(mark.subject, UNKNOWN) for mark in marks], np.int64),
        seen_us=np.array([mark.contacted_us for mark in marks], np.int64),
        odds=np.array([MARK_ODDS[mark.channel or ""] for mark in marks], np.float64),
        actor=np.full(len(marks), -1),
    )


def _accounts(exposure: Exposure, accounts: Mapping[str, Account]) -> tuple[Any, Any, tuple[str, ...]]:
    """Return flags of shared accounts, group per actor (None where nothing is known), and the words for the groups."""
    if not accounts:
        return None, None, ()
    known = [accounts.get(name, Account(shared=False, group="")) for name in exposure.actors]
    labels = tuple(sorted({account.group for account in known if account.group}))
    label = np.array([labels.index(account.group) if account.group else -1 for account in known], np.int64)
    return np.array([account.shared for account in known], np.bool_), label, labels


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
        "candidates": [
            _candidate(candidate, exposure) | candidate_detail(candidate, found, exposure, at)
            for at, candidate in enumerate(found.candidates)
        ],
        "outside_probability": found.outside_probability,
        "scope": {
            "certain": _names(found.scope.certain, exposure.subjects),
            "probable": _names(found.scope.probable, exposure.subjects),
            "possible": _names(found.scope.possible, exposure.subjects),
            "bound": found.scope.bound,
            "bounded": found.scope.bounded,
            "most": found.scope.most,
            "alone": found.scope.alone,
            "chance": [round(chance, 4) for chance in found.scope.chance],
        },
        "complaints": _complaints(question),
        "method": asdict(found.method) | {"entered_by": exposure.entered_by, "has_reasons": exposure.has_reasons},
        "completeness": _completeness(exposure),
        "measured": measured_rates(),
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
