"""A mapping tells which column of a foreign log means what; strict TOML, so that a slip is found before a row is read.

::

    kind = "accesses"                  # or "orders" or "tickets"

    [log]                              # optional
    delimiter = ";"                    # CSV only; a comma where absent

    [columns]                          # canonical name = column of the log
    actor = "org:resource"             # the cell as it stands
    subject = { column = "case", strip = true, strip_prefix = "Case ", add_prefix = "case:" }
    ticket = { column = "ref", blank = ["-", "NULL"] }   # these values mean "none"
    door = { constant = "loan desk" }  # the same for every row

    [time]
    zone = "Europe/Amsterdam"          # where the log's clock stood; needed where its times carry no zone
    format = "%d.%m.%Y %H:%M:%S"       # strptime, or "epoch_s", "epoch_ms", "epoch_us"; ISO 8601 where absent
    ambiguous = "earlier"              # the hour that comes twice in autumn: "reject" (default), "earlier", "later"

    [actors]
    service = ["112"]                  # machines that open everything: never named, no weight

The parts of a column apply in this order: `strip`, `blank`, `strip_prefix`, `lower`, `add_prefix`. Names under
`service` are written as they stand after that.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as MappingOf
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from whosaw.lake.errors import MappingInvalid, MappingMissing

Kind = Literal["accesses", "orders", "tickets"]
Ambiguous = Literal["reject", "earlier", "later"]

KINDS: tuple[Kind, ...] = ("accesses", "orders", "tickets")
AT = "at"
REQUIRED: dict[Kind, tuple[str, ...]] = {
    "accesses": ("actor", "subject", AT),
    "orders": ("subject", AT, "beneficiary"),
    "tickets": ("subject", AT),
}
OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "accesses": ("beneficiary", "order", "reason", "ticket", "activity", "door", "device"),
    "orders": ("order", "activity"),
    "tickets": ("ticket", "beneficiary", "actor", "activity"),
}
EPOCH_FORMATS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}

_MAX_BYTES = 1 << 20
_TRANSFORMS = ("strip", "blank", "strip_prefix", "lower", "add_prefix")


@dataclass(frozen=True, slots=True)
class Column:
    """Where the values of one canonical column come from.

    Args:
        source: name of the log's column; None for a constant.
        constant: the value of every row; None where a column is read.
        strip: take surrounding white space away.
        blank: values that mean "none".
        strip_prefix: text taken from the front where it stands there.
        lower: write in lower case.
        add_prefix: text put in front.
    """

    source: str | None
    constant: str | None = None
    strip: bool = False
    blank: tuple[str, ...] = ()
    strip_prefix: str = ""
    lower: bool = False
    add_prefix: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether a cell is taken as it stands."""
        return not (self.strip or self.blank or self.strip_prefix or self.lower or self.add_prefix)

    def read(self, cell: str | None) -> str | None:
        """Return the canonical value of a cell, None where it is blank."""
        if cell is None:
            return None
        text = cell.strip() if self.strip else cell
        if text in self.blank:
            return None
        text = text.removeprefix(self.strip_prefix)
        if self.lower:
            text = text.lower()
        return self.add_prefix + text if text.strip() else None


@dataclass(frozen=True, slots=True)
class TimeReading:
    """How the log's times are read: `zone` for times without one, `format` for times that are not ISO 8601."""

    zone: ZoneInfo | None = None
    format: str | None = None
    ambiguous: Ambiguous = "reject"


@dataclass(frozen=True, slots=True)
class Mapping:
    """One log's columns in canonical words; see the module for the file it is read from."""

    kind: Kind
    columns: dict[str, Column]
    time: TimeReading = TimeReading()
    delimiter: str = ","
    service: tuple[str, ...] = ()

    @property
    def says_why(self) -> bool:
        """Whether the log has a column that says why an access happened."""
        return "reason" in self.columns or "ticket" in self.columns

    def digest(self) -> str:
        """Return a SHA-256 over everything that decides how a row is read (the service actors do not)."""
        columns = {
            name: [repr(getattr(column, part)) for part in Column.__slots__] for name, column in self.columns.items()
        }
        zone = self.time.zone.key if self.time.zone else None
        meaning = [self.kind, columns, zone, self.time.format, self.time.ambiguous, self.delimiter]
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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
    _known("", document, ("kind", "log", "columns", "time", "actors"))
    kind = cast(Kind, _choice("kind", document.get("kind"), KINDS))
    log = _table("log", document.get("log", {}), ("delimiter",))
    actors = _table("actors", document.get("actors", {}), ("service",))
    delimiter = _text("log.delimiter", log.get("delimiter", ","))
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise MappingInvalid(f"log.delimiter must be one ASCII character, not `{delimiter}`")
    return Mapping(
        kind=kind,
        columns=_columns(kind, document.get("columns")),
        time=_time(document.get("time", {})),
        delimiter=delimiter,
        service=_texts("actors.service", actors.get("service", [])),
    )


