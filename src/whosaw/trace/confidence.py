"""Confidence sets by universal inference: who cannot be excluded as the leaker, or as one of two.

A model stays in the set unless a prior-weighted mean of models is 1/α times more likely than the model at its best
shares (Wasserman, Ramdas, Balakrishnan 2020). Under the mixture model the true one stays with probability ≥ 1 - α.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from whosaw.trace.evidence import Float
from whosaw.trace.inputs import Int64
from whosaw.trace.posterior import MarkFactors, moves, no_marks

_SINGLE_GRID = np.linspace(0.0, 1.0, 101)
_PAIR_GRID = tuple((a / 20, b / 20) for a in range(4, 17) for b in range(4, 21 - a))
_PHASES = ((0.9, 0.0), (0.7, 0.0), (0.0, 0.9), (0.0, 0.7), (0.45, 0.45))
"""Shares of a pair while one of them sells, or both: it may change once from one of these to another."""

_CORNERS = ((0.9, 0.0), (0.8, 0.2), (0.2, 0.8), (0.0, 0.9))
"""Corners, with (0, 0), around all of the shares above."""
_PROBES = tuple((a / 20, b / 20) for a, b in ((4, 4), (4, 8), (8, 4), (4, 14), (14, 4), (6, 11), (11, 6), (9, 9)))
"""Points of the grid, inside the triangle, at which a pair's likelihood is looked at first."""

_TRIANGLE = ((0.2, 0.2), (0.2, 0.8), (0.8, 0.2))
"""Corners of the admissible shares."""

_SLACK = 1e-9  # of sums in another order
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Suspects:
    """Who is not excluded.

    Args:
        everybody: the evidence excludes nobody at all, *nobody inside* included.
        alone: positions among the H actors that stay as the only leaker.
        paired: positions that stay as one of two leakers, each with at least a fifth of the complaints, or in turns.
        pairs: Q × 2 positions of those pairs.
    """

    everybody: bool
    alone: Int64
    paired: Int64
    pairs: Int64


def not_excluded(
    ratio: Float, log_mean: tuple[float, float], alpha: float, marks: MarkFactors | None = None
) -> Suspects:
    """Return the confidence sets.

    Args:
        ratio: T × K × H ratios A / f.
        log_mean: logs of the prior-weighted mean of all models, and of those of *somebody inside*. An only leaker is
            weighed against the second, which speaks for others inside; any mean fixed in advance keeps the coverage.
        alpha: 1 - coverage.
        marks: canaries and the like, if they are in the means: a model is compared with what they say about it, too.
    """
    marks = marks or no_marks(ratio.shape[2])
    least, least_alone = (each + np.log(alpha) for each in log_mean)
    if least < 0:  # a share near 0 makes every actor as likely as nobody
        none = np.empty(0, np.int64)
        return Suspects(True, none, none, none.reshape(0, 2))
    pairs = _paired(ratio, least, marks)
    own = marks.of(np.arange(ratio.shape[2])[:, None])
    close = np.flatnonzero(_at_most(ratio) + own > least_alone)
    alone = close[_best_alone(ratio[:, :, close]) + own[close] > least_alone]
    return Suspects(False, alone, np.unique(pairs), pairs)


def _at_most(ratio: Float) -> Float:
    """Return per actor what its log-likelihood cannot exceed, whatever its share: a bet gains at most log max(1, A/f).

    A pair's cannot exceed the sum of its members': most need not be looked at.
    """
    return np.asarray(np.log(np.maximum(ratio, 1.0)).sum(axis=1).max(axis=0))


def _best_alone(ratio: Float) -> Float:
    """Return per actor the log-likelihood at its best share and kind of access."""
    best = np.zeros(ratio.shape[2])
    with np.errstate(divide="ignore"):  # share 1 is refuted by one complainer not opened
        for share in _SINGLE_GRID:
            best = np.maximum(best, np.log1p(share * (ratio - 1.0)).sum(axis=1).max(axis=0))
    return best


