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
                stays[left] = _pair_stays(ratio[s].T[one[left]], ratio[t].T[two[left]], needed[left])
        kept.append(np.stack([one[stays], two[stays]], axis=1))
    return np.concatenate(kept)


def _pair_stays(one: Float, two: Float, needed: Float) -> np.typing.NDArray[np.bool_]:
    """Return which of Q pairs reach what each needs for some admissible shares; `one` and `two` are Q × K ratios."""
    with np.errstate(divide="ignore"):
        possible = _Gains(one, two).most() > needed
        stays = np.zeros(needed.size, np.bool_)
        close = np.flatnonzero(possible)
        inside, open_yet = _settled(_Gains(one[close], two[close]), needed[close])
        stays[close] = inside
        close = close[open_yet]
        stays[close] = _Gains(one[close], two[close]).best_on_grid() > needed[close]
        rest = np.flatnonzero(~stays & possible)
        stays[rest] = _Gains(one[rest], two[rest]).best_in_turns() > needed[rest]
    return np.asarray(stays)


def _settled(gains: _Gains, needed: Float) -> tuple[np.typing.NDArray[np.bool_], np.typing.NDArray[np.bool_]]:
    """Return which of Q pairs surely reach what each needs at some constant shares, and for which that stays open.

    The log-likelihood is concave in the shares: no point of the grid lies above a tangent's value at the corners of the
    admissible triangle. A few points settle most pairs, and the whole grid is left for the others.
    """
    best, bound = np.full(needed.size, -np.inf), np.full(needed.size, np.inf)
    for a, b in _PROBES:
        value, slope_one, slope_two = gains.tangent(a, b)
        corners = [value + (x - a) * slope_one + (y - b) * slope_two for x, y in _TRIANGLE]
        best, bound = np.maximum(best, value), np.minimum(bound, np.maximum.reduce(corners))
    inside = best > needed
    return inside, ~inside & (bound > needed - _SLACK)


class _Gains:
    """Gains A / f - 1 of Q pairs over K complaints; where neither had opened one, it is worked out for all at once."""

    def __init__(self, one: Float, two: Float) -> None:
        """Hold the gains.

        Args:
            one: Q × K ratios A / f of the pairs' first members.
            two: of the second.
        """
        idle = np.minimum(one.min(axis=0, initial=1.0), two.min(axis=0, initial=1.0))
        self._idle, self._shape = idle - 1.0, one.shape
        self._at = np.flatnonzero((one != idle) | (two != idle))
        self._one, self._two = one.reshape(-1)[self._at] - 1.0, two.reshape(-1)[self._at] - 1.0

    def most(self) -> Float:
        """Return what no shares of a pair exceed: each factor is linear in them, and largest at a corner."""
        corners = np.zeros(self._at.size)  # of complaints that neither had opened none gains
        for a, b in _CORNERS:
            np.maximum(corners, a * self._one + b * self._two, out=corners)
        return np.asarray(self._spread(np.zeros(self._idle.size), np.log1p(corners)).sum(axis=1))

    def tangent(self, a: float, b: float) -> tuple[Float, Float, Float]:
        """Return the log-likelihoods at the shares `a` and `b`, and their slopes in the one and in the other."""
        idle, factor = (1.0 + a * one + b * two for one, two in self._both())
        slope = self._idle / idle
        parts = ((np.log(idle), np.log(factor)), (slope, self._one / factor), (slope, self._two / factor))
        value, slope_one, slope_two = (self._spread(*part).sum(axis=1) for part in parts)
        return value, slope_one, slope_two

    def best_on_grid(self) -> Float:
        """Return the largest log-likelihoods at constant shares."""
        best = np.full(self._shape[0], -np.inf)
        for a, b in _PAIR_GRID if best.size else ():
            logs = [np.log1p(np.maximum(a * one + b * two, -1.0)) for one, two in self._both()]
            best = np.maximum(best, self._spread(*logs).sum(axis=1))
        return best

    def best_in_turns(self) -> Float:
        """Return the largest log-likelihoods of pairs whose shares change once."""
        earlier, later = np.full(self._shape, -np.inf), np.full(self._shape, -np.inf)
        for a, b in _PHASES:
            before = np.cumsum(self._spread(*(np.log1p(a * one + b * two) for one, two in self._both())), axis=1)
            np.maximum(earlier, before, out=earlier)
            np.maximum(later, before[:, -1:] - before, out=later)
        return np.asarray((earlier + later).max(axis=1))

    def _both(self) -> tuple[tuple[Float, Float], tuple[Float, Float]]:
        """Return the gains where neither had opened the complaint, and those of the others."""
        return (self._idle, self._idle), (self._one, self._two)

    def _spread(self, idle: Float, opened: Float) -> Float:
        """Return Q × K values, given those of the complaints that neither had opened, and the others."""
        found = np.empty(self._shape)
        found[:] = idle
        found.reshape(-1)[self._at] = opened
        return found
