"""Masks: enough to recognise what one already knows, never enough to learn or look up what one does not.

Every mask is total: whatever stands in a column, the answer is a masked text and never the value. What a mask keeps is
bounded by construction: its answer is put together from the few parts that docs/masks.md names, each from a short
list (a letter, two digits, an ending of a domain, a country); the rest of the value can change without changing it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date

import phonenumbers

from whosaw.reveal.bands import band, length_band, number
from whosaw.reveal.countries import COUNTRIES
from whosaw.reveal.formats import FORMATS

DOTS = "•••"
_ENDINGS = frozenset(
    {"com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "app", "dev", "cloud", "shop"}
    | {"online", "site", "example", "test", "invalid"}
)
_INITIALS_MOST = 3


def mask(kind: str, value: str, *, keep_format: bool = False, token: str = "") -> str:
    """Return the masked form of `value`.

    Args:
        kind: as the catalog names it; a kind that is none keeps nothing.
        value: the protected value.
        keep_format: answer in the form of the value's type, for tools that check it; kinds without one answer as ever.
        token: stands for the value where the catalog asks that equal values look equal; empty where it does not.
    """
    shape = FORMATS.get(kind) if keep_format else None
    if shape is not None:
        masked = shape(value, kept(kind, value), token)
    else:
        masked = _MASKS.get(kind, _full)(value) + (f" ~{token}" if token else "")
    if masked == value:  # what stands in the column looks like a mask itself
        return DOTS if value != DOTS else DOTS * 2
    return masked


def kept(kind: str, value: str) -> tuple[str, ...]:
    """Return the parts of `value` that its mask may show, in order; empty where nothing of it is recognised.

    Args:
        kind: as the catalog names it.
        value: the protected value.
    """
    reader = _KEPT.get(kind)
    return reader(value) if reader else ()


def _email_parts(value: str) -> tuple[str, ...]:
    local, at, domain = value.strip().rpartition("@")
    first = local[:1].lower()
    if not at or len(local) < 3 or not (first.isascii() and first.isalnum()):
        return ()
    name, _, last = domain.lower().rpartition(".")
    country = len(last) == 2 and last.isascii() and last.isalpha()
    return (first, last) if name and (country or last in _ENDINGS) else (first,)


def _phone_parts(value: str) -> tuple[str, ...]:
    """Return calling code (empty where none is written) and the last two digits, without an extension."""
    calling = ""
    text = value.strip()[:40]
    try:
        read = phonenumbers.parse(text, None)
        calling, digits = str(read.country_code), str(read.national_number)
    except phonenumbers.NumberParseException:
        digits = "".join(character for character in text if character in "0123456789")
    return (calling, digits[-2:]) if len(digits) >= 7 else ()


def _name_parts(value: str) -> tuple[str, ...]:
    """Return initials of words of three letters at least: one letter of a shorter one is half of it."""
    initials = [word[0].upper() for word in value.split() if _is_name(word)]
    return tuple(initials if len(initials) <= _INITIALS_MOST else [*initials[: _INITIALS_MOST - 1], initials[-1]])


def _is_name(word: str) -> bool:
    return len(word) >= 3 and _is_letter(word[0]) and all(_is_letter(each) or each in "'’-." for each in word)


def _is_letter(character: str) -> bool:
    # one sign of Chinese, Japanese or Korean can be a whole family name; a letter of these scripts cannot
    return unicodedata.category(character) in {"Lu", "Ll", "Lt"} or unicodedata.name(character, "").startswith(
        ("ARABIC LETTER", "HEBREW LETTER")
    )


def _address_parts(value: str) -> tuple[str, ...]:
    last = value.replace("\n", ",").rpartition(",")[2].strip()
    return (last,) if last != value.strip() and last.casefold() in COUNTRIES else ()


def _iban_parts(value: str) -> tuple[str, ...]:
    """Return country, last two signs and length, which the country fixes."""
    text = "".join(value.split()).upper()
    fits = 15 <= len(text) <= 34 and text.isascii() and text.isalnum() and text[:2].isalpha() and text[2:4].isdigit()
    return (text[:2], text[-2:], str(len(text))) if fits else ()


def _card_parts(value: str) -> tuple[str, ...]:
    digits = [character for character in value if character in "0123456789"]
    others = [character for character in value if character not in "0123456789 -"]
    return ("".join(digits[-4:]),) if 12 <= len(digits) <= 19 and not others else ()


def _date_parts(value: str) -> tuple[str, ...]:
    try:
        return (f"{date.fromisoformat(value.strip()[:10]).year:04d}",)
    except ValueError:
        return ()


def _number_parts(value: str) -> tuple[str, ...]:
    read = number(value)
    return () if read is None else band(read)


def _email(value: str) -> str:
    parts = kept("email", value)
    ending = f".{parts[1]}" if len(parts) == 2 else ""
    return f"{parts[0]}{DOTS}@{DOTS}{ending}" if parts else DOTS


def _phone(value: str) -> str:
    parts = kept("phone", value)
    if not parts:
        return DOTS
    return f"+{parts[0]} {DOTS}{parts[1]}" if parts[0] else f"{DOTS}{parts[1]}"


def _name(value: str) -> str:
    return " ".join(f"{initial}•" for initial in kept("name", value)) or DOTS


def _address(value: str) -> str:
    return ", ".join([DOTS, *kept("address", value)])


def _iban(value: str) -> str:
    parts = kept("iban", value)
    return f"{parts[0]}{DOTS}{parts[1]}" if parts else DOTS


def _card(value: str) -> str:
    return " ".join([DOTS, *kept("card", value)])


def _date(value: str) -> str:
    return "".join(f"{year}-••-••" for year in kept("date", value)) or DOTS


def _number(value: str) -> str:
    return "…".join(kept("number", value)) or DOTS


def _text(value: str) -> str:
    return f"{DOTS} ({'…'.join(length_band(len(value)))} characters)"


def _full(value: str) -> str:
    return DOTS


_KEPT: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "email": _email_parts,
    "phone": _phone_parts,
    "name": _name_parts,
    "address": _address_parts,
    "iban": _iban_parts,
    "card": _card_parts,
    "date": _date_parts,
    "number": _number_parts,
}
_MASKS: Mapping[str, Callable[[str], str]] = {
    "email": _email,
    "phone": _phone,
    "name": _name,
    "address": _address,
    "iban": _iban,
    "card": _card,
    "date": _date,
    "number": _number,
    "text": _text,
    "full": _full,
}