def _paired(ratio: Float, least: float, marks: MarkFactors) -> Int64:
    """Return the pairs that cannot be excluded, as Q × 2 positions."""
    usable = np.flatnonzero(moves(ratio) | marks.seen.any(axis=0))
    most = (_at_most(ratio) + marks.of(np.arange(ratio.shape[2])[:, None]))[usable]
    a, b = np.triu_indices(usable.size, 1)
    close = most[a] + most[b] > least  # a mark that both had opened counts twice here: it is a bound
    a, b = usable[a[close]], usable[b[close]]
    kept = [np.empty((0, 2), np.int64)]
    speaks = [np.ones(ratio.shape[2], np.bool_), *((kind > ratio[0]).any(axis=0) for kind in ratio[1:])]
    for start in range(0, a.size, _CHUNK):
        one, two = a[start : start + _CHUNK], b[start : start + _CHUNK]
        needed = least - marks.of(np.stack([one, two], axis=1))
        stays = np.zeros(one.size, np.bool_)
        for s, t in product(range(ratio.shape[0]), repeat=2):
            # whoever stays by one kind of access need not be tried by another, nor by one that never says more
            left = np.flatnonzero(~stays & speaks[s][one] & speaks[t][two])
            if left.size:
                stays[left] = _pair_stays(ratio[s][:, one[left]], ratio[t][:, two[left]], needed[left])
        kept.append(np.stack([one[stays], two[stays]], axis=1))
    return np.concatenate(kept)


def _pair_stays(one: Float, two: Float, needed: Float) -> np.typing.NDArray[np.bool_]:
    """Return which of Q pairs reach what each needs for some admissible shares; `one` and `two` are K × Q ratios."""
    with np.errstate(divide="ignore"):
        # each factor is linear in the shares, so its own largest value lies at a corner: a cheap bound for the product
        corners = np.zeros(one.shape)
        for a, b in _CORNERS:
            np.maximum(corners, a * (one - 1.0) + b * (two - 1.0), out=corners)
        possible = np.log1p(corners).sum(axis=0) > needed
        stays = np.zeros(needed.size, np.bool_)
        close = np.flatnonzero(possible)
        inside, open_yet = _settled(one[:, close], two[:, close], needed[close])
        stays[close] = inside
        close = close[open_yet]
        best = np.full(close.size, -np.inf)
        for a, b in _PAIR_GRID if close.size else ():
            step = np.log1p(np.maximum(a * (one[:, close] - 1.0) + b * (two[:, close] - 1.0), -1.0))
            best = np.maximum(best, step.sum(axis=0))
        stays[close] = best > needed[close]
        rest = np.flatnonzero(~stays & possible)
        stays[rest] = _best_in_turns(one[:, rest], two[:, rest]) > needed[rest]
    return np.asarray(stays)


def _settled(one: Float, two: Float, needed: Float) -> tuple[np.typing.NDArray[np.bool_], np.typing.NDArray[np.bool_]]:
    """Return which of Q pairs surely reach what each needs at some constant shares, and for which that stays open.

    The log-likelihood is concave in the shares: no point of the grid lies above a tangent's value at the corners of the
    admissible triangle. A few points settle most pairs, and the whole grid is left for the others.
    """
    best, bound = np.full(needed.size, -np.inf), np.full(needed.size, np.inf)
    gain_one, gain_two = one - 1.0, two - 1.0
    for a, b in _PROBES:
        factor = 1.0 + a * gain_one + b * gain_two
        value = np.log(factor).sum(axis=0)
        slope_one, slope_two = (gain_one / factor).sum(axis=0), (gain_two / factor).sum(axis=0)
        corners = [value + (x - a) * slope_one + (y - b) * slope_two for x, y in _TRIANGLE]
        best, bound = np.maximum(best, value), np.minimum(bound, np.maximum.reduce(corners))
    inside = best > needed
    return inside, ~inside & (bound > needed - _SLACK)


def _best_in_turns(one: Float, two: Float) -> Float:
    """Return the largest log-likelihood of Q pairs whose shares change once; `one` and `two` are K × Q ratios."""
    step = np.stack([np.log1p(a * (one - 1.0) + b * (two - 1.0)) for a, b in _PHASES])
    before = np.cumsum(step, axis=1)
    after = before[:, -1:] - before
    return np.asarray((before.max(axis=0) + after.max(axis=0)).max(axis=0))
