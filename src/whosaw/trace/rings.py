"""Several leakers together: the bets of pairs and trios, and the search for those worth weighing.

A set S with shares λ bets 1 + Σ λ_e (A_e/f_e - 1) on every complaint: a mixture of fair bets, hence fair. The shares
never sum to 1, so that one stray complaint cannot rule a set out.
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from whosaw.trace.evidence import Float, log_mean
from whosaw.trace.inputs import Int64
from whosaw.trace.settings import Settings

PAIR_SHARES = tuple((a, b) for a in (0.2, 0.35, 0.5, 0.65) for b in (0.2, 0.35, 0.5, 0.65) if a + b <= 0.9)
TRIO_SHARES = tuple(
    (total * a, total * b, total * c)
    for total in (0.7, 0.88)
    for a, b, c in [(1 / 3, 1 / 3, 1 / 3), *sorted(set(permutations((0.5, 0.3, 0.2))))]
)
_CHUNK = 512


def log_pairs(ratio: Float, pairs: Int64) -> Float:
    """Return log E of Q pairs: averaged over the shares of the two and over their kinds of access.

    Args:
        ratio: T × K × H ratios A / f.
        pairs: Q × 2 positions among the H actors.
    """
    kinds = tuple(product(range(ratio.shape[0]), repeat=2))
    return _log_sets(ratio, pairs, kinds, PAIR_SHARES)


def log_trios(ratio: Float, trios: Int64) -> Float:
    """Return log E of Q trios, given as Q × 3 positions; all three by the same kind of access."""
    kinds = tuple((kind,) * 3 for kind in range(ratio.shape[0]))
    return _log_sets(ratio, trios, kinds, TRIO_SHARES)


def partners(ratio: Float, of: Float) -> Float:
    """Return how much H actors add to one: log of the pair's bet at equal shares, the better kind of access of each.

    Args:
        ratio: T × K × H ratios A / f.
        of: T × K ratios of the one.
    """
    best = [
        np.log1p(0.4 * (ratio[s] - 1.0) + 0.4 * (of[t][:, None] - 1.0)).sum(axis=0)
        for s in range(ratio.shape[0])
        for t in range(of.shape[0])
    ]
    return np.asarray(np.stack(best).max(axis=0))


def trios_around(pairs: Int64, strength: Float, pool: Int64, settings: Settings) -> Int64:
    """Return Q × 3 positions: the strongest pairs, each with every other member of the pool.

    Args:
        pairs: P × 2 positions.
        strength: P logs of prior × evidence.
        pool: positions that may join.
        settings: how many pairs are extended.
    """
    if len(pairs) < 3 or settings.trio_share == 0.0:
        return np.empty((0, 3), np.int64)
    rounded = np.round(strength, 9)
    keep = min(settings.trio_seeds, len(pairs) - 1)
    seeds = pairs[rounded > np.sort(rounded)[-keep - 1]]
    joined = np.stack([np.repeat(seeds[:, side], pool.size) for side in (0, 1)] + [np.tile(pool, len(seeds))], axis=1)
    joined = np.sort(joined[(joined[:, 2] != joined[:, 0]) & (joined[:, 2] != joined[:, 1])], axis=1)
    return np.unique(joined, axis=0)


def _log_sets(
    ratio: Float, sets: Int64, kinds: tuple[tuple[int, ...], ...], shares: tuple[tuple[float, ...], ...]
) -> Float:
    """Return log E of Q sets: the mean over kinds of access and shares of the product of their bets."""
    weights, found = np.array(shares), []
    for start in range(0, len(sets), _CHUNK):
        part, logs = sets[start : start + _CHUNK], []
        for kind in kinds:
            gains = np.stack([ratio[t][:, part[:, side]] for side, t in enumerate(kind)], axis=-1) - 1.0
            # K × Q × cells; products of a few factors stay far from overflow, so logs are taken of groups of them
            factors = 1.0 + gains @ weights.T
            logs.append(sum(np.log(factors[i : i + 16].prod(axis=0)) for i in range(0, len(factors), 16)))
        stacked = np.concatenate(logs, axis=1)
        found.append(log_mean(stacked, axis=1))
    return np.concatenate(found) if found else np.empty(0)
