"""Scope: what else got out, in tiers, restricted to openings before the last contact (later leaks are unbounded).

- certain (T0 and known): complainers whose record a named actor opened before the contact;
- probable (T1): everything of the question that a named actor opened from g before the first hit to g after the last
  one, g being twice the mean gap between hits. All openings count, not only the irregular ones: whoever sells records
  may well cite a genuine work item for some, and leaving those out loses subjects who should be told;
- possible (T2 ∪ T3): all openings of everybody who is not excluded as the only leaker, or as one of two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.confidence import Suspects
from whosaw.trace.evidence import Evidence
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool, Int64, Sightings
from whosaw.trace.result import Scope
from whosaw.trace.risk import Context


@dataclass(frozen=True, slots=True)
class Question:
    """The log, the subjects it is asked about, and the complaints, ordered by contact."""

    index: Index
    context: Context
    sightings: Sightings


def find_scope(
    question: Question, evidence: Evidence, named: tuple[int, ...], suspects: Suspects | None, complete: bool
) -> Scope:
    """Return the tiers.

    Args:
        question: the log, the subjects, the complaints.
        evidence: for what the suspects' positions mean.
        named: actors of the candidates on a rung.
        suspects: who is not excluded; `None` where nobody-inside is not excluded.
        complete: the log misses no access.
    """
    if not named and suspects is None:
        return Scope()
    index = question.index
    certain = np.zeros(index.subject_count, np.bool_)
    probable = np.zeros(index.subject_count, np.bool_)
    for actor in named:
        hits = _hits(question, actor)
        certain[hits[:, 0]] = True
        probable |= _around(question, actor, hits[:, 1])
    possible = np.zeros(index.subject_count, np.bool_)
    held = _actors(question, evidence, suspects)
    possible[_opened(question, held)] = True
    probable &= ~certain
    possible &= ~(certain | probable)
    bounded = suspects is not None and bool(held.any()) and complete
    size = int(certain.sum() + probable.sum() + possible.sum())
    return Scope(_list(certain), _list(probable), _list(possible), size if bounded else None, bounded)


def openings(index: Index, subject: int, before_us: int) -> dict[int, tuple[int, bool]]:
    """Return per actor when it last opened a subject before a time, and whether any of that was irregular."""
    rows = index.rows_of(subject)
    found: dict[int, tuple[int, bool]] = {}
    columns = (index.row_actor[rows], index.row_at_us[rows], index.row_irregular[rows])
    for actor, at_us, irregular in zip(*(column.tolist() for column in columns), strict=True):
        if at_us < before_us:  # rows of one actor come in order of time
            found[actor] = (at_us, irregular or (actor in found and found[actor][1]))
    return found


def _hits(question: Question, actor: int) -> Int64:
    """Return n × 2: each complainer the actor opened before the contact, and the opening that most likely leaked it."""
    index, found = question.index, []
    pairs = zip(question.sightings.subject, question.sightings.contacted_us, strict=True)
    for subject, contacted_us in ((int(s), int(t)) for s, t in pairs if s >= 0):
        rows = index.rows_of(subject)
        mine = (index.row_actor[rows] == actor) & (index.row_at_us[rows] < contacted_us)
        irregular = mine & index.row_irregular[rows]
        chosen = irregular if irregular.any() else mine
        if chosen.any():
            found.append((subject, int(index.row_at_us[rows][chosen].max())))
    return np.array(found, np.int64).reshape(-1, 2)


def _around(question: Question, actor: int, hit_us: Int64) -> Bool:
    """Return which subjects of the question the actor opened around the hits and before the last contact."""
    index = question.index
    flags = np.zeros(index.subject_count, np.bool_)
    if hit_us.size == 0:
        return flags
    first, last = int(hit_us.min()), int(hit_us.max())
    gap = 2 * (last - first) // max(1, hit_us.size - 1)
    rows = np.flatnonzero(index.row_actor == actor)
    at_us = index.row_at_us[rows]
    end = min(last + gap, int(question.sightings.contacted_us[-1]) - 1)
    flags[index.row_subject[rows[(at_us >= first - gap) & (at_us <= end)]]] = True
    return np.asarray(flags & (question.context.place >= 0))


def _actors(question: Question, evidence: Evidence, suspects: Suspects | None) -> Bool:
    """Return a flag per actor: not excluded. Services are never suspects."""
    service = question.index.actors.service
    if suspects is None or suspects.everybody:
        return ~service
    held = np.zeros(service.size, np.bool_)
    held[evidence.actor[suspects.alone]] = True
    held[evidence.actor[suspects.paired]] = True
    return held


def _opened(question: Question, held: Bool) -> Int64:
    """Return the subjects of the question that one of the actors opened before the last contact."""
    index, subject = question.index, question.context.subject
    owner, pair = index.pairs_of(subject)
    early = index.pair_first_us[pair] < question.sightings.contacted_us[-1]
    return np.asarray(subject[owner[early & held[index.pair_actor[pair]]]])


def _list(flags: Bool) -> tuple[int, ...]:
    return tuple(int(subject) for subject in np.flatnonzero(flags))
