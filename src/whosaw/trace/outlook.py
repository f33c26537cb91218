"""What would decide it: how many more complaints would name or clear a candidate, and who can never be reached.

Sums on the expected growth of the log bet; they promise nothing, they say where to look next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Evidence, Float, log_over_lambda
from whosaw.trace.index import Index
from whosaw.trace.inputs import Sightings
from whosaw.trace.posterior import Posterior
from whosaw.trace.risk import Context
from whosaw.trace.settings import LAMBDAS, Settings

UNREACHABLE_SHARE = 0.6
"""Whoever opened this part of the matched subjects gains too little per complaint to be named by any number of them."""

_LAMBDA = np.array(LAMBDAS)
_FAR = 1000


@dataclass(frozen=True, slots=True)
class Outlook:
    """What further complaints would do to one candidate.

    Args:
        to_finding: further complaints expected until a finding if he leaked (15 % stray); `None` where out of reach,
            and where a duty or a question of his may explain every further complaint as well.
        to_clear: further complainers in a row whom he had not opened until his probability is at most 5 %.
        reachable: false where he opened so much of everything that complaints cannot tell.
    """

    to_finding: int | None
    to_clear: int | None
    reachable: bool


def look_ahead(evidence: Evidence, posterior: Posterior, settings: Settings) -> tuple[Outlook, ...]:
    """Return the outlook of every actor of the evidence.

    Args:
        evidence: of the matched complaints.
        posterior: what they come to.
        settings: the finding's threshold and the prior of λ.
    """
    shares, ratio = evidence.share, evidence.ratio
    share = shares[0].mean(axis=0) if len(evidence.sets) else np.ones(evidence.actor.size)
    found, needed = [], math.log(settings.finding_at / (1 - settings.finding_at))
    marginal = np.clip(posterior.marginal, 1e-12, 1 - 1e-12).tolist()
    for h, (f, p) in enumerate(zip(share.tolist(), marginal, strict=True)):
        gap = needed - math.log(p / (1 - p))
        growth = _growth(max(f, 1e-6))
        reachable = f < UNREACHABLE_SHARE
        more = max(0, math.ceil(gap / growth)) if reachable and growth > 0 else None
        found.append(Outlook(more, _clears(ratio[:, :, h], p, settings), reachable))
    return tuple(found)


def unreachable(index: Index, context: Context, sightings: Sightings) -> tuple[int, ...]:
    """Return the actors, services aside, who had opened most of the question's subjects before the last contact."""
    if not context.subject.size:
        return ()
    whole = context.subject.size == index.subject_count
    pair = slice(None) if whole else index.pairs_of(context.subject)[1]
    early = np.flatnonzero(index.pair_first_us[pair] < sightings.contacted_us[-1])
    opened = np.bincount(index.pair_actor[pair][early], minlength=index.actors.count)
    entered = int(np.searchsorted(context.entered_us, sightings.contacted_us[-1]))
    most = (opened >= UNREACHABLE_SHARE * max(1, entered)) & ~index.actors.service
    return tuple(int(actor) for actor in np.flatnonzero(most))


def _growth(share: float, explained: float = 0.85) -> float:
    """Return the expected growth of log E per complaint of a leaker who explains that part of the complaints."""
    if share >= 1.0:
        return 0.0
    hit = explained + (1 - explained) * share
    return hit * math.log1p(explained * (1 / share - 1)) + (1 - hit) * math.log1p(-explained)


def _clears(ratio: Float, probability: float, settings: Settings) -> int | None:
    """Return how many complainers in a row that he had not opened bring the probability to 5 %."""
    if probability <= 0.05:
        return 0
    per_lambda = np.log1p(_LAMBDA[None, :, None] * (ratio[:, None, :] - 1.0)).sum(axis=2)
    now = np.logaddexp.reduce(log_over_lambda(per_lambda, settings, axis=1))
    odds = math.log(probability / (1 - probability))
    for more in range(1, _FAR):
        then = np.logaddexp.reduce(log_over_lambda(per_lambda + more * np.log1p(-_LAMBDA), settings, axis=1))
        if odds + then - now <= math.log(0.05 / 0.95):
            return more
    return None
