"""The log on disk for many questions: sorted by subject, read where a question needs it, extended without rebuilding.

A folder of segments. A segment holds the rows of some files, sorted by subject, actor and time, 13 bytes each: of
100 million rows a question about 20,000 subjects reads its own spans only. The manifest names every file that went in;
a lake that holds others is newer than the index, or lost rows since (erasure), and the index refuses.
`whosaw.app.traceindexbuild` writes it, `whosaw.app.traceasked` answers from it, `whosaw.app.tracelake` keeps one
beside a lake.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from whosaw.app.errors import AppError
from whosaw.terms.durable import UMASK, write_whole
from whosaw.trace import Accesses, Actors, Index, build_index
from whosaw.trace.inputs import Bool, Int64

FORMAT = "whosaw trace index 2"
MANIFEST = "index.json"
ROW = np.dtype([("at_us", "<i8"), ("actor", "<u4"), ("irregular", "?")])  # packed: 13 bytes
SUBJECT, START, ACTOR = np.dtype("<u4"), np.dtype("<i8"), np.dtype("<u4")
_NO_ROWS = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))
_NEAR_BYTES = 1 << 12
"""Spans no further apart than a page are read at once."""


class IndexRefused(AppError, RuntimeError):
    """The index on disk is older than the lake, holds what the lake no longer has, or is damaged."""

    code: ClassVar[str] = "app.trace_index"
    hint = "`whosaw trace index --lake LAKE` brings it up to the lake; `--no-index` reads the lake itself"


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows sorted by subject, actor, time: m subjects, m+1 offsets into the file of rows, and the actors that occur."""

    subject: Any
    start: Any
    actor: Any
    rows: Path

    def read(self, first: Int64, last: Int64) -> tuple[Int64, Int64, Bool]:
        """Return actor, time and irregularity of spans that do not overlap, from offsets `first` to `last`.

        One span comes after the other, in the order given.

        The spans are read, not mapped: around a touched page the kernel maps its neighbours, and a question whose
        subjects lie all over the log would end up with the whole of it.
        """
        begin, length = first * ROW.itemsize, (last - first) * ROW.itemsize
        order = np.argsort(begin, kind="stable")
        low, high, at = begin[order], (begin + length)[order], (np.cumsum(length) - length)[order]
        apart = np.ones(order.size + 1, np.bool_)
        apart[1:-1] = low[1:] - high[:-1] > _NEAR_BYTES
        alone, near = apart[:-1] & apart[1:], np.flatnonzero(~(apart[:-1] & apart[1:]))
        # a span by itself is read to where it belongs; those near one another are read at once, and moved there
        heads, tails = np.flatnonzero(apart[:-1] & ~apart[1:]), np.flatnonzero(~apart[:-1] & apart[1:])
        size = high[tails] - low[heads]
        shift = np.cumsum(size) - size - low[heads]  # from the file to what is read of parts with several spans
        whole, together = bytearray(int(length.sum())), bytearray(int(size.sum()))
        reads = ((low[alone], high[alone], at[alone], whole), (low[heads], high[tails], low[heads] + shift, together))
        _read_parts(self.rows, chain.from_iterable(_views(*each) for each in reads))
        columns = _columns(whole)
        if near.size:
            moved = low[near] + shift[np.cumsum(apart[:-1] & ~apart[1:])[near] - 1]
            source, target = (_rows_of(start, high[near] - low[near]) for start in (moved, at[near]))
            for column, other in zip(columns, _columns(together), strict=True):
                column[target] = other[source]
        return columns

    def places(self, wanted: Any) -> Int64:
        """Return where subjects stand, `subject.size` for one that is not there.

        Args:
            wanted: n subjects, rising, of the file's own type: else all of it is converted.
        """
        if not self.subject.size:
            return np.zeros(wanted.size, np.int64)
        # where no number between is missing, a subject stands as far from the first as its number does
        guess = np.clip(wanted.astype(np.int64) - int(self.subject[0]), 0, self.subject.size - 1)
        rest = np.flatnonzero(self.subject[guess] != wanted)
        at = np.minimum(np.searchsorted(self.subject, wanted[rest]), self.subject.size - 1)
        guess[rest] = np.where(self.subject[at] == wanted[rest], at, self.subject.size)
        return np.asarray(guess)


def _columns(rows: bytearray) -> tuple[Int64, Int64, Bool]:
    """Return actor, time and irregularity of rows, aligned: unaligned numbers are slow to work with."""
    table = np.frombuffer(rows, ROW)
    return table["actor"].astype(np.int64), np.ascontiguousarray(table["at_us"]), table["irregular"].copy()


