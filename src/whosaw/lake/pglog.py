"""The lines of PostgreSQL's own log, as `csvlog` or `jsonlog` writes them, and pgaudit's entry inside a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from whosaw.lake.batches import is_text
from whosaw.lake.errors import LogEmpty, LogEncoding, LogUnreadable
from whosaw.lake.jsonlog import text_of
from whosaw.lake.jsonrecords import read_json
from whosaw.lake.mapping import TimeReading
from whosaw.lake.opening import open_log
from whosaw.lake.records import read_records
from whosaw.lake.times import EMPTY, NO_ZONE, UNREADABLE, Reading, place

NOT_LOGGED = "<not logged>"
PREVIOUSLY = "<previously logged>"

_NO_PARAMETERS = ("<none>", NOT_LOGGED, PREVIOUSLY, "")
_SUPPRESSED = "<long param suppressed>"
_FEWEST_CSV, _MOST_CSV = 23, 26
_CSV_ROWS = 4_096
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (\S+)\Z", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?\Z", re.ASCII)
_UTC_NAMES = ("UTC", "GMT", "Z", "UCT")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log; text that is missing is empty."""

    number: int
    raw: bytes
    at: str
    user: str
    database: str
    address: str
    session: str
    message: str
    application: str


@dataclass(frozen=True, slots=True)
class Audit:
    """One entry of pgaudit (its README, "Format").

    Args:
        kind: the class: READ, WRITE, …
        object: `schema.table`, empty where the log does not name relations.
        statement: its text; empty where it was not logged.
        parameters: values of `$1` …; None where one is null, empty or was left out.
        raw_parameters: as logged; empty where there are none.
    """

    statement_id: str
    substatement_id: str
    kind: str
    command: str
    object: str
    statement: str
    parameters: tuple[str | None, ...] = ()
    raw_parameters: str = ""

    def with_text(self, statement: str, parameters: tuple[str | None, ...]) -> Audit:
        """Return the entry with a statement told before."""
        return replace(self, statement=statement, parameters=self.parameters or parameters)


def audit_of(message: str) -> Audit | None:
    """Return pgaudit's entry in a message; None where it is no such message."""
    if not message.startswith("AUDIT: "):
        return None
    try:
        fields = next(csv.reader([message.removeprefix("AUDIT: ")], strict=True))
    except (csv.Error, StopIteration):
        return None
    if len(fields) < 8:
        return None
    raw = fields[8] if len(fields) > 8 and fields[8] not in _NO_PARAMETERS else ""
    return Audit(
        statement_id=fields[1],
        substatement_id=fields[2],
        kind=fields[3],
        command=fields[4],
        object=fields[6],
        statement="" if fields[7] == NOT_LOGGED else fields[7],
        parameters=_parameters(raw),
        raw_parameters=raw,
    )


def _parameters(raw: str) -> tuple[str | None, ...]:
    if not raw:
        return ()
    try:
        values = next(csv.reader([raw], strict=True))
    except (csv.Error, StopIteration):
        return ()
    return tuple(value if value and value != _SUPPRESSED else None for value in values)


def log_lines(path: Path, at_once: int) -> Iterator[tuple[list[LogLine], list[tuple[int, bytes]]]]:
    """Yield the lines of a log, some at a time, with those that could not be taken apart.

    Raises:
        LogEmpty, LogEncoding, LogUnreadable: it cannot be read, or is no log of PostgreSQL.
    """
    with open_log(path) as stream:
        start = stream.peek(64)[:64].lstrip() if hasattr(stream, "peek") else b""
        lines = _json(stream) if start.startswith(b"{") else _csv(stream)
        some: list[LogLine] = []
        malformed: list[tuple[int, bytes]] = []
        good = count = 0
        for number, raw, line in lines:
            count += 1
            if line is None:
                malformed.append((number, raw))
            else:
                good += 1
                some.append(line)
            if len(some) + len(malformed) >= at_once:
                yield some, malformed
                some, malformed = [], []
        if some or malformed:
            yield some, malformed
    if not count:
        raise LogEmpty(f"log `{path}` is empty")
    if not good:
        raise LogUnreadable(f"log `{path}` is no CSV or JSON log of PostgreSQL")


_Taken = tuple[int, bytes, LogLine | None]


def _csv(stream: object) -> Iterator[_Taken]:
    for records in read_records(stream, ","):  # type: ignore[arg-type]
        for number, raw in records.malformed:
            yield number, raw, None
        for number, raw in zip(records.lines, records.raws, strict=True):
            yield number, raw, _csv_line(number, raw)


def _csv_line(number: int, raw: bytes) -> LogLine | None:
    try:
        cells = next(csv.reader([raw.decode()], strict=True))
    except UnicodeDecodeError as error:
        raise LogEncoding(f"line {number} of the log is not UTF-8") from error
    except (csv.Error, StopIteration):
        return None
    if not _FEWEST_CSV <= len(cells) <= _MOST_CSV or not is_text("".join(cells)):
        return None
    return LogLine(
        number, raw, cells[0], cells[1], cells[2], _host(cells[4]), cells[5], cells[13], cells[22]
    )  # fmt: skip


def _json(stream: object) -> Iterator[_Taken]:
    for record in read_json(stream, ()):  # type: ignore[arg-type]
        fields = record.fields
        raw = record.text.encode("utf-8", "backslashreplace")
        if fields is None or "timestamp" not in fields:
            yield record.line, raw, None
            continue
        names = ("timestamp", "user", "dbname", "remote_host", "session_id", "message", "application_name")
        cells = [text_of(fields.get(name)) or "" for name in names]
        line = LogLine(record.line, raw, *cells) if all(map(is_text, cells)) else None
        yield record.line, raw, line


def _host(connection: str) -> str:
    """Return the host of `host:port`; a socket's `[local]` is no host."""
    host, _, port = connection.rpartition(":")
    found = host if port.isdigit() else connection
    return "" if found == "[local]" else found


def read_time(text: str, how: TimeReading) -> Reading:
    """Return the time of a line: `2026-03-01 12:00:00.123 CET`.

    An abbreviation is no zone: several zones share it. UTC and offsets are taken as they are; anything else must be
    what the mapping's zone is called at that time, and then also tells the two readings of an autumn hour apart.
    """
    found = _TIME.match(text)
    if found is None:
        return UNREADABLE if text else EMPTY
    try:
        at = datetime.fromisoformat(found[1])
    except ValueError:
        return UNREADABLE
    zone = _fixed(found[2])
    if zone is not None:
        return place(at.replace(tzinfo=zone), None, "reject")
    if how.zone is None:
        return NO_ZONE
    readings = [at.replace(tzinfo=how.zone, fold=fold) for fold in (0, 1)]
    meant = [local for local in readings if local.tzname() == found[2]]
    return place(meant[0], None, "reject") if meant else UNREADABLE


def _fixed(name: str) -> timezone | None:
    """Return the zone of a name that means the same everywhere, None for any other."""
    offset = _OFFSET.match(name)
    if offset is None:
        return UTC if name in _UTC_NAMES else None
    minutes = int(offset[2]) * 60 + int(offset[3] or 0)
    return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes)) if minutes < 24 * 60 else None
