"""Several leakers together: the bets of pairs and trios, and the search for those worth weighing.

A set S with shares λ bets 1 + Σ λ_e (A_e/f_e - 1) on every complaint: a mixture of fair bets, hence fair. The shares
never sum to 1, so that one stray complaint cannot rule a set out. A member who begins later bets from then on.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, permutations, product

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
_ALONE = np.unique(np.append(np.array(PAIR_SHARES), PHASE_SHARES))
"""Every share that a member of a pair may bet with while the other has not begun."""

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
    found = [_some_pairs(ratio, part, prior) for part in _chunks(pairs)]
    return np.concatenate(found)


def _some_pairs(ratio: Float, pairs: Int64, prior: Prior) -> Float:
    """Weigh a chunk of pairs: all combinations of kinds of access beside one another."""
    kinds = list(product(range(ratio.shape[0]), repeat=2))
    own = np.concatenate(list(ratio), axis=1)  # K × kinds·H
    idle = own.min(axis=1)
    side = [np.concatenate([pairs[:, at] + kind[at] * ratio.shape[2] for kind in kinds]) for at in (0, 1)]
    chosen, which = _distinct(np.stack([_alike(own, idle)[each] for each in side], axis=1))
    one, two = (own[:, chosen[:, at]] for at in (0, 1))
    alone = _alone(own, idle, prior)
    began = _Began(np.tile(pairs, (len(kinds), 1)), prior)
    shares = np.array(PAIR_SHARES).T
    together = log_bets((one - 1.0, two - 1.0), idle - 1.0, shares)
    ahead = [alone[:, side[at]][:, :, np.searchsorted(_ALONE, shares[at])] for at in (0, 1)]
    steady = began.mixed(tails_from(together, prior.starts)[:, which], ahead)
    selling = np.searchsorted(_ALONE, PHASE_SHARES)
    ahead = [alone[:, side[at]][:, :, selling] for at in (0, 1)]
    changing = began.mixed(turns((one, two), prior.starts)[:, which], ahead)
    logs = log_mean(np.stack([steady, changing]), axis=0).reshape(len(kinds), -1)
    return log_mean(logs, axis=0)


def _alike(ratio: Float, idle: Float) -> Int64:
    """Return per column of K × Q ratios one that is the same: of those who opened nobody the first, else itself."""
    same = np.arange(ratio.shape[1])
    none = np.flatnonzero((ratio == idle[:, None]).all(axis=0))
    same[none] = none[:1]
    return same


def _distinct(sets: Int64) -> tuple[Int64, Int64]:
    """Return the distinct ones of Q × m sets, and which of those each is.

    Two at least, if there are two: numpy multiplies a single row by another routine, whose last bit may differ.
    """
    key, base = sets[:, 0], int(sets.max()) + 1
    for column in sets.T[1:]:
        key = key * base + column
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return sets[first if first.size > 1 else [first[0]] * min(2, len(sets))], which


def log_bets(gains: tuple[Float, ...], idle: Float, shares: Float) -> Float:
    """Return K × Q × S logs of 1 + the members' gains times their shares.

    Most sets had opened no complainer of most complaints: what they bet there is worked out once.

    Args:
        gains: per member K × Q numbers A / f - 1.
        idle: K such numbers of who did not open the complainer.
        shares: members × S shares.
    """

    def logs(each: list[Float]) -> Float:
        total = each[0][:, None] * shares[0]
        for gain, share in zip(each[1:], shares[1:], strict=True):
            total = total + gain[:, None] * share
        return np.asarray(np.log1p(total))

    found = np.empty((*gains[0].shape, shares.shape[1]))
    found[:] = logs([idle] * len(gains))[:, None]
    opened = np.logical_or.reduce([gain != idle[:, None] for gain in gains])
    found[opened] = logs([gain[opened] for gain in gains])
    return found


def _alone(own: Float, idle: Float, prior: Prior) -> Float:
    """Return later starts × kinds·H × shares logs of the bets of one actor before each later start."""
    last = prior.starts[-1]
    steps = log_bets((own[:last] - 1.0,), idle[:last] - 1.0, _ALONE[None])
    rows = [steps[:start].sum(axis=0) for start in prior.starts[1:]]
    return np.stack(rows) if rows else np.empty((0, own.shape[1], _ALONE.size))


def tails_from(logs: Float, starts: tuple[int, ...]) -> Float:
    """Return starts × … sums over the first axis from each start to the end."""
    parts = np.stack([logs[start:end].sum(axis=0) for start, end in pairwise((*starts, len(logs)))])
    return np.asarray(np.cumsum(parts[::-1], axis=0)[::-1])


class _Began:
    """Who of a pair began when: both at first, or one of them alone and the other later."""

    def __init__(self, pairs: Int64, prior: Prior) -> None:
        with np.errstate(divide="ignore"):
            self._log_weight = np.log(prior.weight[:, pairs])  # starts × Q × 2
        self._prior = prior

    def mixed(self, tails: Float, ahead: list[Float]) -> Float:
        """Return Q logs of weight × E.

        Args:
            tails: starts × Q × shares logs of the pair's bets from each start on.
            ahead: per member later starts × Q × shares logs of its bets before that start, alone.
        """
        log_weight, share = self._log_weight, self._prior.ring_share
        parts = [np.log(share[0]) + log_weight[0].sum(axis=1)[:, None] + tails[0]]
        for at in range(1, len(self._prior.starts)):
            for first in (0, 1):  # that one from the start, the other later
                weight = log_weight[0][:, first] + log_weight[at][:, 1 - first]
                parts.append(np.log(share[at] / 2.0) + weight[:, None] + ahead[first][at - 1] + tails[at])
        return log_mean(log_sum(np.stack(parts), axis=0), axis=1)


def weigh_trios(ratio: Float, trios: Int64, prior: Prior) -> Float:
    """Return log of prior weight × E of Q trios, given as Q × 3 positions; all three by one kind of access."""
    found = [_some_trios(ratio, part, prior) for part in _chunks(trios)]
    return np.concatenate(found) if found else np.empty(0)


def _some_trios(ratio: Float, trios: Int64, prior: Prior) -> Float:
    shares = np.array(TRIO_SHARES).T
    log_weight = np.log(prior.weight[:, trios]).sum(axis=2)  # S × Q
    began = (np.log(prior.ring_share)[:, None] + log_weight)[:, :, None]
    own = np.concatenate(list(ratio), axis=1)  # K × kinds·H
    idle, kinds = own.min(axis=1), np.arange(len(ratio))
    chosen, which = _distinct(_alike(own, idle)[(trios + kinds[:, None, None] * ratio.shape[2]).reshape(-1, 3)])
    steady = tails_from(_three_bets(own[:, chosen] - 1.0, idle - 1.0, shares), prior.starts)
    changing = turns(tuple(own[:, chosen[:, member]] for member in range(3)), prior.starts)
    logs = [
        log_mean(log_sum(tails[:, part] + began, axis=0), axis=1)
        for part in np.split(which, len(ratio))
        for tails in (steady, changing)
    ]
    return log_mean(np.stack(logs), axis=0)


def _three_bets(gain: Float, idle: Float, shares: Float) -> Float:
    """Return what `log_bets` does for K × Q × 3 gains; by a product of matrices, whose last bits are its own."""
    if gain.shape[1] == 1:
        return np.asarray(np.log1p(gain @ shares))
    opened = (gain != idle[:, None, None]).any(axis=2)
    logs = np.log1p(np.concatenate([np.repeat(idle[:, None], 3, axis=1), gain[opened]]) @ shares)
    found = np.empty((*gain.shape[:2], shares.shape[1]))
    found[:] = logs[: idle.size, None]
    found[opened] = logs[idle.size :]
    return found


def partners(ratio: Float, of: Float) -> Float:
    """Return how much H actors add to one: log of the pair's bet at equal shares, the better kind of access of each.

    Args:
        ratio: T × K × H ratios A / f.
        of: T × K ratios of the one.
    """
    best = np.full(ratio.shape[2], -np.inf)
    for s, kind in enumerate(ratio):
        # a kind of access that nowhere says more than *any* adds no more either
        which = np.flatnonzero((kind > ratio[0]).any(axis=0)) if s else slice(None)
        gain = kind[:, which] - 1.0
        if gain.size:
            idle = gain.min(axis=1)
            opened = gain != idle[:, None]
            row = np.nonzero(opened)[0]
            logs = []
            for each in of:
                base = 0.4 * (each - 1.0)
                step = np.empty_like(gain)  # in the order in memory of the gains, in which they are summed
                step[:] = np.log1p(0.4 * idle + base)[:, None]
                step[opened] = np.log1p(0.4 * gain[opened] + base[row])
                logs.append(step.sum(axis=0))
            best[which] = np.maximum(best[which], np.maximum.reduce(logs))
    return best


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
