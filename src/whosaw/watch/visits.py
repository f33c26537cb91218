"""What is one piece of evidence: neither the same record opened again, nor each person of one export.

Whoever works on one customer opens the record again and again: a page is drawn anew, another field is asked for, he
comes back after lunch. Each is an access of its own, and none says anything that the first did not. And whoever asks
for a list opens a hundred people with one click: that was one decision, and whatever chose the list (a seller, a batch,
a recall) chose all of them. Evidence counts as if events were independent, so either would multiply one surprise until
somebody innocent stood accused. What is counted is therefore people looked at, not looks, and of each ask one of them.
"""

from __future__ import annotations

import numpy as np

from whosaw.watch.rows import Bool, Int64

_MOST = 2**62


def first_of_each(rows: Int64, *columns: Int64) -> Int64:
    """Return those of `rows` that are the first with their values, rising.

    Args:
        rows: k rows, rising.
        columns: of n rows each, values ≥ 0.
    """
    _, first = np.unique(_joined([column[rows] for column in columns], rows.size), return_index=True)
    return np.asarray(np.sort(rows[first]))


def one_of_each_ask(rows: Int64, at_us: Int64, subject: Int64, *columns: Int64) -> Int64:
    """Return of `rows` one for each instant and values of `columns`, rising: what one ask showed bears one instant.

    Which of an ask's subjects stands for it follows from the subject and the instant alone: it is as good as drawn, it
    does not depend on who asked or what followed, and whoever counts again gets the same.

    Args:
        rows: k rows, rising.
        at_us: n times.
        subject: n subjects.
        columns: of n rows each, values ≥ 0; the actor, and what else is counted apart.
    """
    tied, whose = _asks(rows, at_us, columns)
    several = rows[tied]
    order = np.lexsort((_drawn(subject[several], at_us[several]), whose))
    chosen = order[np.unique(whose[order], return_index=True)[1]]
    return np.asarray(np.sort(np.concatenate([rows[~tied], several[chosen]])))


def asks_of_one(rows: Int64, at_us: Int64, subject: Int64, *columns: Int64) -> Int64:
    """Return those of `rows` whose ask shows one subject alone, rising; see `one_of_each_ask`."""
    tied, whose = _asks(rows, at_us, columns)
    several = rows[tied]
    _, of = np.unique(whose, return_inverse=True)
    low = np.full(int(of.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    high = np.full(low.size, -1)
    np.minimum.at(low, of, subject[several])
    np.maximum.at(high, of, subject[several])
    return np.asarray(np.sort(np.concatenate([rows[~tied], several[(low == high)[of]]])))


def _asks(rows: Int64, at_us: Int64, columns: tuple[Int64, ...]) -> tuple[Bool, Int64]:
    """Return which of `rows` share their instant with another, and of these the ask."""
    at = at_us[rows]
    by_time = np.argsort(at, kind="stable")
    equal = at[by_time][1:] == at[by_time][:-1]
    tied = np.zeros(rows.size, np.bool_)
    tied[by_time[1:]] |= equal
    tied[by_time[:-1]] |= equal
    several = rows[tied]
    ask = np.unique(at[tied], return_inverse=True)[1].astype(np.int64)
    return tied, _joined([ask, *(column[several] for column in columns)], several.size)


def _drawn(subject: Int64, at_us: Int64) -> np.ndarray:
    """Return a number for each subject and instant, as if drawn (the finishing steps of SplitMix64)."""
    mixed = subject.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ at_us.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


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
