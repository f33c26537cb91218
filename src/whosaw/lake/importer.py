"""Bring a log that someone else wrote into the lake: streaming, exactly once per row, and never half.

Rows that cannot be used go to a rejects file with line, reason, identity and raw text (mode 0600: the text may name
persons). Memory does not grow with the log: rows pass in batches, and what must be compared over the whole log spills
to disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from whosaw.lake.admit import admit
from whosaw.lake.batches import LogReader
from whosaw.lake.errors import LogMissing, MappingChanged
from whosaw.lake.expiry import dated, purge, replace_older
from whosaw.lake.folder import REJECTS, Writing, writing
from whosaw.lake.grades import lowered
from whosaw.lake.kept import KEPT, Keeper, add_key, forget_keys
from whosaw.lake.manifest import Source, open_private
from whosaw.lake.mapping import Mapping
from whosaw.lake.opening import magic_of
from whosaw.lake.readers import names_unknown_subjects, reader_of
from whosaw.lake.sorter import Sorter
from whosaw.lake.stage import Stage
from whosaw.terms import Clock, SystemClock

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows of a log: `rows` = `accepted` + `rejected` + `duplicates`.

    Args:
        rejects_path: the rows that could not be used and why (JSON lines, mode 0600); None where there were none.
        skipped: records that are no access, or that the mapping leaves out; not among the rows.
        unknown: accepted rows whose subjects the log does not name.
        grade: how far the log can be believed (`whosaw.lake.grades`).
        lowered: why the grade is lower than the mapping's facts would give; empty where it is not.
        kept_path: where the kept columns lie, encrypted; None where the mapping keeps none.
    """

    rows: int
    accepted: int
    rejected: int
    duplicates: int
    rejects_path: Path | None
    skipped: int = 0
    unknown: int = 0
    grade: str = ""
    lowered: str = ""
    kept_path: Path | None = None


def import_log(
    log: Path, mapping: Mapping, lake: Path, progress: Progress | None = None, clock: Clock | None = None
) -> ImportReport:
    """Import a log into the lake at folder `lake`, which is made where it is missing.

    Args:
        log: the file, plain or compressed with gzip or zstd.
        mapping: its format and what its columns mean.
        lake: the folder.
        progress: called now and then with the number of rows read so far.
        clock: what expiry counts from; the machine's where absent.

    Raises:
        LogMissing, LogEmpty, LogUnreadable, LogEncoding: the file cannot be read as a log.
        LogColumnMissing, ZoneMissing: the mapping does not fit the log.
        MappingChanged: the same file was imported through a mapping that reads it differently.
        LakeBusy, NotALake, LakeUnwritable, LakeDamaged: the lake cannot take it; nothing of the log was kept.
    """
    magic = magic_of(log)
    sha256 = _sha256(log)
    reader = reader_of(log, mapping, magic)
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
            format=mapping.format,
        )
        return _Import(held, mapping, source, clock or SystemClock()).run(reader, progress)


class _Import:
    """One import into a locked lake."""

    def __init__(self, held: Writing, mapping: Mapping, source: Source, clock: Clock) -> None:
        self._held = held
        self._mapping = mapping
        self._source = source
        self._now = clock.now()
        self._stem = f"{mapping.kind}-{source.sha256[:16]}"

    def run(self, reader: LogReader, progress: Progress | None) -> ImportReport:
        held, mapping = self._held, self._mapping
        purge(held.folder, self._now)
        rejects, kept = held.staging / "rejects.jsonl", held.staging / "rows.kept"
        with ExitStack() as stack:
            stage = stack.enter_context(Stage(held, mapping.kind))
            file = stack.enter_context(open_private(rejects))
            keeper = stack.enter_context(Keeper(kept)) if mapping.keep else None
            sorter = Sorter(mapping, held.key, file, keeper, needs_subject=not names_unknown_subjects(mapping))
            for batch in reader.batches():
                stage.add(sorter.sort(batch))
                if progress is not None:
                    progress(sorter.rows)
        rejects_path = self._admit_rejects(rejects) if sorter.rejected else None
        kept_path = self._admit_kept(kept, keeper) if keeper is not None and keeper.rows else None
        done = admit(held, stage.path, self._graded(sorter, stage.unknown))
        return ImportReport(
            done.rows, done.accepted, done.rejected, done.duplicates, rejects_path, done.skipped, done.unknown,
            done.letter, done.lowered, kept_path,
        )  # fmt: skip

    def _graded(self, sorter: Sorter, unknown: int) -> Source:
        letter, why = self._mapping.facts.letter, ""
        if sorter.rows:
            letter, why = lowered(letter, sorter.rejected, unknown, sorter.rows)
        return replace(
            self._source,
            letter=letter,
            lowered=why,
            rows=sorter.rows,
            rejected=sorter.rejected,
            skipped=sorter.skipped,
        )

    def _admit_rejects(self, staged: Path) -> Path:
        name = dated(self._stem, self._now, self._mapping.reject_days, "jsonl")
        path = self._held.folder / self._held.admit(staged, f"{REJECTS}/{name}")
        replace_older(self._held.folder, REJECTS, self._stem, name)
        return path

    def _admit_kept(self, staged: Path, keeper: Keeper) -> Path:
        folder, name = self._held.folder, dated(self._stem, self._now, self._mapping.keep_days, "kept")
        add_key(folder, name, keeper.key)
        path = folder / self._held.admit(staged, f"{KEPT}/{name}")
        replace_older(folder, KEPT, self._stem, name)
        forget_keys(folder)
        return path


def _sha256(log: Path) -> str:
    try:
        with log.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LogMissing(f"cannot open log `{log}`: {error.strerror or error}") from error


def _refuse_changed(held: Writing, mapping: Mapping, sha256: str) -> None:
    for source in held.manifest.sources:
        same = source.sha256 == sha256 and source.kind == mapping.kind
        if same and source.mapping != mapping.digest() and source.accepted + source.duplicates:
            raise MappingChanged(
                f"log `{source.name}` is in lake `{held.folder}` already, read through another mapping"
            )
