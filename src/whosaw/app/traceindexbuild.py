"""Building the index on disk: rows sorted by subject become segments, and new files are brought in beside the old ones.

Nothing counts before the manifest names it: a build that dies leaves the index as it was.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whosaw.app.traceindex import (
    ACTOR,
    FORMAT,
    MANIFEST,
    ROW,
    START,
    SUBJECT,
    DiskIndex,
    IndexRefused,
    open_index,
    read_index,
    write_index,
)
from whosaw.trace.inputs import Int64

_BATCH_ROWS = 1 << 18
"""As many as fit into a processor's cache with what is made of them."""

COLUMNS = ("subject", "actor", "at_us", "irregular")

Columns = dict[str, Any]
"""`subject`, `actor`, `at_us` as 64-bit integers, and the flags `irregular`; one value per access."""


def create(folder: Path, files: Sequence[Path], *, has_reasons: bool) -> DiskIndex:
    """Build an index of Parquet files that are each sorted by subject.

    Args:
        folder: where to put it; made anew.
        files: with the columns `subject`, `actor`, `at_us` (integers ≥ 0) and `irregular`.
        has_reasons: whether the log says why accesses happened.

    Raises:
        IndexRefused: there is something else at the folder, a file lacks a column or is not sorted by subject.
    """
    begin(folder, has_reasons=has_reasons)
    return extend(folder, files)


def begin(folder: Path, *, has_reasons: bool) -> None:
    """Make an index without rows; an older one at the folder is removed.

    Raises:
        IndexRefused: there is something else at the folder.
    """
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MANIFEST).exists():
            raise IndexRefused(f"folder `{folder.name}` holds something that is no index")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True)
    write_index(folder, {"format": FORMAT, "has_reasons": has_reasons, "segments": [], "beside": {}, "facts": {}})


def extend(folder: Path, files: Sequence[Path]) -> DiskIndex:
    """Bring further Parquet files in, each as a new segment; files that are in already are left out.

    Args:
        folder: of the index.
        files: as for `create`.

    Raises:
        IndexRefused: as for `create`, or the index is damaged.
    """
    held = open_index(folder).files
    for file in (file for file in files if file.name not in held):
        add_segment(folder, {file.name: file.stat().st_size}, _batches(file))
    return open_index(folder)


def add_segment(
    folder: Path, files: Mapping[str, int], batches: Iterable[Columns], *, instead_of: frozenset[str] = frozenset()
) -> None:
    """Write the rows of some files as one segment.

    Args:
        folder: of the index.
        files: name → bytes of the files.
        batches: their rows, sorted by subject.
        instead_of: names of older segments, which go as the new one comes.

    Raises:
        IndexRefused: there is no row, or they are not sorted.
    """
    manifest = read_index(folder)
    number = 1 + max((int(each["name"]) for each in manifest["segments"]), default=-1)
    rows = _write_segment(folder / f"{number:06}", batches, next(iter(files), ""))
    kept = [each for each in manifest["segments"] if each["name"] not in instead_of]
    write_index(folder, manifest | {"segments": [*kept, {"name": f"{number:06}", "rows": rows, "files": dict(files)}]})
    for name in instead_of:
        shutil.rmtree(folder / name, ignore_errors=True)


def remove_segments(folder: Path, names: frozenset[str]) -> None:
    """Take segments out of an index."""
    manifest = read_index(folder)
    kept = [each for each in manifest["segments"] if each["name"] not in names]
    write_index(folder, manifest | {"segments": kept})
    for name in names:
        shutil.rmtree(folder / name, ignore_errors=True)


def _write_segment(folder: Path, batches: Iterable[Columns], name: str) -> int:
    """Write the arrays of one segment, and return its rows; nothing of it counts before the manifest names it."""
    if folder.exists():
        shutil.rmtree(folder)  # left by a build that died
    folder.mkdir()
    outs = {each: (folder / each).open("wb") for each in ("subject", "start", "rows", "actor")}
    rows, occurs = 0, np.zeros(0, np.bool_)
    try:
        for part in _packed_batches(_whole_subjects(batches, name)):
            outs["subject"].write(part.subject.tobytes())
            outs["start"].write((part.first + rows).astype(START).tobytes())
            outs["rows"].write(part.packed.data)
            rows += part.packed.size
            occurs = _together(occurs, part.actor)
        outs["start"].write(np.array([rows], START).tobytes())
        outs["actor"].write(np.flatnonzero(occurs).astype(ACTOR).tobytes())
    finally:
        for out in outs.values():
            out.flush()
            os.fsync(out.fileno())
            out.close()
    if rows == 0:
        raise IndexRefused(f"file `{name}` holds no row")
    return rows


