"""Which reader takes a log apart: by the format that the mapping names, else by how the file begins."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from whosaw.lake.batches import LogReader
from whosaw.lake.csvlog import CsvLog
from whosaw.lake.errors import LogUnreadable
from whosaw.lake.formats import CONTAINERS, DELIMITERS
from whosaw.lake.jsonlog import JsonLog
from whosaw.lake.mapping import AT, REQUIRED, Mapping
from whosaw.lake.opening import PARQUET
from whosaw.lake.parquetlog import ParquetLog
from whosaw.lake.pgaudit import PgauditLog
from whosaw.lake.xeslog import XesLog


def names_unknown_subjects(mapping: Mapping) -> bool:
    """Whether a row without a subject is an access to somebody unknown, and not a row that lacks something."""
    return mapping.format == "pgaudit"


def reader_of(log: Path, mapping: Mapping, magic: bytes) -> LogReader:
    """Return the reader of a log.

    Args:
        log: the file.
        mapping: what of it is wanted.
        magic: its first four bytes.

    Raises:
        LogUnreadable: it begins otherwise than its format does.
    """
    wanted = wanted_columns(mapping)
    is_parquet = magic == PARQUET
    if is_parquet != (mapping.format == "parquet") and mapping.format:
        raise LogUnreadable(f"log `{log}` is {'' if is_parquet else 'not '}a Parquet file")
    if is_parquet:
        return ParquetLog(log, wanted, mapping.columns[AT].source or "", mapping.time)
    if mapping.format in DELIMITERS:
        return CsvLog(log, wanted, mapping.delimiter)
    if mapping.format in CONTAINERS:
        return JsonLog(log, wanted, CONTAINERS[mapping.format], needed_columns(mapping))
    if mapping.format == "xes":
        return XesLog(log, wanted, needed_columns(mapping))
    return PgauditLog(log, wanted, mapping.sql, mapping.time)


def wanted_columns(mapping: Mapping) -> Iterable[str]:
    """Return every column of the log that the mapping looks at."""
    read = [source for column in mapping.columns.values() for source in column.sources]
    return list(dict.fromkeys([*read, *mapping.rows.columns, *mapping.keep]))


def needed_columns(mapping: Mapping) -> list[tuple[str, ...]]:
    """Return sets of columns of which the log must hold at least one each, where records may lack columns.

    What the mapping names itself must be there, or it is a slip; what only the format knows may be absent.
    """
    names = mapping.stated | set(REQUIRED[mapping.kind])
    groups = [column.sources for name, column in mapping.columns.items() if name in names and column.sources]
    return groups + [(name,) for name in (*(name for name, _ in mapping.rows.only), *mapping.keep)]
