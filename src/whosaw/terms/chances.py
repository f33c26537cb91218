"""How a probability is written for a person: never as one or nought, which no evidence makes of it."""

from __future__ import annotations

import math


def chance(probability: float, decimals: int = 4, *, percent: bool = False, spoken: bool = False) -> str:
    """Return a probability with so many decimals; beyond the last of them it is `> 0.9999` or `< 0.0001`.

    Args:
        probability: 0 … 1. One and nought themselves come from arithmetic that ran out of digits, and are written as
            what they are: more, or less, than can be shown.
        decimals: at least 1, of the probability itself; in percent two fewer are shown.
        percent: in percent, with its sign.
        spoken: *more than* and *less than*, for a sentence.
    """
    if math.isnan(probability):
        return "unknown"
    least = float(f"1e-{decimals}")
    most = round(1 - least, decimals)
    shown, sign = probability, ""
    if probability > most:
        shown, sign = most, "more than " if spoken else "> "
    elif probability < least:
        shown, sign = least, "less than " if spoken else "< "
    if percent:
        return f"{sign}{100 * shown:.{max(decimals - 2, 0)}f}\u00a0%"
    return f"{sign}{shown:.{decimals}f}"
