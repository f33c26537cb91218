"""The lake's engine touches its folder and nothing else, and cannot be talked out of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosaw.lake.engine import engine
from whosaw.lake.errors import LakeDamaged


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    inside, outside = tmp_path / "it's a lake", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        pq.write_table(pa.table({"a": [1]}), folder / "rows.parquet")
    return inside, outside


def test_files_of_the_lake_can_be_read_and_written(folders: tuple[Path, Path]) -> None:
    inside, _ = folders
    with engine(inside) as connection:
        assert connection.execute("SELECT a FROM read_parquet(?)", [str(inside / "rows.parquet")]).fetchall() == [(1,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_parquet('{outside}/rows.parquet')",
        "SELECT * FROM read_parquet('{inside}/../outside/rows.parquet')",
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '{outside}/new.parquet'",
        "ATTACH '{outside}/new.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '99GB'",
        "SELECT * FROM folders",
    ],
)
def test_nothing_else_can_be_reached_or_changed(folders: tuple[Path, Path], statement: str) -> None:
    inside, outside = folders
    with pytest.raises((duckdb.Error, LakeDamaged)), engine(inside) as connection:
        connection.execute(statement.format(inside=str(inside).replace("'", "''"), outside=outside))
    assert [path.name for path in outside.iterdir()] == ["rows.parquet"]


def test_what_does_not_fit_into_memory_spills_to_disk(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, _ = folders
    spill = tmp_path / "spill"
    monkeypatch.setattr("whosaw.lake.engine._MEMORY", "32MB")
    with engine(inside, spill) as connection:
        connection.execute("CREATE TEMP TABLE big AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(1000000)")
        assert connection.execute("SELECT count(*), count(DISTINCT b[:6]) > 0 FROM big").fetchone() == (1_000_000, True)
        assert any(spill.iterdir())
