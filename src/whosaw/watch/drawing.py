"""Which decisions are decided a second time: a draw that the record and the settings decide, and nobody else.

Whether a decision is drawn follows from the seed, the number of its entry and what the entry says. Nobody knows either
before he has decided, and whoever holds the record and the catalog draws the same again.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

_WHOLE = float(2**64)


def is_drawn(seed: int, entry: int, said: bytes, share: float) -> bool:
    """Return whether a decision is in the sample.

    Args:
        seed: of the settings.
        entry: number of its entry in the trail.
        said: what the entry says, in its one canonical form.
        share: part of the decisions that is drawn.
    """
    return _number(b"drawn", seed, entry, said) / _WHOLE < share


def second_of(seed: int, entry: int, candidates: Iterable[int]) -> int | None:
    """Return who of the candidates decides a second time, None where there are none."""
    return min(
        sorted(candidates), key=lambda person: _number(b"second", seed, entry, str(person).encode()), default=None
    )


def stands_for(seed: int, entries: Iterable[int]) -> int:
    """Return which of the entries of one ask stands for it, as good as drawn."""
    return min(entries, key=lambda entry: (_number(b"stands", seed, entry, b""), entry))


def _number(what: bytes, seed: int, entry: int, more: bytes) -> int:
    told = b"whosaw/second/v1\0%b\0%d\0%d\0%b" % (what, seed, entry, more)
    return int.from_bytes(sha256(told).digest()[:8], "big")
