"""Who had the rows of a found list: by an export, by a query, or by opening them one by one; and what that is worth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from whosaw.app.foundrows import FEWEST
from whosaw.app.foundsources import SEVERAL, Sources
from whosaw.app.posing import Question
from whosaw.app.routing import distinct_pairs
from whosaw.trace import GUESSABLE_ODDS, UNIQUE_ODDS
from whosaw.trace.fingerprint import ELSEWHERE, Export, match_sample
from whosaw.trace.inputs import Float, Int64

FULL_ROWS = FEWEST
"""So many rows that one account alone had are worth all that rows can be worth."""

_FAR = 600.0
"""Logarithms beyond this are no further apart than matters."""

_STEP = 0.01
"""Odds are rounded down to steps of so much of their logarithm."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One account that had the rows.

    Args:
        actor: by the log's own reference.
        odds: by how much the list multiplies its odds.
        how: `export`, `query`, or `openings` (one by one).
        reference: of the export that explains it best; empty for openings.
        made_us: when that was made; 0 for openings.
        rows: rows of the list that it holds.
        seeds: seeded rows of it in the list.
        in_order: part of neighbouring rows that stand in its order.
    """

    actor: str
    odds: float
    how: str
    reference: str
    made_us: int
    rows: int
    seeds: int
    in_order: float


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows that say something.

    Args:
        prints: n distinct rows.
        subject: n customers of the question; -1 where the row does not say whom it is about.
        alone: n parts of a row that no known source outside explains.
        population: how many rows could have turned up.
    """

    prints: list[bytes]
    subject: Int64
    alone: Float
    population: int


def holders_of(listed: Listed, sources: Sources, question: Question, found_us: int) -> tuple[Holder, ...]:
    """Return everybody for whom a list speaks, the strongest first.

    Whose export a machine has as well, or an account that the log does not know, gains by so much less. Whoever had
    opened the rows one by one gains as well, up to what the strongest export is worth: it may have come from him. What
    a duty had brought somebody says nothing against him.

    Args:
        listed: the rows, at least one.
        sources: exports or queries.
        question: for accounts and openings.
        found_us: when the list turned up.
    """
    exposure = question.exposure
    named = {name for name, machine in zip(exposure.actors, exposure.service, strict=True) if not machine}
    openers = _openers(listed, question, found_us)
    hits = _hits(listed, sources)
    share = listed.alone / np.maximum(1, _accounts((openers, listed.subject), hits, sources, exposure.actors))
    own = _own(listed, share, question, found_us)
    means, best = _by_actor(listed, sources, hits, own)
    beside = max([1.0, *(mean for actor, mean in means.items() if actor not in named)])
    found = [
        each if each.seeds else replace(each, odds=_least(each.odds, means[each.actor] / beside))
        for each in best
        if each.actor in named
    ]
    found = [each for each in found if each.odds > 1.0]
    most = max((each.odds for each in found if not each.seeds), default=1.0)
    if most > 1.0:
        taken = {each.actor for each in found}
        one_by_one = _one_by_one(listed, openers, own, question, found_us)
        found += [
            replace(each, odds=_least(each.odds, most))
            for each in one_by_one
            if each.actor not in taken and each.odds > 1.0
        ]
    return tuple(sorted(found, key=lambda each: (-each.odds, -each.rows, each.actor)))


def less_by(holder: Holder, already: float) -> Holder:
    """Return a holder with odds divided by what something else says already, down to 1."""
    return replace(holder, odds=_worth(holder.odds / already))


def _own(listed: Listed, share: Float, question: Question, found_us: int) -> Callable[[str, Int64], float]:
    """Return what says how many rows of his own an account had: those that no duty of his had brought him."""
    brought: dict[str, set[int]] = defaultdict(set)
    duties = question.duties
    before = duties.since_us < found_us
    for duty, subject in zip(duties.duty[before].tolist(), duties.subject[before].tolist(), strict=True):
        brought[question.exposure.actors[duties.actor[duty]]].add(subject)

    def rows_of(actor: str, rows: Int64) -> float:
        his = np.array([*brought.get(actor, ())], np.int64)
        return float(share[rows[~np.isin(listed.subject[rows], his)]].sum())

    return rows_of


def _by_actor(
    listed: Listed, sources: Sources, hits: Sequence[Int64], own: Callable[[str, Int64], float]
) -> tuple[dict[str, float], list[Holder]]:
    """Return per maker the mean of what his exports explain, and the one that may be worth most."""
    match = match_sample(listed.prints, sources.exports, listed.population, own=sources.own or None)
    ratio: dict[str, list[float]] = defaultdict(list)
    best: dict[str, Holder] = {}
    for source in match.sources:
        actor, how, made_us = sources.made[source.actor]
        export = sources.exports[source.actor]
        by = _explains(len(hits[source.actor]), len(set(export.rows)), listed)
        ratio[actor].append(by)
        # an export that holds everybody holds the list as well, and explains nothing
        seeds = source.seeds if _proves(export, hits[source.actor], listed, sources) else 0
        worth = UNIQUE_ODDS if seeds else min(by, _of_rows(own(actor, hits[source.actor])))
        found = Holder(actor, _worth(worth), how, source.reference, made_us, source.rows, seeds, source.in_order)
        if actor not in best or found.odds > best[actor].odds:
            best[actor] = found
    return {actor: sum(each) / len(each) for actor, each in ratio.items()}, list(best.values())


