"""Signal S8 among employees: do two who share what one person has look for the same beneficiary?

To share a phone, a desk, a device at the change of shift, a flat or an account is no misconduct, and nothing of it is
evidence here. A shared print only says whose looks may tell something about whose: the beneficiaries that a colleague's
looks point at weigh more when somebody's *own* looks are weighed, instead of all of them alike. That is fixed without
his looks, so his evidence keeps its expectation of at most 1 whatever the colleague did: whoever shares a phone with
somebody bribed, and looks at nothing himself, is not accused. Customers that both opened, for whatever reason and
whenever, count for neither and point at nothing, so a case handed over at the end of a shift is no coincidence. Two who
split what one alone would be found for are found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.observed import Prints
from whosaw.watch.rows import Float, Int64
from whosaw.watch.scan import Bets, Scan, Shares, Touches, log_bets, scan_beneficiaries, weekly_bets

MOST = 4
"""What more people left (an office's network, a counter's terminal) joins nobody: it says where they work."""
_CAP = 600.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Employees and colleagues who left a print that few left; each two stand here twice, once either way.

    Args:
        actor, colleague: p actors each, by actor.
    """

    actor: Int64
    colleague: Int64


@dataclass(frozen=True, slots=True)
class Beside:
    """The evidence on each actor beside his colleagues, averaged over them.

    Args:
        month: A log e-values; 0 for whoever shares with nobody.
        week: weeks × A log values of the detector; those of e-values of 1 for whoever shares with nobody.
        seen: A counts: customers of the beneficiary that his strongest evidence is about, whom he alone opened.
        expected: A counts that its share would give.
    """

    month: Float
    week: Float
    seen: Float
    expected: Float


def pairs_of(prints: Prints, *, most: int = MOST) -> Pairs:
    """Return who shares rare prints with whom among the employees.

    Args:
        prints: what was left behind; those of beneficiaries join no employees.
        most: people above which a print joins nobody.
    """
    none = np.empty((2, 0), np.int64)
    if not prints.actor.size:
        return Pairs(none[0], none[1])
    mark, who = np.unique(np.stack([prints.actor_print, prints.actor]), axis=1)
    held = np.bincount(mark)[mark]
    few = (held > 1) & (held <= most)
    mark, who = mark[few], who[few]
    found = [none]
    for apart in range(1, min(most, mark.size)):  # people of one print stand side by side
        same = mark[apart:] == mark[:-apart]
        found += [np.stack([who[:-apart][same], who[apart:][same]]), np.stack([who[apart:][same], who[:-apart][same]])]
    both = np.unique(np.concatenate(found, axis=1), axis=1)
    return Pairs(both[0], both[1])


@dataclass(frozen=True, slots=True)
class Ground:
    """What the bets stand on.

    Args:
        shares: what innocence looks like.
        weights: per beneficiary, summing to 1, as for the scan.
        opened: actor and subject of every access of the whole stretch, explained or not.
        weeks, actors: how many.
    """

    shares: Shares
    weights: Float
    opened: tuple[Int64, Int64]
    weeks: int
    actors: int


