"""A Parquet log: typed times, canonical rows, the same counting as CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosaw.lake.errors import LogColumnMissing, LogUnreadable, ZoneMissing
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.opened import opened
from whosaw.terms import to_us

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def bring(folder: Path, table: pa.Table, **changes: Any) -> ImportReport:
    path = folder / "log.parquet"
    pq.write_table(table, path)
    mapping = {"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "when"}} | changes
    return import_log(path, read_mapping(mapping), folder / "lake")


def table(when: Any, **columns: Any) -> pa.Table:
    size = len(when)
    return pa.table({"who": ["a"] * size, "whom": list(range(size)), "when": when} | columns)


def times(folder: Path) -> list[int]:
    with opened(folder / "lake") as lake:
        return [row[0] for row in lake.rows("SELECT at_us FROM accesses ORDER BY at_us")]


def test_times_with_a_zone_are_taken_as_they_are(tmp_path: Path) -> None:
    when = pa.array([NOON, None], pa.timestamp("ms", "Europe/Amsterdam"))
    report = bring(tmp_path, table(when))
    assert (report.rows, report.accepted, report.rejected) == (2, 1, 1)
    assert times(tmp_path) == [to_us(NOON)]


def test_nanoseconds_are_cut_to_microseconds(tmp_path: Path) -> None:
    when = pa.array([to_us(NOON) * 1000 + 999], pa.int64()).cast(pa.timestamp("ns", "UTC"))
    bring(tmp_path, table(when))
    assert times(tmp_path) == [to_us(NOON)]


def test_times_without_a_zone_need_the_mappings(tmp_path: Path) -> None:
    when = pa.array([NOON.replace(tzinfo=None)], pa.timestamp("us"))
    with pytest.raises(ZoneMissing, match="carry no zone"):
        bring(tmp_path, table(when))
    bring(tmp_path, table(when), time={"zone": "Europe/Amsterdam"})
    assert times(tmp_path) == [to_us(NOON) - 3_600_000_000]


def test_a_time_outside_the_calendar_is_rejected_alone(tmp_path: Path) -> None:
    when = pa.array([2**62, to_us(NOON)], pa.int64()).cast(pa.timestamp("us"))
    report = bring(tmp_path, table(when), time={"zone": "Europe/Amsterdam"})
    assert (report.accepted, report.rejected) == (1, 1)


def test_texts_numbers_and_nested_values_are_read(tmp_path: Path) -> None:
    columns = {
        "who": pa.array(["a", None, " ", "a"]).dictionary_encode(),
        "cost": [Decimal("1.5")] * 4,
        "raw": [b"\xff"] * 4,
        "tags": [["x", "y"], None, [], ["z"]],
        "ok": [True, False, None, True],
    }
    report = bring(tmp_path, table([NOON.isoformat()] * 4, **columns))
    assert (report.rows, report.accepted, report.rejected) == (4, 2, 2)


def test_row_groups_compression_and_column_order_do_not_change_a_row(tmp_path: Path) -> None:
    rows = table([NOON.isoformat()] * 3)
    bring(tmp_path, rows)
    path = tmp_path / "other.parquet"
    pq.write_table(rows.select(["when", "whom", "who"]), path, compression="zstd", row_group_size=1)
    mapping = read_mapping({"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "when"}})
    report = import_log(path, mapping, tmp_path / "lake")
    assert (report.accepted, report.duplicates) == (0, 3)


def test_equal_rows_stay_and_a_missing_column_is_named(tmp_path: Path) -> None:
    rows = pa.concat_tables([table([NOON.isoformat()])] * 3)
    assert bring(tmp_path, rows).accepted == 3
    with pytest.raises(LogColumnMissing, match="has no column `who`"):
        bring(tmp_path, rows.rename_columns(["x", "whom", "when"]))


def test_a_text_that_is_no_utf_8_refuses_the_log(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"k\xce")])
    with pytest.raises(LogUnreadable, match="not a sound Parquet file"):
        bring(tmp_path, table(pa.array([NOON], pa.timestamp("us", "UTC")), who=broken))
    assert not list((tmp_path / "lake").glob("*.parquet"))
