"""Individually worded copies of a report, so that a leak of the investigation itself can be traced to its copy.

Where a text offers a choice between two wordings of one meaning, each recipient's copy makes the choices by its own
code. The code is derived from a secret of the case, so nobody can compute another's copy; which copy a leaked text is
is said with how many of its choices agree, and with the chance that a stranger's would agree as well.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import comb
from typing import ClassVar

from whosaw.answer.errors import AnswerError

_CHOICE = re.compile(r"\[\[([^\[\]|]{1,200})\|([^\[\]|]{1,200})\]\]")
_LEAST = 8


class CopyUnmarked(AnswerError, ValueError):
    """A text offers too few choices to tell its copies apart."""

    code: ClassVar[str] = "answer.copy_unmarked"
    hint = f"write at least {_LEAST} choices as [[one wording|the other]], of one meaning each"


@dataclass(frozen=True, slots=True)
class Match:
    """How well a leaked text fits one recipient's copy.

    Attributes:
        person: the recipient.
        agree: choices of the leak that are his copy's.
        of: choices that could be found in the leak.
        chance: probability that a copy made for nobody in particular agrees in as many.
    """

    person: str
    agree: int
    of: int
    chance: float


def write_copy(text: str, person: str, secret: bytes) -> str:
    """Return a person's copy of a text.

    Args:
        text: with choices written ``[[one wording|the other]]``.
        person: who gets it.
        secret: of the case, 16 bytes or more.

    Raises:
        CopyUnmarked: the text offers fewer than eight choices.
    """
    bits = iter(_bits(person, secret, _count(text)))
    return _CHOICE.sub(lambda choice: choice[1 + next(bits)], text)


def trace_copy(leak: str, text: str, people: Sequence[str], secret: bytes) -> Sequence[Match]:
    """Return how well a leaked text fits each recipient's copy, the best first.

    A choice of which the leak holds both wordings, or neither, says nothing and is left out. A match is a reason to
    ask, never proof: a copy can be passed on, photographed or found.

    Args:
        leak: the leaked text, or part of it; spaces and capitals do not matter.
        text: what the copies were made from.
        people: who got one.
        secret: of the case.

    Raises:
        CopyUnmarked: the text offers fewer than eight choices.
    """
    count = _count(text)
    seen = _seen(leak, text)
    found = []
    for person in people:
        bits = _bits(person, secret, count)
        agree = sum(bits[at] == bit for at, bit in seen.items())
        found.append(Match(person, agree, len(seen), _chance(agree, len(seen))))
    return sorted(found, key=lambda each: (each.chance, each.person))


def _count(text: str) -> int:
    count = len(_CHOICE.findall(text))
    if count < _LEAST:
        raise CopyUnmarked(f"the text offers {count} choices")
    return count


def _bits(person: str, secret: bytes, count: int) -> list[int]:
    stream = b"".join(
        hmac.new(secret, f"whosaw/copy/v1\n{block}\n{person}".encode(), sha256).digest()
        for block in range(count // 256 + 1)
    )
    return [stream[at // 8] >> (at % 8) & 1 for at in range(count)]


def _seen(leak: str, text: str) -> Mapping[int, int]:
    """Return which wording the leak has of each choice that it can be told of, by the words around it."""
    flat = f" {_flat(leak)} "
    choices = list(_CHOICE.finditer(text))
    ends = [0, *(choice.end() for choice in choices)]
    starts = [*(choice.start() for choice in choices), len(text)]
    found = {}
    for at, choice in enumerate(choices):
        # only words that no other choice changes
        before = _flat(text[ends[at] : choice.start()]).split()[-8:]
        after = _flat(text[choice.end() : starts[at + 1]]).split()[:4]
        has = [f" {' '.join([*before, _flat(choice[side]), *after])} " in flat for side in (1, 2)]
        if has[0] != has[1]:
            found[at] = int(has[1])
    return found


def _flat(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _chance(agree: int, of: int) -> float:
    return sum(comb(of, more) for more in range(agree, of + 1)) / 2**of if of else 1.0
