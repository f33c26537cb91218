"""A mapping tells which column of a foreign log means what; strict TOML, so that a slip is found before a row is read.

::

    kind = "accesses"                  # or "orders" or "tickets"

    [log]                              # optional
    format = "csv"                     # or another of `whosaw.lake.formats`; CSV or Parquet where absent
    delimiter = ";"                    # CSV only; a comma where absent

    [columns]                          # canonical name = column of the log
    actor = "org:resource"             # the cell as it stands
    subject = { column = "case", strip = true, strip_prefix = "Case ", add_prefix = "case:" }
    ticket = { column = "ref", blank = ["-", "NULL"] }   # these values mean "none"
    door = { constant = "loan desk" }  # the same for every row
    device = { column = ["ip", "host"], extract = "([0-9.]+)" }  # the first that holds something; the group's text

    [time]
    zone = "Europe/Amsterdam"          # where the log's clock stood; needed where its times carry no zone
    format = "%d.%m.%Y %H:%M:%S"       # strptime, or "epoch_s", "epoch_ms", "epoch_us"; ISO 8601 where absent
    ambiguous = "earlier"              # the hour that comes twice in autumn: "reject" (default), "earlier", "later"

    [actors]
    service = ["112"]                  # machines that open everything: never named, no weight

    [rows]
    only = { stage = ["ResponseComplete"] }  # rows with another value are left out
    except = { status = ["403", "404"] }

    [grade]                            # see `whosaw.lake.grades`; nothing stated is the weakest grade
    written_by = "system"
    forgeable_by = "administrator"

    [keep]                             # all other columns are dropped; these are kept encrypted, for so long
    columns = ["statement"]
    days = 30

    [rejects]
    days = 30                          # then their file is removed

    [sql]                              # pgaudit only: the tables that hold subjects, and their key
    unprotected = ["public.product"]
    [sql.tables]
    "public.customer" = { key = "id", type = "integer", prefix = "customer:" }

The parts of a column apply in this order: `strip`, `blank`, `strip_prefix`, `extract`, `lower`, `add_prefix`. Names
under `service` are written as they stand after that.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from whosaw.ask.sqlkeys import KeyTable
from whosaw.lake import strict
from whosaw.lake.columns import AT, Column, read_column, read_columns
from whosaw.lake.errors import MappingInvalid, MappingMissing
from whosaw.lake.formats import DELIMITERS, FORMATS, defaults
from whosaw.lake.grades import UNSTATED, Facts, read_facts

__all__ = [
    "AT",
    "EPOCH_FORMATS",
    "KINDS",
    "OPTIONAL",
    "REQUIRED",
    "Ambiguous",
    "Column",
    "Kind",
    "Mapping",
    "TimeReading",
    "load_mapping",
    "read_mapping",
]

Kind = Literal["accesses", "orders", "tickets"]
Ambiguous = Literal["reject", "earlier", "later"]

KINDS: tuple[Kind, ...] = ("accesses", "orders", "tickets")
REQUIRED: dict[Kind, tuple[str, ...]] = {
    "accesses": ("actor", "subject", AT),
    "orders": ("subject", AT, "beneficiary"),
    "tickets": ("subject", AT),
}
OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "accesses": ("beneficiary", "order", "reason", "ticket", "activity", "door", "device"),
    "orders": ("order", "activity", "route"),
    "tickets": ("ticket", "beneficiary", "actor", "activity", "route"),
}
EPOCH_FORMATS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
REJECT_DAYS = 30

_MAX_BYTES = 1 << 20
_MOST_DAYS = 3_660


@dataclass(frozen=True, slots=True)
class TimeReading:
    """How the log's times are read: `zone` for times without one, `format` for times that are not ISO 8601."""

    zone: ZoneInfo | None = None
    format: str | None = None
    ambiguous: Ambiguous = "reject"


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows count: those that have one of the values in each column of `only`, and none of those in `without`."""

    only: tuple[tuple[str, frozenset[str]], ...] = ()
    without: tuple[tuple[str, frozenset[str]], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the log that it looks at."""
        return tuple(name for name, _ in (*self.only, *self.without))


