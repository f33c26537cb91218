"""Max-T permutation test: how often would some actor look this strong if the complainers were redrawn?

Each is redrawn from its risk set. The test controls the family-wise rate over all actors *and* over all looks fixed in
advance: by look k at most A(k) of the redrawn histories may have crossed the boundary (α spending after Lan and DeMets
1983, made exact by counting the observed history among the redrawn ones). It says that an actor is associated with the
complaints, not that no other explains them as well: the rival rule has to follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.counting import count_members
from whosaw.trace.evidence import Evidence, Float, log_prefixes
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool
from whosaw.trace.redraws import Redraws
from whosaw.trace.settings import Settings

_TOLERANCE = 1e-9  # a redraw of the complainers themselves counts as equal although its sums differ in the last bits


@dataclass(frozen=True, slots=True)
class Look:
    """The permutation test up to the last look that was due.

    Args:
        complaints: how many the last look took.
        level: part of the redrawn histories that may have crossed by then.
        redraws: redraws made.
        p: one max-T p-value per actor of the evidence, at the last look alone.
        crossed: H flags: the actor crossed the boundary at some look.
    """

    complaints: int
    level: float
    redraws: int
    p: Float
    crossed: Bool


def look(index: Index, evidence: Evidence, due: tuple[tuple[int, int], ...], weight: Float, settings: Settings) -> Look:
    """Return the test's outcome at the looks that were due.

    Args:
        index: the log.
        evidence: K matched complaints in order of contact.
        due: per look the complaints it takes, and how many of them are matched; rising, not empty.
        weight: weights of all actors.
        settings: levels, redraws and seed.
    """
    prefixes = tuple(matched for _, matched in due)
    levels = tuple(settings.spent_by(complaints) for complaints, _ in due)
    with np.errstate(divide="ignore"):
        prior = np.log(weight[evidence.actor])
        observed = log_prefixes(evidence.ratio, prefixes, settings) + prior
    everybody = count_members(index, evidence.sets[: prefixes[-1]])
    redraws = Redraws(index, evidence, everybody, weight, settings)
    redrawn = redraws.maxima(prefixes, 0, settings.first_draws)
    p, crossed = _judge(observed, redrawn, levels)
    if p.size and min(p.min(), _p(observed, redrawn).min()) <= 0.1 and settings.draws > settings.first_draws:
        more = redraws.maxima(prefixes, settings.first_draws, settings.draws)
        redrawn = np.concatenate([redrawn, more], axis=1)
        p, crossed = _judge(observed, redrawn, levels)
    return Look(due[-1][0], levels[-1], redrawn.shape[1], p, crossed)


def _p(observed: Float, redrawn: Float) -> Float:
    """Return looks × H p-values."""
    rows = [
        (1.0 + b.size - np.searchsorted(np.sort(b), o - _TOLERANCE)) / (1.0 + b.size)
        for o, b in zip(observed, redrawn, strict=True)
    ]
    return np.asarray(rows)


def _judge(observed: Float, redrawn: Float, levels: tuple[float, ...]) -> tuple[Float, Bool]:
    """Return the p-values of the last look, and which actors crossed at any look."""
    crossed = np.zeros(observed.shape[1], np.bool_)
    if observed.shape[1] == 0:
        return np.empty(0), crossed
    history = np.concatenate([observed.max(axis=1, keepdims=True), redrawn], axis=1)
    out = np.zeros(history.shape[1], np.bool_)
    for at, level in enumerate(levels):
        room = int(level * history.shape[1] + _TOLERANCE) - int(out.sum())
        left = np.flatnonzero(~out)
        boundary = _boundary(history[at, left], room)
        out[left[history[at, left] >= boundary]] = True
        crossed |= observed[at] >= boundary
    return _p(observed[-1:], redrawn[-1:])[0], crossed


def _boundary(values: Float, room: int) -> float:
    """Return the least value such that at most `room` values reach it; equals stand or fall together."""
    if room <= 0:
        return np.inf
    ordered = np.sort(values)[::-1]
    if room >= ordered.size:
        return float(ordered[-1]) - _TOLERANCE
    next_one = ordered[room]
    above = ordered[ordered > next_one + _TOLERANCE]
    return float(above[-1]) - _TOLERANCE if above.size else np.inf
