"""The log on disk for many questions: sorted by subject, read where a question needs it, extended without rebuilding.

A folder of segments. A segment holds the rows of a Parquet file, sorted by subject, actor and time, 13 bytes each: of
100 million rows a question about 20,000 subjects reads its own spans only. New Parquet files
become a new segment. The manifest names every file that went in; a lake that holds others is newer than the index, or
lost rows since (erasure), and the index refuses.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whosaw.app.errors import AppError
from whosaw.trace import (
    Accesses,
    Actors,
    Attribution,
    Hit,
    Index,
    Marks,
    Population,
    Settings,
    Sightings,
    build_index,
    rank,
)
from whosaw.trace.inputs import Int64

_FORMAT = "whosaw trace index 1"
_MANIFEST = "index.json"
_COLUMNS = ("subject", "actor", "at_us", "irregular")
_ROW = np.dtype([("at_us", "<i8"), ("actor", "<u4"), ("irregular", "?")])  # packed: 13 bytes
_NEAR_BYTES = 1 << 12
"""Spans no further apart than a page are read at once."""
_SUBJECT, _START = np.dtype("<u4"), np.dtype("<i8")
_BATCH_ROWS = 1 << 20


class IndexRefused(AppError, RuntimeError):
    """The index on disk is older than the lake, holds what the lake no longer has, or is damaged."""

    code: ClassVar[str] = "app.trace_index"
    hint = "bring new files in with `extend`; build the index anew where the lake lost files"


@dataclass(frozen=True, slots=True)
class Segment:
    """Rows sorted by subject, actor, time: m subjects, m+1 offsets into the file of rows."""

    subject: Any
    start: Any
    rows: Path

    def read(self, first: Int64, last: Int64) -> Any:
        """Return the rows of spans that do not overlap, one after the other, from offsets `first` to `last`.

        The spans are read, not mapped: around a touched page the kernel maps its neighbours, and a question whose
        subjects lie all over the log would end up with the whole of it.
        """
        begin, end = first * _ROW.itemsize, last * _ROW.itemsize
        order = np.argsort(begin, kind="stable")
        begins = begin[order]
        apart = np.ones(order.size, np.bool_)
        apart[1:] = begins[1:] - end[order][:-1] > _NEAR_BYTES
        heads = np.flatnonzero(apart)
        tails = np.append(heads[1:], order.size) - 1
        handle = os.open(self.rows, os.O_RDONLY)
        try:
            parts = list(zip(begins[heads].tolist(), end[order][tails].tolist(), strict=True))
            for low, high in parts:  # told at once, so that the disk can work on many
                os.posix_fadvise(handle, low, high - low, os.POSIX_FADV_WILLNEED)
            whole = b"".join([os.pread(handle, high - low, low) for low, high in parts])
        finally:
            os.close(handle)
        # where each span lies in what was read
        sizes = np.array([high - low for low, high in parts], np.int64)
        part = np.cumsum(apart) - 1
        shift = (np.cumsum(sizes) - sizes - begins[heads])[part] if heads.size else np.empty(0, np.int64)
        at = np.empty(order.size, np.int64)
        at[order] = (begins + shift) // _ROW.itemsize
        length = last - first
        place = np.arange(int(length.sum())) + np.repeat(at - (np.cumsum(length) - length), length)
        return np.frombuffer(whole, _ROW)[place]


@dataclass(frozen=True, slots=True)
class DiskIndex:
    """An index on disk, opened.

    Args:
        folder: where it lies.
        segments: its parts, mapped into memory.
        files: name → bytes of every Parquet file that went in.
        has_reasons: whether the log says why accesses happened.
        rows: accesses in all.
    """

    folder: Path
    segments: tuple[Segment, ...]
    files: dict[str, int]
    has_reasons: bool
    rows: int

    def of(self, subjects: Int64, actors: Actors) -> Index:
        """Return the index of some subjects alone, numbered 0 … n-1 in the order given.

        Args:
            subjects: n distinct subjects, as the Parquet files number them.
            actors: all actors, as the files number them.

        Raises:
            InputRefused: a row names an actor that is not there.
        """
        place, rows = [], []
        for segment in self.segments:
            at = np.searchsorted(segment.subject, subjects)
            known = np.flatnonzero(at < segment.subject.size)
            known = known[segment.subject[at[known]] == subjects[known]]
            start, end = np.asarray(segment.start[at[known]]), np.asarray(segment.start[at[known] + 1])
            place.append(np.repeat(known, end - start))
            rows.append(segment.read(start, end))
        found = np.concatenate(rows) if rows else np.empty(0, _ROW)
        log = Accesses(
            found["actor"].astype(np.int64),
            np.concatenate(place) if place else np.empty(0, np.int64),
            np.ascontiguousarray(found["at_us"]),
            np.ascontiguousarray(found["irregular"]),
            self.has_reasons,
        )
        return build_index(log, actors, subjects.size)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who could have been contacted, as subjects of the files, and what turned up.

    Args:
        subject: n distinct subjects of the question.
        entered_us: n times from which each could have been contacted.
        population: work items and strata, their subjects as positions among the n; its entry times are not used.
        sightings: complaints, likewise; -1 for somebody whom the log does not know.
        marks: canaries and the like, likewise; they must be among the n with `NEVER` as their entry.
    """

    subject: Int64
    entered_us: Int64
    sightings: Sightings
    population: Population | None = None
    marks: Marks | None = None


