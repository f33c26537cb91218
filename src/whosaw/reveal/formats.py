"""Masks that keep the form of their type, for tools that check it. None of them can be a real one of its kind.

An address ends in ``.invalid`` (RFC 2606), a phone number begins with zeros after its calling code, an IBAN has the
check digits 00 (real ones have 02 to 98), a card begins with 0 (no issuer does), a date or number lies just outside
the range it stands for. So none is ever another person's, and none is ever the value itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from whosaw.reveal.bands import below, number

Format = Callable[[str, Sequence[str], str], str]


def _email(value: str, parts: Sequence[str], token: str) -> str:
    return f"{token or (parts[0] if parts else 'masked')}@masked.invalid"


def _phone(value: str, parts: Sequence[str], token: str) -> str:
    if token:
        return f"+{parts[0] if parts else ''}000{_digits(token, 9)}"
    calling, last = parts or ("", "00")
    return f"+{calling}0000000{last}"


def _name(value: str, parts: Sequence[str], token: str) -> str:
    initials = " ".join(f"{initial}." for initial in parts) or "N. N."
    return f"{initials} {token}" if token else initials


def _iban(value: str, parts: Sequence[str], token: str) -> str:
    country, last, length = parts or ("XX", "00", "22")
    filled = _digits(token, 11) if token else last
    return f"{country}00{filled.rjust(int(length) - 4, '0')}"


def _card(value: str, parts: Sequence[str], token: str) -> str:
    if token:
        return f"0000{_digits(token, 12)}"
    return f"000000000000{parts[0] if parts else '0000'}"


def _date(value: str, parts: Sequence[str], token: str) -> str:
    year = int(parts[0]) - 1 if parts else 0
    return f"{year or 9999:04d}-12-31"


def _number(value: str, parts: Sequence[str], token: str) -> str:
    read = number(value)
    return "0" if read is None else below(read)


def _digits(token: str, count: int) -> str:
    """Return `count` digits made of a token, which is random already."""
    return str(int.from_bytes(token.encode(), "big") % 10**count).rjust(count, "0")


FORMATS: Mapping[str, Format] = {
    "email": _email,
    "phone": _phone,
    "name": _name,
    "iban": _iban,
    "card": _card,
    "date": _date,
    "number": _number,
}
