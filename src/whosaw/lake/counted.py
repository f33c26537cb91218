"""How many different subjects each member of staff saw, on DuckDB: by setting bits, not by looking pairs up.

The answer is the one of `actor-exposure` in `whosaw.lake.named`, which any engine can carry out; this is the quick
way to it. Subjects' numbers are dense, so whom an actor saw among a range of them is a string of bits, and setting one
costs a third of finding a pair in a table of pairs that fits no cache. Files are sorted by subject: range after range
is read, and only what lies in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pyarrow as pa

from whosaw.lake.duck import arrow, duck
from whosaw.lake.engine import THREADS, quoted
from whosaw.lake.errors import LakeUnwritable
from whosaw.lake.lookover import Lookover
from whosaw.lake.named import Asked

BITS = 1 << 32
"""Of all actors together over one range: half a gigabyte."""

_SCHEMA = pa.schema([("trail", pa.string()), ("actor", pa.int64()), ("subjects", pa.int64())])
_ACTORS_AT_FIRST = 1 << 13
_LEAST_WIDTH, _MOST_WIDTH = 1 << 10, 1 << 29
_SPARSE = 64
_DENSE_ENOUGH = 1 << 22  # numbers among which gaps cost nothing


def actor_exposure(look: Lookover, asked: Asked, memory: str, bits: int = BITS) -> pa.Table | None:
    """Return trail, actor and how many different subjects the actor was shown, by trail and actor.

    Args:
        look: the lake.
        asked: bounds of time.
        memory: how much DuckDB may take, as it writes it.
        bits: that all actors may have together at a time.

    Returns:
        None where the numbers of a trail's subjects are too sparse for this way.

    Raises:
        LakeDamaged, LakeUnwritable: as in `whosaw.lake.duck.duck`.
    """
    found: list[tuple[str, int | None, int]] = []
    for trail in look.names():
        own = _of(look, trail)
        span = _span(own, trail, memory)
        if span is None:
            continue
        low, high, rows = span
        if high - low >= max(_DENSE_ENOUGH, _SPARSE * rows):
            return None
        seen: Counter[int | None] = Counter()
        for part in _ranges(own, trail, asked, (low, high), (memory, bits)):
            seen.update(dict(zip(part["actor"].to_pylist(), part["subjects"].to_pylist(), strict=True)))
        named = sorted(actor for actor in seen if actor is not None)
        found += [(trail, actor, seen[actor]) for actor in [*named, *([None] if None in seen else [])]]
    told = [dict(zip(_SCHEMA.names, each, strict=True)) for each in found]
    return pa.Table.from_pylist(told, schema=_SCHEMA)


def _of(look: Lookover, trail: str) -> Lookover:
    """Return a lake as far as rows can name this trail, so that others cost nothing."""
    trails = tuple(each for each in look.trails if each.origin == trail)
    kept = {id(file) for each in trails for file in each.files}
    held = [file for each in look.trails for file in each.files]
    files = tuple(name for name, file in zip(look.files, held, strict=True) if id(file) in kept)
    return replace(look, trails=trails, files=files, imports=look.imports if _is_log(look, trail) else None)


def _is_log(look: Lookover, name: str) -> bool:
    sources = look.imports.sources if look.imports is not None else ()
    return any(each.kind == "accesses" and each.name == name for each in sources)


def _span(look: Lookover, trail: str, memory: str) -> tuple[int, int, int] | None:
    """Return least and greatest subject and how many rows there are; None where no row has a subject."""
    if look.imports is None:
        held = [file for each in look.trails for file in each.files]
        lows = [file.low for file in held if file.low is not None]
        highs = [file.high for file in held if file.high is not None]
        return (min(lows), max(highs), sum(file.rows for file in held)) if lows else None
    with duck(look, memory) as connection:
        text = f"SELECT min(subject), max(subject), count(*) FROM entries WHERE trail = {quoted(trail)}"
        low, high, rows = connection.execute(text).fetchone() or (None, None, 0)
    return None if low is None else (low, high, rows)


def _ranges(
    look: Lookover, trail: str, asked: Asked, span: tuple[int, int], most: tuple[str, int]
) -> Iterator[pa.Table]:
    """Yield per range of subjects each actor and how many of them it was shown."""
    memory, bits = most
    low, actors = span[0], _ACTORS_AT_FIRST
    while low <= span[1]:
        width = min(max(_LEAST_WIDTH, bits // THREADS // actors), _MOST_WIDTH)  # each thread has bits of its own
        high = min(span[1], low + width - 1)
        try:
            with duck(look.between(low, high), memory) as connection:
                part = arrow(connection.execute(_counting(trail, asked, low, high)))
        except LakeUnwritable as error:
            if width == _LEAST_WIDTH or not isinstance(error.__cause__, duckdb.OutOfMemoryException):
                raise
            actors *= 4
            continue
        yield part
        low, actors = high + 1, max(actors // 4, 1 + part.num_rows * 5 // 4)


def _counting(trail: str, asked: Asked, low: int, high: int) -> str:
    since = f" AND at_us >= {int(asked.since_us)}" if asked.since_us is not None else ""
    until = f" AND at_us < {int(asked.until_us)}" if asked.until_us is not None else ""
    return f"""
        SELECT actor, bit_count(bitstring_agg(subject, {low}::BIGINT, {high}::BIGINT)) AS subjects FROM entries
        WHERE trail = {quoted(trail)} AND shown AND subject BETWEEN {low} AND {high}{since}{until} GROUP BY actor
    """
