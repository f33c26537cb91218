"""Found rows against the exports on record: files that were kept, prints of them, or the queries in a lake."""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whosaw.app.tracefiles import TraceFileInvalid, moment, read_rows, read_text
from whosaw.lake.exposure import NEVER
from whosaw.lake.opened import opened
from whosaw.terms import from_us
from whosaw.trace.fingerprint import Export, Match, join_cells, match_sample, plain, print_cell

_FORMAT = "whosaw export prints 1"
_SALT_BYTES = 32
_GAP_US = 2_000_000
"""Openings by one actor through one door, no further apart than this, are one query."""
FEWEST = 20
"""Smaller queries are nobody's export."""


@dataclass(frozen=True, slots=True)
class Prints:
    """One export on record.

    Args:
        reference, actor: its name, and who made it.
        columns: per column, by its plain name, the prints of its cells, row by row.
        seeds: the same of the seeded rows that it alone holds.
        made_us: when it was made; 0 where nobody asked.
    """

    reference: str
    actor: str
    columns: Mapping[str, Sequence[bytes]]
    seeds: Mapping[str, Sequence[bytes]]
    made_us: int = 0


def match_files(sample: Path, exports: Path, salt: Path | None, population: int | None) -> dict[str, Any]:
    """Match a found sample to the exports that a list names.

    Args:
        sample: CSV of found rows.
        exports: CSV `reference,actor,file,seeds`; a file is a kept export (CSV), or its prints; seeds may be empty.
        salt: the file whose secret the prints were made with; needed where there are prints.
        population: rows that could have turned up; the distinct rows of all exports where absent.

    Raises:
        TraceFileInvalid: a file cannot be read, prints lack their salt, or no column is common.
    """
    cells, listed = listed_exports(sample, exports, salt)
    return _match(cells, listed, population, sample)


def listed_exports(
    sample: Path, exports: Path, salt: Path | None, *, dated: bool = False
) -> tuple[dict[str, list[bytes]], list[Prints]]:
    """Return the prints of a sample's cells by column, and the exports that a list names.

    Args:
        sample: as for `match_files`.
        exports: likewise.
        salt: likewise.
        dated: the list has a column `at`, and every export a time with a zone there.

    Raises:
        TraceFileInvalid: as there, or an export has no time.
    """
    secret = read_salt(salt) if salt else secrets.token_bytes(_SALT_BYTES)
    listed: list[Prints] = []
    for line, row in read_rows(exports, ("reference", "actor", "file", "seeds", *(("at",) if dated else ()))):
        if not row["reference"] or not row["file"] or any(row["reference"] == each.reference for each in listed):
            raise TraceFileInvalid(f"line {line} of `{exports.name}` needs a file, and a reference not named before")
        columns = _columns(exports.parent / row["file"], secret, printed=salt is not None)
        seeds = _columns(exports.parent / row["seeds"], secret, printed=salt is not None) if row["seeds"] else {}
        made_us = moment(row["at"], line, exports) if dated else 0
        listed.append(Prints(row["reference"], row["actor"], columns, seeds, made_us))
    cells = cells_of(sample, secret)
    if not len(next(iter(cells.values()), ())):
        raise TraceFileInvalid(f"file `{sample.name}` holds no row")
    return cells, listed


