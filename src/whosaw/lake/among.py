"""Membership in a list of numbers, written so that an engine's planner gets through a long list quickly."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import ibis

FEW = 200
"""Numbers up to which each is written by itself: an engine then leaves out the parts of files that hold none."""


def among(column: Any, numbers: Collection[int]) -> Any:
    """Return the Ibis expression that says whether a column's value is one of some numbers.

    A number written by itself is a node of the expression and of every plan made of it: thousands take seconds to plan,
    on any engine. So many are one text, which the engine takes apart and joins with the rows.

    Args:
        column: an integer column of a table.
        numbers: n ≥ 1 integers, repeated ones count once.
    """
    wanted = sorted(set(numbers))
    if len(wanted) <= FEW:
        return column.isin(wanted)
    text = ibis.literal(",".join(map(str, wanted)))
    held = text.split(",").unnest().name("number").as_table()
    return column.isin(held.number.cast("int64"))
