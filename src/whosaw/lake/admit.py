"""Make staged rows part of the lake: known ones are left out, references become numbers, all of it at once or nothing.

A row's identity is the keyed hash of its raw bytes plus its occurrence number in its log. Equal rows in one log stay;
the same log again, or one that overlaps, adds only what is new. Columns of the Parquet files: the numbered columns of
the kind, `at_us`, `verified` and `says_why` (flags), `grade` (0 own trail, 1 imported), `source` (position in the
manifest), `identity`, `occurrence`; sorted by subject and time.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from whosaw.lake.engine import engine, quoted
from whosaw.lake.errors import LakeDamaged, LakeUnwritable
from whosaw.lake.folder import Writing
from whosaw.lake.manifest import Source, write_manifest
from whosaw.lake.numbering import assign_numbers, put_numbers, rows_of
from whosaw.lake.ordered import Parquet, set_aside, write_ordered
from whosaw.lake.repeats import Repeats, find_repeats
from whosaw.lake.stage import NUMBERED

GRADES = {"trail": 0, "imported": 1}

_LEAST_MB, _MOST_MB = 32, 640


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
    repeats = _repeats(writing, staged, source)
    done = replace(source, accepted=repeats.fresh, duplicates=source.rows - source.rejected - repeats.fresh)
    if not done.accepted:
        if not any(_is_same(done, other) for other in manifest.sources):
            write_manifest(folder, manifest.with_source(done, manifest.numbers))
        return done
    pa.default_memory_pool().release_unused()
    numbers = writing.staging / f"numbers-{order:06d}.parquet"
    part = writing.staging / f"{source.kind}-{order:06d}.parquet"
    for memory_mb in _memory_mb(staged):
        try:
            done = _write(writing, staged, repeats, done, (numbers, part, memory_mb))
            break
        except LakeUnwritable as error:
            # how much the keys take shows only while they are joined: small work must not claim much beforehand
            if memory_mb == _MOST_MB or not isinstance(error.__cause__, duckdb.OutOfMemoryException):
                raise
    done = replace(done, parts=(writing.admit(part, part.name),))
    writing.admit(numbers, numbers.name)
    write_manifest(folder, manifest.with_source(done, numbers.name))
    if manifest.numbers is not None:
        (folder / manifest.numbers).unlink(missing_ok=True)
    return done


def _write(writing: Writing, staged: Path, repeats: Repeats, source: Source, where: tuple[Path, Path, int]) -> Source:
    """Write the number map and the rows of numbers to two files, with some megabytes of memory."""
    numbers, part, memory_mb = where
    manifest = writing.manifest
    known = writing.folder / manifest.numbers if manifest.numbers is not None else None
    spill = writing.staging / "spill"
    with engine(writing.folder, spill, f"{memory_mb}MB") as connection:
        connection.execute(_fresh(staged, repeats))
        done, named = _measured(connection, source)
        count = assign_numbers(connection, known, named, numbers)
    # anew: what it took to find the keys is given back before they are joined
    with engine(writing.folder, spill, f"{memory_mb}MB") as connection:
        connection.execute(_fresh(staged, repeats))
        rows = put_numbers(connection, numbers, count, named, memory_mb)
        numbered = rows_of(connection, _numbered(rows, named))
        runs = set_aside(numbered, done.accepted, _emptied(writing.staging / "runs"))
    constants = {"says_why": source.says_why, "grade": GRADES[source.grade], "source": len(manifest.sources)}
    with Parquet(part, _schema(source), constants) as output:
        write_ordered(runs, output)
    return done


def _emptied(folder: Path) -> Path:
    """Return a folder without what an attempt with less memory left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def _repeats(writing: Writing, staged: Path, source: Source) -> Repeats:
    scratch = writing.staging / "repeats"
    scratch.mkdir(mode=0o700)
    try:
        return find_repeats(staged, [writing.folder / part for part in writing.manifest.parts(source.kind)], scratch)
    except (pa.ArrowException, FileNotFoundError) as error:
        raise LakeDamaged(f"a file of lake `{writing.folder}` is missing or cannot be read") from error


def _fresh(staged: Path, repeats: Repeats) -> str:
    """Return the statement that makes the view of the rows that are not in the lake yet."""
    rows = f"read_parquet({quoted(str(staged))}, file_row_number = true)"
    if repeats.marks is None:
        return f"CREATE TEMP VIEW fresh AS SELECT *, 0 AS occurrence FROM {rows}"
    return f"""
        CREATE TEMP VIEW fresh AS
        SELECT staged.*, coalesce(marks.occurrence, 0) AS occurrence
        FROM {rows} staged LEFT JOIN read_parquet({quoted(str(repeats.marks))}) marks ON place = staged.file_row_number
        WHERE coalesce(fresh, true)
    """


def _measured(connection: duckdb.DuckDBPyConnection, source: Source) -> tuple[Source, tuple[str, ...]]:
    """Return the source with what its fresh rows say of it, and the columns in which any of them names something."""
    spaces = NUMBERED[source.kind]
    counts = ", ".join(f'count("{space}")' for space in spaces)
    query = f"SELECT min(at_us), max(at_us), {counts} FROM fresh"
    first_us, last_us, *named = connection.execute(query).fetchone() or (None, None)
    found = dict(zip(spaces, named, strict=False))
    done = replace(source, first_us=first_us, last_us=last_us, unknown=source.accepted - found.get("subject", 0))
    return done, tuple(space for space in spaces if found.get(space))


def _numbered(rows: str, named: tuple[str, ...]) -> str:
    """Return the query of the numbered rows, as far as they differ."""
    selected = ", ".join(f'"{space}"' for space in named)
    return f"SELECT {selected}, at_us, verified, line, identity, occurrence::INTEGER AS occurrence FROM {rows}"


def _schema(source: Source) -> pa.Schema:
    return pa.schema(
        [
            *((space, pa.int64()) for space in NUMBERED[source.kind]),
            ("at_us", pa.int64()),
            ("verified", pa.bool_()),
            ("says_why", pa.bool_()),
            ("grade", pa.int8()),
            ("source", pa.int32()),
            ("identity", pa.binary()),
            ("occurrence", pa.int32()),
        ]
    )


def _is_same(one: Source, other: Source) -> bool:
    """Whether both are the same log read the same way, so that the manifest need not list it again."""
    return (one.kind, one.sha256, one.mapping, one.service) == (other.kind, other.sha256, other.mapping, other.service)


def _memory_mb(staged: Path) -> Iterator[int]:
    """Yield how many megabytes the work on a stage may take: little for a small log, never more than the most."""
    megabytes = min(max(staged.stat().st_size >> 22, _LEAST_MB), _MOST_MB)
    yield megabytes
    while megabytes < _MOST_MB:
        megabytes = min(2 * megabytes, _MOST_MB)
        yield megabytes