def rank_on_disk(disk: DiskIndex, asked: Asked, actors: Actors, settings: Settings) -> Attribution:
    """Answer one question on an index on disk; the answer's subjects are those of the files.

    Args:
        disk: the index.
        asked: the question.
        actors: all actors, as the files number them.
        settings: the method's constants.

    Raises:
        InputRefused: as for `whosaw.trace.rank`.
    """
    # neighbours in time of entry become neighbours in the index: matched sets are ranges then, and quick to count
    order = np.argsort(asked.entered_us, kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    index = disk.of(asked.subject[order], actors)
    population, marks = asked.population or Population(asked.entered_us), asked.marks or Marks()
    population = replace(
        population,
        entered_us=asked.entered_us[order],
        work_subject=_moved(place, population.work_subject),
        stratum=None if population.stratum is None else population.stratum[order],
    )
    sightings = replace(asked.sightings, subject=_moved(place, asked.sightings.subject))
    marks = replace(marks, subject=_moved(place, marks.subject))
    return _renamed(rank(index, population, sightings, settings, marks=marks), asked.subject[order])


def _moved(place: Int64, subject: Int64) -> Int64:
    """Return the new positions of subjects; who is unknown stays so."""
    return np.where(subject >= 0, place[np.maximum(subject, 0)], subject) if subject.size else subject


def _renamed(found: Attribution, subject: Int64) -> Attribution:
    """Return an answer with the files' own numbers of subjects."""

    def names(places: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(int(subject[place]) for place in places)

    scope = found.scope
    likely = sorted(zip(names(scope.probable), scope.chance, strict=True))
    scope = replace(
        scope,
        certain=tuple(sorted(names(scope.certain))),
        probable=tuple(each for each, _ in likely),
        possible=tuple(sorted(names(scope.possible))),
        chance=tuple(chance for _, chance in likely),
    )
    candidates = tuple(
        replace(each, hits=tuple(_hit(hit, int(subject[hit.subject])) for hit in each.hits)) if each.hits else each
        for each in found.candidates
    )
    return replace(found, scope=scope, candidates=candidates)


def _hit(hit: Hit, subject: int) -> Hit:
    return Hit(subject, hit.contacted_us, hit.opened_us, hit.irregular, hit.share, hit.irregular_share)


def create(folder: Path, files: Sequence[Path], *, has_reasons: bool) -> DiskIndex:
    """Build an index of Parquet files that are each sorted by subject.

    Args:
        folder: where to put it; made anew.
        files: with the columns `subject`, `actor`, `at_us` (integers ≥ 0) and `irregular`.
        has_reasons: whether the log says why accesses happened.

    Raises:
        IndexRefused: there is something else at the folder, a file lacks a column or is not sorted by subject.
    """
    if folder.exists():
        if any(folder.iterdir()) and not (folder / _MANIFEST).exists():
            raise IndexRefused(f"folder `{folder.name}` holds something that is no index")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _write_manifest(folder, {"format": _FORMAT, "has_reasons": has_reasons, "segments": [], "files": {}})
    return extend(folder, files)


def extend(folder: Path, files: Sequence[Path]) -> DiskIndex:
    """Bring further Parquet files in as one new segment; files that are in already are left out.

    Args:
        folder: of the index.
        files: as for `create`.

    Raises:
        IndexRefused: as for `create`, or the index is damaged.
    """
    manifest = _read_manifest(folder)
    new = [file for file in files if file.name not in manifest["files"]]
    for file in new:
        name = f"{len(manifest['segments']):06}"
        rows = _write_segment(folder / name, file)
        manifest["segments"].append({"name": name, "rows": rows})
        manifest["files"][file.name] = file.stat().st_size
    if new:
        _write_manifest(folder, manifest)
    return open_index(folder, files=None)


def open_index(folder: Path, files: Iterable[Path] | None) -> DiskIndex:
    """Open an index, and refuse it where it does not hold exactly the files of the lake.

    Args:
        folder: of the index.
        files: all Parquet files of the lake now; `None` to open it whatever the lake holds.

    Raises:
        IndexRefused: the lake holds other files, or the index is damaged.
    """
    manifest = _read_manifest(folder)
    if files is not None:
        held: dict[str, int] = manifest["files"]
        lake = {file.name: file.stat().st_size for file in files}
        newer = sorted(name for name, size in lake.items() if held.get(name) != size)
        if newer:
            raise IndexRefused(f"index `{folder.name}` is older than the lake: it lacks {len(newer)} of its files")
        if held.keys() - lake.keys():
            raise IndexRefused(f"index `{folder.name}` holds {len(held.keys() - lake.keys())} files the lake lost")
    segments = tuple(_open_segment(folder / each["name"], each["rows"]) for each in manifest["segments"])
    rows = sum(each["rows"] for each in manifest["segments"])
    return DiskIndex(folder, segments, manifest["files"], manifest["has_reasons"], rows)


def _open_segment(folder: Path, rows: int) -> Segment:
    try:
        subject = np.memmap(folder / "subject", _SUBJECT, "r")
        start = np.memmap(folder / "start", _START, "r")
        size = (folder / "rows").stat().st_size
    except (OSError, ValueError) as error:
        raise IndexRefused(f"segment `{folder.name}` cannot be read: {error}") from error
    if start.size != subject.size + 1 or size != rows * _ROW.itemsize or start[-1] != rows:
        raise IndexRefused(f"segment `{folder.name}` is damaged: its arrays do not fit one another")
    return Segment(subject, start, folder / "rows")


def _write_segment(folder: Path, file: Path) -> int:
    """Write the arrays of one Parquet file, and return its rows; nothing of it counts before the manifest names it."""
    if folder.exists():
        shutil.rmtree(folder)  # left by a build that died
    folder.mkdir()
    outs = {name: (folder / name).open("wb") for name in ("subject", "start", "rows")}
    rows = 0
    try:
        for subject, packed in _packed_batches(file):
            first = np.flatnonzero(np.diff(subject, prepend=-1))
            outs["subject"].write(subject[first].astype(_SUBJECT).tobytes())
            outs["start"].write((first + rows).astype(_START).tobytes())
            outs["rows"].write(packed.data)
            rows += subject.size
        outs["start"].write(np.array([rows], _START).tobytes())
    finally:
        for out in outs.values():
            out.flush()
            os.fsync(out.fileno())
            out.close()
    if rows == 0:
        raise IndexRefused(f"file `{file.name}` holds no row")
    return rows


def _packed_batches(file: Path) -> Iterator[tuple[Int64, Any]]:
    """Yield sorted rows as the index holds them; two batches are sorted beside the one that is read."""
    waiting: deque[Future[tuple[Int64, Any]]] = deque()
    with ThreadPoolExecutor(2) as pool:
        for columns in _whole_subjects(file):
            waiting.append(pool.submit(_packed, columns))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _whole_subjects(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows in order of subject, cut between subjects."""
    kept: dict[str, Any] = {name: np.empty(0, np.int64) for name in _COLUMNS}
    last = -1
    for batch in _batches(file):
        columns = {name: np.concatenate([kept[name], batch[name]]) for name in _COLUMNS}
        subject = columns["subject"]
        if (np.diff(subject, prepend=last) < 0).any() or columns["actor"].min() < 0:
            raise IndexRefused(f"file `{file.name}` is not sorted by subject, or names an actor below 0")
        cut = int(np.searchsorted(subject, subject[-1]))
        kept = {name: column[cut:] for name, column in columns.items()}
        if cut:
            last = int(subject[cut - 1])
            yield {name: column[:cut] for name, column in columns.items()}
    if kept["subject"].size:
        yield kept


def _packed(columns: dict[str, Any]) -> tuple[Int64, Any]:
    """Return subjects and rows, sorted by subject, actor, time."""
    subject, actor = columns["subject"], columns["actor"]
    width = int(actor.max()) + 1
    key = (subject - subject[0]) * width + actor
    if (int(subject[-1] - subject[0]) + 1) * width < 1 << 32:
        key = key.astype(np.uint32)  # sorts faster
    order = np.argsort(key)
    key, at_us = key[order], columns["at_us"][order]
    again = np.flatnonzero(key[1:] == key[:-1])
    if again.size:  # rows of one pair: only these need to be put in order of time
        those = np.union1d(again, again + 1)
        inner = those[np.lexsort((columns["irregular"][order[those]], at_us[those], key[those]))]
        order[those], at_us[those] = order[inner], at_us[inner]
    packed = np.empty(order.size, _ROW)
    packed["at_us"], packed["actor"], packed["irregular"] = at_us, actor[order], columns["irregular"][order]
    return subject, packed  # the subjects were in order before


def _batches(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(file) as parquet:
            lacking = [name for name in _COLUMNS if name not in parquet.schema_arrow.names]
            if lacking:
                raise IndexRefused(f"file `{file.name}` lacks column `{lacking[0]}`")
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=list(_COLUMNS)):
                if batch.num_rows:
                    yield {
                        name: batch.column(name).cast(pa.int64()).to_numpy()
                        if name != "irregular"
                        else batch.column(name).to_numpy(zero_copy_only=False)
                        for name in _COLUMNS
                    }
    except (OSError, pa.ArrowInvalid) as error:
        raise IndexRefused(f"file `{file.name}` cannot be read") from error


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != _FORMAT:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexRefused(f"folder `{folder.name}` holds no index") from error
    return manifest


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace the manifest at once: a build that dies leaves the index as it was."""
    draft = folder / f".{_MANIFEST}"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(manifest, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / _MANIFEST)
