"""Whether somebody beside those who are named explains what *they* do not: evidence that is conditional on them.

A probability of having taken part compares sets of leakers, and no stated rate stands behind it: given that one leaked,
how often does an innocent colleague look like his partner? Whoever reviews what the leaker did, or works the same
cases, opened many of the same complainers for that reason alone. So a further name rests on the complaints that nobody
named had opened. If those came from elsewhere, whoever complained is a draw from the members of the risk set that the
named had not opened either; of these an actor had opened at most f / (1 - g), where g is the share of the named. So
A (1 - g) / f averages to at most 1, and the bets are fair or worse. One of several may begin later, or end earlier: at
the same few complaints as elsewhere, fixed in advance.

What an actor's own duty brought him to explains his openings beside another leaker too: it bets on what is left over as
he does, from the same prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.duties import Explained
from whosaw.trace.evidence import Evidence, Float, believed, log_absent, log_mean, log_prefixes, log_singles, log_sum
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.posterior import MarkFactors
from whosaw.trace.settings import Settings
from whosaw.trace.weights import Prior


@dataclass(frozen=True, slots=True)
class Beyond:
    """What H actors explain of what the named leave over.

    Args:
        probability: H probabilities that the actor passed on what is left over, beside *nobody else inside* and what
            his own duties explain.
        himself: the same beside his own duties alone: 1 where he has none.
        hits: H numbers of complainers and marks that the actor had opened and nobody named had.
    """

    probability: Float
    himself: Float
    hits: Int64


def beyond(
    evidence: Evidence,
    prior: Prior,
    marks: MarkFactors,
    named: Int64,
    settings: Settings,
    explained: Explained | None = None,
) -> Beyond:
    """Return what each actor explains of the complaints and marks that the named had not opened.

    Args:
        evidence: H actors, K complaints.
        prior: weights of the H actors.
        marks: canaries and the like that turned up.
        named: positions among the H actors, at least one.
        settings: the prior of *nobody else inside*, and the grid of λ.
        explained: what duties come to; `None` where none is known.
    """
    left = ~evidence.opened[0][:, named].any(axis=1)
    trust, share = evidence.trust[left], evidence.share[:, left]
    free = np.maximum(1.0 - share[0][:, named].sum(axis=1), 0.0)
    began = tuple(int(left[:start].sum()) for start in prior.starts)
    unseen = marks.seen & ~marks.seen[:, named].any(axis=1, keepdims=True)
    weight = prior.weight.copy()
    weight[:, named] = 0.0
    inside = 1.0 - settings.outside_prior
    with np.errstate(divide="ignore"):  # a weight of 0 is meant to give no probability
        fair = _fair(evidence.opened[:, left], share, free, trust)
        each = np.log(inside) + _bets(fair, weight, prior, began, settings) + marks.log_odds @ unseen
        rest = np.log(prior.ring_share * np.maximum(0.0, 1.0 - weight.sum(axis=1)))
        absent = np.logaddexp.reduce(rest + [log_absent(trust[start:], settings) for start in began])
    waiting = inside * (1.0 - prior.ring_share.sum())
    total = np.logaddexp.reduce(
        np.concatenate([[np.log(settings.outside_prior + waiting), np.log(inside) + absent], each])
    )
    duty = np.full(each.size, -np.inf)
    if explained is not None:
        his = np.flatnonzero(np.isin(explained.actor, evidence.actor))
        at = np.searchsorted(evidence.actor, explained.actor[his])
        fair = _fair(explained.opened[his][:, left].T[None], explained.share[his][:, left].T[None], free, trust)
        with np.errstate(divide="ignore"):
            brought = _bets(fair, weight[:, at], prior, began, settings) + explained.hit[his]
        np.maximum.at(duty, at, np.log(inside) + brought)  # several of one actor explain no more than the likeliest
    counted = (evidence.opened[0][left] & (trust >= 0.5)[:, None]).sum(axis=0) + unseen.sum(axis=0)
    himself = np.ones_like(each)
    on_duty = np.isfinite(duty)
    himself[on_duty] = np.exp(each[on_duty] - np.logaddexp(each, duty)[on_duty])
    return Beyond(np.exp(each - np.logaddexp(total, duty)), himself, np.asarray(counted))


def _fair(opened: Bool, share: Float, free: Float, trust: Float) -> Float:
    """Return T × K × H ratios whose mean over what the named had not opened is at most 1."""
    ratio = np.divide(free[None, :, None], share, out=np.zeros_like(share), where=opened)
    return believed(ratio, trust)


def _bets(ratio: Float, weight: Float, prior: Prior, began: tuple[int, ...], settings: Settings) -> Float:
    """Return H logs of prior × evidence: from a start to the end, or from the first complaint to an early end."""
    log_weight = np.log(weight)
    later = log_sum(np.log(prior.ring_share)[:, None] + log_weight + log_singles(ratio, began, settings), axis=0)
    ended = tuple(sorted({at for at in began if at}))
    if not ended:
        return later
    early = log_mean(log_prefixes(ratio, ended, settings), axis=0) + log_weight[0]
    return log_mean(np.stack([later, early]), axis=0)
