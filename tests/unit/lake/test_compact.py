"""Merging: days become months, months that are past become quarters, and no row changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from whosaw.lake.compact import Sizes, compact
from whosaw.lake.place import Folder
from whosaw.lake.trailfiles import read_file, write_rows
from whosaw.lake.trailmanifest import TrailManifest, read_trail
from whosaw.lake.trailrows import SAID, read_payloads, rows_of

ORIGIN = "acme.example/trail"
SIZES = Sizes(file_rows=6, day_files=2, month_after_days=1)


def grown(place: Folder, manifest: TrailManifest, months: list[int]) -> TrailManifest:
    """Add two days of each month of 2026, three entries a day, and merge what is due after each."""
    for month in months:
        for day in (3, 9):
            first = manifest.end
            at = int(datetime(2026, month, day, tzinfo=UTC).timestamp()) * 1_000_000
            said = [json.dumps({"kind": "disclosure", "at": at, "subject": 1 + (first + n) % 7}) for n in range(3)]
            rows = rows_of(ORIGIN, read_payloads(pa.table([range(first, first + 3), said], schema=SAID)), {})
            files = write_rows(place, rows, (first, first + 3), (first + 3, "00"), SIZES.file_rows)
            manifest = TrailManifest(ORIGIN, first + 3, "00", 0, (*manifest.files, *files))
            manifest = compact(place, manifest, SIZES)
    return manifest


def partitions(manifest: TrailManifest) -> list[str]:
    return sorted({each.partition for each in manifest.files})


def entries(place: Folder, manifest: TrailManifest) -> list[int]:
    held = [read_file(place, each)["entry"].to_pylist() for each in manifest.files]
    return sorted(entry for each in held for entry in each)


def test_months_that_are_past_become_quarters_and_no_row_changes(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    manifest = grown(place, TrailManifest(ORIGIN), [1, 2])
    assert partitions(manifest) == ["day=2026-02-09", "month=2026-02", "quarter=2026-Q1"]
    manifest = grown(place, manifest, [3, 4, 5])
    assert partitions(manifest) == ["day=2026-05-09", "month=2026-05", "quarter=2026-Q1", "quarter=2026-Q2"]
    assert entries(place, manifest) == list(range(manifest.end))
    assert read_trail(place) == manifest
    assert sorted(place.names()) == sorted(["MANIFEST.json", *manifest.names()])
    bounds = sorted((each.low, each.high) for each in manifest.files if each.partition == "quarter=2026-Q1")
    assert len(bounds) > 1
    assert all(one[1] < other[0] for one, other in pairwise(bounds) if one[1] and other[0])


def test_a_month_waits_while_a_day_of_it_is_left_or_no_later_one_has_begun(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    manifest = grown(place, TrailManifest(ORIGIN), [1])
    assert partitions(manifest) == ["day=2026-01-09", "month=2026-01"]
    waiting = compact(place, manifest, Sizes(file_rows=6, day_files=2, month_after_days=9))
    assert partitions(waiting) == partitions(manifest)
