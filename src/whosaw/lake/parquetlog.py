"""A Parquet log, read as batches of cells beside a canonical writing of each row.

The canonical writing of a row is a JSON object of all its columns as text, names sorted: neither row groups,
compression nor the order of columns change a row's identity. A time is written as its count and unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whosaw.lake.batches import Batch, texts
from whosaw.lake.csvlog import find_columns
from whosaw.lake.errors import LakeError, LogUnreadable, ZoneMissing
from whosaw.lake.mapping import TimeReading
from whosaw.lake.times import EMPTY, UNREADABLE, Reading, Times, place, times_of

_BATCH_ROWS = 1 << 15


class ParquetLog:
    """Rows of a Parquet file.

    Args:
        path: the file.
        wanted: the columns to hand on.
        time_column: the one of them that holds the time; taken as it is where it is a timestamp.
        how: zone and ambiguity for timestamps without a zone.
    """

    def __init__(self, path: Path, wanted: Iterable[str], time_column: str, how: TimeReading) -> None:
        self._path = path
        self._wanted = list(dict.fromkeys(wanted))
        self._time_column = time_column
        self._how = how

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in the order of the file.

        Raises:
            LogUnreadable: the file is damaged.
            LogColumnMissing: a wanted column is not there.
            ZoneMissing: the times are timestamps without a zone and the mapping names none.
        """
        try:
            with pq.ParquetFile(self._path) as file:
                names = list(file.schema_arrow.names)
                if len(set(names)) < len(names):
                    raise LogUnreadable(f"log `{self._path}` has two columns of one name")
                find_columns(names, self._wanted)
                kind = file.schema_arrow.field(self._time_column).type
                if pa.types.is_timestamp(kind) and kind.tz is None and self._how.zone is None:
                    raise ZoneMissing(f"the times of log `{self._path}` carry no zone and the mapping names none")
                line = 1
                for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                    batch.validate(full=True)  # a text that is no UTF-8 would show only where it is used
                    yield self._batch(batch, line)
                    line += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise LogUnreadable(f"log `{self._path}` is not a sound Parquet file") from error
        except (ValueError, OverflowError) as error:
            if isinstance(error, LakeError):
                raise
            raise LogUnreadable(f"log `{self._path}` holds a value that cannot be written") from error

    def _batch(self, batch: pa.RecordBatch, line: int) -> Batch:
        names = sorted(batch.schema.names)
        columns = {name: cell_texts(batch.column(name)) for name in names}
        rows = zip(*(columns[name] for name in names), strict=True)
        raws = [
            json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False).encode("utf-8", "surrogatepass")
            for row in rows
        ]
        times: Times | None = None
        column = batch.column(self._time_column)
        if pa.types.is_timestamp(column.type):
            times = times_of(_times(column, self._how))
        cells = {name: texts(columns[name]) for name in self._wanted}
        return Batch(list(range(line, line + batch.num_rows)), raws, cells, times)


def cell_texts(column: pa.Array) -> list[str | None]:
    """Return a column as text, in the writing that a row's identity is made of."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        unit = kind.unit
        return [None if count is None else f"{count} {unit}" for count in column.cast(pa.int64()).to_pylist()]
    return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return str(value)


def _times(column: pa.Array, how: TimeReading) -> list[Reading]:
    try:
        counts = pc.cast(column, pa.timestamp("us", tz=column.type.tz), safe=False)
        if column.type.tz is not None:
            return [EMPTY if at is None else at for at in counts.cast(pa.int64()).to_pylist()]
        return [EMPTY if at is None else place(at, how.zone, how.ambiguous) for at in counts.to_pylist()]
    except (ValueError, OverflowError):
        return [_time(value, how) for value in column]


def _time(value: pa.Scalar, how: TimeReading) -> Reading:
    if not value.is_valid:
        return EMPTY
    try:
        at = value.cast(pa.timestamp("us", tz=value.type.tz), safe=False)
        return int(at.value) if value.type.tz is not None else place(at.as_py(), how.zone, how.ambiguous)
    except (ValueError, OverflowError, pa.ArrowException):
        return UNREADABLE
