"""Ranges of numbers: 10…20, 20…50, 50…100 and so on, so that a number tells its size and no more."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:[.,][0-9]{1,30})?")
_MOST = Decimal(10) ** 15
_LENGTH_MOST = 10_000


def number(value: str) -> Decimal | None:
    """Return the number that `value` writes, or None where it writes none."""
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:  # Arabic digits and the like are refused by the pattern; this is for what it let through
        return None


def band(value: Decimal) -> tuple[str, str]:
    """Return the lower (inclusive) and upper (exclusive) bound of the range around `value`.

    Below 10 the range is 0…10; a negative number has the mirrored range, upper bound inclusive; beyond 10^15 the range
    is open and its far bound is written as the empty text.
    """
    low, high = _magnitude(abs(value))
    if value >= 0:
        return str(low), "" if high is None else str(high)
    return "" if high is None else str(-high), str(-low)


def length_band(length: int) -> tuple[str, str]:
    """Return the range around a number of characters; from 10,000 on it is open."""
    if length >= _LENGTH_MOST:
        return str(_LENGTH_MOST), ""
    return band(Decimal(length))


def below(value: Decimal) -> str:
    """Return a whole number that lies just outside the range around `value`: it stands for the range, never in it."""
    low, high = _magnitude(abs(value))
    return str(low - 1) if value >= 0 else str(-((high or int(_MOST) * 10) + 1))


def _magnitude(size: Decimal) -> tuple[int, int | None]:
    if size >= _MOST:
        return int(_MOST), None
    if size < 10:
        return 0, 10
    tens = 10 ** (len(str(int(size))) - 1)
    for low, high in ((1, 2), (2, 5)):
        if size < high * tens:
            return low * tens, high * tens
    return 5 * tens, 10 * tens
