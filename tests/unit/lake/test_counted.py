"""Exposure per actor, asked range by range: the answer is the one of the question asked once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosaw.lake.counted import _ranges, actor_exposure
from whosaw.lake.duck import MEANS, run_duck
from whosaw.lake.importer import import_log
from whosaw.lake.lookover import look_over
from whosaw.lake.mapping import read_mapping
from whosaw.lake.named import Asked, expression
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


def both(lake: Path, asked: Asked | None = None, range_rows: int = 3) -> tuple[Any, Any]:
    look = look_over(lake)
    about = Asked(trails=look.names()) if asked is None else asked
    quick = actor_exposure(look, about, MEANS, range_rows)
    plain = run_duck(look, expression("actor-exposure", about))
    return quick, plain


NUMBERS = st.integers(1, 3_000) | st.none()
ENTRIES = st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["reveal", "mask"])), min_size=1, max_size=30)


@settings(max_examples=5)
@given(ENTRIES)
def test_ranges_add_up_to_the_whole(tmp_path_factory: pytest.TempPathFactory, entries: Any) -> None:
    said = [
        {name: value for name, value in (("actor", actor), ("subject", subject)) if value is not None}
        | {"fields": [f"a.b={effect}"]}
        for actor, subject, effect in entries
    ]
    quick, plain = both(write(tmp_path_factory.mktemp("ranges"), said))
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
            quick, plain = both(lake, Asked(since_us=since, until_us=until, trails=names), range_rows=300)
            assert quick.equals(plain)
        assert both(lake, range_rows=300)[0].num_rows > 2


def test_ranges_cover_all_subjects_once_however_sparse_they_are(tmp_path: Path) -> None:
    subjects = [1, 2, 2**40, 2**62, 2**63 - 1, 7, 8, 9]
    lake = write(tmp_path, [{"actor": 1, "subject": each} for each in subjects])
    ranges = list(_ranges(look_over(lake), 3))
    assert len(ranges) == 2
    assert (ranges[0][0], ranges[-1][1]) == (1, 2**63 - 1)
    assert ranges[0][1] + 1 == ranges[1][0]
    assert both(lake)[0].to_pylist() == [{"trail": ORIGIN, "actor": 1, "subjects": len(subjects)}]
