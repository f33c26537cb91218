"""The first rows of a log of unknown kind, as columns of text, and which kind it seems to be."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from whosaw.lake.errors import GuessFailed, LogEmpty, LogEncoding, LogUnreadable
from whosaw.lake.formats import CONTAINERS
from whosaw.lake.jsonlog import text_of
from whosaw.lake.jsonrecords import read_json
from whosaw.lake.opening import PARQUET, magic_of, open_log
from whosaw.lake.parquetlog import cell_texts
from whosaw.lake.pgaudit import COLUMNS as PGAUDIT_COLUMNS
from whosaw.lake.records import read_records
from whosaw.lake.xeslog import XesLog

ROWS = 200

_DELIMITERS = ",;\t|"
_LOOK_BYTES = 1 << 16
_MOST_COLUMNS = 300
_MOST_DEPTH = 6
_PG_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \S+\Z")
_ALL_CONTAINERS = tuple(dict.fromkeys(name for names in CONTAINERS.values() for name in names))


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of a log.

    Args:
        what: the kind in words.
        format: as a mapping names it; empty for CSV and Parquet, which need no name.
        delimiter: of CSV; empty for anything else.
        columns: name → a cell per row, None where there is none.
        rows: how many there are.
    """

    what: str
    format: str
    delimiter: str
    columns: dict[str, list[str | None]]
    rows: int


def take_sample(log: Path) -> Sample:
    """Read the first rows of a log.

    Raises:
        GuessFailed: it is of no kind that can be imported.
        LogMissing, LogEmpty, LogEncoding, LogUnreadable: it cannot be read.
    """
    if magic_of(log) == PARQUET:
        return _parquet(log)
    with open_log(log) as stream:
        start = stream.peek(_LOOK_BYTES)[:_LOOK_BYTES] if hasattr(stream, "peek") else b""
        first = start.lstrip()[:1]
        if first in (b"{", b"["):
            return _json(stream)
        if first == b"<":
            return _xes(log)
        return _csv(stream, start)


def _parquet(log: Path) -> Sample:
    try:
        with pq.ParquetFile(log) as file:
            batch = next(file.iter_batches(batch_size=ROWS), None)
            if batch is None:
                raise LogEmpty(f"log `{log}` holds no row")
            columns = {name: cell_texts(batch.column(name)) for name in batch.schema.names}
            return Sample("a Parquet file", "", "", columns, batch.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise LogUnreadable(f"log `{log}` is not a sound Parquet file") from error


def _xes(log: Path) -> Sample:
    found = list(islice(XesLog(log, ()).events(), ROWS))
    return _sample("an XES work log", "xes", found)


def _csv(stream: BinaryIO, start: bytes) -> Sample:
    delimiter = _delimiter(start)
    rows: list[list[str]] = []
    for records in read_records(stream, delimiter):
        for raw in records.raws[: ROWS + 1 - len(rows)]:
            try:
                rows.append(next(csv.reader([raw.decode()], delimiter=delimiter, strict=True)))
            except UnicodeDecodeError as error:
                raise LogEncoding("the log is not UTF-8") from error
            except (csv.Error, StopIteration):
                continue
        if len(rows) > ROWS:
            break
    if not rows:
        raise LogEmpty("the log holds no row")
    if 23 <= len(rows[0]) <= 26 and _PG_TIME.match(rows[0][0]):
        return Sample("PostgreSQL's CSV log", "pgaudit", "", {name: [] for name in PGAUDIT_COLUMNS}, 0)
    header, *body = rows
    if len(header) < 2 or len(set(header)) < len(header) or not body:
        raise GuessFailed("the log is no CSV file with a header of different names and a row below it")
    body = [row for row in body if len(row) == len(header)]
    columns: dict[str, list[str | None]] = {
        name: [row[place] or None for row in body] for place, name in enumerate(header)
    }
    what = "a TSV file" if delimiter == "\t" else "a CSV file"
    return Sample(what, "tsv" if delimiter == "\t" else "", delimiter, columns, len(body))


def _delimiter(start: bytes) -> str:
    """Return the delimiter that cuts the first lines into equally many cells, more than one."""
    lines = [line for line in start.decode("utf-8", "replace").splitlines()[:50] if line]
    counts = {each: [line.count(each) for line in lines[:-1] or lines] for each in _DELIMITERS}
    even = [each for each, found in counts.items() if found and min(found) == max(found) > 0]
    likely = max(_DELIMITERS, key=lambda each: counts[each][0] if counts[each] else 0)
    return max(even, key=lambda each: counts[each][0]) if even else likely


def _json(stream: BinaryIO) -> Sample:
    records = [record.fields for record in islice(read_json(stream, _ALL_CONTAINERS), ROWS)]
    found = [fields for fields in records if fields]
    if not found:
        raise GuessFailed("the log holds no JSON object that could be a record")
    named, what = _kind(found[0])
    if named == "pgaudit":
        return Sample(what, named, "", {name: [] for name in PGAUDIT_COLUMNS}, 0)
    return _sample(what, named, [dict(_flat(fields)) for fields in found])


def _kind(record: dict[str, Any]) -> tuple[str, str]:
    has = record.keys().__contains__
    kinds = (
        (has("eventVersion") and has("userIdentity"), "cloudtrail", "AWS CloudTrail"),
        (has("class_uid") and has("metadata"), "ocsf", "OCSF events"),
        (str(record.get("apiVersion", "")).startswith("audit.k8s.io"), "kubernetes", "a Kubernetes audit log"),
        (has("error_severity") and has("timestamp"), "pgaudit", "PostgreSQL's JSON log"),
        (has("requester_id") or (has("ticket_id") and has("author_id")), "zendesk", "a Zendesk export"),
        (has("sys_id") or has("sys_created_on"), "servicenow", "a ServiceNow export"),
    )
    return next(((named, what) for holds, named, what in kinds if holds), ("json", "JSON records"))


def _flat(value: dict[str, Any], path: str = "", depth: int = 0) -> Iterable[tuple[str, str | None]]:
    for key, each in value.items():
        name = f"{path}{key}"
        if isinstance(each, dict) and each and depth < _MOST_DEPTH:
            yield from _flat(each, f"{name}.", depth + 1)
        elif isinstance(each, list) and each and not isinstance(each[0], list | dict):
            yield f"{name}.0", text_of(each[0])
        else:
            yield name, text_of(each)


def _sample(what: str, named: str, rows: list[dict[str, Any]]) -> Sample:
    if not rows:
        raise LogEmpty("the log holds no record")
    names = list(dict.fromkeys(name for row in rows for name in row))[:_MOST_COLUMNS]
    columns = {name: [row.get(name) or None for row in rows] for name in names}
    return Sample(what, named, "", columns, len(rows))
