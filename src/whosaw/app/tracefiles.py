"""What an investigator adds to a trace: known outside sources of single complaints, and facts about accounts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from whosaw.terms import WhosawError, to_us

_MAX_BYTES = 256 << 20
_TRUE = {"1", "true", "yes"}


class TraceFileInvalid(WhosawError, ValueError):
    """A file given beside the sightings cannot be read or says something impossible."""

    code: ClassVar[str] = "trace.file"
    hint = "give CSV with the header that docs/trace.md shows, one row per complainer or account"


@dataclass(frozen=True, slots=True)
class Known:
    """A source outside that may explain one complaint.

    Args:
        source: in words: `own web shop`, `dump of 2019`.
        probability: that it explains the complaint.
    """

    source: str
    probability: float


@dataclass(frozen=True, slots=True)
class Account:
    """What is known about an account.

    Args:
        shared: several people use it.
        group: site or employer; empty where unknown.
    """

    shared: bool
    group: str


@dataclass(frozen=True, slots=True)
class Presence:
    """What another system says about the owner of an account.

    Args:
        actor: the account.
        what: `shift`, `badge` (his badge was in the house), `login` (he worked elsewhere) or `device` (his own).
        from_us, until_us: between when; a device is his at any time.
        where: the device of a login, or the device that is his.
    """

    actor: str
    what: str
    from_us: int
    until_us: int
    where: str

    def covers(self, at_us: int) -> bool:
        """Whether a time lies within."""
        return self.from_us <= at_us <= self.until_us

    def apart_us(self, at_us: int) -> int:
        """Return the distance of a time from the nearer border."""
        return min(abs(at_us - self.from_us), abs(at_us - self.until_us))


_PRESENCE = ("shift", "badge", "login", "device")


def read_presence(path: Path) -> list[Presence]:
    """Return entries of other systems, from CSV with `actor,what,from,until,where`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or an entry means nothing.
    """
    found = []
    for line, row in read_rows(path, ("actor", "what", "from", "until", "where")):
        if not row["actor"] or row["what"] not in _PRESENCE:
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs an account, and one of {', '.join(_PRESENCE)}")
        if row["what"] in ("login", "device") and not row["where"]:
            raise TraceFileInvalid(f"line {line} of `{path.name}` names no device under `where`")
        from_us = until_us = 0
        if row["what"] != "device":
            from_us, until_us = (moment(row[name], line, path) for name in ("from", "until"))
            if from_us > until_us:
                raise TraceFileInvalid(f"line {line} of `{path.name}` ends before it begins")
        found.append(Presence(row["actor"], row["what"], from_us, until_us, row["where"]))
    return found


def read_classes(path: Path) -> dict[str, str]:
    """Return field → class, from CSV with `field,class`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or names a field twice or without class.
    """
    found: dict[str, str] = {}
    for line, row in read_rows(path, ("field", "class")):
        if not row["field"] or not row["class"] or row["field"] in found:
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs a field that was not named before, and a class")
        found[row["field"]] = row["class"]
    return found


def moment(text: str, line: int, path: Path) -> int:
    """Return the microseconds of a time with a zone.

    Raises:
        TraceFileInvalid: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise TraceFileInvalid(f"line {line} of `{path.name}` holds no ISO 8601 time") from error
    if at.tzinfo is None:
        raise TraceFileInvalid(f"a time in line {line} of `{path.name}` carries no zone")
    return to_us(at)


def read_known(path: Path) -> dict[str, list[Known]]:
    """Return subject → known sources, from CSV with `subject,source,probability`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or a probability is none.
    """
    found: dict[str, list[Known]] = {}
    for line, row in read_rows(path, ("subject", "source", "probability")):
        try:
            probability = float(row["probability"])
        except ValueError:
            probability = -1.0
        if not 0.0 <= probability <= 1.0 or not row["subject"]:
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs a subject and a probability between 0 and 1")
        found.setdefault(row["subject"], []).append(Known(row["source"], probability))
    return found


def read_routes(path: Path) -> list[tuple[str, bool, int, int]]:
    """Return subject, whether an order says so, when and which route, from CSV with `subject,said,at,route`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or a time or a number is none.
    """
    found = []
    for line, row in read_rows(path, ("subject", "said", "at", "route")):
        if not row["subject"] or not row["route"].isdecimal():
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs a subject and the number of a route")
        said = row["said"] == "order", moment(row["at"], line, path), int(row["route"])
        found.append((row["subject"], *said))
    return found


def read_accounts(path: Path) -> dict[str, Account]:
    """Return account → facts, from CSV with `actor,shared,group`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or names an account twice.
    """
    found: dict[str, Account] = {}
    for line, row in read_rows(path, ("actor", "shared", "group")):
        if not row["actor"] or row["actor"] in found:
            raise TraceFileInvalid(f"line {line} of `{path.name}` names no account, or one that was named before")
        found[row["actor"]] = Account(row["shared"].lower() in _TRUE, row["group"])
    return found


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        TraceFileInvalid: the file cannot be opened, is too large, or is not UTF-8.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TraceFileInvalid(f"file `{path.name}` is larger than {_MAX_BYTES} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TraceFileInvalid(f"cannot open `{path.name}`: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise TraceFileInvalid(f"file `{path.name}` is not UTF-8") from error


def read_rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Return line and cells, stripped, of the named columns of a CSV file; other columns are left aside.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or a row has other cells than the header.
    """
    reader = csv.DictReader(read_text(path).splitlines(), strict=True)
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise TraceFileInvalid(f"file `{path.name}` lacks column `{missing[0]}`")
    found = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise TraceFileInvalid(f"line {reader.line_num} of `{path.name}` has other cells than the header")
            found.append((reader.line_num, {name: (row[name] or "").strip() for name in columns}))
    except csv.Error as error:
        raise TraceFileInvalid(f"line {reader.line_num} of `{path.name}` is not CSV: {error}") from error
    return found
