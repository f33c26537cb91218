"""Which export or query a found sample of rows came from.

Rows are compared after everything that a seller of lists changes is taken away: order, case, spacing, punctuation. Each
row of the sample is either from one export X, then equally likely each of its |X| rows, or from elsewhere, then each of
the N rows there are. Seeded rows, which only one export holds, count like any other row: nothing else holds them. Where
the sample keeps the order of an export, that counts too.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from whosaw.trace.errors import InputRefused

ELSEWHERE = 0.05
"""Part of a sample that may come from elsewhere."""

_ORDER_NEEDS = 8


@dataclass(frozen=True, slots=True)
class Export:
    """What is kept of one export or query: no values, only salted prints of its rows.

    Args:
        reference: its name in the record.
        actor: who made it.
        rows: prints of its rows, in its order.
        seeds: prints of the rows that only this export holds.
    """

    reference: str
    actor: int
    rows: tuple[bytes, ...]
    seeds: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """One export as a source of the sample.

    Args:
        reference, actor: of the export.
        probability: that the sample came from it, all exports and *none of them* on one scale.
        rows: rows of the sample that it holds.
        seeds: seeded rows of it in the sample.
        in_order: part of neighbouring rows of the sample that stand in the order of the export; 0.5 where shuffled.
    """

    reference: str
    actor: int
    probability: float
    rows: int
    seeds: int
    in_order: float


@dataclass(frozen=True, slots=True)
class Match:
    """What a sample came from.

    Args:
        sources: every export, the most probable first.
        none: probability that it came from none of them.
        rows: distinct rows of the sample.
    """

    sources: tuple[Source, ...]
    none: float
    rows: int


def print_row(cells: Iterable[str], salt: bytes) -> bytes:
    """Return the print of a row: unchanged by order of its cells, case, accents, spacing and punctuation.

    Args:
        cells: the values of the row.
        salt: secret of the record, so that prints cannot be guessed back into values.
    """
    joined = "\x1f".join(sorted(word for word in map(plain, cells) if word))
    return _digest(joined.encode(), salt)


def print_cell(cell: str, salt: bytes) -> bytes:
    """Return the print of one cell, in the same way; empty where nothing of it is left."""
    word = plain(cell)
    return _digest(word.encode(), salt) if word else b""


def join_cells(prints: Iterable[bytes]) -> bytes:
    """Return the print of a row from the prints of some of its cells, in any order; empty where all are empty."""
    kept = sorted(cell for cell in prints if cell)
    return hashlib.blake2b(b"".join(kept), digest_size=16).digest() if kept else b""


def plain(cell: str) -> str:
    """Return what is left of a cell without case, accents, spacing and punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKD", cell.casefold()) if c.isalnum())


def _digest(text: bytes, salt: bytes) -> bytes:
    return hashlib.blake2b(text, key=salt[:64], digest_size=16).digest()


def match_sample(
    sample: Sequence[bytes],
    exports: Sequence[Export],
    population: int,
    prior_none: float = 0.5,
    own: Mapping[str, Sequence[bytes]] | None = None,
) -> Match:
    """Return which export a sample came from, and how probable it is that it came from none.

    Args:
        sample: prints of the found rows, in the order found.
        exports: everything on record; each with its own salted prints, made with the same salt.
        population: how many rows there are that could have turned up.
        prior_none: probability, before looking, that it came from none of the exports.
        own: by reference of an export the same sample as prints of the columns that it shares with that export, row by
            row as in `sample`; an export without has the sample's own.

    Raises:
        InputRefused: the sample or the population is empty, or the prior is no probability.
    """
    first = list({row: at for at, row in reversed(list(enumerate(sample)))}.values())[::-1]
    rows = [sample[at] for at in first]
    if not rows or population < 1:
        raise InputRefused("a sample needs rows, and a population at least one")
    if not 0.0 < prior_none < 1.0:
        raise InputRefused(f"a prior of none lies between 0 and 1, not at `{prior_none}`")
    logs, found = [], []
    prior = math.log((1.0 - prior_none) / max(1, len(exports)))
    for export in exports:
        place = {row: at for at, row in enumerate(export.rows)}
        seen = rows if own is None or export.reference not in own else [own[export.reference][at] for at in first]
        hits = [place[row] for row in seen if row in place]
        size = max(1, len(place))
        inside = math.log((1.0 - ELSEWHERE) * max(1.0, population / size) + ELSEWHERE)
        log = len(hits) * inside + (len(rows) - len(hits)) * math.log(ELSEWHERE)
        ordered, in_order = _order(hits)
        logs.append(prior + log + ordered)
        found.append((export, len(hits), sum(row in export.seeds for row in seen), in_order))
    total = float(np.logaddexp.reduce([math.log(prior_none), *logs]))
    sources = [
        Source(export.reference, export.actor, math.exp(log - total), hits, seeds, in_order)
        for log, (export, hits, seeds, in_order) in zip(logs, found, strict=True)
    ]
    ranked = tuple(sorted(sources, key=lambda s: (-s.probability, -s.rows, s.reference)))
    return Match(ranked, math.exp(math.log(prior_none) - total), len(rows))


def _order(places: list[int]) -> tuple[float, float]:
    """Return what the order of the rows adds to the log, and the part of neighbours that stand in the export's order.

    A shuffled sample has half of its neighbours in order; one that keeps the order has nearly all. Half of the prior
    is on either, so a shuffled sample loses log 2 and no more.
    """
    if len(places) < _ORDER_NEEDS:
        return 0.0, 0.5
    rising = sum(a < b for a, b in pairwise(places))
    # neighbours of a shuffled list are dependent in pairs: every second one is taken, and those are independent
    every_second = [a < b for a, b in zip(places[::2], places[1::2], strict=False)]
    kept = sum(every_second)
    gain = kept * math.log(0.95 / 0.5) + (len(every_second) - kept) * math.log(0.05 / 0.5)
    return float(np.logaddexp(math.log(0.5), math.log(0.5) + gain)), rising / (len(places) - 1)