def match_lake(sample: Path, lake: Path, column: str, prefix: str, population: int | None) -> dict[str, Any]:
    """Match a found sample to the queries that the log shows: openings of one actor in quick succession.

    Args:
        sample: CSV of found rows.
        lake: folder of the lake.
        column: the sample's column that holds the subjects' references.
        prefix: what the log writes before them: `customer:`.
        population: rows that could have turned up; the lake's subjects where absent.

    Raises:
        TraceFileInvalid: the sample cannot be read or lacks the column.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    rows = read_rows(sample, (column,))
    found = [prefix + row[column] for _, row in rows if row[column]]
    queries = log_queries(lake)
    with opened(lake) as open_lake:
        subjects = int(open_lake.rows("SELECT count(DISTINCT subject) FROM accesses")[0][0])
    exports = [Export(name, at, tuple(s.encode() for s in held)) for at, (name, _, held, _) in enumerate(queries)]
    if not found:
        raise TraceFileInvalid(f"file `{sample.name}` holds no row")
    match = match_sample([each.encode() for each in found], exports, population or max(1, subjects))
    return _told(match, {name: actor for name, actor, _, _ in queries}, {})


def write_prints(export: Path, salt: Path, out: Path) -> int:
    """Write the prints of an export, so that the export itself need not be kept; return its rows.

    Args:
        export: CSV with a header.
        salt: file of the secret; made, for its owner's eyes alone, where there is none.
        out: the file to write; never overwritten.

    Raises:
        TraceFileInvalid: a file cannot be read or written.
    """
    if not salt.exists():
        _write(salt, secrets.token_hex(_SALT_BYTES) + "\n", secret=True)
    columns = cells_of(export, read_salt(salt))
    document = {"format": _FORMAT, "columns": {name: [c.hex() for c in cells] for name, cells in columns.items()}}
    _write(out, json.dumps(document) + "\n", secret=False)
    return len(next(iter(columns.values()), ()))


def read_salt(path: Path) -> bytes:
    """Return the secret of the prints.

    Raises:
        TraceFileInvalid: the file cannot be read or holds no secret of 16 bytes or more in hexadecimal.
    """
    try:
        secret = bytes.fromhex(read_text(path).strip())
    except ValueError:
        secret = b""
    if len(secret) < _SALT_BYTES // 2:
        raise TraceFileInvalid(f"file `{path.name}` holds no secret of prints")
    return secret


def cells_of(path: Path, secret: bytes) -> dict[str, list[bytes]]:
    """Return the prints of a CSV file's cells by column; the names of columns without case and punctuation.

    Raises:
        TraceFileInvalid: the file cannot be read, has no header, or a row has other cells than it.
    """
    reader = csv.DictReader(read_text(path).splitlines(), strict=True)
    names = reader.fieldnames or ()
    if not names or len({plain(name) for name in names}) < len(names):
        raise TraceFileInvalid(f"file `{path.name}` has no header, or one that names a column twice")
    found: dict[str, list[bytes]] = {plain(name): [] for name in names}
    for _, row in read_rows(path, tuple(names)):
        for name, cell in row.items():
            found[plain(name)].append(print_cell(cell, secret))
    return found


def _columns(path: Path, secret: bytes, *, printed: bool) -> dict[str, list[bytes]]:
    text = read_text(path)
    if not text.startswith("{"):
        return cells_of(path, secret)
    if not printed:
        raise TraceFileInvalid(f"file `{path.name}` holds prints: the secret they were made with is needed")
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT:
            raise ValueError
        return {name: [bytes.fromhex(cell) for cell in cells] for name, cells in document["columns"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TraceFileInvalid(f"file `{path.name}` holds no prints") from error


def _match(
    sample: Mapping[str, Sequence[bytes]], listed: Sequence[Prints], population: int | None, path: Path
) -> dict[str, Any]:
    size = len(next(iter(sample.values()), ()))
    shared = {each.reference: sorted(sample.keys() & each.columns.keys()) for each in listed}
    if not any(shared.values()):
        raise TraceFileInvalid(f"file `{path.name}` has no column that an export has")
    exports, own = [], {}
    for at, each in enumerate(listed):
        names = shared[each.reference]
        if names:
            held, seeds = joined(each.columns, names), frozenset(joined(each.seeds, names))
            # seeded rows are rows of the export like any other
            rows = (*held, *(seed for seed in seeds if seed not in set(held)))
            exports.append(Export(each.reference, at, rows, seeds))
            own[each.reference] = joined(sample, names)
    whole = [join_cells(sample[name][at] for name in sample) for at in range(size)]
    distinct = population or max(1, len({row for export in exports for row in export.rows}))
    match = match_sample(whole, exports, distinct, own=own)
    return _told(match, {each.reference: each.actor for each in listed}, shared)


def joined(columns: Mapping[str, Sequence[bytes]], names: Sequence[str]) -> list[bytes]:
    """Return the prints of rows by some of their columns; nothing where one is missing."""
    held = [columns[name] for name in names if name in columns]
    return [join_cells(cells) for cells in zip(*held, strict=True)] if len(held) == len(names) else []


def _told(match: Match, actors: Mapping[str, str], shared: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "rows": match.rows,
        "none": match.none,
        "sources": [
            {
                "reference": source.reference,
                "actor": actors[source.reference],
                "probability": source.probability,
                "rows": source.rows,
                "seeds": source.seeds,
                "in_order": source.in_order,
                "columns": list(shared.get(source.reference, ())),
            }
            for source in match.sources
        ],
    }


def log_queries(
    lake: Path, subjects: Sequence[str] | None = None, until_us: int = NEVER
) -> list[tuple[str, str, list[str], int]]:
    """Return the log's queries: reference, actor, subjects in order, and when each began.

    Args:
        lake: the folder.
        subjects: only those of actors who had opened one of these; all where absent.
        until_us: openings from then on are left out.
    """
    with opened(lake) as open_lake:
        rows = open_lake.rows(
            """
            WITH meant AS (
                SELECT actor, coalesce(door, -1) AS door, subject, at_us FROM accesses
                WHERE at_us < ? AND (? OR actor IN (
                    SELECT actor FROM accesses JOIN numbers ON space = 'subject' AND number = subject
                    WHERE key IN (SELECT unnest(?::VARCHAR[]))
                ))
            ), stepped AS (
                SELECT *, CASE WHEN at_us - lag(at_us) OVER same <= ? THEN 0 ELSE 1 END AS begins
                FROM meant WINDOW same AS (PARTITION BY actor, door ORDER BY at_us, subject)
            ), numbered AS (
                SELECT *, sum(begins) OVER (PARTITION BY actor, door ORDER BY at_us, subject) AS query FROM stepped
            )
            SELECT min(at_us), any_value(coalesce(actor.key, '#' || numbered.actor)),
                   list(coalesce(subject.key, '#' || numbered.subject) ORDER BY at_us, numbered.subject)
            FROM numbered
            LEFT JOIN numbers actor ON actor.space = 'actor' AND actor.number = numbered.actor
            LEFT JOIN numbers subject ON subject.space = 'subject' AND subject.number = numbered.subject
            GROUP BY numbered.actor, door, query HAVING count(DISTINCT numbered.subject) >= ?
            ORDER BY 1, 2
            """,
            [until_us, subjects is None, list(subjects or ()), _GAP_US, FEWEST],
        )
    return [(f"{actor} at {_moment(at_us)}", actor, held, at_us) for at_us, actor, held in rows]


def on_record(lake: Path, names: Collection[str]) -> set[str]:
    """Return which of some subjects any log knows.

    Args:
        lake: the folder.
        names: references of subjects.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    if not names:
        return set()
    with opened(lake) as open_lake:
        known = "SELECT key FROM numbers WHERE space = 'subject' AND key IN (SELECT unnest(?::VARCHAR[]))"
        return {key for (key,) in open_lake.rows(known, [sorted(names)])}


def _moment(at_us: int) -> str:
    return from_us(at_us).isoformat(timespec="milliseconds")


def _write(path: Path, text: str, *, secret: bool) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise TraceFileInvalid(f"cannot write `{path.name}`: {error.strerror or error}") from error
