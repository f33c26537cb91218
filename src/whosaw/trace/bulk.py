"""What somebody asked for in one go: one decision, and so one coincidence, however many complainers it showed.

Bets take complainers for independent of one another. They are not where a source outside holds a slice of the
customers, the orders of a week or a region, and a colleague had asked for that very slice for his work: one question
fits, and every complainer bears it out once more. So each question in one go, and all questions of one asker together
(a list that he gets each night), is a hypothesis beside him: *a source outside holds what he asked for*. It is weighed
as a duty is (`whosaw.trace.duties`), but for canaries that nobody can guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Evidence
from whosaw.trace.index import Index
from whosaw.trace.inputs import Duties, Int64
from whosaw.trace.risk import Context

PAUSE_US = 3_000_000
PAGE = 3
"""So many different records, each within `PAUSE_US` of the one before: a page."""
PAGE_US = 300_000_000
"""Pages that follow one another within so long are of one question."""
FEWEST = 5
"""A question shows so many customers at least."""
OWN = 0.8
"""Who had opened so large a part of the complainers one by one as well (three at least) did his work from lists, which
together are no more than that work."""
_GRAINS_US = (86_400_000_000, 3_600_000_000, 60_000_000)
_GRAINED, _ROWS = 0.95, 20_000
"""A log that writes days, hours or minutes alone has so large a part of its times there, among so many of its rows,
whoever wrote them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in one go, or all that one account asked.

    Args:
        actor: who asked.
        at_us: when it began; of several questions, the first.
        subject: n subjects of the question at hand that it showed, rising.
        since_us: n times at which it first showed them.
    """

    actor: int
    at_us: int
    subject: Int64
    since_us: Int64


@dataclass(frozen=True, slots=True)
class _Openings:
    """One actor's openings in order of time."""

    subject: Int64
    at_us: Int64


def asked_in_one_go(index: Index, context: Context, evidence: Evidence) -> tuple[Asked, ...]:
    """Return what showed two complainers or more before their contact, by actor and time.

    Args:
        index: the log.
        context: the subjects who could have been contacted; no others are looked at.
        evidence: of the matched complaints.
    """
    several = evidence.actor[evidence.opened[0].sum(axis=0) >= 2]
    if not several.size:
        return ()
    actor, subject, at_us = _openings(index, context.subject, several)
    page = max(PAGE, _grain_us(index) // PAUSE_US)
    contacted_us = {risk.subject: risk.contacted_us for risk in evidence.sets}
    ends = np.flatnonzero(np.append(actor[1:] != actor[:-1], np.True_)) + 1 if actor.size else np.empty(0, np.int64)
    found: list[Asked] = []
    for low, high in zip(np.append(0, ends[:-1]).tolist(), ends.tolist(), strict=True):
        found += _asked(int(actor[low]), _Openings(subject[low:high], at_us[low:high]), page, contacted_us)
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


def _openings(index: Index, subjects: Int64, actors: Int64) -> tuple[Int64, Int64, Int64]:
    """Return actor, subject and time of all openings of some subjects by some actors, by actor and time."""
    wanted = np.zeros(index.actors.count, np.bool_)
    wanted[actors] = True
    rows = np.flatnonzero(wanted[index.row_actor])
    asked_about = np.zeros(index.subject_count, np.bool_)
    asked_about[subjects] = True
    subject = index.subjects_of(rows)
    kept = asked_about[subject]
    rows, subject = rows[kept], subject[kept]
    actor, at_us = index.row_actor[rows].astype(np.int64), index.row_at_us[rows].astype(np.int64)
    order = np.lexsort((subject, at_us, actor))
    return actor[order], subject[order], at_us[order]


def _grain_us(index: Index) -> int:
    """Return how finely the log tells time: of a log of days, records of one time were opened within a day."""
    times = np.unique(index.row_at_us[:: index.row_at_us.size // _ROWS + 1])
    return next((grain for grain in _GRAINS_US if times.size and (times % grain == 0).mean() >= _GRAINED), 0)


def _asked(actor: int, his: _Openings, page: int, contacted_us: Mapping[int, int]) -> Iterator[Asked]:
    """Yield the questions of one actor that showed several complainers, and where he asked several, all of them."""
    questions = list(_questions(his, page))
    for rows in questions:
        if len(_shown(his, rows, contacted_us)) >= 2:
            yield _one(actor, his, rows)
    if len(questions) > 1:
        together = np.concatenate(questions)
        shown = _shown(his, together, contacted_us)
        both = len(shown & _shown(his, np.setdiff1d(np.arange(his.subject.size), together), contacted_us))
        if len(shown) >= 2 and not (both >= 3 and both >= OWN * len(shown)):
            yield _one(actor, his, together)


def _shown(his: _Openings, rows: Int64, contacted_us: Mapping[int, int]) -> set[int]:
    """Return the complainers whom some of his openings showed before their contact."""
    opened = zip(his.subject[rows].tolist(), his.at_us[rows].tolist(), strict=True)
    return {whom for whom, at_us in opened if at_us < contacted_us.get(whom, at_us)}


def _questions(his: _Openings, page: int) -> Iterator[Int64]:
    """Yield the positions that belong to one question."""
    starts = np.append(0, np.flatnonzero(np.diff(his.at_us) > PAUSE_US) + 1)
    sizes = np.diff(np.append(starts, his.at_us.size))
    pages: list[Int64] = []
    for start, size in zip(starts[sizes >= page].tolist(), sizes[sizes >= page].tolist(), strict=True):
        run = np.arange(start, start + size)
        if np.unique(his.subject[run]).size < page:
            continue
        if pages and his.at_us[start] - his.at_us[pages[-1][-1]] > PAGE_US:
            yield from _large(his, pages)
            pages = []
        pages.append(run)
    yield from _large(his, pages)


def _large(his: _Openings, pages: list[Int64]) -> Iterator[Int64]:
    if pages and np.unique(his.subject[rows := np.concatenate(pages)]).size >= FEWEST:
        yield rows


def _one(actor: int, his: _Openings, rows: Int64) -> Asked:
    """Return what some rows, in order of time, showed, each subject once."""
    subject, first = np.unique(his.subject[rows], return_index=True)
    return Asked(actor, int(his.at_us[rows[0]]), subject, his.at_us[rows[first]])