def _columns(kind: Kind, given: object) -> dict[str, Column]:
    if given is None:
        raise MappingInvalid("the table [columns] is missing")
    names = REQUIRED[kind] + OPTIONAL[kind]
    table = _table("columns", given, names, what=f"a column of kind `{kind}`")
    missing = [name for name in REQUIRED[kind] if name not in table]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        raise MappingInvalid(f"columns of kind `{kind}` must map {listed}")
    return {name: _column(f"columns.{name}", table[name], name) for name in names if name in table}


def _column(path: str, given: object, name: str) -> Column:
    if isinstance(given, str):
        return Column(_text(path, given))
    if not isinstance(given, dict):
        raise MappingInvalid(f"{path} must be the name of a column or a table, not {_kind_of(given)}")
    _known(path, given, ("column", "constant", *_TRANSFORMS))
    if ("column" in given) == ("constant" in given):
        raise MappingInvalid(f"{path} must hold either `column` or `constant`")
    if "constant" in given:
        if name == AT or len(given) > 1:
            raise MappingInvalid(f"{path}.constant can stand neither for a time nor beside another key")
        return Column(None, constant=_text(f"{path}.constant", given["constant"]))
    if name == AT and set(given) - {"column", "strip", "blank"}:
        raise MappingInvalid(f"{path} can only be stripped or blank; describe other writings with time.format")
    return Column(
        source=_text(f"{path}.column", given["column"]),
        strip=_flag(f"{path}.strip", given.get("strip", False)),
        blank=_texts(f"{path}.blank", given.get("blank", [])),
        strip_prefix=_text(f"{path}.strip_prefix", given.get("strip_prefix", ""), empty=True),
        lower=_flag(f"{path}.lower", given.get("lower", False)),
        add_prefix=_text(f"{path}.add_prefix", given.get("add_prefix", ""), empty=True),
    )


def _time(given: object) -> TimeReading:
    table = _table("time", given, ("zone", "format", "ambiguous"))
    ambiguous = _choice("time.ambiguous", table.get("ambiguous", "reject"), ("reject", "earlier", "later"))
    pattern = _text("time.format", table["format"]) if "format" in table else None
    zone = _zone(_text("time.zone", table["zone"])) if "zone" in table else None
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


def _table(path: str, given: object, names: Iterable[str], what: str = "a key") -> dict[str, Any]:
    if not isinstance(given, dict):
        raise MappingInvalid(f"{path} must be a table, not {_kind_of(given)}")
    _known(path, given, tuple(names), what)
    return given


def _known(path: str, given: MappingOf[str, Any], names: tuple[str, ...], what: str = "a key") -> None:
    for key in given:
        if key not in names:
            full = f"{path}.{key}" if path else key
            close = difflib.get_close_matches(key, names, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ""
            raise MappingInvalid(f"`{full}` is not {what} here{meant}", hint="known: " + ", ".join(names))


def _choice(path: str, given: object, choices: tuple[str, ...]) -> str:
    if given not in choices:
        listed = ", ".join(f"`{choice}`" for choice in choices)
        found = "missing" if given is None else f"`{given}`"
        raise MappingInvalid(f"{path} is {found}, must be one of {listed}")
    return str(given)


def _text(path: str, given: object, *, empty: bool = False) -> str:
    if not isinstance(given, str):
        raise MappingInvalid(f"{path} must be text, not {_kind_of(given)}")
    if not given and not empty:
        raise MappingInvalid(f"{path} must not be empty")
    return given


def _texts(path: str, given: object) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise MappingInvalid(f"{path} must be a list of texts, not {_kind_of(given)}")
    return tuple(_text(f"{path}[{index}]", item, empty=True) for index, item in enumerate(given))


def _flag(path: str, given: object) -> bool:
    if not isinstance(given, bool):
        raise MappingInvalid(f"{path} must be true or false, not {_kind_of(given)}")
    return given


def _kind_of(given: object) -> str:
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(given), "a date or time")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
