"""What an investigator adds to a trace: known outside sources of single complaints, and facts about accounts."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from whosaw.terms import WhosawError

_MAX_BYTES = 16 << 20
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


def read_known(path: Path) -> dict[str, list[Known]]:
    """Return subject → known sources, from CSV with `subject,source,probability`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or a probability is none.
    """
    found: dict[str, list[Known]] = {}
    for line, row in _rows(path, ("subject", "source", "probability")):
        try:
            probability = float(row["probability"])
        except ValueError:
            probability = -1.0
        if not 0.0 <= probability <= 1.0 or not row["subject"]:
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs a subject and a probability between 0 and 1")
        found.setdefault(row["subject"], []).append(Known(row["source"], probability))
    return found


def read_accounts(path: Path) -> dict[str, Account]:
    """Return account → facts, from CSV with `actor,shared,group`.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or names an account twice.
    """
    found: dict[str, Account] = {}
    for line, row in _rows(path, ("actor", "shared", "group")):
        if not row["actor"] or row["actor"] in found:
            raise TraceFileInvalid(f"line {line} of `{path.name}` names no account, or one that was named before")
        found[row["actor"]] = Account(row["shared"].lower() in _TRUE, row["group"])
    return found


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TraceFileInvalid(f"file `{path.name}` is larger than {_MAX_BYTES} bytes")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TraceFileInvalid(f"cannot open `{path.name}`: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise TraceFileInvalid(f"file `{path.name}` is not UTF-8") from error
    reader = csv.DictReader(text.splitlines(), strict=True)
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
