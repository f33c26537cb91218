"""The default engine: DuckDB in this process, locked down, over the files of one lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.dataset as pads

from whosaw.lake.engine import Means, from_files, lasting_engine
from whosaw.lake.errors import EngineFailed
from whosaw.lake.lookover import Lookover, entries_sql
from whosaw.lake.manifest import Manifest
from whosaw.lake.place import Folder
from whosaw.lake.trailrows import COLUMNS

MEANS = Means("2GB")
_MEANS = {
    # the pairs of 5,000 actors and as many beneficiaries fit into that, in both threads; a filter of the second join
    # that reaches down to the scan would hash every row's text once more
    "actor-beneficiary": Means("3GB", without="join_filter_pushdown"),
}


def means_of(name: str) -> Means:
    """Return what the named question may use."""
    return _MEANS.get(name, MEANS)


@contextmanager
def duck(look: Lookover, means: Means = MEANS, entries: str = "entries") -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with the tables `entries` and `classes`; it reads this lake's files and nothing else.

    Args:
        look: the lake.
        means: what DuckDB may use.
        entries: another name for the table of entries.

    Raises:
        LakeDamaged: a file of the lake is missing or unreadable.
        EngineFailed: a question cannot be carried out.
    """
    folder = look.place.path.resolve() if isinstance(look.place, Folder) else None
    with lasting_engine(folder, means) as connection:
        rows = ""
        if look.files and folder is not None:
            rows = from_files(folder, list(look.files))
        elif look.files:
            paths, system = look.place.dataset_files(look.files)
            connection.register("stored_rows", pads.dataset(paths, schema=COLUMNS, filesystem=system, format="parquet"))
            rows = "stored_rows"
        imported = {}
        if folder is not None and look.imports is not None and (parts := look.imports.parts("accesses")):
            imported = {"accesses": from_files(folder, parts), "numbers": _numbers(look.imports, folder)}
        connection.execute(f"CREATE TEMP VIEW {entries} AS {entries_sql(look, rows, imported)}")
        connection.execute('CREATE TEMP TABLE classes (trail VARCHAR, field VARCHAR, "class" VARCHAR)')
        if look.classes():
            connection.executemany("INSERT INTO classes VALUES (?, ?, ?)", look.classes())
        try:
            yield connection
        except (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InternalException) as error:
            raise EngineFailed("DuckDB could not carry the question out") from error


def duck_sql(expression: object) -> str:
    """Return an Ibis expression in DuckDB's SQL."""
    return str(ibis.to_sql(expression, dialect="duckdb"))


def run_duck(look: Lookover, expression: object, means: Means = MEANS) -> pa.Table:
    """Return an expression's rows."""
    with duck(look, means) as connection:
        # as a relation: then every thread makes Arrow of what it found, not one of it all in the end
        table: pa.Table = connection.sql(duck_sql(expression)).to_arrow_table()
        return table


def arrow(done: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the rows of an executed statement."""
    table: pa.Table = done.to_arrow_table()
    return table


def _numbers(imports: Manifest, folder: Path) -> str:
    if imports.numbers is None:
        return "(SELECT CAST(NULL AS STRING) AS space, CAST(NULL AS BIGINT) AS number, CAST(NULL AS STRING) AS key)"
    return from_files(folder, [imports.numbers])
