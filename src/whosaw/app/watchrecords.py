"""What a company records besides work, for one run: declared ties, harms, decisions, prints; and who is a canary.

The catalog's queries answer with the columns of the files in docs/watch.md. What happened after the end of a run is
left out, so that a later replay reads the same.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.gate.work import aware
from whosaw.store.numbers import keys_of
from whosaw.terms import from_us

_COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "managers": (("actor", "beneficiary"), ()),
    "harms": (("subject", "at"), ()),
    "decisions": (("actor", "at", "kind", "favourable"), ("beneficiary", "second", "routed", "appealed_at")),
    "prints": (("side", "name", "print"), ()),
}


class RecordColumnMissing(AppError, LookupError):
    """A query of ``[watch]`` does not answer with a column that is needed."""

    code: ClassVar[str] = "app.watch_column"
    hint = "docs/watch.md names the columns of each"


async def write_records(services: Services, folder: Path, until_us: int) -> dict[str, Path]:
    """Write a file for each record that the catalog declares; return them by name.

    Raises:
        SourceUnreachable, SourceRefused: a database does not answer.
        RecordColumnMissing: a query lacks a column.
    """
    declared = services.catalog.watch.records if services.catalog.watch is not None else {}
    found: dict[str, Path] = {}
    for name, (source, query) in declared.items():
        needed, possible = _COLUMNS[name]
        rows = await services.sources[source].rows(query)
        if rows and (missing := [column for column in needed if column not in rows[0]]):
            raise RecordColumnMissing(f"the query of `watch.{name}` has no column `{missing[0]}`")
        columns = (*needed, *(column for column in possible if rows and column in rows[0]))
        kept = [row for row in rows if "at" not in columns or aware(_moment(row["at"])) < from_us(until_us)]
        found[name] = folder / f"{name}.csv"
        write_csv(found[name], columns, sorted(tuple(_cell(row[column]) for column in columns) for row in kept))
    return found


async def write_canaries(services: Services, folder: Path, until_us: int) -> Path | None:
    """Write who was a canary at the end of a run; None where nobody was."""
    async with services.db.connection() as connection:
        rows = await connection.execute(
            "select subject from canary where added_at < %s and (retired_at is null or retired_at >= %s)",
            [from_us(until_us), from_us(until_us)],
        )
        numbers = [int(row[0]) for row in await rows.fetchall()]
    keys = await keys_of(services.db, "subject", numbers)
    if not keys:
        return None
    path = folder / "canaries.csv"
    write_csv(path, ("subject",), sorted((key,) for key in keys.values()))
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table with its header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(header)
        table.writerows(rows)


def add_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write rows below those of a table that is there already, or a table of them; return its path."""
    before: list[list[str]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            before = list(csv.reader(file))[1:]
    write_csv(path, header, [*before, *rows])
    return path


def add_decisions(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write decisions below those of the company's own query, whichever columns it has; return the table's path."""
    before: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            before = list(csv.DictReader(file))
    every = [*before, *(dict(zip(header, row, strict=True)) for row in rows)]
    needed, possible = _COLUMNS["decisions"]
    columns = (*needed, *(name for name in possible if any(each.get(name) for each in every)))
    write_csv(path, columns, [[each.get(name, "") for name in columns] for each in every])
    return path


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise RecordColumnMissing("the column `at` holds no time")
    return value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return aware(value).astimezone(UTC).isoformat()
    return str(int(value)) if isinstance(value, bool) else str(value)
