"""Texts made from one template, found among many without comparing every two: MinHash, then the exact likeness.

Only hashes of runs of three words come in; no word of a text is needed or kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from whosaw.watch.joining import Joined
from whosaw.watch.rows import Int64

ALIKE = 0.6
"""Share of runs of three words in common, of those of either text, from which two texts count as one template."""
SHORTEST = 8
"""Texts of fewer runs say nothing: greetings are alike everywhere."""

_BANDS, _ROWS = 32, 3  # at a likeness of 0.6 a pair is missed once in 2,400 times, at 0.2 it is compared once in 4
_RNG = np.random.default_rng(20260101)
_ODD = _RNG.integers(0, 2**63, _BANDS * _ROWS, np.uint64) * np.uint64(2) + np.uint64(1)
_PLUS = _RNG.integers(0, 2**63, _BANDS * _ROWS, np.uint64)


def run_print(words: Sequence[str]) -> int:
    """Return the hash of a run of words."""
    return int.from_bytes(blake2b("\x1f".join(words).encode(), digest_size=8).digest(), "big")


def same_wording(texts: Sequence[frozenset[int]]) -> Int64:
    """Return for each text the number of its template, -1 where no other text is like it.

    Args:
        texts: n sets of hashes from `run_print`.
    """
    joined = Joined()
    for one, other in sorted(_candidates(texts)):
        if joined.least(one) != joined.least(other) and _alike(texts[one], texts[other]) >= ALIKE:
            joined.join(one, other)
    top = np.array([joined.least(each) for each in range(len(texts))], np.int64)
    kinds, of, count = np.unique(top, return_inverse=True, return_counts=True)
    number = np.where(count > 1, np.cumsum(count > 1) - 1, -1)
    return np.asarray(number[of] if kinds.size else top)


def _candidates(texts: Sequence[frozenset[int]]) -> Iterable[tuple[int, int]]:
    """Return pairs worth comparing: their least hashes agree in one band at least."""
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for at, text in enumerate(texts):
        if len(text) < SHORTEST:
            continue
        runs = np.fromiter(text, np.uint64, len(text))
        least = (runs[:, None] * _ODD + _PLUS).min(axis=0).reshape(_BANDS, _ROWS)  # modulo 2^64
        for band in range(_BANDS):
            buckets[band, least[band].tobytes()].append(at)
    # the first of a bucket stands for all that are the same as it: copies of one text are not compared n² times
    return {(members[0], other) for members in buckets.values() for other in members[1:]} | {
        pair for members in buckets.values() for pair in pairwise(members)
    }


def _alike(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / len(one | other)
