"""A score for single reviews from the graph alone: no text, no labels, no ratings, no times.

It ranks reviews for a person to look at; it accuses nobody and is no e-value. That more of the graph does not help is
measured: see docs/measured/watch.md.
"""

from __future__ import annotations

import numpy as np

from whosaw.watch.rings import Reviews
from whosaw.watch.rows import Float


def lone_author_score(reviews: Reviews) -> Float:
    """Return for each review: few reviews by its author + share of one-time authors on its product."""
    activity = np.bincount(reviews.author)[reviews.author]
    once = (activity == 1).astype(np.float64)
    total = np.bincount(reviews.target)
    share = np.bincount(reviews.target, once) / np.maximum(total, 1)
    return np.asarray(1.0 / activity + share[reviews.target])
