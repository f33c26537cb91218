"""One view of a whole lake: imported logs, what an earlier version exported, and trails that lie there themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from whosaw.lake import trailrows
from whosaw.lake.answers import ask, numbers_in
from whosaw.lake.errors import NotALake, SubjectUnknown
from whosaw.lake.importer import import_log
from whosaw.lake.lookover import look_over
from whosaw.lake.mapping import read_mapping
from whosaw.lake.named import Asked
from whosaw.lake.place import Folder
from whosaw.lake.trail import TrailNames, export_trail
from whosaw.lake.trailfiles import write_rows
from whosaw.lake.trailmanifest import TrailManifest, folder_of, read_trail, trails_in, write_trail
from whosaw.lake.trailrows import read_payloads, rows_of

ORIGIN = "eu.example/trail"
SAID: dict[str, Any] = {
    "kind": "disclosure",
    "at": 1_772_409_600_000_000,
    "actor": 1,
    "subject": 1,
    "door": "http",
    "verified": "yes",
    "fields": ["customer.email=reveal"],
}
MAPPING = read_mapping(
    {"kind": "accesses", "columns": {"actor": "who", "subject": "whom", "at": "at"}, "time": {"format": "epoch_us"}}
)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A lake as an earlier version left it: a log that was imported, and a trail exported into the same table."""
    log = tmp_path / "log.csv"
    log.write_text("who,whom,at\nkim,C-1,1772409600000000\nlou,C-1,1772409700000000\nlou,C-2,1772409800000000\n")
    import_log(log, MAPPING, tmp_path / "lake")
    names = TrailNames(actors={1: "e-1"}, subjects={1: "C-1"})
    export_trail([(0, SAID)], tmp_path / "lake", names, ORIGIN)
    return tmp_path / "lake"


def flow(lake: Path) -> None:
    place = Folder(lake / folder_of(ORIGIN))
    rows = rows_of(ORIGIN, read_payloads(pa.table([[0], [json.dumps(SAID)]], schema=trailrows.SAID)), {})
    write_trail(place, TrailManifest(ORIGIN, 1, "00", 0, tuple(write_rows(place, rows, (0, 1), (1, "00")))))


def test_an_older_lake_answers_the_same_questions(older: Path) -> None:
    people = numbers_in(older, "subject", ["C-1"])
    found = ask(older, "who-saw", Asked(subjects=people))
    told = sorted((row["trail"], row["grade"]) for row in found.table.to_pylist())
    assert told == [(ORIGIN, "trail"), ("log.csv", "imported"), ("log.csv", "imported")]
    assert found.grades == ("imported", "trail")
    exposure = {(r["trail"], r["class"]): r["subjects"] for r in ask(older, "exposure").table.to_pylist()}
    assert exposure == {("log.csv", "unclassified"): 2, (ORIGIN, "unclassified"): 1}


def test_a_trail_that_lies_there_twice_is_counted_once(older: Path) -> None:
    before = ask(older, "coverage").table.to_pylist()
    flow(older)
    after = ask(older, "coverage").table.to_pylist()
    assert sum(row["rows"] for row in before) == sum(row["rows"] for row in after) == 4
    assert {row["trail"] for row in after} == {"log.csv", ORIGIN}


def test_logs_may_be_imported_beside_a_trail(tmp_path: Path) -> None:
    flow(tmp_path / "lake")
    log = tmp_path / "log.csv"
    log.write_text("who,whom,at\nkim,C-1,1772409600000000\n")
    import_log(log, MAPPING, tmp_path / "lake")
    assert {row["trail"] for row in ask(tmp_path / "lake", "coverage").table.to_pylist()} == {"log.csv", ORIGIN}


def test_a_newer_trail_and_a_folder_that_is_no_lake_are_refused(tmp_path: Path) -> None:
    flow(tmp_path)
    [(place, manifest)] = trails_in(Folder(tmp_path))
    write_trail(place, replace(manifest, schema=99))
    with pytest.raises(NotALake, match="newer version"):
        read_trail(place)
    with pytest.raises(NotALake):
        look_over(tmp_path / "nothing")


def test_a_reference_that_no_log_names_is_said_to_be_unknown(older: Path) -> None:
    with pytest.raises(SubjectUnknown):
        numbers_in(older, "subject", ["C-9"])


def test_a_question_about_few_subjects_opens_the_files_that_can_hold_them(tmp_path: Path) -> None:
    place = Folder(tmp_path / "lake" / folder_of(ORIGIN))
    texts = [json.dumps(SAID | {"subject": 10 * n}) for n in range(6)]
    texts.append(json.dumps({"kind": "hold", "at": SAID["at"]}))
    said = pa.table([range(7), texts], schema=trailrows.SAID)
    files = write_rows(place, rows_of(ORIGIN, read_payloads(said), {}), (0, 7), (7, "00"), file_rows=2)
    write_trail(place, TrailManifest(ORIGIN, 7, "00", 0, tuple(files)))
    look = look_over(tmp_path / "lake")
    held = {(file.low, file.high): f"{folder_of(ORIGIN)}/{file.name}" for file in files}
    assert set(look.files) == set(held.values())
    of = {number: name for pair, name in held.items() for number in pair if number is not None}
    assert look.about({ORIGIN: [20]}).files == (of[20],)
    assert set(look.about({ORIGIN: [50, 0]}).files) == {of[0], of[50]}
    assert look.about({ORIGIN: [15], "other": [20]}).files == ()
    for number in (0, 30, 50):
        found = ask(tmp_path / "lake", "who-saw", Asked(subjects={ORIGIN: (number,)})).table
        assert found["subject"].to_pylist() == [number]
    assert ask(tmp_path / "lake", "overlap", Asked(subjects={ORIGIN: (15,)})).table.num_rows == 0
