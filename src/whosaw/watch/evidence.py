"""E-values: evidence whose expectation under innocence is at most 1, and the few ways to combine it that keep that.

All in natural logarithms. Averages of e-values are e-values under any dependence; sums and products of dependent ones
are not and do not occur here.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln

from whosaw.watch.rows import Float, Int64

RATIOS = (3.0, 10.0, 30.0, 100.0)
"""How many times more often than chance a bribed person does it: bets of one quarter each."""


def log_mean(values: Float, axis: int = 0, weights: Float | None = None) -> Float:
    """Return the log of the (weighted) mean of exponentials along `axis`; the weights sum to 1."""
    if weights is None:
        return np.asarray(np.logaddexp.reduce(values, axis=axis) - np.log(values.shape[axis]))
    shape = [1] * values.ndim
    shape[axis] = -1
    with np.errstate(divide="ignore"):
        return np.asarray(np.logaddexp.reduce(values + np.log(weights).reshape(shape), axis=axis))


def log_counts(seen: Int64, of: Int64, mean: Float, spread: Float) -> Float:
    """Return log e of counts against peers who vary: beta-binomial likelihood ratios, averaged over `RATIOS`.

    Args:
        seen: n counts.
        of: n numbers of trials.
        mean: n rates of the peers, in (0, 1).
        spread: n concentrations a + b of the peers' rates: small where peers differ much.
    """
    mean = np.clip(mean, 1e-9, 0.95)
    a, b = mean * spread, (1.0 - mean) * spread
    null = betaln(seen + a, of - seen + b) - betaln(a, b)
    bets = []
    for ratio in RATIOS:
        # odds, not rates, are multiplied: a rate stays below 1 and a common outcome can be bet upon too
        odds = ratio * mean / (1.0 - mean)
        tilted = odds / (1.0 + odds)
        c, d = tilted * spread, (1.0 - tilted) * spread
        bets.append(betaln(seen + c, of - seen + d) - betaln(c, d) - null)
    return log_mean(np.stack(bets))


def log_of_p(p: Float) -> Float:
    """Return log e of a p-value by the mixture calibrator (1 - p + p ln p) / (p ln² p) of Vovk and Wang (2021)."""
    p = np.clip(p, 1e-300, 1.0 - 1e-6)
    log = np.log(p)
    return np.asarray(np.log1p(-p + p * log) - log - 2.0 * np.log(-log))


def log_canary(hits: Int64, innocent_rate: float) -> Float:
    """Return log e of touched canaries: half a bet on a hit, priced at how often innocent people touch one.

    The price is never below 1 in 1,000, so one hit is worth at most 500.
    """
    price = max(innocent_rate, 1e-3)
    return np.asarray(np.where(hits > 0, np.log(0.5 + 0.5 / price), np.log(0.5)))


def e_bh(log_e: Float, rate: float) -> Int64:
    """Return who is selected at a false discovery rate, whatever the dependence (e-BH, Wang and Ramdas 2022).

    Args:
        log_e: n log e-values of one month; not values of a detector, which are no e-values.
        rate: the rate, in (0, 1).
    """
    order = np.argsort(-log_e, kind="stable")
    rank = np.arange(1, log_e.size + 1)
    passed = np.flatnonzero(log_e[order] >= np.log(log_e.size / (rate * rank)))
    return np.asarray(np.sort(order[: passed[-1] + 1]) if passed.size else np.empty(0, np.int64))
