"""Bought reviews: blocks of reviewers who rate the same sellers, in the same days, too often to be chance.

Three views of the graph of reviewers and what they review: dense blocks (after FRAUDAR, Hooi et al. 2016) whose columns
are weighted by how many people meet there anyway, pairs who share more than their activity explains, and bursts. A
block without a time window finds the honest power users (measured), so the peel runs on what pairs and windows have
left over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import gammaln

from whosaw.watch.rows import DAY_US, Float, Int64, same_length

_WINDOW_US = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Reviews:
    """Reviews.

    Args:
        author, target: of n reviews: who wrote about what or whom.
        at_us: n times; absent where a data set has none.
        stars: n ratings; absent where a data set has none.
    """

    author: Int64
    target: Int64
    at_us: Int64 | None = None
    stars: Int64 | None = None

    def __post_init__(self) -> None:
        same_length("reviews", self.author, self.target, self.at_us, self.stars)


@dataclass(frozen=True, slots=True)
class Ring:
    """A group of reviewers who act together.

    Args:
        authors: rising.
        targets: what several of them reviewed within days of one another, rising.
        reviews: rows.
        log_p: log chance of so many shared targets among so many reviewers, paid for by the pairs looked at.
    """

    authors: Int64
    targets: Int64
    reviews: Int64
    log_p: float


def column_weights(reviews: Reviews) -> Float:
    """Return per target what a meeting there counts for: 1, or less where more people than usual meet by chance.

    The form is FRAUDAR's, ``1 / log(x + 5)`` of x reviews (Hooi et al. 2016, §4.3), against the target at which two
    reviews taken at random would meet. No weight is above 1, so that a chance bound on the number of meetings is one on
    their sum too.
    """
    popular = np.bincount(reviews.target).astype(np.float64)
    usual = float((popular**2).sum() / max(popular.sum(), 1.0))
    return np.asarray(np.minimum(1.0, np.log(usual + 5.0) / np.log(popular + 5.0)))


def shared_pairs(
    reviews: Reviews, *, window_us: int = _WINDOW_US, crowded: int = 400
) -> tuple[Int64, Int64, Int64, Float]:
    """Return pairs of authors, on how many targets they wrote within `window_us` of one another, and these weighted.

    Targets with more than `crowded` reviews in a window are too popular to tell anything and are left out there.
    """
    at = np.zeros(reviews.author.size, np.int64) if reviews.at_us is None else reviews.at_us
    found: list[Int64] = []
    # two overlapping cuttings into windows, so that no pair is lost at a boundary
    for shift in (0, window_us // 2) if reviews.at_us is not None else (0,):
        pair = _distinct(reviews.target, (at + shift) // window_us, reviews.author)[0]
        fresh = (np.diff(pair[0]) != 0) | (np.diff(pair[1]) != 0)
        bounds = np.concatenate([[0], np.flatnonzero(fresh) + 1, [pair.shape[1]]])
        for low, high in pairwise(bounds.tolist()):
            if not 2 <= high - low <= crowded:
                continue
            who = pair[2, low:high]
            one, other = np.triu_indices(who.size, 1)
            target = np.full(one.size, pair[0, low])
            found.append(np.stack([np.minimum(who[one], who[other]), np.maximum(who[one], who[other]), target]))
    if not found:
        empty = np.empty(0, np.int64)
        return empty, empty, empty, np.empty(0)
    every, _ = _distinct(*np.concatenate(found, axis=1))
    pairs, of = _distinct(every[0], every[1])
    weight = np.asarray(np.bincount(of, column_weights(reviews)[every[2]]), np.float64)
    return pairs[0], pairs[1], np.bincount(of).astype(np.int64), weight


def _distinct(*columns: Int64) -> tuple[Int64, Int64]:
    """Return the distinct rows of some columns in order, and the place of each row among them."""
    code, low, width = np.zeros(columns[0].size, np.int64), [], []
    for column in columns:
        low.append(int(column.min(initial=0)))
        width.append(int(column.max(initial=0)) - low[-1] + 1)
        if math.prod(width) >= 1 << 62:  # one integer cannot hold the row
            found, place = np.unique(np.stack(columns), axis=1, return_inverse=True)
            return found, np.asarray(place.ravel(), np.int64)
        code = code * width[-1] + (column - low[-1])
    code, place = np.unique(code, return_inverse=True)
    parts = []
    for least, span in zip(reversed(low), reversed(width), strict=True):
        parts.append(code % span + least)
        code = code // span
    return np.stack(parts[::-1]), np.asarray(place, np.int64)


def find_rings(
    reviews: Reviews, *, window_us: int = _WINDOW_US, log_level: float = -9.2, smallest: int = 3
) -> tuple[Ring, ...]:
    """Return groups of at least `smallest` reviewers who keep meeting at the same targets, the least likely first.

    Two reviewers are linked where they share more targets within the window than their numbers of reviews and the
    targets' popularity explain (Poisson, paid for by the number of pairs). Groups are the dense cores that are left
    when loosely linked members are taken off one after another.

    Args:
        reviews: with times; without them every pair of reviews counts as near.
        window_us: how near two reviews must lie.
        log_level: log of the chance below which a link counts, before it is paid for by the number of authors.
        smallest: reviewers of a ring.
    """
    one, other, shared, weight = shared_pairs(reviews, window_us=window_us)
    if not one.size:
        return ()
    expected = _expected(reviews, one, other, window_us)
    log_p = log_poisson_tail(weight, expected)
    authors = np.unique(reviews.author).size
    # a single link is paid for by half: the group it leads to is paid for in full
    linked = (shared >= 2) & (log_p + 0.5 * np.log(max(authors, 2)) <= log_level / 2)
    groups = _cores(one[linked], other[linked], smallest)
    rings = [_ring(reviews, group, window_us) for group in groups]
    kept = [ring for ring in rings if ring is not None and ring.log_p <= log_level]
    return tuple(sorted(kept, key=lambda ring: (ring.log_p, tuple(ring.authors.tolist()))))


def log_poisson_tail(seen: Int64 | Float, mean: Float) -> Float:
    """Return a bound on log P(X ≥ seen) of a Poisson X, exact to a factor of two where it matters."""
    seen = np.asarray(seen, np.float64)
    mean = np.maximum(np.asarray(mean, np.float64), 1e-12)
    first = seen * np.log(mean) - mean - gammaln(seen + 1.0)
    ratio = mean / (seen + 1.0)
    return np.asarray(np.where(ratio < 0.95, np.minimum(first - np.log1p(-np.minimum(ratio, 0.949)), 0.0), 0.0))


def _expected(reviews: Reviews, one: Int64, other: Int64, window_us: int) -> Float:
    """Return on how many targets two authors of such activity meet by chance."""
    activity = np.bincount(reviews.author)
    popular = np.bincount(reviews.target)
    share = popular / popular.sum()
    meet = float((share**2).sum())
    if reviews.at_us is None:
        near = 1.0
    else:
        span = float(np.quantile(reviews.at_us, 0.99) - np.quantile(reviews.at_us, 0.01)) + 1.0
        near = min(1.0, 3.0 * window_us / span)  # reviews are not even over time; three times the even rate
    return np.asarray(activity[one] * activity[other] * meet * near)


def _cores(one: Int64, other: Int64, smallest: int) -> list[Int64]:
    """Return groups of authors each linked with at least half of its group (at least two)."""
    neighbours: dict[int, set[int]] = {}
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    found, seen = [], set[int]()
    for start in sorted(neighbours):
        if start in seen:
            continue
        group, waiting = {start}, [start]
        while waiting:
            for each in neighbours[waiting.pop()] - group:
                group.add(each)
                waiting.append(each)
        seen |= group
        found += [np.array(sorted(core), np.int64) for core in _peel(group, neighbours, smallest)]
    return found


def _peel(group: set[int], neighbours: dict[int, set[int]], smallest: int) -> list[set[int]]:
    """Take off whoever is linked with less than half of the rest; what falls apart is looked at in parts."""
    group = set(group)
    while len(group) >= smallest:
        degree = {each: len(neighbours[each] & group) for each in group}
        weakest = min(sorted(group), key=lambda each: degree[each])
        if degree[weakest] >= max(2, (len(group) - 1) / 2):
            return [group]
        group.discard(weakest)
        parts = _parts(group, neighbours)
        if len(parts) > 1:
            return [core for part in parts for core in _peel(part, neighbours, smallest)]
    return []


def _parts(group: set[int], neighbours: dict[int, set[int]]) -> list[set[int]]:
    left, parts = set(group), []
    while left:
        part = {left.pop()}
        waiting = list(part)
        while waiting:
            near = neighbours[waiting.pop()] & left
            left -= near
            part |= near
            waiting += sorted(near)
        parts.append(part)
    return parts


def _ring(reviews: Reviews, authors: Int64, window_us: int) -> Ring | None:
    """Return the ring of these authors: targets that at least half of them, and three, reviewed in one window."""
    rows = np.flatnonzero(np.isin(reviews.author, authors))
    at = np.zeros(rows.size, np.int64) if reviews.at_us is None else reviews.at_us[rows]
    kept: list[Int64] = []
    least = max(3, int(np.ceil(0.4 * authors.size)))
    for target in np.unique(reviews.target[rows]):
        mine = rows[reviews.target[rows] == target]
        when = at[reviews.target[rows] == target]
        order = np.argsort(when, kind="stable")
        low = np.searchsorted(when[order], when[order] - window_us, side="left")
        count = np.arange(order.size) - low + 1
        best = int(count.argmax())
        if count[best] >= least:
            kept.append(mine[order[low[best] : best + 1]])
    if not kept:
        return None
    together = np.concatenate(kept)
    return Ring(
        authors,
        np.unique(reviews.target[together]),
        np.sort(together),
        _log_chance(reviews, authors, kept, window_us),
    )


def _log_chance(reviews: Reviews, authors: Int64, together: list[Int64], window_us: int) -> float:
    """Return a bound on the log chance that so many reviewers meet so often, paid for by the groups looked at."""
    popular = np.bincount(reviews.target)
    total = reviews.author.size
    activity = float(np.bincount(reviews.author)[authors].mean())
    span = 1.0
    if reviews.at_us is not None:
        whole = float(np.quantile(reviews.at_us, 0.99) - np.quantile(reviews.at_us, 0.01)) + 1.0
        span = min(1.0, 3.0 * window_us / whole)
    log_p = 0.0
    for rows in together:
        mean = authors.size * activity * popular[reviews.target[rows[0]]] / total * span
        log_p += min(0.0, float(log_poisson_tail(np.array([rows.size]), np.array([mean]))[0]))
    pool = np.unique(reviews.author).size
    log_p += float(gammaln(pool + 1) - gammaln(pool - authors.size + 1) - gammaln(authors.size + 1))
    return log_p
