"""Rating shifts: for some days a target's stars are other than they ever were.

A burst counts how many; a shift asks how good. Bought praise lifts the share of top ratings, a bought attack that of
bad ones, and neither needs more reviews than usual.

Source of the test: within a target the stars of a stretch are a draw without replacement from all of its stars if
nothing changed: the hypergeometric tail, bounded by its first term and the ratio of the next to it, which only falls;
paid for by every stretch and direction looked at (Bonferroni).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln

from whosaw.watch.deletions import BAD_STARS
from whosaw.watch.rings import Reviews
from whosaw.watch.rows import DAY_US, Bool, Float, Int64

SHIFT_US = 14 * DAY_US
_FEWEST, _FEWEST_OF_TARGET = 5, 10


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of one target.

    Args:
        target: whose.
        up: whether top ratings are too many; else bad ones.
        from_us, until_us: of the first and the last review of the stretch.
        reviews: rows of the stretch that make it one: the top, or the bad.
        before, during: mean stars outside the stretch and in it.
        log_p: log chance, paid for by everything looked at.
    """

    target: int
    up: bool
    from_us: int
    until_us: int
    reviews: Int64
    before: float
    during: float
    log_p: float


def rating_shifts(reviews: Reviews, *, window_us: int = SHIFT_US, log_level: float = -6.9) -> tuple[Shift, ...]:
    """Return the least likely stretch of each target and direction that reaches the level, the least likely first.

    Args:
        reviews: with times and stars; without, nothing is a shift.
        window_us: the longest stretch.
        log_level: log of the chance, for all targets together.
    """
    if reviews.at_us is None or reviews.stars is None or not reviews.author.size:
        return ()
    top = reviews.stars >= int(reviews.stars.max())
    bad = reviews.stars <= BAD_STARS
    order = np.lexsort((reviews.at_us, reviews.target))
    bounds = np.flatnonzero(np.diff(reviews.target[order], prepend=-1, append=-1))
    parts = [order[low:high] for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)]
    parts = [rows for rows in parts if rows.size >= _FEWEST_OF_TARGET]
    tried = np.log(2.0 * max(1, sum(rows.size for rows in parts)))
    found = []
    for rows in parts:
        for up, flags in ((True, top), (False, bad)):
            shift = _least_likely(reviews, rows, flags, up=up, window_us=window_us)
            if shift is not None and shift.log_p + tried <= log_level:
                found.append(shift)
    paid = [replace(each, log_p=float(each.log_p + tried)) for each in found]
    return tuple(sorted(paid, key=lambda each: (each.log_p, each.target)))


def _least_likely(reviews: Reviews, rows: Int64, flags: Bool, *, up: bool, window_us: int) -> Shift | None:
    """Return the least likely of the stretches that begin with each review of a target; `rows` in order of time."""
    assert reviews.at_us is not None and reviews.stars is not None  # noqa: S101 - the caller looked
    at, hit = reviews.at_us[rows], flags[rows]
    end = np.searchsorted(at, at + window_us, side="right")
    start = np.arange(rows.size)
    total = np.concatenate([[0], np.cumsum(hit)])
    seen, drawn = total[end] - total[start], end - start
    able = (drawn >= _FEWEST) & (drawn < rows.size)
    if not able.any():
        return None
    log_p = np.zeros(rows.size)
    log_p[able] = _log_tail(seen[able], drawn[able], int(hit.sum()), rows.size)
    first = int(log_p.argmin())
    inside = np.zeros(rows.size, np.bool_)
    inside[first : end[first]] = True
    stars = reviews.stars[rows].astype(np.float64)
    return Shift(
        int(reviews.target[rows[0]]),
        up,
        int(at[first]),
        int(at[end[first] - 1]),
        np.sort(rows[inside & hit]),
        float(stars[~inside].mean()),
        float(stars[inside].mean()),
        float(log_p[first]),
    )


def _log_tail(seen: Int64, drawn: Int64, hits: int, size: int) -> Float:
    """Return a bound on the log chance of at least `seen` hits in each draw."""
    k, n = seen.astype(np.float64), drawn.astype(np.float64)
    rest = np.maximum(size - hits - n + k, 0.0)  # the others that were not drawn
    first = _log_choose(hits, k) + _log_choose(size - hits, n - k) - _log_choose(size, n)
    ratio = (hits - k) * (n - k) / ((k + 1.0) * (rest + 1.0))
    return np.asarray(np.where(ratio < 0.95, np.minimum(first - np.log1p(-np.minimum(ratio, 0.949)), 0.0), 0.0))


def _log_choose(n: float, k: Float) -> Float:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
