"""A log of JSON records, read as batches of cells; a column is the dotted path to a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from whosaw.lake.batches import Batch, is_text, texts
from whosaw.lake.errors import LogColumnMissing, LogEmpty, LogUnreadable
from whosaw.lake.jsonrecords import Record, read_json
from whosaw.lake.opening import open_log

_BATCH_ROWS = 1 << 13
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


class JsonLog:
    """Records of a JSON file.

    Args:
        path: the file, plain or compressed.
        wanted: the paths to hand on: `userIdentity.arn`, `sourceIPs.0`.
        containers: names of the lists in which a document may hold its records.
        needed: sets of paths of which the log must hold something under at least one each.
    """

    def __init__(
        self,
        path: Path,
        wanted: Iterable[str],
        containers: tuple[str, ...] = (),
        needed: Sequence[tuple[str, ...]] = (),
    ) -> None:
        self._path = path
        self._wanted = {name: finder(name) for name in wanted}
        self._containers = containers
        self._needed = needed
        self._seen: set[str] = set()

    def batches(self) -> Iterator[Batch]:
        """Yield the records in the order of the file.

        Raises:
            LogEmpty: there is no record.
            LogColumnMissing: no record of the whole log holds anything under a needed path.
            LogEncoding, LogUnreadable: the file is damaged.
        """
        count = good = 0
        records: list[Record] = []
        with open_log(self._path) as stream:
            for record in read_json(stream, self._containers):
                records.append(record)
                if len(records) == _BATCH_ROWS:
                    batch = self._batch(records)
                    count, good, records = count + len(records), good + len(batch.raws), []
                    yield batch
            if records:
                batch = self._batch(records)
                count, good = count + len(records), good + len(batch.raws)
                yield batch
        if not count:
            raise LogEmpty(f"log `{self._path}` holds no record")
        if not good:
            raise LogUnreadable(f"no record of log `{self._path}` is a JSON object")
        for names in self._needed:
            if not self._seen.intersection(names):
                raise LogColumnMissing(f"no record of the log holds anything under `{'`, `'.join(names)}`")

    def _batch(self, records: list[Record]) -> Batch:
        cells: dict[str, list[str | None]] = {name: [] for name in self._wanted}
        lines, raws, malformed = [], [], []
        for record in records:
            row = self._row(record.fields) if record.fields is not None else None
            if row is None:
                malformed.append((record.line, record.text.encode("utf-8", "backslashreplace")))
                continue
            lines.append(record.line)
            raws.append(record.text.encode())
            for name, cell in zip(cells, row, strict=True):
                cells[name].append(cell)
        found = {name: texts(values) for name, values in cells.items()}
        self._seen.update(name for name, values in found.items() if values.null_count < len(values))
        return Batch(lines, raws, found, malformed=malformed)

    def _row(self, fields: dict[str, Any]) -> list[str | None] | None:
        """Return a record's cells; None where one of them is no text that can be written."""
        row = [text_of(find(fields)) for find in self._wanted.values()]
        return row if all(cell is None or is_text(cell) for cell in row) else None


def finder(path: str) -> Callable[[dict[str, Any]], Any]:
    """Return a function from a record to what stands under a dotted path, None where nothing does.

    A member whose name itself holds the dots comes first.
    """
    steps = path.split(".")

    def find(record: dict[str, Any]) -> Any:
        if path in record:
            return record[path]
        value: Any = record
        for step in steps:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return value

    return find


def text_of(value: Any) -> str | None:
    """Return a JSON value as a cell: text and numbers as written, the rest as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _COMPACT(value)
