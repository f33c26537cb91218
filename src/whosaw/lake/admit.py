"""Make staged rows part of the lake: known ones are left out, references become numbers, all of it at once or nothing.

A row's identity is the keyed hash of its raw bytes plus its occurrence number in its log. Equal rows in one log stay;
the same log again, or one that overlaps, adds only what is new. Columns of the Parquet files: the numbered columns of
the kind, `at_us`, `verified` and `says_why` (flags), `grade` (0 own trail, 1 imported), `source` (position in the
manifest), `identity`, `occurrence`; sorted by subject and time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whosaw.lake.engine import engine, from_files, quoted
from whosaw.lake.folder import Writing
from whosaw.lake.manifest import Manifest, Source, write_manifest
from whosaw.lake.stage import NUMBERED

if TYPE_CHECKING:
    import duckdb

GRADES = {"trail": 0, "imported": 1}

_ROW_GROUP = 122_880


def admit(writing: Writing, staged: Path, source: Source) -> Source:
    """Make the rows of a closed stage part of the lake and of its manifest; once per lock.

    Args:
        writing: the locked lake.
        staged: file of a `whosaw.lake.stage.Stage`.
        source: what was read; `accepted`, `duplicates`, `parts` and the times are filled in here.

    Returns:
        The source as the manifest lists it.
    """
    folder, manifest = writing.folder, writing.manifest
    order = 1 + len(manifest.sources)
    with engine(folder, writing.staging / "spill") as connection:
        _pick_fresh(connection, writing, staged, source)
        done = _measured(connection, source)
        if not done.accepted:
            if not any(_is_same(done, other) for other in manifest.sources):
                write_manifest(folder, manifest.with_source(done, manifest.numbers))
            return done
        _assign_numbers(connection, folder, manifest, source)
        numbers = writing.staging / f"numbers-{order:06d}.parquet"
        _copy(connection, "SELECT space, number, key FROM numbers ORDER BY space, number", numbers)
        part = writing.staging / f"{source.kind}-{order:06d}.parquet"
        _copy(connection, _numbered(source, order - 1), part)
    done = replace(done, parts=(writing.admit(part, part.name),))
    writing.admit(numbers, numbers.name)
    write_manifest(folder, manifest.with_source(done, numbers.name))
    if manifest.numbers is not None:
        (folder / manifest.numbers).unlink(missing_ok=True)
    return done


def _pick_fresh(connection: duckdb.DuckDBPyConnection, writing: Writing, staged: Path, source: Source) -> None:
    parts = writing.manifest.parts(source.kind)
    known = f"ANTI JOIN {from_files(writing.folder, parts)} USING (identity, occurrence)" if parts else ""
    connection.execute(
        f"""
        CREATE TEMP TABLE fresh AS
        WITH counted AS (
            SELECT *, row_number() OVER (PARTITION BY identity ORDER BY line) - 1 AS occurrence
            FROM read_parquet({quoted(str(staged))})
        )
        SELECT counted.* FROM counted {known}
        """
    )


def _measured(connection: duckdb.DuckDBPyConnection, source: Source) -> Source:
    found = connection.execute("SELECT count(*), min(at_us), max(at_us) FROM fresh").fetchone() or (0, None, None)
    accepted, first_us, last_us = found
    duplicates = source.rows - source.rejected - accepted
    return replace(source, accepted=accepted, duplicates=duplicates, first_us=first_us, last_us=last_us)


def _assign_numbers(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, source: Source) -> None:
    connection.execute("CREATE TEMP TABLE numbers (space VARCHAR, number BIGINT, key VARCHAR)")
    if manifest.numbers is not None:
        connection.execute(
            f"INSERT INTO numbers SELECT space, number, key FROM {from_files(folder, [manifest.numbers])}"
        )
    for space in NUMBERED[source.kind]:
        # invariant: a number is given once, in the order in which a log first names its key, and never again.
        connection.execute(
            f"""
            INSERT INTO numbers
            WITH named AS (
                     SELECT "{space}" AS key, min(line) AS line FROM fresh WHERE "{space}" IS NOT NULL GROUP BY 1
                 ),
                 unknown AS (SELECT * FROM named ANTI JOIN (SELECT key FROM numbers WHERE space = ?) USING (key)),
                 highest AS (SELECT coalesce(max(number), 0) AS number FROM numbers WHERE space = ?)
            SELECT ?, highest.number + row_number() OVER (ORDER BY line, key), key FROM unknown, highest
            """,
            [space, space, space],
        )


def _numbered(source: Source, position: int) -> str:
    spaces = NUMBERED[source.kind]
    selected = ", ".join(f'of_{space}.number AS "{space}"' for space in spaces)
    joins = "\n".join(
        f"LEFT JOIN numbers of_{space} ON of_{space}.space = '{space}' AND of_{space}.key = fresh.\"{space}\""
        for space in spaces
    )
    return f"""
        SELECT {selected}, at_us, verified, {str(source.says_why).lower()} AS says_why,
               {GRADES[source.grade]}::TINYINT AS grade, {position}::INTEGER AS source,
               identity, occurrence::INTEGER AS occurrence
        FROM fresh {joins}
        ORDER BY of_subject.number, at_us, line
    """


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}"
    connection.execute(f"COPY ({query}) TO {quoted(str(path))} ({options})")


def _is_same(one: Source, other: Source) -> bool:
    """Whether both are the same log read the same way, so that the manifest need not list it again."""
    return (one.kind, one.sha256, one.mapping, one.service) == (other.kind, other.sha256, other.mapping, other.service)
