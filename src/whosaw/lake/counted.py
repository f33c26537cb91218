"""A question about pairs of actor and subject, asked range after range of subjects: then the pairs fit into a cache.

Whom an actor saw in one range and in another are different subjects, so the counts of `actor-exposure` over ranges add
up to those over all. Files are sorted by subject: a range is read from the files that hold it, and only what lies in
it. It is the same question, asked as often as there are ranges; one table of all pairs costs more than twice as much.
Each range is one thread's: two that count one range wait for each other and join what they counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa

from whosaw.lake.duck import run_duck
from whosaw.lake.engine import Means
from whosaw.lake.lookover import Lookover
from whosaw.lake.named import Asked, expression

RANGE_ROWS = 2_500_000
"""Rows in one range, about: with fewer, planning takes longer than counting; the pairs of more fit into no cache."""

_NAME = "actor-exposure"


def actor_exposure(look: Lookover, asked: Asked, means: Means, range_rows: int = RANGE_ROWS) -> pa.Table:
    """Return what the question `actor-exposure` returns.

    Args:
        look: the lake.
        asked: what it is about.
        means: what DuckDB may use for all of it.
        range_rows: rows in one range, about.

    Raises:
        LakeDamaged, LakeUnwritable: as in `whosaw.lake.duck.duck`.
    """
    ranges = [] if look.imports is not None else list(_ranges(look, range_rows))
    if len(ranges) < 2:
        return run_duck(look, expression(_NAME, asked), means)

    def counted(within: tuple[int, int]) -> pa.Table:
        there = look.between(*within)
        return run_duck(there, expression(_NAME, replace(asked, within=within)), replace(means, threads=1))

    with ThreadPoolExecutor(means.threads) as pool:
        parts = list(pool.map(counted, [each for each in ranges if look.between(*each).files]))
    added = pa.concat_tables(parts).group_by(["trail", "actor"]).aggregate([("subjects", "sum")])
    told = added.rename_columns(["trail", "actor", "subjects"])
    return told.sort_by([("trail", "ascending"), ("actor", "ascending")])


def _ranges(look: Lookover, range_rows: int) -> Iterator[tuple[int, int]]:
    """Yield ranges of subjects that lie side by side and cover all that the files hold; both ends belong to a range."""
    held = [file for each in look.trails for file in each.files]
    bounds = [(file.low, file.high) for file in held if file.low is not None and file.high is not None]
    if not bounds:
        return
    low, last = min(low for low, _ in bounds), max(high for _, high in bounds)
    pieces = max(1, sum(file.rows for file in held) // range_rows)
    width = -(-(last - low + 1) // pieces)
    for start in range(low, last + 1, width):
        yield start, min(last, start + width - 1)
