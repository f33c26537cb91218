"""What somebody asked for in one go: one decision, and so one coincidence, however many complainers it showed.

Bets take complainers for independent of one another. They are not where a source outside holds a slice of the
customers, the orders of a week or a region, and a colleague had asked for that very slice for his work: one question
fits, and every complainer bears it out once more. So each question in one go is a hypothesis beside its asker: *a
source outside holds what he asked for*. It is weighed as a duty is (`whosaw.trace.duties`), but for canaries and the
like: no source outside the house holds those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Evidence
from whosaw.trace.index import Index, spans
from whosaw.trace.inputs import Duties, Int64

FEWEST = 4
"""So many different records, each within `PAUSE_US` of the one before, nobody opens one after the other by hand.

Few, because only those subjects are looked at that are matched with a complainer: of a question, often a small part.
"""
PAUSE_US = 3_000_000
PAGE_US = 300_000_000
"""What was read within so long after one another is pages of one question."""
_GRAINS_US = (86_400_000_000, 3_600_000_000, 60_000_000)
_GRAINED = 0.95
"""A log that writes days, hours or minutes alone has so large a part of its times there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one go.

    Args:
        actor: who asked.
        at_us: when it began.
        subject: n subjects of those who could have been contacted that it showed, rising.
        since_us: n times at which it first showed them.
    """

    actor: int
    at_us: int
    subject: Int64
    since_us: Int64


def asked_in_one_go(index: Index, evidence: Evidence) -> tuple[Asked, ...]:
    """Return the questions that showed two complainers or more before their contact, by actor and time.

    Args:
        index: the log.
        evidence: of the matched complaints. Of what was asked for only its subjects and their matches are looked at.
    """
    several = evidence.actor[evidence.opened[0].sum(axis=0) >= 2]
    complainers = np.unique(np.array([risk.subject for risk in evidence.sets], np.int64))
    hasty = _hasty(index, complainers, several)
    if not hasty.size:
        return ()
    fewest = max(FEWEST, _grain_us(index, complainers) // PAUSE_US)
    members = np.unique(np.concatenate([risk.members for risk in evidence.sets]))
    actor, subject, at_us = _openings(index, members, hasty)
    contacted_us = {risk.subject: risk.contacted_us for risk in evidence.sets}
    found = []
    for who in hasty.tolist():
        mine = np.flatnonzero(actor == who)
        for rows in _questions(subject[mine], at_us[mine], fewest):
            first, since_us = _earliest(subject[mine][rows], at_us[mine][rows])
            shown = zip(first.tolist(), since_us.tolist(), strict=True)
            if sum(since < contacted_us.get(each, since) for each, since in shown) >= 2:
                found.append(Asked(who, int(since_us.min()), first, since_us))
    return tuple(found)


def beside_duties(duties: Duties, asked: tuple[Asked, ...]) -> Duties:
    """Return duties and, behind them, one for each question."""
    if not asked:
        return duties
    sizes = np.array([each.subject.size for each in asked])
    return Duties(
        np.concatenate([duties.actor, np.array([each.actor for each in asked], np.int64)]),
        np.concatenate([duties.duty, duties.actor.size + np.repeat(np.arange(len(asked)), sizes)]),
        np.concatenate([duties.subject, *(each.subject for each in asked)]),
        np.concatenate([duties.since_us, *(each.since_us for each in asked)]),
    )


def _hasty(index: Index, complainers: Int64, actors: Int64) -> Int64:
    """Return those of the actors who opened two of the complainers within what pages of one question may take."""
    actor, subject, at_us = _openings(index, complainers, actors)
    near = (actor[1:] == actor[:-1]) & (subject[1:] != subject[:-1]) & (at_us[1:] - at_us[:-1] <= PAGE_US)
    return np.unique(actor[1:][near])


def _openings(index: Index, subjects: Int64, actors: Int64) -> tuple[Int64, Int64, Int64]:
    """Return actor, subject and time of all openings of some subjects by some actors, by actor and time."""
    owner, row = spans(index.subject_row, subjects)
    wanted = np.zeros(index.actors.count, np.bool_)
    wanted[actors] = True
    his = wanted[index.row_actor[row]]
    owner, row = owner[his], row[his]
    actor, at_us = index.row_actor[row], index.row_at_us[row]
    order = np.lexsort((owner, at_us, actor))
    return actor[order].astype(np.int64), subjects[owner[order]], at_us[order].astype(np.int64)


def _grain_us(index: Index, subjects: Int64) -> int:
    """Return how finely the log tells time: of a log of days, records of one time were opened within a day."""
    times = np.unique(index.row_at_us[spans(index.subject_row, subjects)[1]])
    return next((grain for grain in _GRAINS_US if (times % grain == 0).mean() >= _GRAINED), 0)


def _questions(subject: Int64, at_us: Int64, fewest: int) -> Iterator[Int64]:
    """Yield the positions that belong to one question, given one actor's openings in order of time.

    Args:
        subject: n subjects.
        at_us: when they were opened.
        fewest: so many, without a longer pause, are none of somebody's who opens one after the other.
    """
    runs = np.split(np.arange(at_us.size), np.flatnonzero(np.diff(at_us) > PAUSE_US) + 1)
    pages: list[Int64] = []
    for run in runs:
        if np.unique(subject[run]).size < fewest:
            continue
        if pages and at_us[run[0]] - at_us[pages[-1][-1]] > PAGE_US:
            yield np.concatenate(pages)
            pages = []
        pages.append(run)
    if pages:
        yield np.concatenate(pages)


def _earliest(subject: Int64, at_us: Int64) -> tuple[Int64, Int64]:
    """Return every subject once, and when it was first shown; the rows lie in order of time."""
    found, first = np.unique(subject, return_index=True)
    return found, at_us[first]
