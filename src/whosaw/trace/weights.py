"""Prior weights of the actors: from how they used the log, never from who complained."""

from __future__ import annotations

import numpy as np

from whosaw.trace.evidence import Float
from whosaw.trace.index import Index
from whosaw.trace.risk import Context
from whosaw.trace.settings import Settings


def frozen_weights(index: Index, context: Context, before_us: int, settings: Settings) -> Float:
    """Return one weight per actor; they sum to 1, and a service has none.

    A quarter even over everybody who opened a subject of the context, a quarter by how many they opened, a half by how
    many they opened irregularly (even where nobody did, or where the log carries no reasons). A small part of it is
    spread over all actors.

    Args:
        index: the log.
        context: the subjects of the question.
        before_us: the first contact: later openings may be an effect of complaints and do not count.
        settings: for the part that everybody shares.
    """
    _, pair = index.pairs_of(context.subject)
    actor = index.pair_actor[pair]
    allowed = ~index.actors.service

    def opened(first_us: np.typing.NDArray[np.int64]) -> Float:
        counts = np.bincount(actor[first_us[pair] < before_us], minlength=index.actors.count)
        return np.where(allowed, counts, 0).astype(np.float64)

    everybody = _share(allowed.astype(np.float64))
    anything = opened(index.pair_first_us)
    even = _share((anything > 0).astype(np.float64), otherwise=everybody)
    irregular = opened(index.pair_irregular_us) if index.has_reasons else np.zeros(index.actors.count)
    used = 0.25 * even + 0.25 * _share(anything, otherwise=everybody) + 0.5 * _share(irregular, otherwise=even)
    return settings.floor_share * everybody + (1.0 - settings.floor_share) * used


def _share(amount: Float, otherwise: Float | None = None) -> Float:
    total = amount.sum()
    if total == 0:
        return amount if otherwise is None else otherwise
    return np.asarray(amount / total)
