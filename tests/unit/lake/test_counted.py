"""Exposure per actor by setting bits: the answer is the one that the question gives on every engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosaw.lake.counted import _counting, actor_exposure
from whosaw.lake.duck import MEMORY, duck, run_duck
from whosaw.lake.errors import LakeUnwritable
from whosaw.lake.importer import import_log
from whosaw.lake.lookover import look_over
from whosaw.lake.mapping import read_mapping
from whosaw.lake.named import QUESTIONS, Asked, expression
from whosaw.lake.place import Folder
from whosaw.lake.trailfiles import write_rows
from whosaw.lake.trailmanifest import TrailManifest, folder_of, write_trail
from whosaw.lake.trailrows import SAID, read_payloads, rows_of

ORIGIN = "acme.example/trail"
AT_US = 1_772_409_600_000_000
MAPPING = read_mapping(
    {
        "kind": "accesses",
        "columns": {"actor": "who", "subject": "whom", "at": "at"},
        "time": {"format": "epoch_us"},
    }
)


def write(lake: Path, entries: list[dict[str, Any]], origin: str = ORIGIN) -> Path:
    """Make a lake of a trail of disclosures, in files of three rows."""
    said = [json.dumps({"kind": "disclosure", "at": AT_US, "fields": ["a.b=reveal"]} | each) for each in entries]
    place = Folder(lake / folder_of(origin))
    rows = rows_of(origin, read_payloads(pa.table([range(len(said)), said], schema=SAID)), {})
    files = write_rows(place, rows, (0, len(said)), (len(said), "00"), file_rows=3)
    write_trail(place, TrailManifest(origin, len(said), "00", 0, tuple(files)))
    return lake


def both(lake: Path, asked: Asked | None = None, bits: int = 1 << 32) -> tuple[Any, Any]:
    look = look_over(lake)
    about = Asked(trails=look.names()) if asked is None else asked
    quick = actor_exposure(look, about, MEMORY, bits)
    plain = run_duck(look, expression("actor-exposure", about))
    return quick, plain


NUMBERS = st.integers(1, 3_000) | st.none()
ENTRIES = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["reveal", "mask"])), min_size=1, max_size=30)


@settings(max_examples=5)
@given(ENTRIES)
def test_bits_and_pairs_give_the_same(tmp_path_factory: pytest.TempPathFactory, entries: Any) -> None:
    said = [
        {name: value for name, value in (("actor", actor), ("subject", subject)) if value is not None}
        | {"fields": [f"a.b={effect}"]}
        for actor, subject, effect in entries
    ]
    quick, plain = both(write(tmp_path_factory.mktemp("bits"), said), bits=1 << 12)  # several ranges
    assert quick.equals(plain)


def test_several_trails_logs_and_bounds_of_time_count_as_the_question_counts(made: Any, tmp_path: Path) -> None:
    for lake in (made.folder, write(tmp_path / "lake", [{"actor": 1, "subject": 2}, {"actor": 1, "subject": 2}])):
        if lake != made.folder:
            log = tmp_path / "a 'log'.csv"
            log.write_text(
                "who,whom,at\nkim,C-1,1772409600000000\nkim,C-2,1772409600000000\nlou,C-2,1772409600000001\n"
            )
            import_log(log, MAPPING, lake)
        names = look_over(lake).names()
        for since, until in ((None, None), (made.start_us + 86_400_000_000, None), (AT_US, AT_US + 1)):
            quick, plain = both(lake, Asked(since_us=since, until_us=until, trails=names))
            assert quick.equals(plain)
        assert both(lake)[0].num_rows > 2


def test_numbers_too_sparse_for_bits_are_left_to_the_question(tmp_path: Path) -> None:
    quick, plain = both(write(tmp_path, [{"actor": 1, "subject": 1}, {"actor": 1, "subject": 2**40}]))
    assert quick is None
    assert plain.to_pylist() == [{"trail": ORIGIN, "actor": 1, "subjects": 2}]


def test_actors_that_need_more_memory_than_there_is_are_counted_in_smaller_ranges(tmp_path: Path) -> None:
    lake = write(tmp_path, [{"actor": n, "subject": 1 + n * 100_000} for n in range(40)])
    look, asked = look_over(lake), Asked(trails=(ORIGIN,))
    with pytest.raises(LakeUnwritable), duck(look, "32MB") as connection:
        connection.execute(_counting(ORIGIN, asked, 1, 3_900_001)).fetchall()
    quick = actor_exposure(look, asked, "32MB", bits=1 << 40)
    assert quick is not None
    assert quick["subjects"].to_pylist() == [1] * 40


def test_nothing_is_read_but_the_columns_of_the_question(tmp_path: Path) -> None:
    lake = write(tmp_path, [{"actor": 1, "subject": 1}])
    with duck(look_over(lake)) as connection:
        [[_, plan]] = connection.execute(f"EXPLAIN {_counting(ORIGIN, Asked(), 1, 9)}").fetchall()
    named = {name for name in QUESTIONS["who-saw"].columns if name in plan}
    assert named <= {*QUESTIONS["actor-exposure"].columns, "trail"}
    assert "actor" in named
