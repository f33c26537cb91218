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
    pairs = distinct_pairs(value[counts], subject[counts])
    # no np.unique: on a million values its hash table takes seconds
    first = np.flatnonzero(np.diff(pairs[0], prepend=pairs[0][:1] - 1))
    customers = np.diff(first, append=pairs[0].size)
    common = pairs[0][first][customers > FEWEST]
    place = np.searchsorted(common, value)
    told = np.where((place < common.size) & (np.append(common, 0)[place] == value), place, common.size)
    counted = told[counts]
    return told if counted.size and counted.min() < counted.max() else None


def distinct_pairs(one: Int64, other: Int64) -> Int64:
    """Return the distinct pairs of two columns, in order.

    Args:
        one: n values.
        other: n values, 0 and more.

    Returns:
        2 × m values.
    """
    order = np.lexsort((other, one))
    pairs = np.stack([one[order], other[order]])
    new = np.ones(order.size, np.bool_)
    new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
    return pairs[:, new]
