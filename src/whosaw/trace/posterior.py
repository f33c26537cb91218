"""The posterior over *nobody inside*, every single actor, and the strongest pairs and rings, all on one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Float, log_absent, log_single
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.rings import log_pairs, log_trios, partners, trios_around
from whosaw.trace.settings import Settings


@dataclass(frozen=True, slots=True)
class Marks:
    """Evidence that is no bet: canaries, aliases and unique copies that turned up outside.

    Args:
        seen: J × H flags: the actor had opened the mark before it turned up.
        log_odds: J logs of how much a hit multiplies the odds of those who had opened it.
    """

    seen: Bool
    log_odds: Float

    def of(self, members: Int64) -> Float:
        """Return the log factor of Q sets of actors, given as Q × m positions: any member's opening explains a mark."""
        return np.asarray(self.log_odds @ self.seen[:, members].any(axis=2))


def no_marks(actors: int) -> Marks:
    """Return the absence of such evidence for H actors."""
    return Marks(np.zeros((0, actors), np.bool_), np.empty(0))


@dataclass(frozen=True, slots=True)
class Posterior:
    """Probabilities given the evidence.

    Args:
        log_z: log of the prior-weighted mean of all models; the model *nobody inside* alone has likelihood 1.
        outside: probability that it was nobody inside, or noise.
        marginal: H probabilities that the actor leaked, alone or with others.
        log_e: H logs of the actors' own e-values.
        single: H probabilities that the actor leaked alone.
        rings: (Q × m positions among the H actors, Q probabilities) of the pairs and of the trios that were weighed.
    """

    log_z: float
    outside: float
    marginal: Float
    log_e: Float
    single: Float
    rings: tuple[tuple[Int64, Float], ...]

    def of_group(self, members: Int64) -> float:
        """Return the probability that at least one of the actors at positions `members` leaked."""
        total = float(self.single[members].sum())
        for ring, probability in self.rings:
            total += float(probability[np.isin(ring, members).any(axis=1)].sum())
        return min(1.0, total)

    @property
    def several(self) -> float:
        """Probability that more than one actor leaked."""
        return float(sum(probability.sum() for _, probability in self.rings))


def weigh(ratio: Float, trust: Float, weight: Float, settings: Settings, marks: Marks | None = None) -> Posterior:
    """Return the posterior for H actors; everybody else shares the remaining weight.

    Pairs and trios are those that a search finds worth weighing. What it leaves out would only have added to the
    evidence for somebody inside, so leaving it out keeps the stated rate.

    Args:
        ratio: T × K × H ratios A / f.
        trust: K parts of the complaints that no other source explains.
        weight: H prior weights; 1 minus their sum belongs to those who opened no complainer.
        settings: priors, and how many actors are combined.
        marks: canaries and the like that turned up.
    """
    marks = marks or no_marks(weight.size)
    log_e = log_single(ratio, settings)
    inside = 1.0 - settings.outside_prior
    alone = inside * (1.0 - settings.pair_share - settings.trio_share)
    rest = max(0.0, 1.0 - float(weight.sum()))
    with np.errstate(divide="ignore"):  # a weight of 0 is meant to give no probability
        log_weight = np.log(weight)
        single = np.log(alone) + log_weight + log_e + marks.of(np.arange(weight.size)[:, None])
        others = np.log(alone * rest) + log_absent(trust, settings)
        pool = _pool(ratio, weight, log_e, settings)
        pairs = _pairs(pool)
        pair = np.log(2.0 * inside * settings.pair_share) + log_weight[pairs].sum(axis=1) + log_pairs(ratio, pairs)
        pair += marks.of(pairs)
        trios = trios_around(pairs, pair, pool, settings)
        trio = np.log(6.0 * inside * settings.trio_share) + log_weight[trios].sum(axis=1) + log_trios(ratio, trios)
        trio += marks.of(trios)
    log_outside = np.log(settings.outside_prior)
    log_z = float(np.logaddexp.reduce(np.concatenate([[log_outside, others], single, pair, trio])))
    rings = ((pairs, np.exp(pair - log_z)), (trios, np.exp(trio - log_z)))
    alone_probability = np.exp(single - log_z)
    marginal = alone_probability.copy()
    for ring, probability in rings:
        for side in range(ring.shape[1]):
            np.add.at(marginal, ring[:, side], probability)
    outside = float(np.exp(log_outside - log_z))
    return Posterior(log_z, outside, np.minimum(marginal, 1.0), log_e, alone_probability, rings)


def moves(ratio: Float) -> Bool:
    """Return which of the H actors the complaints can tell from nobody: one bet at least is not 1."""
    return np.asarray((ratio != 1.0).any(axis=(0, 1)))


def _pairs(pool: Int64) -> Int64:
    one, two = np.triu_indices(pool.size, 1)
    return np.stack([pool[one], pool[two]], axis=1)


def _pool(ratio: Float, weight: Float, log_e: Float, settings: Settings) -> Int64:
    """Return the actors worth combining: the strongest alone, and those who add most to one of the strongest."""
    eligible = np.flatnonzero((weight > 0) & moves(ratio))
    if eligible.size <= settings.pair_pool:
        return eligible
    strength = log_e[eligible] + np.log(weight[eligible])
    chosen = _top(strength, settings.pair_pool)
    for h in eligible[_top(strength, settings.pair_pool // 5)]:
        added = partners(ratio[:, :, eligible], ratio[:, :, h]) + np.log(weight[eligible])
        added[eligible == h] = -np.inf
        chosen |= _top(added, settings.pair_pool // 2)
    return np.asarray(eligible[chosen])


def _top(strength: Float, count: int) -> Bool:
    """Return which are among the `count` largest; equals at the edge stay out together, so that no numbering decides."""
    # rounded, because the order of summing complaints of one time may differ in the last bits
    rounded = np.round(strength, 9)
    if rounded.size <= count:
        return np.ones(rounded.size, np.bool_)
    edge = np.sort(rounded)[-count - 1]
    return np.asarray(rounded > edge)
