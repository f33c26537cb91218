"""Erasure reaches the lake: rows of erased entries are taken out, and the files that held them are gone.

A file is rewritten without the rows, statistics and all; the old one is deleted once the manifest names the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from whosaw.lake.place import Place
from whosaw.lake.trailfiles import read_file, write_file
from whosaw.lake.trailmanifest import RowFile, TrailManifest, write_trail


def blank(place: Place, manifest: TrailManifest, erased: Sequence[int]) -> tuple[TrailManifest, int]:
    """Take the rows of erased entries out and return the manifest that says so, and how many rows there were.

    Args:
        place: the trail's folder.
        manifest: what it holds.
        erased: indices of every erased entry below the manifest's end, ascending.

    Raises:
        LakeDamaged: a file cannot be read.
        LakeUnwritable: there is no room; nothing was changed.
    """
    indices = pa.array(erased, pa.int64())
    out: list[RowFile] = []
    into: list[RowFile] = []
    for file in manifest.files:
        within = pc.filter(indices, pc.and_(pc.greater_equal(indices, file.first), pc.less(indices, file.end)))
        if not len(within) or not _holds(place, file, within):
            continue
        rows = read_file(place, file)
        kept = rows.filter(pc.invert(pc.is_in(rows["entry"], value_set=within)))
        out.append(file)
        if kept.num_rows:
            into.append(write_file(place, file.partition, kept, (file.first, file.end), (file.size, file.root)))
    done = replace(manifest.swapped(out, into), erased=len(erased))
    write_trail(place, done)
    place.remove(each.name for each in out)
    return done, sum(each.rows for each in out) - sum(each.rows for each in into)


def _holds(place: Place, file: RowFile, entries: pa.Array) -> bool:
    read = read_file(place, file, columns=["entry"])
    return bool(pc.any(pc.is_in(read["entry"], value_set=entries)).as_py())
