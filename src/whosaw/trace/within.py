"""Given that somebody inside leaked, who? The probability of one leaker, shared out by more than bets may use.

A bet compares a complainer with those of the same weeks and never asks *when* an actor worked at all: only so is it
fair whatever period the leak fell into. Evidence for *somebody inside* therefore rests on bets alone. How the
probability of *one leaker inside* is divided among the actors is another question, and no answer to it can raise that
evidence. Here two models answer it, each half:

- the leak fell into some weeks, the same for whoever leaked: the bets decide;
- the leaker passed on any of what he had opened: each complainer is one of his own subjects, and one of few says more
  than one of many.

How much each counts is told by the entries of the complainers alone, which are the same for every actor: where they
crowd into some weeks, the first does.

Marks multiply odds by a stated factor at most, so they are weighed once more after the sharing out; that may move a
little between inside and outside, and what excludes nobody inside must hold before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Evidence, Float, log_single, log_singles, log_sum
from whosaw.trace.inputs import Int64
from whosaw.trace.posterior import MarkFactors, Posterior
from whosaw.trace.risk import Context, RiskSet
from whosaw.trace.settings import DAY_US, Settings
from whosaw.trace.weights import Prior, Used

_WEEKS_US = 28 * DAY_US
_CROWD = 0.7
"""Part of the complainers expected near an earlier one if the leak fell into some weeks; fixed in advance."""


@dataclass(frozen=True, slots=True)
class Records:
    """What the actors of the evidence had opened of the question's subjects by the last contact.

    Args:
        opened: T × H numbers of subjects; a complainer's record counts only if it was opened before its contact.
        subjects: how many subjects had entered by then.
        weight: H weights like those of the prior, but even over whoever had opened a subject by then.
        log_crowded: log of how much likelier the complainers' entries are if the leak fell into some weeks.
    """

    opened: Float
    subjects: int
    weight: Float
    log_crowded: float


def records(used: Used, context: Context, evidence: Evidence, settings: Settings) -> Records:
    """Return the records of the actors of the evidence; nothing opened from the last contact on counts.

    Args:
        used: who opened what of the question's subjects.
        context: those subjects.
        evidence: H actors, K complaints.
        settings: for the weights.
    """
    sets = evidence.sets
    if not sets:
        nobody = np.empty(0)
        return Records(np.zeros((evidence.opened.shape[0], 0)), 1, nobody, 0.0)
    last_us = sets[-1].contacted_us
    opened = np.stack([used.opened(kind, last_us, sets)[evidence.actor] for kind in range(evidence.opened.shape[0])])
    weight = used.weights(sets[0].contacted_us, settings, present=(last_us, sets))
    entered_us = context.entered_us[: np.searchsorted(context.entered_us, last_us)]
    return Records(opened, entered_us.size, weight[evidence.actor], _log_crowded(context, entered_us, sets))


def share_out(
    posterior: Posterior, evidence: Evidence, prior: Prior, known: Records, marks: MarkFactors, settings: Settings
) -> Posterior:
    """Return the posterior with the probability of one leaker divided anew; nobody inside, pairs and trios stay.

    Args:
        posterior: by bets alone.
        evidence: H actors, K complaints.
        prior: weights of the H actors.
        known: their records.
        marks: canaries and the like that turned up.
        settings: the grid of λ.
    """
    ratio, odds = evidence.ratio, marks.of(np.arange(evidence.actor.size)[:, None])
    own = np.where(evidence.opened, known.subjects / np.maximum(known.opened, 1.0)[:, None, :], 0.0)
    own = 1.0 + evidence.trust[None, :, None] * (own - 1.0)
    with np.errstate(divide="ignore"):  # a weight of 0 is meant to give no probability
        by_bets = np.log(posterior.single) - odds
        weight = np.log(np.vstack([known.weight, prior.weight[1:]]))
        weeks = log_sum(np.log(prior.share)[:, None] + weight + log_singles(ratio, prior.starts, settings), axis=0)
        record = weight[0] + log_single(own, settings)
    score = np.logaddexp(weeks + known.log_crowded, record)
    if not np.isfinite(max(score.max(initial=-np.inf), by_bets.max(initial=-np.inf))):
        return posterior
    # marks speak after the sharing out, so that each multiplies nobody's odds by more than it may
    single = np.exp(log_sum(by_bets, axis=0) + score - log_sum(score, axis=0) + odds)
    total = max(1.0 - posterior.single.sum(), 0.0) + single.sum()
    marginal = np.clip((posterior.marginal - posterior.single + single) / total, 0.0, 1.0)
    return Posterior(
        log_z=posterior.log_z + float(np.log(total)),
        outside=float(posterior.outside / total),
        marginal=marginal,
        log_e=posterior.log_e,
        single=single / total,
        rings=tuple((ring, probability / total) for ring, probability in posterior.rings),
    )


def _log_crowded(context: Context, entered_us: Int64, sets: tuple[RiskSet, ...]) -> float:
    """Return log of how likely the complainers' entries are if the leak fell into some weeks, against any of them.

    Each complainer is drawn near an earlier one, or evenly; half of the model has no such weeks after all.
    """
    at_us = context.entered_us[context.place[[risk.subject for risk in sets]]]
    around = np.searchsorted(entered_us, at_us + _WEEKS_US, "right") - np.searchsorted(entered_us, at_us - _WEEKS_US)
    near = np.abs(at_us[:, None] - at_us[None, :]) <= _WEEKS_US
    log_likelihood = 0.0
    for i in range(1, at_us.size):
        density = entered_us.size * float((near[i, :i] / np.maximum(around[:i], 1)).mean())
        log_likelihood += float(np.log(1.0 - _CROWD + _CROWD * density))
    return float(np.logaddexp(0.0, log_likelihood) - np.log(2.0))
