"""A question about pairs of actor and subject, asked range after range of subjects: then the pairs fit into a cache.

Whom an actor saw in one range and in another are different subjects, so the counts of `actor-exposure` over ranges add
up to those over all. Files are sorted by subject: a range is read from the files that hold it, and only what lies in
it. It is the same question, asked as often as there are ranges; one table of all pairs costs more than twice as much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from whosaw.lake.duck import run_duck
from whosaw.lake.lookover import Lookover
from whosaw.lake.named import Asked, expression

RANGE_ROWS = 5_000_000
"""Rows in one range, about: with fewer, planning takes longer than counting; the pairs of more fit into no cache."""

_NAME = "actor-exposure"


def actor_exposure(look: Lookover, asked: Asked, memory: str, range_rows: int = RANGE_ROWS) -> pa.Table:
    """Return what the question `actor-exposure` returns.

    Args:
        look: the lake.
        asked: what it is about.
        memory: how much DuckDB may take, as it writes it.
        range_rows: rows in one range, about.

    Raises:
        LakeDamaged, LakeUnwritable: as in `whosaw.lake.duck.duck`.
    """
    ranges = [] if look.imports is not None else list(_ranges(look, range_rows))
    if len(ranges) < 2:
        return run_duck(look, expression(_NAME, asked), memory)
    seen: Counter[tuple[str, int | None]] = Counter()
    for low, high in ranges:
        there = look.between(low, high)
        if there.files:
            part = run_duck(there, expression(_NAME, replace(asked, within=(low, high))), memory)
            keys = zip(part["trail"].to_pylist(), part["actor"].to_pylist(), strict=True)
            seen.update(dict(zip(keys, part["subjects"].to_pylist(), strict=True)))
    ordered = sorted(seen, key=lambda each: (each[0], each[1] is None, each[1] or 0))
    told = [{"trail": trail, "actor": actor, "subjects": seen[trail, actor]} for trail, actor in ordered]
    return pa.Table.from_pylist(told, schema=_SCHEMA)


_SCHEMA = pa.schema([("trail", pa.string()), ("actor", pa.int64()), ("subjects", pa.int64())])


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
