"""Rows come out in order, each once, however they come in and however little of them is held at once."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosaw.lake import ordered
from whosaw.lake.ordered import Parquet, set_aside, write_ordered

SCHEMA = pa.schema(
    [
        ("subject", pa.int64()),
        ("beneficiary", pa.int64()),
        ("at_us", pa.int64()),
        ("says_why", pa.bool_()),
        ("source", pa.int32()),
        ("identity", pa.binary()),
    ]
)


def batches(rows: list[dict[str, Any]], size: int, with_subject: bool = True) -> list[pa.RecordBatch]:
    fields = [("subject", pa.int64())] if with_subject else []
    schema = pa.schema([*fields, ("at_us", pa.int64()), ("line", pa.int64()), ("identity", pa.binary())])
    return [pa.RecordBatch.from_pylist(rows[at : at + size], schema=schema) for at in range(0, len(rows), size)]


def made(count: int, subjects: int, unknown: float) -> list[dict[str, Any]]:
    rng = random.Random(count)
    rows = [
        {
            "subject": None if rng.random() < unknown else 1 + int(rng.random() ** 4 * subjects),
            "at_us": rng.randrange(-50, 50),
            "line": line,
            "identity": line.to_bytes(4, "big"),
        }
        for line in range(count)
    ]
    rng.shuffle(rows)
    return rows


def order(row: dict[str, Any]) -> tuple[bool, int, int, int]:
    return row["subject"] is None, row["subject"] or 0, row["at_us"], row["line"]


def written(folder: Path, parts: list[pa.RecordBatch], rows: int) -> pa.Table:
    (folder / "runs").mkdir()
    runs = set_aside(parts, rows, folder / "runs")
    with Parquet(folder / "out.parquet", SCHEMA, {"says_why": True, "source": 7}) as output:
        write_ordered(runs, output)
    assert not list((folder / "runs").iterdir())
    return pq.read_table(folder / "out.parquet")


@pytest.mark.parametrize(
    ("count", "subjects", "unknown"), [(0, 1, 0.0), (1, 1, 0.0), (700, 30, 0.1), (700, 1, 0.0), (700, 5, 1.0)]
)
@pytest.mark.parametrize(("run", "block", "loaded"), [(64, 4, 8), (100, 16, 400), (1 << 16, 1 << 12, 1 << 17)])
def test_rows_come_out_by_subject_time_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, subjects: int, unknown: float, run: int, block: int,
    loaded: int,
) -> None:  # fmt: skip
    for name, value in {"_LEAST_RUN": run, "_BLOCK": block, "_LOADED": loaded, "_GROUP": 90, "_AT_ONCE": 3}.items():
        monkeypatch.setattr(ordered, name, value)
    rows = made(count, subjects, unknown)
    found = written(tmp_path, batches(rows, 50), count)
    wanted = sorted(rows, key=order)
    assert found["identity"].to_pylist() == [row["identity"] for row in wanted]
    assert found["subject"].to_pylist() == [row["subject"] for row in wanted]
    assert found["at_us"].to_pylist() == [row["at_us"] for row in wanted]
    assert set(found["says_why"].to_pylist()) <= {True}
    assert set(found["source"].to_pylist()) <= {7}
    assert found["beneficiary"].null_count == count
    groups = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert all(0 < groups.row_group(at).num_rows <= 90 for at in range(groups.num_row_groups))


def test_rows_of_nobody_at_all_are_ordered_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered, "_LEAST_RUN", 64)
    rows = made(300, 1, 0.0)
    found = written(tmp_path, batches(rows, 30, with_subject=False), 300)
    assert found["identity"].to_pylist() == [r["identity"] for r in sorted(rows, key=lambda r: (r["at_us"], r["line"]))]
    assert found["subject"].null_count == 300
