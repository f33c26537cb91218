"""A lake open for questions: its rows as views, its number map as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from whosaw.lake.engine import engine, from_files
from whosaw.lake.errors import LakeDamaged
from whosaw.lake.manifest import Manifest, read_manifest
from whosaw.lake.mapping import KINDS, Kind
from whosaw.lake.stage import NUMBERED

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Opened:
    """A lake as it stood when it was opened.

    Args:
        manifest: what it consists of.
        connection: with the views `accesses`, `orders`, `tickets`, the view `touches` (accesses whose subjects the log
            does not name) and the table `numbers` (space, number, key).
    """

    manifest: Manifest
    connection: DuckDBPyConnection

    def rows(self, query: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query; values are bound."""
        return self.connection.execute(query, list(values)).fetchall()

    def number(self, space: str, key: str) -> int | None:
        """Return the number of a reference, None where the lake does not know it."""
        found = self.rows("SELECT number FROM numbers WHERE space = ? AND key = ?", [space, key])
        return int(found[0][0]) if found else None

    def keys(self, space: str) -> dict[int, str]:
        """Return number → reference of one space."""
        return dict(self.rows("SELECT number, key FROM numbers WHERE space = ?", [space]))


@contextmanager
def opened(lake: Path) -> Iterator[Opened]:
    """Open the lake at folder `lake` for questions; imports may go on beside.

    Raises:
        NotALake: there is none.
        LakeDamaged: a file of it is missing or unreadable.
    """
    folder = lake.resolve()
    for attempt in range(_TRIES):
        manifest = read_manifest(folder)
        with engine(folder) as connection:
            try:
                _load(connection, folder, manifest)
            except duckdb.IOException as error:
                # An import that ended just now replaced the number map; its manifest names the new one.
                if attempt + 1 < _TRIES and read_manifest(folder) != manifest:
                    continue
                raise LakeDamaged(f"a file of lake `{folder}` is missing or cannot be read") from error
            yield Opened(manifest, connection)
            return


def _load(connection: DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    connection.execute("CREATE TEMP TABLE numbers (space VARCHAR, number BIGINT, key VARCHAR)")
    if manifest.numbers is not None:
        files = from_files(folder, [manifest.numbers])
        connection.execute(f"INSERT INTO numbers SELECT space, number, key FROM {files}")
    for kind in KINDS:
        parts = manifest.parts(kind)
        rows = _all_columns(kind, folder, parts) if parts else _none(kind)
        connection.execute(f"CREATE TEMP VIEW {kind} AS SELECT * FROM {rows} WHERE subject IS NOT NULL")
        if kind == "accesses":
            connection.execute(f"CREATE TEMP VIEW touches AS SELECT * FROM {rows} WHERE subject IS NULL")


def _all_columns(kind: Kind, folder: Path, parts: list[str]) -> str:
    """Return a table expression of the kind's files; what an older file has no column for is null there."""
    if kind == "accesses":  # these have always had all of theirs
        return from_files(folder, parts)
    return f"(FROM {_none(kind)} UNION ALL BY NAME FROM {from_files(folder, parts, by_name=True)})"


def _none(kind: Kind) -> str:
    """Return a table expression of the kind's columns and no rows."""
    columns = [f'NULL::BIGINT AS "{name}"' for name in (*NUMBERED[kind], "at_us")]
    columns += [
        "NULL::BOOLEAN AS verified",
        "NULL::BOOLEAN AS says_why",
        "NULL::TINYINT AS grade",
        "NULL::INTEGER AS source",
        "NULL::BLOB AS identity",
        "NULL::INTEGER AS occurrence",
    ]
    return f"(SELECT {', '.join(columns)} WHERE false)"
