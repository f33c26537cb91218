"""The same record opened again is no second piece of evidence.

Whoever works on one customer opens the record again and again: a page is drawn anew, another field is asked for, he
comes back after lunch. Each is an access of its own, and none says anything that the first did not. Evidence counts as
if events were independent, so repeated looks at one person would multiply one surprise until somebody innocent stood
accused. What is counted is therefore people looked at, not looks.
"""

from __future__ import annotations

import numpy as np

from whosaw.watch.rows import Int64

_MOST = 2**62


def first_of_each(rows: Int64, *columns: Int64) -> Int64:
    """Return those of `rows` that are the first with their values, rising.

    Args:
        rows: k rows, rising.
        columns: of n rows each, values ≥ 0.
    """
    _, first = np.unique(_joined([column[rows] for column in columns], rows.size), return_index=True)
    return np.asarray(np.sort(rows[first]))


def _joined(columns: list[Int64], size: int) -> Int64:
    """Return one number for each row, equal where all columns are."""
    code, width = np.zeros(size, np.int64), 1
    for column in columns:
        more = int(column.max(initial=0)) + 1
        if width * more >= _MOST:
            kinds, code = np.unique(code, return_inverse=True)
            width = kinds.size
        code, width = code * more + column, width * more
    return code
