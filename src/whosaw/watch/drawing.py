"""Which decisions are decided a second time: a draw that the record and the settings decide, and nobody else.

Whether a decision is drawn, and who decides again, follows from the seed, from what its entry says, and from the entry
of the night's run, which holds the hash of all rows up to the end of the day. Nobody had that while he decided, and the
seed alone, which has a default, tells nothing. Whoever holds the record and the catalog draws the same again.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

_WHOLE = float(2**64)


def night_seed(seed: int, run: bytes) -> bytes:
    """Return what decides the draws of one night.

    Args:
        seed: of the settings.
        run: what the entry of the night's run says, in its one canonical form.
    """
    return sha256(b"whosaw/second/v2\0%d\0%b" % (seed, run)).digest()


def is_drawn(seed: bytes, entry: int, said: bytes, share: float) -> bool:
    """Return whether a decision is in the sample.

    Args:
        seed: of the night.
        entry: number of its entry in the trail.
        said: what the entry says, in its one canonical form.
        share: part of the decisions that is drawn.
    """
    return _number(b"drawn", seed, entry, said) / _WHOLE < share


def second_of(seed: bytes, entry: int, candidates: Iterable[int]) -> int | None:
    """Return who of the candidates decides a second time, None where there are none."""
    return min(
        sorted(candidates), key=lambda person: _number(b"second", seed, entry, str(person).encode()), default=None
    )


def stands_for(seed: bytes, entries: Iterable[int]) -> int:
    """Return which of the entries of one ask stands for it, as good as drawn."""
    return min(entries, key=lambda entry: (_number(b"stands", seed, entry, b""), entry))


def _number(what: bytes, seed: bytes, entry: int, more: bytes) -> int:
    told = b"%b\0%b\0%d\0%b" % (seed, what, entry, more)
    return int.from_bytes(sha256(told).digest()[:8], "big")