@dataclass(frozen=True, slots=True)
class Sql:
    """What pgaudit's statements are read with.

    Args:
        tables: those that hold subjects.
        prefixes: per table what is put before a key, so that keys of different kinds of subjects differ.
        unprotected: relations that hold nothing protected.
    """

    tables: tuple[KeyTable, ...] = ()
    prefixes: tuple[tuple[str, str], ...] = ()
    unprotected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mapping:
    """One log's columns in canonical words; see the module for the file it is read from.

    Args:
        kind: what its rows are.
        columns: canonical name → where it is read from.
        time: how times are read.
        delimiter: of a CSV file.
        service: actors that are machines.
        format: one of `whosaw.lake.formats`; empty for CSV or Parquet, whichever the file is.
        rows: which rows count.
        facts: what is stated about the log's trustworthiness.
        keep: columns of the log kept encrypted beside the lake.
        keep_days: how long.
        reject_days: how long rows that could not be used are kept.
        sql: for pgaudit only.
        stated: the columns that the mapping itself names; the others are known from the format.
    """

    kind: Kind
    columns: dict[str, Column]
    time: TimeReading = TimeReading()
    delimiter: str = ","
    service: tuple[str, ...] = ()
    format: str = ""
    rows: RowFilter = RowFilter()
    facts: Facts = UNSTATED
    keep: tuple[str, ...] = ()
    keep_days: int = 0
    reject_days: int = REJECT_DAYS
    sql: Sql = Sql()
    stated: frozenset[str] = frozenset()

    @property
    def says_why(self) -> bool:
        """Whether the log has a column that says why an access happened."""
        return "reason" in self.columns or "ticket" in self.columns

    def digest(self) -> str:
        """Return a SHA-256 over everything that decides how a row is read (service actors, grade and expiry do not)."""
        columns = {name: column.parts() for name, column in self.columns.items()}
        zone = self.time.zone.key if self.time.zone else None
        meaning: list[object] = [self.kind, columns, zone, self.time.format, self.time.ambiguous, self.delimiter]
        rows = [[(name, sorted(values)) for name, values in part] for part in (self.rows.only, self.rows.without)]
        tables = [(each.table, each.key, each.type) for each in self.sql.tables]
        sql: list[object] = [tables, self.sql.prefixes, sorted(self.sql.unprotected)]
        # what older mappings did not have enters only where it says something, so that their digests stay
        meaning += [self.format] if self.format else []
        meaning += [part for part in (rows, sql) if any(part)]
        return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingMissing: the file cannot be opened.
        MappingInvalid: it is not TOML, or holds a key or value that means nothing here.
    """
    try:
        raw = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except OSError as error:
        raise MappingMissing(f"cannot open mapping `{path}`: {error.strerror or error}") from error
    if raw is None:
        raise MappingInvalid(f"mapping `{path}` is larger than {_MAX_BYTES} bytes")
    try:
        document = tomllib.loads(raw.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MappingInvalid(f"mapping `{path}` is not TOML: {_lower_first(str(error))}") from error
    try:
        return read_mapping(document)
    except MappingInvalid as error:
        raise MappingInvalid(f"mapping `{path}`: {error}", hint=error.hint) from error


def read_mapping(document: MappingOf[str, Any]) -> Mapping:
    """Return the mapping that a parsed TOML document describes.

    Raises:
        MappingInvalid: a key or value means nothing here, or a required column is not mapped.
    """
    tables = ("log", "columns", "time", "actors", "rows", "grade", "keep", "rejects", "sql")
    strict.known("", document, ("kind", *tables))
    kind = cast(Kind, strict.choice("kind", document.get("kind"), KINDS))
    log = strict.table("log", document.get("log", {}), ("format", "delimiter"))
    named = strict.choice("log.format", log["format"], FORMATS) if "format" in log else ""
    actors = strict.table("actors", document.get("actors", {}), ("service",))
    keep = strict.table("keep", document.get("keep", {}), ("columns", "days"))
    rejects = strict.table("rejects", document.get("rejects", {}), ("days",))
    if keep and set(keep) != {"columns", "days"}:
        raise MappingInvalid("keep must say both `columns` and `days`: nothing is kept for ever")
    if document.get("sql") and named != "pgaudit":
        raise MappingInvalid('[sql] stands only beside log.format = "pgaudit"')
    return Mapping(
        kind=kind,
        columns=_columns(kind, named, document.get("columns")),
        time=_time(document.get("time", {}), named),
        delimiter=_delimiter(named, log),
        service=strict.texts("actors.service", actors.get("service", [])),
        format=named,
        rows=_rows(document.get("rows", {})),
        facts=read_facts(document.get("grade", {})),
        keep=strict.texts("keep.columns", keep.get("columns", [])),
        keep_days=strict.whole("keep.days", keep["days"], 1, _MOST_DAYS) if keep else 0,
        reject_days=strict.whole("rejects.days", rejects.get("days", REJECT_DAYS), 1, _MOST_DAYS),
        sql=_sql(document.get("sql", {}), named),
        stated=frozenset(document.get("columns") or ()),
    )


def _delimiter(named: str, log: MappingOf[str, Any]) -> str:
    if "delimiter" in log and named not in DELIMITERS:
        raise MappingInvalid(f"log.delimiter stands beside log.format `{named}`, which has none")
    delimiter = strict.text("log.delimiter", log.get("delimiter", DELIMITERS.get(named, ",")))
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise MappingInvalid(f"log.delimiter must be one ASCII character, not `{delimiter}`")
    return delimiter


def _columns(kind: Kind, named: str, given: object) -> dict[str, Column]:
    names = REQUIRED[kind] + OPTIONAL[kind]
    known = {name: read_column(name, value, name) for name, value in defaults(named, kind).items()}
    if given is None and not known:
        raise MappingInvalid("the table [columns] is missing")
    found = known | read_columns(given if given is not None else {}, names, f"a column of kind `{kind}`")
    missing = [name for name in REQUIRED[kind] if name not in found]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        raise MappingInvalid(f"columns of kind `{kind}` must map {listed}")
    return {name: found[name] for name in names if name in found}


def _rows(given: object) -> RowFilter:
    table = strict.table("rows", given, ("only", "except"))
    parts = []
    for part in ("only", "except"):
        values = strict.table(f"rows.{part}", table.get(part, {}), None)
        parts.append(
            tuple((name, frozenset(strict.texts(f"rows.{part}.{name}", each))) for name, each in values.items())
        )
    return RowFilter(*parts)


def _sql(given: object, named: str) -> Sql:
    table = strict.table("sql", given, ("tables", "unprotected"))
    listed = strict.table("sql.tables", table.get("tables", {}), None)
    if named == "pgaudit" and not listed:
        raise MappingInvalid("[sql.tables] must name the tables that hold subjects, and their keys")
    tables, prefixes = [], []
    for name, entry in listed.items():
        path = f"sql.tables.{name}"
        parts = strict.table(path, entry, ("key", "type", "prefix"))
        if name.count(".") != 1:
            raise MappingInvalid(f"{path} must be written as schema.table")
        how = strict.choice(f"{path}.type", parts.get("type", "text"), ("text", "integer"))
        key = strict.text(f"{path}.key", parts.get("key"))
        tables.append(KeyTable(name, key, cast(Literal["text", "integer"], how)))
        prefixes.append((name, strict.text(f"{path}.prefix", parts.get("prefix", ""), empty=True)))
    return Sql(tuple(tables), tuple(prefixes), frozenset(strict.texts("sql.unprotected", table.get("unprotected", []))))


def _time(given: object, named: str) -> TimeReading:
    table = strict.table("time", given, ("zone", "format", "ambiguous"))
    if "format" not in table and named == "ocsf":
        table = table | {"format": "epoch_ms"}
    ambiguous = strict.choice("time.ambiguous", table.get("ambiguous", "reject"), ("reject", "earlier", "later"))
    pattern = strict.text("time.format", table["format"]) if "format" in table else None
    zone = _zone(strict.text("time.zone", table["zone"])) if "zone" in table else None
    if pattern is not None and pattern not in EPOCH_FORMATS:
        if "%" not in pattern:
            names = ", ".join(f"`{name}`" for name in EPOCH_FORMATS)
            raise MappingInvalid(f"time.format `{pattern}` is neither a strptime pattern nor one of {names}")
        if zone is None and "%z" not in pattern:
            raise MappingInvalid(
                f"time.format `{pattern}` reads no zone and time.zone names none",
                hint='say where the log\'s clock stood: [time] zone = "Europe/Amsterdam"',
            )
    return TimeReading(zone, pattern, cast(Ambiguous, ambiguous))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MappingInvalid(
            f"time.zone `{name}` is no known time zone",
            hint="use a name of the IANA database such as `Europe/Amsterdam` (the system package `tzdata` holds it)",
        ) from error


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
