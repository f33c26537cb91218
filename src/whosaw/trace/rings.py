"""Several leakers together: the bets of pairs and trios, and the search for those worth weighing.

A set S with shares λ bets 1 + Σ λ_e (A_e/f_e - 1) on every complaint: a mixture of fair bets, hence fair. The shares
never sum to 1, so that one stray complaint cannot rule a set out. A member who begins later bets from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np

from whosaw.trace.evidence import Float, log_mean, log_sum
from whosaw.trace.inputs import Int64
from whosaw.trace.phases import PHASE_SHARES, turns
from whosaw.trace.settings import Settings
from whosaw.trace.weights import Prior

PAIR_SHARES = tuple((a, b) for a in (0.2, 0.35, 0.5, 0.65) for b in (0.2, 0.35, 0.5, 0.65) if a + b <= 0.9)
TRIO_SHARES = tuple(
    (total * a, total * b, total * c)
    for total in (0.7, 0.88)
    for a, b, c in [(1 / 3, 1 / 3, 1 / 3), *sorted(set(permutations((0.5, 0.3, 0.2))))]
)
_CHUNK = 512


def weigh_pairs(ratio: Float, pairs: Int64, prior: Prior) -> Float:
    """Return log of prior weight × E of Q pairs: averaged over shares, kinds of access, and who began when.

    Args:
        ratio: T × K × H ratios A / f.
        pairs: Q × 2 positions among the H actors.
        prior: weights of the H actors.
    """
    if not len(pairs):
        return np.empty(0)
    shares = np.array(PAIR_SHARES).T
    logs = [
        _pairs_of_kind(ratio[s][:, pairs[:, 0]], ratio[t][:, pairs[:, 1]], pairs, prior, shares)
        for s, t in product(range(ratio.shape[0]), repeat=2)
    ]
    return log_mean(np.stack(logs), axis=0)


def _pairs_of_kind(one: Float, two: Float, pairs: Int64, prior: Prior, shares: Float) -> Float:
    steady = _steady(one, two, pairs, prior, shares)
    return log_mean(np.stack([steady, _by_turns(one, two, pairs, prior)]), axis=0)


def _steady(one: Float, two: Float, pairs: Int64, prior: Prior, shares: Float) -> Float:
    """Return log of weight × E of pairs whose shares stay as they are."""
    gain_one, gain_two = (one - 1.0)[:, :, None] * shares[0], (two - 1.0)[:, :, None] * shares[1]
    together = np.log1p(gain_one + gain_two)
    tails = np.stack([together[start:].sum(axis=0) for start in prior.starts])
    return _began(gain_one, gain_two, tails, pairs, prior)


def _by_turns(one: Float, two: Float, pairs: Int64, prior: Prior) -> Float:
    """Return the same of pairs who take turns."""
    shares = np.array(PHASE_SHARES)
    gain_one, gain_two = (one - 1.0)[:, :, None] * shares, (two - 1.0)[:, :, None] * shares
    return _began(gain_one, gain_two, turns((one, two), prior.starts), pairs, prior)


def _began(gain_one: Float, gain_two: Float, tails: Float, pairs: Int64, prior: Prior) -> Float:
    """Return log of weight × E over who began when: both at first, or one of them alone and the other later.

    Args:
        gain_one: K × Q × shares gains of the first alone.
        gain_two: the same of the other.
        tails: starts × Q × shares logs of the pair's bets from each start on.
        pairs: Q × 2 positions.
        prior: weights.
    """
    log_weight = np.log(prior.weight[:, pairs])  # S × Q × 2
    parts = [np.log(prior.ring_share[0]) + log_weight[0].sum(axis=1)[:, None] + tails[0]]
    alone = [np.cumsum(np.log1p(gain[: prior.starts[-1]]), axis=0) for gain in (gain_one, gain_two)]
    for at, start in enumerate(prior.starts[1:], 1):
        for first in (0, 1):  # that one from the start, the other later
            ahead = alone[first][min(start, len(gain_one)) - 1]
            weight = log_weight[0][:, first] + log_weight[at][:, 1 - first]
            parts.append(np.log(prior.ring_share[at] / 2.0) + weight[:, None] + ahead + tails[at])
    return log_mean(log_sum(np.stack(parts), axis=0), axis=1)


def weigh_trios(ratio: Float, trios: Int64, prior: Prior) -> Float:
    """Return log of prior weight × E of Q trios, given as Q × 3 positions; all three by one kind of access."""
    found = [_some_trios(ratio, part, prior) for part in _chunks(trios)]
    return np.concatenate(found) if found else np.empty(0)


def _some_trios(ratio: Float, trios: Int64, prior: Prior) -> Float:
    shares = np.array(TRIO_SHARES).T
    log_weight = np.log(prior.weight[:, trios]).sum(axis=2)  # S × Q
    began = (np.log(prior.ring_share)[:, None] + log_weight)[:, :, None]
    logs = []
    for kind in ratio:
        step = np.log1p((kind[:, trios] - 1.0) @ shares)
        steady = np.stack([step[start:].sum(axis=0) for start in prior.starts])
        changing = turns(tuple(kind[:, trios[:, member]] for member in range(3)), prior.starts)
        logs += [log_mean(log_sum(tails + began, axis=0), axis=1) for tails in (steady, changing)]
    return log_mean(np.stack(logs), axis=0)


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


def trios_around(pairs: Int64, strength: Float, settings: Settings) -> Int64:
    """Return Q × 3 positions: the strongest pairs, each with everybody who occurs in any pair.

    Args:
        pairs: P × 2 positions.
        strength: P logs of prior × evidence.
        settings: how many pairs are extended.
    """
    if len(pairs) < 3 or settings.trio_share == 0.0:
        return np.empty((0, 3), np.int64)
    pool = np.unique(pairs)
    rounded = np.round(strength, 9)
    keep = min(settings.trio_seeds, len(pairs) - 1)
    seeds = pairs[rounded > np.sort(rounded)[-keep - 1]]
    joined = np.stack([np.repeat(seeds[:, side], pool.size) for side in (0, 1)] + [np.tile(pool, len(seeds))], axis=1)
    joined = np.sort(joined[(joined[:, 2] != joined[:, 0]) & (joined[:, 2] != joined[:, 1])], axis=1)
    return np.unique(joined, axis=0)


def _chunks(sets: Int64) -> Iterator[Int64]:
    for start in range(0, len(sets), _CHUNK):
        yield sets[start : start + _CHUNK]
