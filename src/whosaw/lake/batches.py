"""What a log reader hands on: some thousand rows at a time, as columns, each row with its line and its raw bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from whosaw.lake.times import Reading


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that could be taken apart, and those that could not.

    Args:
        lines: n line numbers (CSV, the header is line 1) or row numbers (Parquet, from 1).
        raws: n raw records: the bytes as they stand in a CSV file without the line ending, or a canonical writing of a
            Parquet row.
        cells: per column of the log that was asked for, n texts; None where the log holds a null.
        times: n times where the log holds times as such and not as text; None otherwise.
        malformed: line and raw bytes of each record that could not be taken apart.
    """

    lines: list[int]
    raws: list[bytes]
    cells: dict[str, list[str | None]]
    times: list[Reading] | None = None
    malformed: list[tuple[int, bytes]] = field(default_factory=list)


class LogReader(Protocol):
    """A log that can be read once, in bounded memory."""

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in the order of the file."""
        ...
