"""Merging: the many small files of a running export become few; past days one month, past months one quarter.

After a merge the files of a partition are sorted by subject throughout and hold disjoint ranges of subjects, so a
question about a few people reads a few row groups in each partition, and an erasure rewrites few files. A merge works
on one range at a time: its memory is that of one file.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from whosaw.lake.place import Place
from whosaw.lake.trailfiles import FILE_ROWS, read_file, write_file
from whosaw.lake.trailmanifest import RowFile, TrailManifest, write_trail
from whosaw.lake.trailrows import in_order

_WORTH = 10
_MANY = 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """When files are merged, and how large they may be.

    Args:
        file_rows: rows in one file at most; a file is larger only where one subject alone has more.
        day_files: files of one day from which on they are merged.
        month_after_days: a day is merged into its month when it lies this many days behind the newest.
    """

    file_rows: int = FILE_ROWS
    day_files: int = 12
    month_after_days: int = 3


def compact(place: Place, manifest: TrailManifest, sizes: Sizes) -> TrailManifest:
    """Merge what is due and return the manifest that names the merged files; rows are the same before and after.

    Raises:
        LakeDamaged: a file cannot be read.
        LakeUnwritable: there is no room; what was not merged stays as it was.
    """
    days: defaultdict[str, list[RowFile]] = defaultdict(list)
    for file in manifest.files:
        if file.partition.startswith("day="):
            days[file.partition].append(file)
    months: defaultdict[str, list[RowFile]] = defaultdict(list)
    for day in sorted(days)[: -sizes.month_after_days or None] if len(days) > sizes.month_after_days else []:
        months[f"month={day[4:11]}"] += days.pop(day)
    for partition, files in months.items():
        manifest = _merge_into(place, manifest, partition, files, sizes)
    for partition, files in _quarters(manifest).items():
        manifest = _merge_into(place, manifest, partition, files, sizes)
    for partition, files in days.items():
        small = _small(files, sizes)
        if len(small) >= sizes.day_files:
            manifest = _merge(place, manifest, small, partition, sizes)
    return manifest


def _quarters(manifest: TrailManifest) -> dict[str, list[RowFile]]:
    """Return by quarter the files of the months in it that are past: a later month has begun, and no day is left."""
    newest = max((_month_of(each) for each in manifest.files), default="")
    open_months = {_month_of(each) for each in manifest.files if each.partition.startswith("day=")} | {newest}
    quarters: defaultdict[str, list[RowFile]] = defaultdict(list)
    for file in manifest.files:
        month = _month_of(file)
        if file.partition.startswith("month=") and month not in open_months:
            quarters[f"quarter={month[:4]}-Q{(int(month[5:]) + 2) // 3}"].append(file)
    return quarters


def _month_of(file: RowFile) -> str:
    """Return the month of a file of a day or month; nothing of a quarter, which lies before them."""
    kind, _, date = file.partition.partition("=")
    return date[:7] if kind != "quarter" else ""


def _merge_into(
    place: Place, manifest: TrailManifest, partition: str, files: Sequence[RowFile], sizes: Sizes
) -> TrailManifest:
    """Merge files into a partition with what stands there, where that is worth it."""
    standing = [each for each in manifest.files if each.partition == partition]
    if not _is_worth_it(standing, files, sizes):
        return manifest
    return _merge(place, manifest, [*standing, *files], partition, sizes)


def _is_worth_it(standing: Sequence[RowFile], files: Sequence[RowFile], sizes: Sizes) -> bool:
    """Return whether enough is there to write a month or quarter anew: a few late rows wait."""
    there, new = sum(each.rows for each in standing), sum(each.rows for each in files)
    return new * _WORTH >= there or len(files) >= _MANY * sizes.day_files


def _small(files: Sequence[RowFile], sizes: Sizes) -> list[RowFile]:
    """Return those to merge: like with like, so that no row is written anew each time a few come."""
    tiers: defaultdict[int, list[RowFile]] = defaultdict(list)
    for file in files:
        if file.rows < sizes.file_rows:
            tiers[int(math.log(file.rows, sizes.day_files))].append(file)
    due = [held for held in tiers.values() if len(held) >= sizes.day_files]
    return due[0] if due else []


def _merge(
    place: Place, manifest: TrailManifest, files: Sequence[RowFile], partition: str, sizes: Sizes
) -> TrailManifest:
    bounds = _bounds(place, files, sizes.file_rows)
    newest = max(files, key=lambda each: each.size)
    span = (min(each.first for each in files), max(each.end for each in files))
    merged = []
    for low, high in bounds:
        parts = [read_file(place, each, between=(low, high)) for each in files if _meets(each, low, high)]
        rows = in_order(pa.concat_tables(parts))
        if rows.num_rows:
            merged.append(write_file(place, partition, rows, span, (newest.size, newest.root)))
    if sum(each.rows for each in merged) != sum(each.rows for each in files):
        place.remove(each.name for each in merged)
        raise RuntimeError("a merge would have changed the number of rows")
    done = manifest.swapped(files, merged)
    write_trail(place, done)
    place.remove(each.name for each in files)
    return done


def _bounds(place: Place, files: Sequence[RowFile], file_rows: int) -> list[tuple[int | None, int | None]]:
    """Return half-open ranges of subjects of about equally many rows; the last one holds the rows without a subject."""
    rows = sum(each.rows for each in files)
    pieces = math.ceil(rows / file_rows)
    if pieces == 1:
        return [(None, None)]
    columns = [pc.drop_null(read_file(place, each, columns=["subject"])["subject"]) for each in files]
    subjects = np.sort(pa.chunked_array([chunk for each in columns for chunk in each.chunks], pa.int64()).to_numpy())
    if not len(subjects):
        return [(None, None)]
    cuts = np.unique(subjects[[len(subjects) * piece // pieces for piece in range(1, pieces)]]).tolist()
    return list(zip([None, *cuts], [*cuts, None], strict=True))


def _meets(file: RowFile, low: int | None, high: int | None) -> bool:
    if file.low is None or file.high is None or high is None:
        return high is None  # rows without a subject go with the last range
    return (low is None or file.high >= low) and file.low < high
