"""Bring a log that someone else wrote into the lake: streaming, exactly once per row, and never half.

Rows that cannot be used go to a rejects file with line, reason, identity and raw text (mode 0600: the text may name
persons). Memory does not grow with the log: rows pass in batches, and what must be compared over the whole log spills
to disk.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TypeVar

from whosaw.lake.admit import admit
from whosaw.lake.batches import Batch, LogReader
from whosaw.lake.csvlog import CsvLog
from whosaw.lake.errors import LogEmpty, LogMissing, LogUnreadable, MappingChanged, ZoneMissing
from whosaw.lake.folder import REJECTS, Writing, writing
from whosaw.lake.manifest import Source, open_private
from whosaw.lake.mapping import AT, REQUIRED, Mapping
from whosaw.lake.parquetlog import ParquetLog
from whosaw.lake.stage import Rows, Stage, row_identity
from whosaw.lake.times import NO_ZONE, Reading, time_reader

MALFORMED = "row.malformed"

_PARQUET = b"PAR1"
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xfd7zX": "compressed with xz",
}

Progress = Callable[[int], None]

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of a log: `rows` = `accepted` + `rejected` + `duplicates`.

    Args:
        rejects_path: the rows that could not be used and why (JSON lines, mode 0600); None where there were none.
    """

    rows: int
    accepted: int
    rejected: int
    duplicates: int
    rejects_path: Path | None


def import_log(log: Path, mapping: Mapping, lake: Path, progress: Progress | None = None) -> ImportReport:
    """Import a CSV, CSV.gz or Parquet log into the lake at folder `lake`, which is made where it is missing.

    Args:
        log: the file.
        mapping: what its columns mean.
        lake: the folder.
        progress: called now and then with the number of rows read so far.

    Raises:
        LogMissing, LogEmpty, LogUnreadable, LogEncoding: the file cannot be read as a log.
        LogColumnMissing, ZoneMissing: the mapping does not fit the log.
        MappingChanged: the same file was imported through a mapping that reads it differently.
        LakeBusy, NotALake, LakeUnwritable, LakeDamaged: the lake cannot take it; nothing of the log was kept.
    """
    magic, sha256 = _fingerprint(log)
    reader = _reader(log, mapping, magic)
    with writing(lake) as held:
        _refuse_changed(held, mapping, sha256)
        source = Source(
            name=log.name,
            kind=mapping.kind,
            grade="imported",
            sha256=sha256,
            mapping=mapping.digest(),
            says_why=mapping.says_why,
            service=mapping.service,
        )
        return _import(held, mapping, reader, source, progress)


def _import(
    held: Writing, mapping: Mapping, reader: LogReader, source: Source, progress: Progress | None
) -> ImportReport:
    rejects = held.staging / "rejects.jsonl"
    with Stage(held, mapping.kind) as stage, open_private(rejects) as file:
        sorter = _Sorter(mapping, held.key, file)
        for batch in reader.batches():
            stage.add(sorter.sort(batch))
            if progress is not None:
                progress(sorter.rows)
    rejects_path = None
    if sorter.rejected:
        name = held.admit(rejects, f"{REJECTS}/{mapping.kind}-{source.sha256[:16]}.jsonl")
        rejects_path = held.folder / name
    done = admit(held, stage.path, replace(source, rows=sorter.rows, rejected=sorter.rejected))
    return ImportReport(done.rows, done.accepted, done.rejected, done.duplicates, rejects_path)


