"""What decides who works for whom, as values to match by: kind of work, region, language, team."""

from __future__ import annotations

import numpy as np

from whosaw.trace import Settings
from whosaw.trace.inputs import Bool, Int64

FEWEST = Settings().min_controls
"""A value that no more customers had is matched together with others like it."""


def told_apart(value: Int64, counts: Bool, subject: Int64) -> Int64 | None:
    """Return values of which each is shared by enough customers to match among them; `None` where one is left.

    Args:
        value: n values; -1 is unknown.
        counts: n flags: the row is about a customer of the question.
        subject: n subjects.

    Returns:
        n values, 0 and more; the rare ones are one of them, together.
    """
    named, place = np.unique(value[counts], return_inverse=True)
    customers = np.bincount(np.unique(np.stack([place, subject[counts]]), axis=1)[0], minlength=named.size)
    common = named[customers > FEWEST]
    told = np.where(np.isin(value, common), np.searchsorted(common, value), common.size)
    return told if np.unique(told[counts]).size > 1 else None
