"""Repeats are found the same way whether all rows fit into one part or are cut into many."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosaw.lake.repeats import find_repeats


def write(path: Path, numbers: list[int]) -> Path:
    identities = [hashlib.sha256(b"%d" % number).digest() for number in numbers]
    pq.write_table(pa.table({"identity": pa.array(identities, pa.binary())}), path, row_group_size=37)
    return path


@pytest.mark.parametrize("part_rows", [7, 100, 400_000])
def test_a_row_is_fresh_as_often_as_it_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    monkeypatch.setattr("whosaw.lake.repeats._PART_ROWS", part_rows)
    draw = random.Random(part_rows)
    staged = [draw.randrange(300) for _ in range(500)]
    known = [[draw.randrange(300) for _ in range(150)] for _ in range(2)]
    files = [write(tmp_path / f"known-{place}", numbers) for place, numbers in enumerate(known)]
    found = find_repeats(write(tmp_path / "staged", staged), files, tmp_path)
    had, seen = Counter(number for numbers in known for number in numbers), Counter[int]()
    marks = {}
    for place, number in enumerate(staged):
        marks[place] = (seen[number], seen[number] >= had[number])
        seen[number] += 1
    assert found.fresh == sum(fresh for _, fresh in marks.values())
    assert found.marks is not None
    told = {row["place"]: (row["occurrence"], row["fresh"]) for row in pq.read_table(found.marks).to_pylist()}
    assert told == {place: mark for place, mark in marks.items() if mark != (0, True)}
    assert not list(tmp_path.glob("part-*"))


def test_rows_that_never_repeat_need_no_marks(tmp_path: Path) -> None:
    found = find_repeats(write(tmp_path / "staged", list(range(50))), [], tmp_path)
    assert (found.marks, found.fresh) == (None, 50)
    assert find_repeats(write(tmp_path / "none", []), [], tmp_path).fresh == 0
