"""DuckDB for one lake: it may touch that folder and nothing else, loads no extension, and no setting can be undone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from whosaw.lake.errors import LakeDamaged, LakeUnwritable

THREADS = 2
"""Threads that a question may use in all."""

_MEMORY = "512MB"
_KEPT = 4
_LOCK = threading.Lock()
_spills: list[TemporaryDirectory[str]] = []


@dataclass(frozen=True, slots=True)
class Means:
    """What DuckDB may use, and what it should leave.

    Args:
        memory: how much it may take before it spills, as it writes it.
        threads: of how many a statement makes use.
        without: its optimizers that are left out, joined by commas.
    """

    memory: str
    threads: int = THREADS
    without: str = ""


@contextmanager
def engine(folder: Path | None, spill: Path | None = None, memory: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a locked-down connection.

    Args:
        folder: the lake, an absolute path; None where it reads no file itself, only what is registered with it.
        spill: folder for what does not fit into memory; a private temporary one where absent.
        memory: how much it may take before it spills, as DuckDB writes it; 512 MB where empty.

    Raises:
        LakeDamaged: a file of the lake is missing or unreadable.
        LakeUnwritable: there is no room for what a question must set aside.
    """
    with TemporaryDirectory(prefix="whosaw-lake-") as own:
        connection = _connect(folder, str(spill or own), Means(memory or _MEMORY))
        with _told(folder, connection):
            yield connection


@contextmanager
def lasting_engine(folder: Path | None, means: Means) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection as `engine` does, on an instance that this process keeps for the next question.

    What stays are the footers of Parquet files, so that many of them are not read anew; every connection has temporary
    tables and views of its own.

    Raises:
        LakeDamaged, LakeUnwritable: as in `engine`.
    """
    with _LOCK:
        connection = _instance(folder, means, os.getpid()).cursor()
    with _told(folder, connection):
        yield connection


@lru_cache(maxsize=_KEPT)
def _instance(folder: Path | None, means: Means, _process: int) -> duckdb.DuckDBPyConnection:
    spill = TemporaryDirectory(prefix="whosaw-lake-", ignore_cleanup_errors=True)
    _spills.append(spill)  # removed when the process ends
    return _connect(folder, spill.name, means)


@contextmanager
def _told(folder: Path | None, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Say what goes wrong in the lake's own errors, and close the connection."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise LakeUnwritable(f"lake `{folder}` has no room left for its work") from error
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        if "Could not write" in str(error):
            raise LakeUnwritable(f"a file of lake `{folder}` cannot be written") from error
        raise LakeDamaged(f"a file of lake `{folder}` is missing or cannot be read") from error
    finally:
        connection.close()


def _connect(folder: Path | None, spill: str, means: Means) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": means.memory,
        "threads": means.threads,
        "temp_directory": spill,
        "preserve_insertion_order": False,
    }
    connection = duckdb.connect(":memory:", config=config)  # type: ignore[arg-type]
    if folder is not None:
        connection.execute(f"SET allowed_directories = [{quoted(str(folder) + '/')}]")
    connection.execute(f"SET disabled_optimizers = {quoted(means.without)}")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET GLOBAL parquet_metadata_cache = true")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # would be printed between lines; cursors have none
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def quoted(text: str) -> str:
    """Return `text` as an SQL string literal, for statements that take no bound value."""
    return "'" + text.replace("'", "''") + "'"


def from_files(folder: Path, parts: list[str], *, by_name: bool = False) -> str:
    """Return the table expression over some of the lake's files.

    Args:
        folder: the lake.
        parts: the files.
        by_name: they may differ in their columns; one that a file lacks is null there.
    """
    files = "[" + ", ".join(quoted(str(folder / part)) for part in parts) + "]"
    return f"read_parquet({files}, union_by_name = true)" if by_name else f"read_parquet({files})"
