"""Trace over a lake: complaints from a file against the accesses of a folder, answered in the logs' own references."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.app.calibration import Calibration, calibrate
from whosaw.app.foundbeside import beside_complaints
from whosaw.app.foundlist import Given, list_lacks, told_list, weigh_list, with_list
from whosaw.app.lacks import Lack, Sentence
from whosaw.app.nothingelse import measure_whole, nothing_else
from whosaw.app.posing import MARK_ODDS, UNKNOWN, Question, pose, routed
from whosaw.app.presence import add_persons
from whosaw.app.traceclasses import class_scopes
from whosaw.app.tracedetail import candidate_detail, detail, measured_rates, verdict_in_words
from whosaw.app.traceduties import explained_by, read_duties
from whosaw.app.tracefiles import read_accounts, read_classes, read_known, read_presence, read_routes
from whosaw.app.tracelake import exposure_from_index, has_index
from whosaw.app.traceplan import canary_plan
from whosaw.lake.errors import SightingsInvalid
from whosaw.lake.exposure import Exposure, load_exposure
from whosaw.lake.routes import routes_said
from whosaw.lake.sightings import Complaints, Sighting, beneficiaries, choose, read_sightings
from whosaw.terms import to_us
from whosaw.trace import (
    Attribution,
    Candidate,
    Index,
    Method,
    Scope,
    Settings,
    Verdict,
    build_index,
    evidence_over_time,
    rank,
)
from whosaw.trace.person import SKEW_S
from whosaw.trace.planting import ground_of

__all__ = ["MARK_ODDS", "UNKNOWN", "Beside", "Question", "pose", "report", "trace_each", "trace_lake"]


@dataclass(frozen=True, slots=True)
class Beside:
    """What an investigator adds to the lake and the sightings.

    Args:
        known: CSV of known outside sources, see `whosaw.app.tracefiles`.
        accounts: CSV of shared accounts and of sites or employers.
        calibrate: leaks to invent in the log, and as many lists without an insider; 0 for none.
        presence: CSV of shifts, badges, devices and other logins.
        skew_s: how far the clocks of those systems may disagree with the log's.
        classes: CSV of field and class; a field without one is a class of its own.
        doors: accounts that the doors log in with at the database: the audit log's word on what went around them.
        now: the time of asking; later contacts are refused. Absent, no contact is.
        index: read the lake's index where it has one, and not the lake itself.
        base_rate: probability, before any evidence, that such a leak came from inside.
        engine: what reads the openings: `duckdb`, or a Spark master; absent, the index or the lake itself is read.
        duties: CSV of account management and hand-overs, see `whosaw.app.traceduties`.
        found: a list that turned up, see `whosaw.app.foundlist`.
        routes: CSV of what decides who serves each customer, and when it was said; the lake's own are left aside then.
    """

    known: Path | None = None
    accounts: Path | None = None
    calibrate: int = 0
    presence: Path | None = None
    skew_s: float = SKEW_S
    classes: Path | None = None
    doors: tuple[str, ...] = ()
    now: datetime | None = None
    index: bool = True
    base_rate: float = 0.5
    engine: str | None = None
    duties: Path | None = None
    found: Given | None = None
    routes: Path | None = None


def trace_each(
    lake: Path, sightings_file: Path, whom: Sequence[str] = (), beside: Beside | None = None
) -> dict[str, Any]:
    """Answer the question of several beneficiaries; the stated rate holds for all of them together.

    Args:
        lake: folder of the lake.
        sightings_file: CSV, see `whosaw.lake.sightings`.
        whom: the beneficiaries; all that the sightings name where empty.
        beside: what the investigator adds to each.

    Returns:
        `alpha` for all together, `alpha_each`, `questions` (each as `trace_lake` returns it) and `in_several`: who is a
        candidate of more than one question with at least even odds.

    Raises:
        SightingsInvalid: no beneficiary is named, or as for `trace_lake`.
    """
    named = tuple(dict.fromkeys(whom)) or beneficiaries(read_sightings(sightings_file))
    if not named:
        raise SightingsInvalid(f"sightings `{sightings_file}` name no beneficiary")
    alpha = Settings().alpha
    questions = [trace_lake(lake, sightings_file, each, alpha=alpha / len(named), beside=beside) for each in named]
    likely = [
        actor for told in questions for c in told["candidates"] if c["probability"] >= 0.5 for actor in c["actors"]
    ]
    several = sorted({actor for actor in likely if likely.count(actor) > 1})
    return {"alpha": alpha, "alpha_each": alpha / len(named), "questions": questions, "in_several": several}


def trace_lake(
    lake: Path,
    sightings_file: Path,
    beneficiary: str | None = None,
    settings: Settings | None = None,
    beside: Beside | None = None,
    alpha: float | None = None,
) -> dict[str, Any]:
    """Answer *who could have leaked* for the complaints in a file.

    Args:
        lake: folder of the lake.
        sightings_file: CSV, see `whosaw.lake.sightings`.
        beneficiary: whom the question is about; the one the sightings name where absent.
        settings: the method's constants; where absent the measured ones, and the record counts as complete only where
            all of it is whosaw's own trail.
        beside: what the investigator adds.
        alpha: the stated rate, where several questions share one and no settings are given.

    Returns:
        What `whosaw trace --json` prints; every reference as the logs write it.

    Raises:
        SightingsInvalid, BeneficiaryUnclear, BeneficiaryUnknown: the question cannot be asked so.
        NotALake, LakeDamaged: the lake cannot be read.
        TraceFileInvalid: a file beside them cannot be read.
        IndexRefused: the lake's index is older than the lake.
        EngineMissing, EngineFailed: the engine is not there, or gave up.
    """
    beside = beside or Beside()
    known = read_known(beside.known) if beside.known else {}
    accounts = read_accounts(beside.accounts) if beside.accounts else {}
    presence = read_presence(beside.presence) if beside.presence else []
    classes = read_classes(beside.classes) if beside.classes else {}
    complaints = choose(read_sightings(sightings_file), beneficiary)
    exposure, from_index = _exposure(lake, complaints, beside)
    if beside.routes is not None:
        exposure = replace(exposure, routes=routes_said(read_routes(beside.routes), exposure.subjects))
    duties = read_duties(beside.duties) if beside.duties else []
    question = pose(exposure, complaints, known, accounts, duties)
    if beside.now is not None:
        _refuse_future(complaints.sightings, question.exposure, beside.now)
    own = Settings(complete=question.exposure.own_trail, outside_prior=1.0 - beside.base_rate)
    used = settings or (own if alpha is None else replace(own, alpha=alpha))
    index, listed = build_index(question.accesses, question.actors, question.population.entered_us.size), None
    if beside.found is not None:
        now_us = None if beside.now is None else to_us(beside.now)
        listed = weigh_list(beside.found, lake, question, known, now_us)
        if listed.holders:
            listed = beside_complaints(listed, _ranked(question, used, index), question.exposure.actors)
        question = replace(question, marks=with_list(question.marks, listed, question.exposure.actors))
    found, over_time = _answer(question, used, index)
    told = report(found, question) | over_time
    told["from_index"] = from_index
    told["canaries"] = canary_plan(found, question.exposure)
    told["found"] = None if listed is None else told_list(listed, presence, beside.skew_s)
    told["missing"] += [] if listed is None else list_lacks(listed)
    told["missing"] += [] if beside.routes is None else _few_routes(question)
    told["duties"] = explained_by(found, question.told_duties, question.exposure.actors)
    told["explained"] = {subject: [asdict(each) for each in sources] for subject, sources in known.items()}
    if beside.calibrate and found.candidates:
        ground = ground_of(question.accesses, question.population, question.sightings, question.actors)
        told["calibration"] = _calibrated(calibrate(ground, used, beside.calibrate), found)
    _add_scope(told, lake, question, found, (classes, beside.doors))
    if presence:
        add_persons(told, lake, presence, beside.skew_s)
    told["verdict_in_words"] = verdict_in_words(told)
    return told


def _exposure(lake: Path, complaints: Complaints, beside: Beside) -> tuple[Exposure, bool]:
    """Return what is asked about, from the lake's index where that can answer, and whether it could.

    Leaks that are invented in the log want the whole of it.
    """
    whom = {sighting.subject for sighting in complaints.sightings}
    if beside.engine is not None:
        from whosaw.app.traceover import exposure_over  # a query library that nothing else of a server needs

        found = exposure_over(lake, complaints.beneficiary, whom, beside.engine)
        return found or load_exposure(lake, complaints.beneficiary), False
    if beside.index and not beside.calibrate and has_index(lake):
        found = exposure_from_index(lake, complaints.beneficiary, whom)
        if found is not None:
            return found, True
    return load_exposure(lake, complaints.beneficiary), False


def _refuse_future(sightings: Sequence[Sighting], exposure: Exposure, now: datetime) -> None:
    """Refuse a contact that has not happened: later than now, and than the record."""
    latest = to_us(max(now, exposure.completeness.last or now))
    for sighting in sightings:
        if sighting.earliest_us > latest:
            raise SightingsInvalid(f"contacted_at in line {sighting.line} of the sightings lies in the future")


def _add_scope(
    told: dict[str, Any],
    lake: Path,
    question: Question,
    found: Attribution,
    given: tuple[dict[str, str], tuple[str, ...]],
) -> None:
    """Add the scope by class of fields, and the sentence about everything else."""
    classes, doors = given
    contacts = question.sightings.contacted_us
    told["scope"]["by_class"] = {}
    told["scope"]["confidence"] = 1.0 - found.method.settings.alpha if found.scope.bounded else None
    told["outside_excluded"] = found.outside_excluded
    if not contacts.size or not found.candidates:
        told["nothing_else"] = {
            "holds": False,
            "sentence": "Nothing can be said about what else leaked: nobody was ranked.",
            "because": list(told["missing"]),
        }
        return
    last_us = int(question.sightings.earliest_us.max())
    told["scope"]["by_class"], said = class_scopes(lake, question.exposure, found, last_us, classes)
    told["missing"] += [said] if said else []
    whole = measure_whole(lake, question.exposure, last_us, doors)
    told["nothing_else"] = nothing_else(told, whole, found.method.settings.alpha)


def _answer(question: Question, settings: Settings, index: Index) -> tuple[Attribution, dict[str, Any]]:
    """Return the answer, and what was said after each complaint as plain values."""
    if not question.exposure.actor.size:  # with nobody to rank there is nothing to compute, and `missing` says so
        method = Method(settings, complaints=len(question.complaints.sightings), matched=0)
        found = Attribution(Verdict.UNDECIDED, (), settings.outside_prior, Scope(), method)
        return found, detail(found, question.exposure, (), question.labels)
    found = _ranked(question, settings, index)
    if not found.candidates:
        return found, detail(found, question.exposure, (), question.labels)
    steps = evidence_over_time(index, question.population, question.sightings, settings, duties=question.duties)
    return found, detail(found, question.exposure, steps, question.labels)


def _ranked(question: Question, settings: Settings, index: Index) -> Attribution:
    return rank(index, question.population, question.sightings, settings, marks=question.marks, duties=question.duties)


def _calibrated(made: Calibration, found: Attribution) -> dict[str, Any]:
    best = np.array([found.candidates[0].probability])
    return made.told() | {"probability": float(made.scale.apply(best)[0]) if made.scale else None}


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
        "method": _method(found, question),
        "completeness": _completeness(exposure),
        "measured": measured_rates(),
        "missing": [*found.missing, *_missing(question)],
    }


def _method(found: Attribution, question: Question) -> dict[str, Any]:
    """Return how the answer was made: every constant, and what else complainers were matched by."""
    exposure, population = question.exposure, question.population
    also = {"kind of work": population.work_kind, "route": population.stratum}
    return asdict(found.method) | {
        "entered_by": exposure.entered_by,
        "has_reasons": exposure.has_reasons,
        "matched_by": [name for name, column in also.items() if column is not None],
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


def _few_routes(question: Question) -> list[Sentence]:
    """Return a sentence where a route counts for fewer than half of the customers."""
    known, customers = routed(question)
    return [Sentence.of(Lack.ROUTES_LATE, known=known, count=customers)] if 2 * known < customers else []


def _completeness(exposure: Exposure) -> dict[str, Any]:
    measured = exposure.completeness
    values = asdict(measured) | {
        "first": measured.first.isoformat() if measured.first is not None else None,
        "last": measured.last.isoformat() if measured.last is not None else None,
    }
    return {"line": measured.line, **values}


def _missing(question: Question) -> list[str]:
    counts = _complaints(question)
    lacking: list[str] = []
    if not question.exposure.actor.size:
        lacking.append("the lake holds no accesses")
    if question.unknown_duties:
        lacking.append(Sentence.of(Lack.DUTIES_UNKNOWN, count=question.unknown_duties))
    if counts["unknown_subject"]:
        lacking.append(f"the record does not know {counts['unknown_subject']} of {counts['used']} complainers")
    if counts["before_record"]:
        lacking.append(f"{counts['before_record']} contacts lie before the record begins")
    if counts["after_record"]:
        lacking.append(
            f"{counts['after_record']} contacts lie after the record ends: what was opened in between is unknown"
        )
    return lacking
