"""The default engine: DuckDB in this process, locked down, over the files of one lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.dataset as pads

from whosaw.lake.engine import from_files, lasting_engine
from whosaw.lake.errors import EngineFailed
from whosaw.lake.lookover import Lookover, entries_sql
from whosaw.lake.manifest import Manifest
from whosaw.lake.place import Folder
from whosaw.lake.trailrows import COLUMNS

MEMORY = "2GB"


@contextmanager
def duck(look: Lookover, memory: str = MEMORY, entries: str = "entries") -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with the tables `entries` and `classes`; it reads this lake's files and nothing else.

    Args:
        look: the lake.
        memory: how much DuckDB may take before it spills, as DuckDB writes it.
        entries: another name for the table of entries.

    Raises:
        LakeDamaged: a file of the lake is missing or unreadable.
        EngineFailed: a question cannot be carried out.
    """
    folder = look.place.path.resolve() if isinstance(look.place, Folder) else None
    with lasting_engine(folder, memory) as connection:
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


def run_duck(look: Lookover, expression: object, memory: str = MEMORY) -> pa.Table:
    """Return an expression's rows."""
    with duck(look, memory) as connection:
        return arrow(connection.execute(duck_sql(expression)))


def arrow(done: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the rows of an executed statement."""
    table: pa.Table = done.to_arrow_table()
    return table


def _numbers(imports: Manifest, folder: Path) -> str:
    if imports.numbers is None:
        return "(SELECT CAST(NULL AS STRING) AS space, CAST(NULL AS BIGINT) AS number, CAST(NULL AS STRING) AS key)"
    return from_files(folder, [imports.numbers])
