"""The posterior over *nobody inside*, every single actor, and the strongest pairs and rings, all on one scale."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from whosaw.trace.evidence import Float, log_absent, log_singles, log_sum
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.rings import partners, trios_around, weigh_pairs, weigh_trios
from whosaw.trace.settings import Settings
from whosaw.trace.weights import Prior

_FAR = np.log(1e-6)
"""Pairs whose prior × evidence stays this far below *nobody inside* are not tried with a third."""


@dataclass(frozen=True, slots=True)
class MarkFactors:
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


def no_marks(actors: int) -> MarkFactors:
    """Return the absence of such evidence for H actors."""
    return MarkFactors(np.zeros((0, actors), np.bool_), np.empty(0))


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
        explained: J probabilities that the complainers come from those whom a duty brought, whoever passed them on.
    """

    log_z: float
    outside: float
    marginal: Float
    log_e: Float
    single: Float
    rings: tuple[tuple[Int64, Float], ...]
    explained: Float = field(default_factory=lambda: np.empty(0))

    @property
    def not_inside(self) -> float:
        """Probability of nobody inside, and of what duties explain: what an excluded outside must exclude."""
        return float(min(1.0, self.outside + self.explained.sum()))

    def of_group(self, members: Int64) -> float:
        """Return the probability that at least one of the actors at positions `members` leaked."""
        if members.size == 1:
            return float(self.marginal[members[0]])
        total = float(self.single[members].sum())
        for ring, probability in self.rings:
            total += float(probability[np.isin(ring, members).any(axis=1)].sum())
        return min(1.0, total)

    def log_inside(self, settings: Settings) -> float:
        """Return the log of the mean of all models of *somebody inside*, of those that have yet to begin too."""
        prior = settings.outside_prior
        return float(self.log_z + np.log1p(-prior * np.exp(-self.log_z)) - np.log1p(-prior))

    @property
    def several(self) -> float:
        """Probability that more than one actor leaked."""
        return float(sum(probability.sum() for _, probability in self.rings))


def weigh(ratio: Float, trust: Float, prior: Prior, settings: Settings, marks: MarkFactors | None = None) -> Posterior:
    """Return the posterior for H actors; everybody else shares the remaining weight.

    Pairs and trios are those that a search finds worth weighing. What it leaves out would only have added to the
    evidence for somebody inside, so leaving it out keeps the stated rate.

    Args:
        ratio: T × K × H ratios A / f.
        trust: K parts of the complaints that no other source explains.
        prior: weights of the H actors.
        settings: priors, and how many actors are combined.
        marks: canaries and the like that turned up.
    """
    marks = marks or no_marks(ratio.shape[2])
    inside = 1.0 - settings.outside_prior
    alone = inside * (1.0 - settings.pair_share - settings.trio_share)
    with np.errstate(divide="ignore"):  # a weight of 0 is meant to give no probability
        bets = log_singles(ratio, prior.starts, settings)
        single = log_sum(np.log(prior.share)[:, None] + np.log(prior.weight) + bets, axis=0)
        rest = np.maximum(0.0, 1.0 - prior.weight.sum(axis=1))
        absent = [log_absent(trust[start:], settings) for start in prior.starts]
        others = np.log(alone) + np.logaddexp.reduce(np.log(prior.share * rest) + np.array(absent))
        pairs = _pairs(ratio, single, settings)
        pair = np.log(2.0 * inside * settings.pair_share) + weigh_pairs(ratio, pairs, prior) + marks.of(pairs)
        # where no pair comes near, no trio around it does: leaving trios out never adds to the evidence
        near = pair.max(initial=-np.inf) >= np.log(settings.outside_prior) + _FAR
        trios = trios_around(pairs, pair, settings) if near else np.empty((0, 3), np.int64)
        trio = np.log(6.0 * inside * settings.trio_share) + weigh_trios(ratio, trios, prior) + marks.of(trios)
        single = np.log(alone) + single + marks.of(np.arange(ratio.shape[2])[:, None])
    log_outside = np.log(outside_mass(prior, settings))
    log_z = float(np.logaddexp.reduce(np.concatenate([[log_outside, others], single, pair, trio])))
    rings = ((pairs, np.exp(pair - log_z)), (trios, np.exp(trio - log_z)))
    by_oneself = np.exp(single - log_z)
    marginal = by_oneself.copy()
    for ring, probability in rings:
        for side in range(ring.shape[1]):
            np.add.at(marginal, ring[:, side], probability)
    outside = float(np.exp(log_outside - log_z))
    return Posterior(log_z, outside, np.minimum(marginal, 1.0), bets[0], by_oneself, rings)


def outside_mass(prior: Prior, settings: Settings) -> float:
    """Return the prior of *nobody inside*, together with what of the rest has not begun to bet."""
    rings = settings.pair_share + settings.trio_share
    waiting = (1.0 - rings) * (1.0 - prior.share.sum()) + rings * (1.0 - prior.ring_share.sum())
    return float(settings.outside_prior + (1.0 - settings.outside_prior) * waiting)


def moves(ratio: Float) -> Bool:
    """Return which of the H actors the complaints can tell from nobody: one bet at least is not 1."""
    return np.asarray((ratio != 1.0).any(axis=(0, 1)))


def _pairs(ratio: Float, strength: Float, settings: Settings) -> Int64:
    """Return Q × 2 positions worth weighing: the strongest with one another, and with those who add most to them.

    Args:
        ratio: T × K × H ratios A / f.
        strength: H logs of prior × evidence of the actors alone.
        settings: how many.
    """
    eligible = np.flatnonzero(np.isfinite(strength) & moves(ratio))
    if eligible.size < 2 or settings.pair_pool < 2:
        return np.empty((0, 2), np.int64)
    strong = eligible[_top(strength[eligible], settings.pair_pool)]
    one, two = np.triu_indices(strong.size, 1)
    found = [np.stack([strong[one], strong[two]], axis=1)]
    if eligible.size > settings.pair_pool:
        for h in eligible[_top(strength[eligible], settings.pair_pool // 4)]:
            others = eligible[eligible != h]
            added = others[_top(partners(ratio[:, :, others], ratio[:, :, h]), settings.pair_pool)]
            found.append(np.stack([np.full(added.size, h), added], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _top(strength: Float, count: int) -> Bool:
    """Return which are among the `count` largest; equals at the edge stay out together: no numbering decides."""
    # rounded, because the order of summing complaints of one time may differ in the last bits
    rounded = np.round(strength, 9)
    if rounded.size <= count:
        return np.ones(rounded.size, np.bool_)
    edge = np.sort(rounded)[-count - 1]
    return np.asarray(rounded > edge)
