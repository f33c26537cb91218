"""Masks: enough to recognise what one already knows, never enough to learn or look up what one does not.

Every mask is total: whatever stands in a column, the answer is a masked text and never the value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_DOTS = "•••"


def mask(kind: str, value: str) -> str:
    """Return the masked form of `value`.

    Args:
        kind: ``email``, ``phone``, ``name``, ``address`` or ``full``, as the catalog names it.
        value: the protected value.
    """
    return _MASKS.get(kind, _full)(value)


def _email(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not at or len(local) < 2:
        return _DOTS
    ending = domain.rpartition(".")[2]
    return f"{local[0]}{_DOTS}@{_DOTS}.{ending}" if 0 < len(ending) < len(domain) else f"{local[0]}{_DOTS}@{_DOTS}"


def _phone(value: str) -> str:
    digits = [character for character in value if character.isdigit()]
    return f"{_DOTS}{''.join(digits[-2:])}" if len(digits) >= 7 else _DOTS


def _name(value: str) -> str:
    words = [word for word in value.split() if len(word) > 1]
    return " ".join(f"{word[0]}•" for word in words) if words else _DOTS


def _address(value: str) -> str:
    last = value.rpartition(",")[2].strip()
    # the last part is the country; a text without parts keeps nothing
    return f"{_DOTS}, {last}" if "," in value and 0 < len(last) <= 20 and last.isalpha() else _DOTS


def _full(value: str) -> str:
    return _DOTS


_MASKS: Mapping[str, Callable[[str], str]] = {
    "email": _email,
    "phone": _phone,
    "name": _name,
    "address": _address,
    "full": _full,
}
