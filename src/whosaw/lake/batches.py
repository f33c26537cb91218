"""What a log reader hands on: some thousand rows at a time, as columns, each row with its line and its raw bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from whosaw.lake.times import Times

MALFORMED = "row.malformed"


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that could be taken apart, and those that could not.

    Args:
        lines: n line numbers (the first line is 1) or positions (Parquet and XES, from 1).
        raws: n raw records: the bytes as they stand in a text file without the line ending, or a canonical writing of
            a Parquet row or an XES event.
        cells: per column of the log that was asked for, n texts; null where the log holds none.
        times: n times where the log holds times as such and not as text; None otherwise.
        malformed: line and raw bytes of each record that could not be taken apart.
        skipped: records that are no row at all.
    """

    lines: Sequence[int]
    raws: list[bytes]
    cells: dict[str, pa.Array]
    times: Times | None = None
    malformed: list[tuple[int, bytes]] = field(default_factory=list)
    skipped: int = 0


class LogReader(Protocol):
    """A log that can be read once, in bounded memory."""

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in the order of the file."""
        ...


def texts(values: Sequence[str | None]) -> pa.Array:
    """Return texts as an array."""
    return pa.array(values, pa.string())


def is_text(value: str) -> bool:
    """Whether a text can be written as UTF-8; one with half of a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