def _rows_of(start: Int64, length: Int64) -> Int64:
    """Return the numbers of all rows in n spans, given where each begins and its length in bytes."""
    count = length // ROW.itemsize
    before = np.cumsum(count) - count
    return np.asarray(np.arange(int(count.sum())) + np.repeat(start // ROW.itemsize - before, count))


def _views(low: Int64, high: Int64, at: Int64, into: bytearray) -> Iterator[tuple[int, memoryview]]:
    """Yield where n parts of a file begin, and where in `into` they go.

    Nothing is held of a part that was dealt with: tens of thousands would keep the garbage collector busy.
    """
    view = memoryview(into)
    for first, begin, end in zip(low.tolist(), at.tolist(), (at + high - low).tolist(), strict=True):
        yield first, view[begin:end]


def _read_parts(file: Path, parts: Iterable[tuple[int, memoryview]]) -> None:
    """Read parts of a file; what the kernel holds in memory already first, without waiting for a disk."""
    handle, read, at_once = os.open(file, os.O_RDONLY), os.preadv, os.RWF_NOWAIT
    try:
        lacking = []
        for low, into in parts:
            try:
                there = read(handle, (into,), low, at_once) == len(into)
            except OSError:  # not in memory, or a file system that cannot tell
                there = False
            if not there:
                lacking.append((low, into))
        for low, into in lacking:  # told at once, so that the disk can work on many
            os.posix_fadvise(handle, low, len(into), os.POSIX_FADV_WILLNEED)
        for low, into in lacking:
            if read(handle, (into,), low) != len(into):
                raise IndexRefused(f"segment `{file.parent.name}` is damaged: its rows end too early")
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class DiskIndex:
    """An index on disk, opened.

    Args:
        folder: where it lies.
        segments: its parts, mapped into memory.
        files: name → bytes of every file that went in.
        has_reasons: whether the log says why accesses happened.
        rows: accesses in all.
        facts: what else was measured of the log when the index was brought up to it.
    """

    folder: Path
    segments: tuple[Segment, ...]
    files: dict[str, int]
    has_reasons: bool
    rows: int
    facts: dict[str, Any] = field(default_factory=dict)

    def actors(self) -> Int64:
        """Return the numbers of all actors that occur, rising."""
        parts = [np.asarray(segment.actor, np.int64) for segment in self.segments]
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def of(self, subjects: Int64, actors: Actors) -> Index:
        """Return the index of some subjects alone, numbered 0 … n-1 in the order given.

        Args:
            subjects: n distinct subjects, as the files number them.
            actors: all actors, as the files number them.

        Raises:
            InputRefused: a row names an actor that is not there.
        """
        return build_index(self.accesses_of(subjects), actors, subjects.size)

    def accesses_of(self, subjects: Int64) -> Accesses:
        """Return the accesses to some subjects, which are numbered 0 … n-1 in the order given; actors as in the files.

        Args:
            subjects: n distinct subjects, as the files number them.
        """
        place, columns = [np.empty(0, np.int64)], [_NO_ROWS]
        for segment in self.segments:
            known = np.flatnonzero((subjects >= 0) & (subjects <= np.iinfo(SUBJECT).max))
            wanted = subjects[known].astype(SUBJECT)  # as the file has them: else all of it is converted
            order = np.argsort(wanted)  # asked in order, the large arrays are walked through once
            at = segment.places(wanted[order])
            there = at < segment.subject.size
            known, at = known[order][there], at[there]
            start, end = np.asarray(segment.start[at]), np.asarray(segment.start[at + 1])
            order = np.argsort(known)
            known, start, end = known[order], start[order], end[order]
            place.append(np.repeat(known, end - start))
            columns.append(segment.read(start, end))
        actor, at_us, irregular = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        return Accesses(actor, np.concatenate(place), at_us, irregular, self.has_reasons)

    def refuse_unless(self, lake: Mapping[str, int]) -> None:
        """Refuse a lake that is not what went in.

        Args:
            lake: name → bytes of every file of the lake now.

        Raises:
            IndexRefused: the lake holds other files.
        """
        newer = sorted(name for name, size in lake.items() if self.files.get(name) != size)
        if newer:
            raise IndexRefused(f"index `{self.folder.name}` is older than the lake: it lacks {len(newer)} of its files")
        if lost := self.files.keys() - lake.keys():
            raise IndexRefused(f"index `{self.folder.name}` holds {len(lost)} files the lake lost")


def open_index(folder: Path, files: Iterable[Path] | None = None) -> DiskIndex:
    """Open an index, and refuse it where it does not hold exactly the files of the lake.

    Args:
        folder: of the index.
        files: all Parquet files of the lake now; `None` to open it whatever the lake holds.

    Raises:
        IndexRefused: the lake holds other files, or the index is damaged.
    """
    manifest = read_index(folder)
    parts = manifest["segments"]
    held = {name: size for each in parts for name, size in each["files"].items()} | manifest["beside"]
    segments = tuple(_open_segment(folder / each["name"], each["rows"]) for each in parts)
    rows = sum(each["rows"] for each in parts)
    disk = DiskIndex(folder, segments, held, manifest["has_reasons"], rows, manifest["facts"])
    if files is not None:
        disk.refuse_unless({file.name: file.stat().st_size for file in files})
    return disk


def _open_segment(folder: Path, rows: int) -> Segment:
    try:
        subject = np.memmap(folder / "subject", SUBJECT, "r")
        start = np.memmap(folder / "start", START, "r")
        actor = np.memmap(folder / "actor", ACTOR, "r")
        size = (folder / "rows").stat().st_size
    except (OSError, ValueError) as error:
        raise IndexRefused(f"segment `{folder.name}` cannot be read: {error}") from error
    if start.size != subject.size + 1 or size != rows * ROW.itemsize or start[-1] != rows:
        raise IndexRefused(f"segment `{folder.name}` is damaged: its arrays do not fit one another")
    return Segment(subject, start, actor, folder / "rows")


def read_index(folder: Path) -> dict[str, Any]:
    """Return the manifest of an index: its segments with their files, the files beside them, and facts.

    Raises:
        IndexRefused: there is none, or another version wrote it.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexRefused(f"folder `{folder.name}` holds no index") from error
    return manifest


def write_index(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest at once: a build that dies leaves the index as it was."""
    write_whole(folder / MANIFEST, json.dumps(manifest), mode=UMASK)
