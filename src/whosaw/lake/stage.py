"""Rows on their way into the lake: text in a private file, until `whosaw.lake.admit` has numbered them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from whosaw.lake.beside import Beside
from whosaw.lake.folder import Writing
from whosaw.lake.mapping import AT, OPTIONAL, REQUIRED, Kind

FIELDS = "fields"
"""Which fields were shown, as the trail writes them, joined by commas; imported logs do not say."""

NUMBERED: dict[Kind, tuple[str, ...]] = {
    kind: tuple(name for name in (*REQUIRED[kind], *OPTIONAL[kind]) if name != AT)
    + ((FIELDS,) if kind == "accesses" else ())
    for kind in REQUIRED
}
"""Per kind the columns that the lake holds as numbers; each is a space of its own in the number map."""


def row_identity(key: bytes, raw: bytes) -> bytes:
    """Return the keyed SHA-256 of a row's raw bytes (32 bytes).

    The key belongs to one lake: without it a hash of a row with few possible contents would confirm any guess.
    """
    return hashlib.sha256(key + raw).digest()


def row_identities(key: bytes, raws: Sequence[bytes]) -> list[bytes]:
    """Return the identities of many rows."""
    keyed, found = hashlib.sha256(key), []
    for raw in raws:
        hashing = keyed.copy()  # to begin anew costs more than to go on from the key
        hashing.update(raw)
        found.append(hashing.digest())
    return found


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to stage.

    Args:
        lines: n positions in the log, rising.
        identities: n row identities.
        at_us: n times.
        columns: per canonical column n references, None where there is none; absent columns are all None.
        verified: n answers whether the reason was checked and held; None where nobody checked.
    """

    lines: Sequence[int]
    identities: Sequence[bytes]
    at_us: Sequence[int] | pa.Array
    columns: Mapping[str, list[str | None] | pa.Array]
    verified: Sequence[bool | None] | None = None


_GROUP_ROWS = 1 << 16
"""Rows in one row group: whoever writes or reads the file keeps a kilobyte or two for each column of each group."""


class Stage:
    """A private file of staged rows; use as a context manager.

    Attributes:
        path: the file, complete once the context is left.
        unknown: staged rows that name no subject; complete likewise.
    """

    def __init__(self, writing: Writing, kind: Kind) -> None:
        self._kind = kind
        self.unknown = 0
        self.path = writing.staging / "rows.parquet"
        self._schema = pa.schema(
            [
                ("line", pa.int64()),
                ("identity", pa.binary()),
                ("at_us", pa.int64()),
                ("verified", pa.bool_()),
                *((name, pa.string()) for name in NUMBERED[kind]),
            ]
        )
        # an identity is as good as random: packing it or looking for repeats costs time and saves nothing
        packed = {name: "none" if name == "identity" else "snappy" for name in self._schema.names}
        repeating = [*NUMBERED[kind]]
        # nobody asks for some of its rows, so extremes are of no use either
        self._writer = pq.ParquetWriter(
            self.path, self._schema, compression=packed, use_dictionary=repeating, write_statistics=False
        )
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._beside = Beside()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._beside.close(failed=error is not None)
            if error is None:
                self._flush()
        finally:
            self._writer.close()

    def add(self, rows: Rows) -> None:
        """Stage some rows; they are written while the next ones are made."""
        if rows.lines:
            self._beside.do(self._write, rows)

    def _write(self, rows: Rows) -> None:
        size = len(rows.lines)
        columns = [
            pa.array(rows.lines, pa.int64()),
            pa.array(rows.identities, pa.binary()),
            _array(rows.at_us, pa.int64()),
            pa.nulls(size, pa.bool_()) if rows.verified is None else pa.array(rows.verified, pa.bool_()),
        ]
        for name in NUMBERED[self._kind]:
            values = rows.columns.get(name)
            columns.append(pa.nulls(size, pa.string()) if values is None else _array(values, pa.string()))
            if name == "subject":
                self.unknown += columns[-1].null_count
        self._waiting.append(pa.record_batch(columns, schema=self._schema))
        self._rows += size
        if self._rows >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Write what waits as one row group."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if waiting:
            self._writer.write_table(pa.Table.from_batches(waiting))


def _array(values: Sequence[Any] | pa.Array, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)
