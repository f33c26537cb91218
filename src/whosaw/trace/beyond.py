"""Whether somebody beside those who are named explains what *they* do not: evidence that is conditional on them.

A probability of having taken part compares sets of leakers, and no stated rate stands behind it: given that one leaked,
how often does an innocent colleague look like his partner? Whoever reviews what the leaker did, or works the same
cases, opened many of the same complainers for that reason alone. So a further name rests on the complaints that nobody
named had opened. If those came from elsewhere, whoever complained is a draw from the members of the risk set that the
named had not opened either; of these an actor had opened at most f / (1 - g), where g is the share of the named. So
A (1 - g) / f averages to at most 1, and the bets are fair or worse. One of several may begin later, or end earlier: at
the same few complaints as elsewhere, fixed in advance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Evidence, Float, log_absent, log_mean, log_prefixes, log_singles, log_sum
from whosaw.trace.inputs import Int64
from whosaw.trace.posterior import MarkFactors
from whosaw.trace.settings import Settings
from whosaw.trace.weights import Prior


@dataclass(frozen=True, slots=True)
class Beyond:
    """What H actors explain of what the named leave over.

    Args:
        probability: H probabilities that the actor passed on what is left over, beside *nobody else inside*.
        hits: H numbers of complainers and marks that the actor had opened and nobody named had.
    """

    probability: Float
    hits: Int64


def beyond(evidence: Evidence, prior: Prior, marks: MarkFactors, named: Int64, settings: Settings) -> Beyond:
    """Return what each actor explains of the complaints and marks that the named had not opened.

    Args:
        evidence: H actors, K complaints.
        prior: weights of the H actors.
        marks: canaries and the like that turned up.
        named: positions among the H actors, at least one.
        settings: the prior of *nobody else inside*, and the grid of λ.
    """
    left = ~evidence.opened[0][:, named].any(axis=1)
    free = np.maximum(1.0 - evidence.share[0][left][:, named].sum(axis=1), 0.0)
    trust, share = evidence.trust[left], evidence.share[:, left]
    fair = np.divide(free[None, :, None], share, out=np.zeros_like(share), where=evidence.opened[:, left])
    ratio = np.where(trust[None, :, None] < 1.0, 1.0 + trust[None, :, None] * (fair - 1.0), fair)
    unseen = marks.seen & ~marks.seen[:, named].any(axis=1, keepdims=True)
    weight = prior.weight.copy()
    weight[:, named] = 0.0
    inside, began = 1.0 - settings.outside_prior, [int(left[:start].sum()) for start in prior.starts]
    rest = np.maximum(0.0, 1.0 - weight.sum(axis=1))
    with np.errstate(divide="ignore"):  # a weight of 0 is meant to give no probability
        log_weight = np.log(weight)
        bets = log_sum(np.log(prior.ring_share)[:, None] + log_weight + log_singles(ratio, tuple(began), settings), 0)
        if ended := tuple(sorted({at for at in began if at})):
            early = log_mean(log_prefixes(ratio, ended, settings), axis=0) + log_weight[0]
            bets = log_mean(np.stack([bets, early]), axis=0)
        each = np.log(inside) + bets + marks.log_odds @ unseen
        absent = np.log(prior.ring_share * rest) + [log_absent(trust[start:], settings) for start in began]
    waiting = inside * (1.0 - prior.ring_share.sum())
    nobody = [np.log(settings.outside_prior + waiting), np.log(inside) + np.logaddexp.reduce(absent)]
    total = np.logaddexp.reduce(np.concatenate([nobody, each]))
    counted = (evidence.opened[0][left] & (trust >= 0.5)[:, None]).sum(axis=0) + unseen.sum(axis=0)
    return Beyond(np.exp(each - total), np.asarray(counted))
