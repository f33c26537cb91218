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
    most, alone = _numbers(question, evidence, suspects) if bounded and suspects else (None, None)
    listed = _list(probable)
    return Scope(
        certain=_list(certain),
        probable=listed,
        possible=_list(possible),
        bound=size if bounded else None,
        bounded=bounded,
        most=most,
        alone=alone,
        chance=_chances(question, named, listed),
        named=named,
        held=_list(held),
    )


def _numbers(question: Question, evidence: Evidence, suspects: Suspects) -> tuple[int, int | None]:
    """Return how many subjects at most got out if at most two leaked, and if one did.

    The true set of leakers is among those not excluded with the stated confidence, and passed on no more than it
    opened: so the largest such number bounds the number, whoever it was.
    """
    if suspects.everybody:
        everything = _opened(question, _actors(question, evidence, suspects)).size
        return everything, everything
    index, held = question.index, np.union1d(suspects.alone, suspects.paired)
    column = np.full(index.actors.count, -1)
    column[evidence.actor[held]] = np.arange(held.size)
    owner, pair = index.pairs_of(question.context.subject)
    kept = (column[index.pair_actor[pair]] >= 0) & (index.pair_first_us[pair] < question.sightings.contacted_us[-1])
    opened = np.zeros((question.context.subject.size, held.size), np.float32)
    opened[owner[kept], column[index.pair_actor[pair[kept]]]] = 1.0
    count, both = opened.sum(axis=0), opened.T @ opened
    one, two = (np.searchsorted(held, suspects.pairs[:, side]) for side in (0, 1))
    union = count[one] + count[two] - both[one, two]
    alone = count[np.searchsorted(held, suspects.alone)]
    most = max(int(union.max(initial=0)), int(alone.max(initial=0)))
    return most, int(alone.max()) if alone.size else None


def _chances(question: Question, named: tuple[int, ...], listed: tuple[int, ...]) -> tuple[float, ...]:
    """Return per listed subject the probability that it got out, given that the named actors leaked.

    Among the complainers whom an actor had opened, the part that he had opened irregularly tells how large a part of
    what he passed on was irregular; irregular openings around the hits are taken as passed on, and the others share
    what that part leaves (with half a complainer added either way).
    """
    chance = dict.fromkeys(listed, 0.0)
    for actor in named:
        hits = _hits(question, actor)
        irregular_hits = int(_irregular(question, actor, hits[:, 0]).sum())
        mine = np.flatnonzero(_around(question, actor, hits[:, 1]))
        irregular = _irregular(question, actor, mine)
        part = (irregular_hits + 0.5) / (len(hits) + 1.0)
        others = int(irregular.size - irregular.sum())
        passed_on = irregular.sum() * (1.0 - part) / part
        regular = min(1.0, passed_on / others) if irregular.any() and others else 1.0
        for subject, odd in zip(mine.tolist(), irregular.tolist(), strict=True):
            if subject in chance:
                own = 1.0 if odd or not irregular.any() else regular
                chance[subject] = 1.0 - (1.0 - chance[subject]) * (1.0 - 0.98 * own)
    return tuple(chance[subject] for subject in listed)


def _irregular(question: Question, actor: int, subjects: Int64) -> Bool:
    """Return which of the subjects the actor opened irregularly."""
    index = question.index
    owner, pair = index.pairs_of(subjects)
    flags = np.zeros(subjects.size, np.bool_)
    mine = (index.pair_actor[pair] == actor) & (index.pair_irregular_us[pair] < question.sightings.contacted_us[-1])
    flags[owner[mine]] = True
    return flags


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
    rows = _rows_of(question, actor)
    at_us = index.row_at_us[rows]
    end = min(last + gap, int(question.sightings.contacted_us[-1]) - 1)
    flags[index.subjects_of(rows[(at_us >= first - gap) & (at_us <= end)])] = True
    return np.asarray(flags & (question.context.place >= 0))


def _rows_of(question: Question, actor: int) -> Int64:
    """Return the rows of one actor on the subjects of the question; only their spans of the log are read."""
    index, subject = question.index, question.context.subject
    if subject.size == index.subject_count:
        return np.flatnonzero(index.row_actor == actor)
    start = index.subject_row[subject]
    length = index.subject_row[subject + 1] - start
    rows = np.arange(int(length.sum())) + np.repeat(start - (np.cumsum(length) - length), length)
    return np.asarray(rows[index.row_actor[rows] == actor])


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
    index = question.index
    his = np.flatnonzero(held[index.pair_actor] & (index.pair_first_us < question.sightings.contacted_us[-1]))
    opened = np.searchsorted(index.subject_pair, his, "right") - 1
    return opened[question.context.place[opened] >= 0]


def _list(flags: Bool) -> tuple[int, ...]:
    return tuple(np.flatnonzero(flags).tolist())
