"""Give numbers to the references that a log names, and put them in the references' place; in little memory.

The number map is a file of (space, number, key). A number is given once and never again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from whosaw.lake.engine import quoted
from whosaw.lake.errors import LakeDamaged

_BATCH_ROWS = 1 << 14
_SCHEMA = pa.schema([("space", pa.string()), ("number", pa.int64()), ("key", pa.string())])
_KEYS_PER_MB = 6_000
"""So many keys of a join fit into a megabyte of its memory, with room for the rows on their way."""


def assign_numbers(
    connection: duckdb.DuckDBPyConnection, known: Path | None, spaces: tuple[str, ...], path: Path
) -> int:
    """Write the number map that knows what the view `fresh` names, and return how many keys it holds.

    Args:
        connection: with that view.
        known: the map so far; None while there is none.
        spaces: the columns in which a fresh row names something.
        path: where the new map is written.

    Raises:
        LakeDamaged: the map so far cannot be read.
    """
    count = 0
    highest = dict.fromkeys(spaces, 0)
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd", use_dictionary=["space"]) as writer:
        for batch in _known(known):
            writer.write_batch(batch)
            count += batch.num_rows
            for space in spaces:
                numbers = batch.column("number").filter(pc.equal(batch.column("space"), space))
                highest[space] = max(highest[space], pc.max(numbers).as_py() or 0)
        for space in spaces:
            # invariant: a number is given once, in the order in which a log first names its key, and never again.
            following = highest[space] + 1
            for batch in rows_of(connection, _unknown(space, known)):
                numbers = pa.array(np.arange(following, following + batch.num_rows))
                named = pa.repeat(pa.scalar(space, pa.string()), batch.num_rows)
                writer.write_batch(pa.record_batch([named, numbers, batch.column("key")], schema=_SCHEMA))
                following += batch.num_rows
            count += following - highest[space] - 1
    return count


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query, some thousands at a time.

    Raises:
        duckdb.Error: it cannot be carried out; what fails while rows are read comes wrapped as an error of Arrow's.
    """
    reader = connection.execute(query).to_arrow_reader(_BATCH_ROWS)
    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:
        if "Out of Memory Error" in str(error):
            raise duckdb.OutOfMemoryException(str(error)) from error
        raise duckdb.IOException(str(error)) from error


def _known(path: Path | None) -> Iterator[pa.RecordBatch]:
    if path is None:
        return
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=_SCHEMA.names):
                yield batch.cast(_SCHEMA)
    except (pa.ArrowException, FileNotFoundError) as error:
        raise LakeDamaged(f"the number map `{path}` is missing or cannot be read") from error


def _unknown(space: str, known: Path | None) -> str:
    """Return the query of the keys without a number, in the order in which the log names them."""
    told = ""
    if known is not None:
        told = f"ANTI JOIN (SELECT key FROM read_parquet({quoted(str(known))}) WHERE space = '{space}') USING (key)"
    return f"""
        SELECT key FROM (
            SELECT "{space}" AS key, min(line) AS line FROM fresh WHERE "{space}" IS NOT NULL GROUP BY 1
        ) {told} ORDER BY line, key
    """


def put_numbers(
    connection: duckdb.DuckDBPyConnection, numbers: Path, count: int, named: tuple[str, ...], memory_mb: int
) -> str:
    """Put numbers in the place of references; return the table of the numbered rows.

    Where the keys take too much memory, one column after another: several joins at once each hold their keys.

    Args:
        connection: with the view `fresh`.
        numbers: the number map.
        count: how many keys it holds.
        named: the columns in which a fresh row names something.
        memory_mb: what the connection may take.
    """
    connection.execute(f"CREATE TEMP VIEW numbers AS FROM read_parquet({quoted(str(numbers))})")
    if count <= memory_mb * _KEYS_PER_MB:
        selected = ", ".join(f'of_{space}.number AS "{space}"' for space in named)
        joins = " ".join(_join("fresh", space) for space in named)
        others = ", ".join(f'"{space}"' for space in named)
        connection.execute(
            f"CREATE TEMP VIEW numbered AS SELECT fresh.* EXCLUDE ({others}), {selected} FROM fresh {joins}"
        )
        return "numbered"
    rows = "fresh"
    for step, space in enumerate(named):
        following = f"numbered_{step}"
        connection.execute(
            f"""
            CREATE TEMP TABLE {following} AS
            SELECT {rows}.* EXCLUDE ("{space}"), of_{space}.number AS "{space}" FROM {rows} {_join(rows, space)}
            """
        )
        if step:
            connection.execute(f"DROP TABLE {rows}")
        rows = following
    return rows


def _join(rows: str, space: str) -> str:
    keys = f"(SELECT key, number FROM numbers WHERE space = '{space}')"
    return f'LEFT JOIN {keys} of_{space} ON of_{space}.key = {rows}."{space}"'
