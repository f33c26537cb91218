"""Find the staged rows that repeat one another or are in the lake already, in bounded memory.

Row identities are as good as random, so their first bits cut any number of rows into parts of about equal size that
have nothing to do with each other; each part is sorted by itself. Of an identity its first 16 bytes are compared: it
is keyed, so nobody can make two rows agree in them, and by chance it happens once in 10^19 lakes of 10^9 rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_PART_ROWS = 200_000
_MOST_PARTS = 512
_BATCH_ROWS = 1 << 16
_KNOWN = -1
_ROW = np.dtype([("high", "<u8"), ("low", "<u8"), ("place", "<i8")])

Rows = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Repeats:
    """What repeats in a stage.

    Args:
        marks: Parquet file of `place` (position in the stage, from 0), `occurrence` (how many equal rows stand before
            it) and `fresh` (it is not in the lake yet), of the rows that are not simply fresh and first; None where
            every row is.
        fresh: how many rows are not in the lake yet.
    """

    marks: Path | None
    fresh: int


def find_repeats(stage: Path, known: Iterable[Path], scratch: Path) -> Repeats:
    """Compare a stage with itself and with what is known.

    Args:
        stage: Parquet file with the column `identity`.
        known: Parquet files of the lake with that column; an identity stands there as often as the row is known.
        scratch: an existing folder for what must be set aside.
    """
    files = [pq.ParquetFile(path, pre_buffer=False) for path in known]
    rows = pq.ParquetFile(stage, pre_buffer=False)
    total = rows.metadata.num_rows + sum(file.metadata.num_rows for file in files)
    parts = min(_MOST_PARTS, 1 << max(0, (total // _PART_ROWS)).bit_length())
    streams = [_rows(rows, staged=True), *(_rows(file, staged=False) for file in files)]
    marks, repeated = scratch / "marks.parquet", 0
    marked = 0
    with pq.ParquetWriter(marks, _SCHEMA) as writer:
        for part in _parts(streams, parts, scratch):
            found = _compare(part)
            if found is not None:
                writer.write_batch(found)
                marked += found.num_rows
                repeated += found.num_rows - found.column("fresh").true_count
    for file in (rows, *files):
        file.close()
    return Repeats(marks if marked else None, rows.metadata.num_rows - repeated)


_SCHEMA = pa.schema([("place", pa.int64()), ("occurrence", pa.int32()), ("fresh", pa.bool_())])


def _rows(file: pq.ParquetFile, staged: bool) -> Iterator[Rows]:
    """Yield the identities of a file, with their places where they are staged."""
    start = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=["identity"]):
        identities = batch.column(0).cast(pa.binary(len(batch.column(0)[0].as_py()))) if batch.num_rows else None
        if identities is None:
            continue
        width = identities.type.byte_width
        raw = np.frombuffer(identities.buffers()[1], np.uint8)
        raw = raw[identities.offset * width : (identities.offset + len(identities)) * width].reshape(-1, width)
        rows = np.empty(len(identities), _ROW)
        halves = np.ascontiguousarray(raw[:, :16]).view("<u8")
        rows["high"], rows["low"] = halves[:, 0], halves[:, 1]
        rows["place"] = np.arange(start, start + len(rows)) if staged else _KNOWN
        start += len(rows)
        yield rows


def _parts(streams: list[Iterator[Rows]], parts: int, scratch: Path) -> Iterator[Rows]:
    """Yield all rows in `parts` parts; equal identities are in the same one."""
    if parts == 1:
        yield np.concatenate([rows for stream in streams for rows in stream] or [np.empty(0, _ROW)])
        return
    paths = [scratch / f"part-{number:03d}" for number in range(parts)]
    with ExitStack() as stack:
        files: list[BinaryIO] = [stack.enter_context(path.open("wb")) for path in paths]
        for stream in streams:
            for rows in stream:
                number = (rows["high"] % parts).astype(np.int64)
                ordered = rows[np.argsort(number, kind="stable")]
                ends = np.cumsum(np.bincount(number, minlength=parts))
                for file, piece in zip(files, np.split(ordered, ends[:-1]), strict=True):
                    file.write(piece.tobytes())
    for path in paths:
        yield np.fromfile(path, _ROW)
        path.unlink()


def _compare(rows: Rows) -> pa.RecordBatch | None:
    """Return the marks of one part's rows that are not simply fresh and first; None where all are."""
    rows = rows[np.argsort(rows["high"], kind="stable")]
    same = rows["high"][1:] == rows["high"][:-1]
    if not same.any():
        return None
    suspects = np.concatenate(([False], same)) | np.concatenate((same, [False]))
    rows = rows[suspects]
    rows = rows[np.lexsort((rows["place"], rows["low"], rows["high"]))]  # what is known stands first in its group
    starts = np.flatnonzero(
        np.concatenate(([True], (rows["high"][1:] != rows["high"][:-1]) | (rows["low"][1:] != rows["low"][:-1])))
    )
    sizes = np.diff(np.append(starts, len(rows)))
    known = np.repeat(np.add.reduceat((rows["place"] == _KNOWN).astype(np.int64), starts), sizes)
    occurrence = np.arange(len(rows)) - np.repeat(starts, sizes) - known
    staged = (rows["place"] != _KNOWN) & ((occurrence > 0) | (known > 0))
    if not staged.any():
        return None
    columns = [
        pa.array(rows["place"][staged]),
        pa.array(occurrence[staged].astype(np.int32)),
        pa.array((occurrence >= known)[staged]),
    ]
    return pa.record_batch(columns, schema=_SCHEMA)