class _Sorter:
    """Tells the rows that can be used from those that cannot, and writes these down."""

    def __init__(self, mapping: Mapping, key: bytes, rejects: IO[str]) -> None:
        self.rows = 0
        self.rejected = 0
        self._mapping = mapping
        self._key = key
        self._rejects = rejects
        self._read_time = time_reader(mapping.time)
        self._saw_zone = False

    def sort(self, batch: Batch) -> Rows:
        """Return the usable rows of a batch."""
        self.rows += len(batch.lines) + len(batch.malformed)
        for line, raw in batch.malformed:
            self._reject(line, MALFORMED, raw)
        columns = self._columns(batch)
        times = self._times(batch)
        reasons = self._reasons(columns, times)
        good = [index for index in range(len(times)) if index not in reasons]
        for index, reason in sorted(reasons.items()):
            self._reject(batch.lines[index], reason, batch.raws[index])
        return Rows(
            lines=_take(batch.lines, good),
            identities=[row_identity(self._key, batch.raws[index]) for index in good],
            at_us=[at for at in _take(times, good) if isinstance(at, int)],
            columns={name: _take(values, good) for name, values in columns.items()},
        )

    def _columns(self, batch: Batch) -> dict[str, list[str | None]]:
        columns: dict[str, list[str | None]] = {}
        for name, column in self._mapping.columns.items():
            if name == AT:
                continue
            if column.source is None:
                columns[name] = [column.constant] * len(batch.lines)
            elif column.is_plain:
                # Most cells stand there as they are; white space alone is as blank as nothing.
                columns[name] = [cell if cell and not cell.isspace() else None for cell in batch.cells[column.source]]
            else:
                columns[name] = [column.read(cell) for cell in batch.cells[column.source]]
        return columns

    def _times(self, batch: Batch) -> list[Reading]:
        if batch.times is not None:
            return batch.times
        column = self._mapping.columns[AT]
        cells = batch.cells[column.source or ""]
        if not column.is_plain:
            cells = [column.read(cell) for cell in cells]
        times = [self._read_time(cell) for cell in cells]
        if not self._saw_zone:
            self._find_zone(batch, times)
        return times

    def _find_zone(self, batch: Batch, times: list[Reading]) -> None:
        """Refuse a log whose first readable time has no zone; a single such row later on is only rejected."""
        for line, at in zip(batch.lines, times, strict=True):
            if at == NO_ZONE:
                raise ZoneMissing(f"the time in line {line} carries no zone and the mapping names none")
            if isinstance(at, int):
                self._saw_zone = True
                return

    def _reasons(self, columns: dict[str, list[str | None]], times: list[Reading]) -> dict[int, str]:
        reasons = {index: at for index, at in enumerate(times) if isinstance(at, str)}
        for name in reversed(REQUIRED[self._mapping.kind]):
            if name != AT and None in columns[name]:
                reasons.update((index, f"{name}.empty") for index, value in enumerate(columns[name]) if value is None)
        return reasons

    def _reject(self, line: int, reason: str, raw: bytes) -> None:
        self.rejected += 1
        text = raw.decode("utf-8", "backslashreplace")
        entry = {"line": line, "reason": reason, "identity": row_identity(self._key, raw).hex(), "raw": text}
        self._rejects.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _take(values: Sequence[_Value], places: list[int]) -> list[_Value]:
    return list(values) if len(places) == len(values) else [values[index] for index in places]


def _fingerprint(log: Path) -> tuple[bytes, str]:
    """Return the first bytes of the log and the SHA-256 of all."""
    try:
        with log.open("rb") as file:
            magic = file.read(4)
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LogMissing(f"cannot open log `{log}`: {error.strerror or error}") from error
    if not magic:
        raise LogEmpty(f"log `{log}` is empty")
    return magic, sha256


def _reader(log: Path, mapping: Mapping, magic: bytes) -> LogReader:
    wanted = [column.source for column in mapping.columns.values() if column.source is not None]
    if magic == _PARQUET:
        return ParquetLog(log, wanted, mapping.columns[AT].source or "", mapping.time)
    if magic in _ARCHIVES:
        raise LogUnreadable(f"log `{log}` is {_ARCHIVES[magic]}", hint="unpack it first, or compress it with gzip")
    return CsvLog(log, wanted, mapping.delimiter)


def _refuse_changed(held: Writing, mapping: Mapping, sha256: str) -> None:
    for source in held.manifest.sources:
        same = source.sha256 == sha256 and source.kind == mapping.kind
        if same and source.mapping != mapping.digest() and source.accepted + source.duplicates:
            raise MappingChanged(
                f"log `{source.name}` is in lake `{held.folder}` already, read through another mapping"
            )