def _proves(export: Export, hits: Int64, listed: Listed, sources: Sources) -> bool:
    """Return whether seeded rows in a list show that it came from their export.

    They do where two columns set them off from everybody. By one column alone they may be somebody of that name, so
    there the export must explain what else is in the list, or two of them and the whole list.
    """
    held = [sources.own.get(export.reference, listed.prints)[at] for at in hits.tolist()]
    seeds = export.seeds.intersection(held)
    if seeds & sources.sure.get(export.reference, frozenset()):
        return True
    size, seeded = len(set(export.rows)), sum(row in export.seeds for row in held)
    beside = replace(listed, prints=listed.prints[seeded:])  # of what is left only its number counts
    rest = _explains(len(held) - seeded, size, beside)
    whole = _explains(len(held), size, listed)
    return bool(seeds) and (rest >= GUESSABLE_ODDS or (len(seeds) >= SEVERAL and whole >= GUESSABLE_ODDS))


def _explains(held: int, size: int, listed: Listed) -> float:
    """Return how much better than chance a list is explained by some rows, of which it holds so many.

    Order counts for nothing here: a list sorted by name stands in the order of every export that is sorted by name.
    """
    hit = math.log((1.0 - ELSEWHERE) * max(1.0, listed.population / max(1, size)) + ELSEWHERE)
    log = held * hit + (len(listed.prints) - held) * math.log(ELSEWHERE)
    return math.exp(min(log, _FAR))


def _least(*odds: float) -> float:
    return _worth(min(odds))


def _worth(odds: float) -> float:
    """Return odds rounded down; 1 where they are no more."""
    return math.exp(math.floor(math.log(odds) / _STEP) * _STEP) if odds > 1.0 else 1.0


def _of_rows(rows: float) -> float:
    """Return what so many rows of one account's own may be worth: each a twentieth of all that rows can be."""
    return float(GUESSABLE_ODDS ** min(1.0, rows / FULL_ROWS))


def _hits(listed: Listed, sources: Sources) -> list[Int64]:
    """Return per export which rows of the list it holds."""
    found = []
    for export in sources.exports:
        held, own = set(export.rows), sources.own.get(export.reference, listed.prints)
        found.append(np.array([at for at, row in enumerate(own) if row in held], np.int64))
    return found


def _openers(listed: Listed, question: Question, found_us: int) -> dict[int, set[int]]:
    """Return subject of the list to the accounts, no machines, that had opened it before the list turned up."""
    accesses, exposure = question.accesses, question.exposure
    fits = np.isin(accesses.subject, listed.subject) & (accesses.at_us < found_us) & ~exposure.service[accesses.actor]
    pairs = distinct_pairs(accesses.subject[fits], accesses.actor[fits])
    found: dict[int, set[int]] = defaultdict(set)
    for subject, actor in pairs.T.tolist():
        found[subject].add(actor)
    return found


def _accounts(
    opened: tuple[dict[int, set[int]], Int64], hits: Sequence[Int64], sources: Sources, actors: Sequence[str]
) -> Int64:
    """Return per row how many accounts had it, by an export or by opening it."""
    place = {name: at for at, name in enumerate(actors)}
    openers, subject = opened
    had: list[set[int | str]] = [set(openers.get(each, ())) for each in subject.tolist()]
    for rows, (name, _, _) in zip(hits, sources.made, strict=True):
        for row in rows.tolist():
            had[row].add(place.get(name, name))
    return np.array([len(each) for each in had], np.int64)


def _one_by_one(
    listed: Listed,
    openers: dict[int, set[int]],
    own: Callable[[str, Int64], float],
    question: Question,
    found_us: int,
) -> list[Holder]:
    """Return whoever had opened rows of the list, by what they are among all customers that he had opened."""
    accesses, exposure = question.accesses, question.exposure
    rows: dict[int, list[int]] = defaultdict(list)
    for row, subject in enumerate(listed.subject.tolist()):
        for actor in openers.get(subject, ()):
            rows[actor].append(row)
    fits = (exposure.entered_us < found_us)[accesses.subject] & (accesses.at_us < found_us)
    fits &= np.isin(accesses.actor, np.array([*rows], np.int64))
    pairs = distinct_pairs(accesses.actor[fits], accesses.subject[fits])
    size = np.bincount(pairs[0], minlength=len(exposure.actors))
    found = []
    for actor, held in rows.items():
        name = exposure.actors[actor]
        by = _explains(len(held), int(size[actor]), listed)
        odds = _least(_of_rows(own(name, np.array(held, np.int64))), by)
        found.append(Holder(name, odds, "openings", "", 0, len(held), 0, 0.5))
    return found
