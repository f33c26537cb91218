"""How evidence is written for a person: with two digits that count, and with none where there are none to be had."""

from __future__ import annotations

import math

_MOST = math.log(1e6)  # beyond, the null is not known well enough for a number


def in_odds(log_e: float) -> str:
    """Write evidence as `3,400 : 1` with two digits that count; below 1 it speaks for him: `1 : 12`."""
    if log_e < 0:
        return f"1 : {_rounded(-log_e)}"
    return f"{_rounded(log_e)} : 1"


def in_times(factor: float) -> str:
    """Write by how many times evidence falls, with two digits that count: `12,000`.

    Args:
        factor: > 0, at least 1 where it falls.
    """
    return _rounded(math.log(factor))


def _rounded(log_value: float) -> str:
    if log_value > _MOST:
        return "more than 1,000,000"
    value = math.exp(log_value)
    if value < 9.95:
        return f"{value:.1f}"
    digits = math.floor(math.log10(value)) - 1
    return f"{round(value / 10**digits) * 10**digits:,.0f}"
