"""Bursts: a target gets more reviews in a few days than it ever does."""

from __future__ import annotations

import numpy as np

from whosaw.watch.rings import Reviews, log_poisson_tail
from whosaw.watch.rows import DAY_US, Bool, Float, Timeline

BURST_US = 2 * DAY_US
_LEVEL = float(np.log(1e-4))


def burst_log_p(reviews: Reviews, *, window_us: int = BURST_US) -> Float:
    """Return for each review the log chance of so many reviews of its target around it, at the target's own rate.

    Args:
        reviews: with times; without, nothing is a burst.
        window_us: how long around the review.
    """
    if reviews.at_us is None or not reviews.author.size:
        return np.zeros(reviews.author.size)
    line = Timeline(reviews.target, reviews.at_us)
    half = window_us // 2
    near = line.count(reviews.target, reviews.at_us - half, reviews.at_us + half + 1)
    total = np.bincount(reviews.target)[reviews.target]
    span = max(float(reviews.at_us.max() - reviews.at_us.min()), float(window_us))
    # the burst itself is no part of the rate; one review stands for those not yet written
    mean = np.asarray((total - near + 1.0) * (window_us / span), np.float64)
    return np.minimum(log_poisson_tail(near, mean), 0.0)


def in_burst(reviews: Reviews, *, window_us: int = BURST_US) -> Bool:
    """Return which reviews stand in a burst of at least four, less likely than 1 in 10,000."""
    if reviews.at_us is None:
        return np.zeros(reviews.author.size, np.bool_)
    line = Timeline(reviews.target, reviews.at_us)
    half = window_us // 2
    near = line.count(reviews.target, reviews.at_us - half, reviews.at_us + half + 1)
    return np.asarray((near >= 4) & (burst_log_p(reviews, window_us=window_us) <= _LEVEL))
