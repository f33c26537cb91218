"""Domains that are made to be taken for another: a rival who writes in a seller's name must not get him banned."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from contextlib import suppress

from whosaw.answer.hostowners import owned

# what readers take for one another; digraphs first. Not Unicode's full table: the pairs that occur in Latin domains,
# and the Cyrillic and Greek letters that look Latin
_DIGRAPHS = {"rn": "m", "vv": "w", "cl": "d"}
_TWINS = str.maketrans(
    "0135сеорахуіјѕԁһӏοαν" + "\u0261",
    "oles" + "ceopaxyijsdhloav" + "g",
)


def skeleton(domain: str) -> str:
    """Return a domain as a hurried reader sees it: accents off, twins of letters made one, hyphens gone."""
    text = domain.lower().rstrip(".")
    labels = []
    for label in text.split("."):
        if label.startswith("xn--"):
            with suppress(UnicodeError):
                label = label.encode("ascii").decode("idna")  # noqa: PLW2901  the label as shown
        plain = "".join(each for each in unicodedata.normalize("NFKD", label) if not unicodedata.combining(each))
        plain = plain.translate(_TWINS)
        for pair, one in _DIGRAPHS.items():
            plain = plain.replace(pair, one)
        labels.append(plain.replace("-", "").replace("i", "l"))
    return ".".join(labels)


def looks_like(domain: str, known: Collection[str]) -> str | None:
    """Return the known domain that `domain` is made to be taken for, or None; a known one or its child is itself.

    Args:
        domain: who sent the message.
        known: domains that are really the beneficiary's.
    """
    mine = domain.lower().rstrip(".")
    real = sorted(each.lower().rstrip(".") for each in known)
    if any(mine == each or mine.endswith(f".{each}") for each in real):
        return None
    for each in real:
        if skeleton(mine) == skeleton(each) or _close(_name(mine), _name(each)):
            return each
        # the real name as part of another's domain: lotus.example.mail-check.com, lotus-shop.com
        if len(_name(each)) >= 5 and _name(each) in skeleton(mine).replace(".", ""):
            return each
    return None


def _name(domain: str) -> str:
    return skeleton((owned(domain) or domain).partition(".")[0])


def _close(one: str, other: str) -> bool:
    """Return whether one change of a letter, or of the order of two, leads from one name to the other."""
    if min(len(one), len(other)) < 5 or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    swapped = len(a) >= 2 and len(b) >= 2 and a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped
