"""Writing rows as Parquet: one file per partition, sorted by subject, zstd, in pieces of bounded size."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from whosaw.lake.errors import LakeDamaged
from whosaw.lake.place import Place
from whosaw.lake.trailmanifest import RowFile
from whosaw.lake.trailrows import COLUMNS, SCHEMA, in_order

FILE_ROWS = 1_000_000
"""Rows in one file at most: what a merge holds in memory at a time is about a kilobyte for each."""
GROUP_ROWS = 8_192
"""Rows in one row group: a question about a few subjects reads the groups that can hold them."""

_DAY_US = 86_400_000_000
# Few different values in each row group; the others rise or scatter within bounds, so that differences are short.
_DICTIONARY = ["trail", "kind", "door", "decision", "fields", "beneficiary", "action", "reason", "actor"]
_DIFFERENCES = dict.fromkeys(("entry", "at_us", "subject", "purpose"), "DELTA_BINARY_PACKED")


def write_rows(
    place: Place, rows: pa.Table, span: tuple[int, int], head: tuple[int, str], file_rows: int = FILE_ROWS
) -> list[RowFile]:
    """Write rows into their day partitions and return the files, durable and not yet part of the lake.

    Args:
        place: the trail's folder.
        rows: n rows of `COLUMNS`, in any order.
        span: they are of entries from the first index on and below the second.
        head: size and root (hex) of the signed checkpoint they were read under.
        file_rows: rows in one file at most.
    """
    written: list[RowFile] = []
    for partition, part in _by_day(rows):
        ordered = in_order(part)
        for at in range(0, ordered.num_rows, file_rows):
            written.append(write_file(place, partition, ordered.slice(at, file_rows), span, head))
    return written


def write_file(
    place: Place, partition: str, ordered: pa.Table, span: tuple[int, int], head: tuple[int, str]
) -> RowFile:
    """Write one file of ordered rows; it says in its metadata of which trail, entries and root it is."""
    trail = ordered["trail"][0].as_py()
    told = {
        "whosaw.schema": str(SCHEMA),
        "whosaw.trail": trail,
        "whosaw.entries": f"{span[0]}-{span[1]}",
        "whosaw.checkpoint_size": str(head[0]),
        "whosaw.checkpoint_root": head[1],
    }
    sink = io.BytesIO()
    table = ordered.cast(COLUMNS.with_metadata(told))
    pq.write_table(
        table,
        sink,
        compression="zstd",
        row_group_size=GROUP_ROWS,
        use_dictionary=_DICTIONARY,
        column_encoding=_DIFFERENCES,
        sorting_columns=pq.SortingColumn.from_ordering(table.schema, [("subject", "ascending")]),
    )
    body = sink.getvalue()
    bounds = pc.min_max(ordered["subject"])
    name = f"{partition}/{span[0]:012d}-{span[1]:012d}-{secrets.token_hex(4)}.parquet"
    place.put(name, body)
    return RowFile(
        name=name,
        partition=partition,
        rows=ordered.num_rows,
        first=span[0],
        end=span[1],
        size=head[0],
        root=head[1],
        low=bounds["min"].as_py(),
        high=bounds["max"].as_py(),
        bytes=len(body),
        sha256=sha256(body).hexdigest(),
    )


def day_of(at_us: int) -> str:
    """Return the partition of a time: its day in UTC."""
    return f"day={datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d}"


def _by_day(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    if not rows.num_rows:
        return
    days = pc.floor(pc.divide(pc.cast(rows["at_us"], pa.float64()), float(_DAY_US)))
    for day in sorted(pc.unique(days).to_pylist()):
        yield day_of(int(day) * _DAY_US), rows.filter(pc.equal(days, day))


def read_file(
    place: Place,
    file: RowFile,
    columns: list[str] | None = None,
    between: tuple[int | None, int | None] = (None, None),
) -> pa.Table:
    """Return a file's rows in its order, or some columns of them.

    Args:
        place: the trail's folder.
        file: which.
        columns: all of `COLUMNS` where absent.
        between: only subjects from the first on and below the second; rows without a subject go with an open end.

    Raises:
        LakeDamaged: it is not there or cannot be read.
    """
    low, high = between
    kept = pads.field("subject").is_valid() if high is not None else None
    if low is not None and high is not None:
        kept = kept & (pads.field("subject") >= low) & (pads.field("subject") < high)
    elif high is not None:
        kept = kept & (pads.field("subject") < high)
    elif low is not None:
        kept = pads.field("subject").is_null() | (pads.field("subject") >= low)
    paths, system = place.dataset_files([file.name])
    try:
        source = pads.dataset(paths, schema=COLUMNS, filesystem=system, format="parquet")
        return source.to_table(columns=columns, filter=kept)
    except (OSError, pa.ArrowException) as error:
        raise LakeDamaged(f"file `{file.name}` of lake `{place.text}` is missing or cannot be read") from error
