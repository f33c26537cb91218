"""Sort rows of numbers by subject, time and line, and write them as Parquet, in memory that does not grow with them.

What comes in is sorted run by run and set aside; the runs are merged block by block: rows up to the smallest last key
among the loaded blocks are complete, wherever they lie. Nothing is assumed about how rows spread over subjects: all may
belong to one, or to none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whosaw.lake.beside import Beside

KEYS = ("subject", "at_us", "line")
"""Rising; rows without a subject come last. The lines of a log differ, so no two rows have one key."""

_LEAST_RUN, _MOST_RUN = 1 << 16, 1 << 19
_RUNS = 128
_BLOCK = 1 << 12
_LOADED = 1 << 17
_AT_ONCE = 256
"""Runs that are open at a time: each takes a file and a block in memory, so more are merged in several rounds."""
_GROUP = 122_880  # rows; the same as DuckDB's own
_NOBODY = np.iinfo(np.int64).max
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")

Keys = NDArray[np.int64]


def set_aside(batches: Iterable[pa.RecordBatch], rows: int, scratch: Path) -> list[Path]:
    """Sort rows run by run and write the runs down.

    Args:
        batches: the rows in any order, with the columns of `KEYS`; `subject` may be absent.
        rows: about how many there are.
        scratch: an existing folder for the runs.
    """
    most = max(_LEAST_RUN, min(_MOST_RUN, rows // _RUNS))
    runs: list[Path] = []
    beside = Beside()
    failed = True
    try:
        for table in _tables(batches, most):
            runs.append(scratch / f"run-{len(runs):04d}")
            beside.do(_set_aside, table, runs[-1])
        failed = False
    finally:
        beside.close(failed)
    return runs


def write_ordered(runs: Sequence[Path], output: Parquet) -> None:
    """Write the rows of all runs in order; the runs are gone afterwards."""
    for table in _merged(_few(runs)):
        output.write(table)


class Parquet:
    """A Parquet file of the lake; use as a context manager.

    Args:
        path: the file.
        schema: its columns; those that the rows lack are null or, where named in `constants`, the same in every row.
        constants: column → value.
    """

    def __init__(self, path: Path, schema: pa.Schema, constants: dict[str, bool | int]) -> None:
        self._schema = schema
        self._constants = constants
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._beside = Beside()
        # an identity is as good as random: packing it or looking for repeats or extremes costs time and saves nothing
        others = [name for name in schema.names if name != "identity"]
        self._writer = pq.ParquetWriter(
            path,
            schema,
            compression={name: "zstd" if name in others else "none" for name in schema.names},
            use_dictionary=[name for name in others if name != "at_us"],  # nearly every time is another one
            write_statistics=others,
        )

    def __enter__(self) -> Parquet:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._flush()
            self._beside.close(failed=error is not None)
        finally:
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Write rows behind those that were written before."""
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        waiting, self._waiting, self._rows = self._waiting, [], 0
        self._beside.do(self._write, waiting)

    def _write(self, tables: list[pa.Table]) -> None:
        rows = pa.concat_tables(tables)
        columns = [self._column(rows, field) for field in self._schema]
        self._writer.write_table(pa.table(columns, schema=self._schema), row_group_size=_GROUP)

    def _column(self, rows: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
        if field.name in rows.column_names:
            return rows[field.name].cast(field.type)
        return pa.repeat(pa.scalar(self._constants.get(field.name), field.type), rows.num_rows)


def _tables(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= most:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting)


def _sorted(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.lexsort(_keys(table)[::-1])))


def _keys(table: pa.Table) -> tuple[Keys, ...]:
    found = []
    for name in KEYS:
        if name in table.column_names:
            found.append(pc.fill_null(table[name], _NOBODY).combine_chunks().to_numpy(zero_copy_only=False))
    return tuple(found)


def _set_aside(table: pa.Table, path: Path) -> None:
    _write_run([_sorted(table)], table.schema, path)


def _write_run(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=_PACKED) as writer:
        for table in tables:
            writer.write_table(table.combine_chunks(), max_chunksize=_BLOCK)


def _few(runs: Sequence[Path]) -> Sequence[Path]:
    """Merge runs into longer ones until they can all be open at a time."""
    while len(runs) > _AT_ONCE:
        longer = []
        for start in range(0, len(runs), _AT_ONCE):
            part = runs[start : start + _AT_ONCE]
            longer.append(part[0].with_name(f"{part[0].name}-longer"))
            with pa.OSFile(str(part[0])) as file:
                schema = pa.ipc.open_file(file).schema
            batches = (batch for table in _merged(part) for batch in table.to_batches())
            _write_run(_tables(batches, _LOADED), schema, longer[-1])
        runs = longer
    return runs


@dataclass(slots=True)
class _Run:
    """A sorted run on disk.

    Attributes:
        table, keys: the rows that are loaded and not yet taken, and their keys.
        following: place of the next block.
    """

    file: pa.ipc.RecordBatchFileReader
    at_once: int
    table: pa.Table
    keys: tuple[Keys, ...]
    following: int = 0

    def load(self) -> None:
        """Load the next blocks behind what is left."""
        end = min(self.following + self.at_once, self.file.num_record_batches)
        blocks = [self.file.get_batch(place) for place in range(self.following, end)]
        self.following = end
        self.table = pa.Table.from_batches(blocks)
        self.keys = _keys(self.table)

    @property
    def has_more(self) -> bool:
        return bool(self.following < self.file.num_record_batches)

    @property
    def last(self) -> tuple[int, ...]:
        return tuple(int(key[-1]) for key in self.keys)

    def take(self, upto: tuple[int, ...] | None) -> pa.Table:
        """Return the loaded rows up to a key, or all of them."""
        size = len(self.keys[0])
        count = size if upto is None else _count(self.keys, upto)
        taken = self.table.slice(0, count)
        self.table = self.table.slice(count)
        self.keys = tuple(key[count:] for key in self.keys)
        return taken


def _count(keys: Sequence[Keys], upto: tuple[int, ...]) -> int:
    """Return how many rows of sorted keys lie at or before a key."""
    start, end = 0, len(keys[0])
    for key, value in zip(keys[:-1], upto[:-1], strict=True):
        part = key[start:end]
        start, end = (
            start + int(np.searchsorted(part, value, "left")),
            start + int(np.searchsorted(part, value, "right")),
        )
    return start + int(np.searchsorted(keys[-1][start:end], upto[-1], "right"))


def _merged(paths: Sequence[Path]) -> Iterator[pa.Table]:
    """Yield the rows of all runs in order."""
    at_once = max(1, _LOADED // _BLOCK // max(1, len(paths)))
    with ExitStack() as stack:
        runs = []
        for path in paths:
            file = pa.ipc.open_file(stack.enter_context(pa.OSFile(str(path))))
            path.unlink()  # it lives as long as it is open
            runs.append(_Run(file, at_once, pa.table({}), ()))
            runs[-1].load()
        while runs:
            unfinished = [run.last for run in runs if run.has_more]
            upto = min(unfinished) if unfinished else None
            taken = [part for run in runs if (part := run.take(upto)).num_rows]
            yield _sorted(pa.concat_tables(taken)) if len(taken) > 1 else taken[0]
            for run in runs:
                if not len(run.keys[0]) and run.has_more:
                    run.load()
            runs = [run for run in runs if len(run.keys[0])]
