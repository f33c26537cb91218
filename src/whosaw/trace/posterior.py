"""The posterior over *nobody inside*, every single actor, and the strongest pairs, all on one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Float, log_absent, log_mean, log_single
from whosaw.trace.inputs import Int64
from whosaw.trace.settings import PAIR_CELLS, Settings


@dataclass(frozen=True, slots=True)
class Posterior:
    """Probabilities given the evidence.

    Args:
        log_z: log of the prior-weighted mean of all models; the model *nobody inside* alone has likelihood 1.
        outside: probability that it was nobody inside, or noise.
        marginal: H probabilities that the actor leaked, alone or with another.
        log_e: H logs of the actors' own e-values.
        first, second: Q positions among the H actors of the pairs that were weighed.
        pair: Q probabilities of those pairs.
    """

    log_z: float
    outside: float
    marginal: Float
    log_e: Float
    first: Int64
    second: Int64
    pair: Float

    def of_group(self, members: Int64) -> float:
        """Return the probability that at least one of the actors at positions `members` leaked."""
        if members.size == 1:
            return float(self.marginal[members[0]])
        both = np.isin(self.first, members) & np.isin(self.second, members)
        return float(min(1.0, self.marginal[members].sum() - self.pair[both].sum()))


def weigh(ratio: Float, weight: Float, settings: Settings) -> Posterior:
    """Return the posterior for H actors; everybody else shares the remaining weight.

    Args:
        ratio: T × K × H ratios A / f.
        weight: H prior weights; 1 minus their sum belongs to those who opened no complainer.
        settings: priors, and how many actors are paired.
    """
    log_e = log_single(ratio, settings)
    single_prior = (1.0 - settings.outside_prior) * (1.0 - settings.pair_share)
    pair_prior = (1.0 - settings.outside_prior) * settings.pair_share
    rest = max(0.0, 1.0 - float(weight.sum()))
    with np.errstate(divide="ignore"):  # a weight of 0 is meant to give no probability
        single = np.log(single_prior * weight) + log_e
        others = np.log(single_prior * rest) + log_absent(ratio.shape[1], settings)
        pool = _strongest(ratio, weight, log_e, settings)
        a, b = (pool[side] for side in np.triu_indices(pool.size, 1))
        pairs = np.log(2.0 * pair_prior * weight[a] * weight[b]) + log_pairs(ratio, a, b)
    log_outside = np.log(settings.outside_prior)
    log_z = float(np.logaddexp.reduce(np.concatenate([[log_outside, others], single, pairs])))
    pair = np.exp(pairs - log_z)
    marginal = np.exp(single - log_z)
    np.add.at(marginal, a, pair)
    np.add.at(marginal, b, pair)
    return Posterior(log_z, float(np.exp(log_outside - log_z)), np.minimum(marginal, 1.0), log_e, a, b, pair)


def log_pairs(ratio: Float, first: Int64, second: Int64) -> Float:
    """Return log E of Q pairs: averaged over the shares of the two and over their kinds of access.

    Args:
        ratio: T × K × H ratios A / f.
        first: Q positions among the H actors.
        second: Q positions, those of the other actor.
    """
    kinds = range(ratio.shape[0])
    logs = [
        np.log1p(own * (ratio[s][:, first] - 1.0) + other * (ratio[t][:, second] - 1.0)).sum(axis=0)
        for s in kinds
        for t in kinds
        for own, other in PAIR_CELLS
    ]
    return log_mean(np.stack(logs), axis=0)


def moves(ratio: Float) -> np.typing.NDArray[np.bool_]:
    """Return which of the H actors the complaints can tell from nobody: one bet at least is not 1."""
    return np.asarray((ratio != 1.0).any(axis=(0, 1)))


def _strongest(ratio: Float, weight: Float, log_e: Float, settings: Settings) -> Int64:
    """Return the actors worth pairing; equals at the edge stay out together, so that no numbering decides."""
    eligible = np.flatnonzero((weight > 0) & moves(ratio))
    if eligible.size <= settings.pair_pool:
        return eligible
    # rounded, because the order of summing complaints of one time may differ in the last bits
    strength = np.round(log_e[eligible], 9)
    edge = np.sort(strength)[-settings.pair_pool - 1]
    return np.asarray(eligible[strength > edge])