def _together(one: Any, other: Any) -> Any:
    """Return flags that are set where either are; the shorter ones are continued with false."""
    longer, shorter = (one, other) if one.size >= other.size else (other, one)
    longer[: shorter.size] |= shorter
    return longer


@dataclass(frozen=True, slots=True)
class _Part:
    """Sorted rows as the index holds them; where the rows of each of its subjects begin; flags of its actors."""

    subject: Any
    first: Int64
    actor: Any
    packed: Any


def _packed_batches(whole: Iterable[Columns]) -> Iterator[_Part]:
    """Yield sorted rows as the index holds them; two batches are sorted beside the one that is read."""
    waiting: deque[Future[_Part]] = deque()
    with ThreadPoolExecutor(2) as pool:
        for columns in whole:
            waiting.append(pool.submit(_packed, columns))
            if len(waiting) > 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _whole_subjects(batches: Iterable[Columns], name: str) -> Iterator[Columns]:
    """Yield the rows in order of subject, cut between subjects."""
    kept: Columns = {}
    last = 0
    for batch in batches:
        columns = {each: np.concatenate([kept[each], batch[each]]) if kept else batch[each] for each in COLUMNS}
        subject = columns["subject"]
        if subject[0] < last or (subject[1:] < subject[:-1]).any() or columns["actor"].min() < 0:
            raise IndexRefused(f"file `{name}` is not sorted by subject, or names an actor below 0")
        cut = int(np.searchsorted(subject, subject[-1]))
        kept = {each: column[cut:] for each, column in columns.items()}
        if cut:
            last = int(subject[cut - 1])
            yield {each: column[:cut] for each, column in columns.items()}
    if kept:
        yield kept


def _packed(columns: Columns) -> _Part:
    """Return rows sorted by subject, actor, time."""
    subject, actor = columns["subject"], columns["actor"]
    order, same = _by_pair(subject - subject[0], actor)
    at_us = columns["at_us"][order]
    again = np.flatnonzero(same)
    if again.size:  # rows of one pair: only these need to be put in order of time
        those = np.union1d(again, again + 1)
        inner = those[
            np.lexsort((columns["irregular"][order[those]], at_us[those], actor[order[those]], subject[those]))
        ]
        order[those], at_us[those] = order[inner], at_us[inner]
    packed = np.empty(order.size, ROW)
    packed["at_us"], packed["actor"], packed["irregular"] = at_us, actor[order], columns["irregular"][order]
    first = np.append(0, np.flatnonzero(subject[1:] != subject[:-1]) + 1)  # the subjects were in order before
    return _Part(subject[first].astype(SUBJECT), first, np.bincount(actor) > 0, packed)


def _by_pair(subject: Int64, actor: Int64) -> tuple[Int64, Any]:
    """Return the order by subject and actor, and which row of it has the pair of the next one."""
    key = subject * (int(actor.max()) + 1) + actor
    bits = int(subject.size).bit_length()
    if int(subject[-1] + 1) * (int(actor.max()) + 1) < 1 << (63 - bits):
        # key and place in one number: sorting numbers is quicker than sorting places
        key = key << bits | np.arange(subject.size)
        key.sort()
        order, key = key & ((1 << bits) - 1), key >> bits
    else:
        order = np.argsort(key)
        key = key[order]
    return order, key[1:] == key[:-1]


def _batches(file: Path) -> Iterator[Columns]:
    try:
        with pq.ParquetFile(file, pre_buffer=False) as parquet:  # else the whole file is kept in memory
            lacking = [name for name in COLUMNS if name not in parquet.schema_arrow.names]
            if lacking:
                raise IndexRefused(f"file `{file.name}` lacks column `{lacking[0]}`")
            for batch in parquet.iter_batches(_BATCH_ROWS, columns=list(COLUMNS)):
                if batch.num_rows:
                    yield {
                        name: batch.column(name).cast(pa.int64()).to_numpy()
                        if name != "irregular"
                        else batch.column(name).to_numpy(zero_copy_only=False)
                        for name in COLUMNS
                    }
    except (OSError, pa.ArrowInvalid) as error:
        raise IndexRefused(f"file `{file.name}` cannot be read") from error
