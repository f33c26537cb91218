"""A CSV log, plain, gzip or zstd, read as batches of cells beside raw records."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from whosaw.lake.batches import Batch, texts
from whosaw.lake.errors import LogColumnMissing, LogEmpty, LogEncoding, LogUnreadable
from whosaw.lake.opening import open_log
from whosaw.lake.records import CHUNK_BYTES, Records, read_records


class CsvLog:
    """Rows of a CSV file whose first record is a header.

    Args:
        path: the file; compressed where it begins as gzip does, whatever its name.
        wanted: the columns to hand on.
        delimiter: one ASCII character.
    """

    def __init__(self, path: Path, wanted: Iterable[str], delimiter: str = ",") -> None:
        self._path = path
        self._wanted = list(dict.fromkeys(wanted))
        self._delimiter = delimiter

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in the order of the file.

        Raises:
            LogEmpty: there is no header.
            LogColumnMissing: the header lacks a wanted column.
            LogEncoding: a record is not UTF-8.
            LogUnreadable: the compressed stream is damaged or cut short.
        """
        with open_log(self._path) as stream:
            places: dict[str, int] | None = None
            width = 0
            for records in read_records(stream, self._delimiter, CHUNK_BYTES):
                if places is None:
                    header = self._header(records)
                    width, places = len(header), find_columns(header, self._wanted)
                yield self._batch(records, places, width)
            if places is None:
                raise LogEmpty(f"log `{self._path}` is empty")

    def _header(self, records: Records) -> list[str]:
        first = records.lines[0] if records.lines else None
        if first is None or (records.malformed and records.malformed[0][0] < first):
            raise LogUnreadable(f"the header of log `{self._path}` is not CSV")
        line, raw = records.lines.pop(0), records.raws.pop(0)
        return next(csv.reader(_decoded([line], [raw]), delimiter=self._delimiter, strict=True))

    def _batch(self, records: Records, places: dict[str, int], width: int) -> Batch:
        if records.is_plain and not records.malformed and records.raws:
            cells = self._cells(records.raws, places, width)
            if cells is not None:
                return Batch(records.lines, records.raws, cells)
        lines, raws, malformed = records.lines, records.raws, records.malformed
        rows = self._rows(_decoded(lines, raws))
        good = [index for index, row in enumerate(rows) if len(row) == width]
        if len(good) < len(rows):
            bad = [(lines[index], raws[index]) for index, row in enumerate(rows) if len(row) != width]
            malformed = sorted([*malformed, *bad])
            lines, raws = [lines[index] for index in good], [raws[index] for index in good]
            rows = [rows[index] for index in good]
        cells = {name: texts([row[place] for row in rows]) for name, place in places.items()}
        return Batch(lines, raws, cells, malformed=malformed)

    def _cells(self, raws: list[bytes], places: dict[str, int], width: int) -> dict[str, pa.Array] | None:
        """Take records without any quote apart, all at once; None where one of them must be looked at by itself."""
        names = [f"{place}" for place in range(width)]
        wanted = [f"{place}" for place in places.values()]
        table = b"\n".join(raws) + b"\n"
        try:
            found = arrow_csv.read_csv(
                pa.BufferReader(table),
                read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(table) + 1),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._delimiter, quote_char=False, ignore_empty_lines=False
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:
            return None
        if found.num_rows != len(raws):
            return None
        return {name: found.column(f"{place}").combine_chunks() for name, place in places.items()}

    def _rows(self, texts: list[str]) -> list[list[str]]:
        """Take records apart; one that cannot be (a cell beyond the csv module's limit) becomes an empty row."""
        try:
            return list(csv.reader(texts, delimiter=self._delimiter, strict=True))
        except csv.Error:
            return [self._row(text) for text in texts]

    def _row(self, text: str) -> list[str]:
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except csv.Error:
            return []


def find_columns(header: list[str], wanted: Iterable[str]) -> dict[str, int]:
    """Return where each wanted column stands in the header.

    Raises:
        LogColumnMissing: a column is missing or stands there twice.
    """
    places = {}
    for name in wanted:
        count = header.count(name)
        if count != 1:
            close = difflib.get_close_matches(name, header, n=1)
            meant = f"; did you mean `{close[0]}`?" if close and not count else ""
            what = f"has column `{name}` {count} times" if count else f"has no column `{name}`{meant}"
            raise LogColumnMissing(f"the log {what}")
        places[name] = header.index(name)
    return places


def _decoded(lines: list[int], raws: list[bytes]) -> list[str]:
    try:
        return [raw.decode() for raw in raws]
    except UnicodeDecodeError:
        for line, raw in zip(lines, raws, strict=True):
            try:
                raw.decode()
            except UnicodeDecodeError as error:
                at = line + raw.count(b"\n", 0, error.start)
                raise LogEncoding(f"line {at} of the log is not UTF-8") from error
        raise