def weigh_beside(pairs: Pairs, looks: tuple[Touches, Int64], lately: tuple[Touches, Int64], ground: Ground) -> Beside:
    """Return the evidence on each actor beside his colleagues: half of the bet on what their looks point at.

    What both of a pair opened is left out on either side: of his looks, and of those that say where the bet goes.

    Args:
        pairs: at least one.
        looks: unexplained looks of the whole stretch, of each subject an actor's first; and the subject of each.
        lately: those of the last month.
        ground: what the bets stand on.
    """
    actors, weeks = ground.actors, np.log(np.arange(ground.weeks) + 1.0)
    opened = _opened(pairs, ground.opened, looks[1])
    apart = _alone(pairs, *lately, opened)
    month = log_bets(apart, ground.shares, pairs.actor)
    pointed = _pointed(month, scan_beneficiaries(apart, ground.shares, ground.weights, pairs.actor), ground.weights)
    value = _part(pairs, month, pointed, ground) * np.exp(np.minimum(month.log_bet, _CAP))
    shared = np.bincount(pairs.actor, minlength=actors)
    inside = shared > 0

    def halved(nothing: float, whose: Int64, values: Float) -> Float:
        total = np.bincount(pairs.actor[whose], values, actors)[inside] / shared[inside]
        return np.asarray(np.log(0.5 * np.exp(nothing) + 0.5 * total))

    found, by_week = np.zeros(actors), np.tile(weeks[:, None], (1, actors))
    found[inside] = halved(0.0, month.actor, value)
    weekly = weekly_bets(_alone(pairs, *looks, opened), ground.shares, ground.weeks, pairs.actor)
    part = _part(pairs, weekly.bets, pointed, ground)
    for week, states in enumerate(weekly.states()):
        by_week[week, inside] = halved(float(weeks[week]), weekly.bets.actor, part * states)
    seen, expected = np.zeros(actors), np.zeros(actors)
    order = np.argsort(value, kind="stable")  # the strongest is written last
    seen[pairs.actor[month.actor[order]]] = month.seen[order]
    expected[pairs.actor[month.actor[order]]] = month.expected[order]
    return Beside(found, by_week, seen, expected)


def _pointed(bets: Bets, scan: Scan, weights: Float) -> tuple[Int64, Float]:
    """Return (pair · S + beneficiary, rising) and which part of a pair's evidence each beneficiary is."""
    log_e = scan.log_e[np.searchsorted(scan.actor, bets.actor)]
    key = bets.actor * weights.size + bets.beneficiary
    order = np.argsort(key, kind="stable")
    part = weights[bets.beneficiary] * np.exp(np.minimum(bets.log_bet - log_e, _CAP))
    return key[order], np.minimum(part[order], 1.0)


def _part(pairs: Pairs, bets: Bets, pointed: tuple[Int64, Float], ground: Ground) -> Float:
    """Return for each bet the weight that the colleague's looks give to its beneficiary; 0 where he did not meet it."""
    keys, parts = pointed
    if not keys.size:
        return np.zeros(bets.actor.size)
    # the colleague's own looks are those of the same two the other way round
    swapped = np.lexsort((pairs.actor, pairs.colleague))
    asked = swapped[bets.actor] * ground.weights.size + bets.beneficiary
    place = np.minimum(np.searchsorted(keys, asked), keys.size - 1)
    return np.where(keys[place] == asked, parts[place], 0.0)


def _opened(pairs: Pairs, opened: tuple[Int64, Int64], subject: Int64) -> tuple[Int64, int]:
    """Return (actor · width + subject) of what people of pairs opened among `subject`, and the width."""
    actor, whom = opened
    width = int(whom.max(initial=0)) + 1
    wanted = np.isin(actor, pairs.actor) & np.isin(whom, subject)
    return np.unique(actor[wanted] * width + whom[wanted]), width


def _alone(pairs: Pairs, touches: Touches, subject: Int64, opened: tuple[Int64, int]) -> Touches:
    """Return as the looks of each pair those of its actor at people whom the colleague did not open."""
    order = np.argsort(touches.actor, kind="stable")
    pair, at = _rows_of(touches.actor[order], pairs.actor)
    row = order[at]
    keys, width = opened
    both = np.isin(pairs.colleague[pair] * width + subject[row], keys)
    pair, row = pair[~both], row[~both]
    links = np.argsort(touches.event, kind="stable")
    event, link = _rows_of(touches.event[links], row)
    return Touches(pair, touches.week[row], touches.role[row], event, touches.beneficiary[links[link]])


def _rows_of(column: Int64, wanted: Int64) -> tuple[Int64, Int64]:
    """Return for each of `wanted` its place and each row of a sorted column that holds it."""
    low = np.searchsorted(column, wanted, side="left")
    count = np.searchsorted(column, wanted, side="right") - low
    first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    return np.repeat(np.arange(wanted.size), count), first + np.arange(int(count.sum()))
