"""Imported accesses on their way into a run: whose ticket it is, and what becomes of people erased since."""

from __future__ import annotations

from pathlib import Path

import pytest

from whosaw.app.watchimported import Imported, LeftOut, Owned, read_imported
from whosaw.lake.erase import erase_key
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping

ACCESSES = """actor,subject,at,ticket,reason
e1,c1,2026-01-05T09:00:00Z,T-1,
e2,c1,2026-01-05T09:10:00Z,T-1,
e1,c2,2026-01-05T09:20:00Z,T-1,
e3,c3,2026-01-05T09:30:00Z,T-3,
e1,c3,2026-01-05T09:40:00Z,T-3,
e2,c4,2026-01-05T09:50:00Z,,she rang
e2,c4,2026-01-05T10:00:00Z,,
e3,c5,2026-01-05T10:10:00Z,T-9,
e3,c6,2026-01-05T10:20:00Z,T-9,
batch,c6,2026-01-05T10:30:00Z,,
"""
TICKETS = """ticket,subject,at,actor
T-1,c1,2026-01-04T09:00:00Z,
T-1,c1,2026-01-06T09:00:00Z,e1
T-3,c3,2026-01-04T09:00:00Z,
"""
FAR = 2**60


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    for name, text, kind in (("a.csv", ACCESSES, "accesses"), ("t.csv", TICKETS, "tickets")):
        (tmp_path / name).write_text(text)
        columns = {word: word for word in text.partition("\n")[0].split(",")}
        told: dict[str, object] = {"kind": kind, "columns": columns}
        if kind == "accesses":
            told["actors"] = {"service": ["batch"]}
        import_log(tmp_path / name, read_mapping(told), tmp_path / "lake")
    return tmp_path / "lake"


def read(lake: Path) -> tuple[Imported, dict[str, dict[int, str]]]:
    names: dict[str, dict[int, str]] = {"actor": {1: "e1"}, "subject": {}}
    return read_imported(lake, 0, FAR, names), names


def sound(lake: Path, work: dict[str, Owned]) -> list[tuple[str, str, bool]]:
    found, names = read(lake)
    (batch,) = found.entries(work)
    return [
        (
            names["actor"][int(str(said["actor"]))],
            names["subject"][int(str(said["subject"]))],
            said["verified"] == "yes",
        )
        for _, said in batch
    ]


def test_a_ticket_is_a_reason_for_who_works_on_it_and_for_whom_it_is_about(lake: Path) -> None:
    assert sound(lake, {}) == [
        ("e1", "c1", True),
        ("e2", "c1", False),  # somebody else's ticket
        ("e1", "c2", False),  # his own, about somebody else
        ("e3", "c3", True),  # nobody is known to work on it
        ("e1", "c3", True),
        ("e2", "c4", True),
        ("e2", "c4", False),
        ("e3", "c5", True),  # no record of it: it is about whom it was used for first
        ("e3", "c6", False),
    ]


def test_what_the_company_says_of_a_ticket_counts_before_what_the_lake_says(lake: Path) -> None:
    work = {
        "T-1": Owned("c1", frozenset({"e2"})),
        "T-3": Owned("c3", frozenset({"e3"})),
        "T-9": Owned("c6", frozenset()),  # it waits in a queue
    }
    assert [each for _, _, each in sound(lake, work)] == [False, True, False, True, False, True, False, False, True]


def test_who_was_erased_is_counted_and_stays_nobody(lake: Path) -> None:
    before, _ = read(lake)
    assert before.left_out == LeftOut(0, 0, 1)
    erase_key(lake, "c1")
    erase_key(lake, "e3")
    found, names = read(lake)
    assert found.left_out == LeftOut(erased_subject=2, erased_actor=3, machines=1)
    assert {said for space in names.values() for said in space.values()} == {"e1", "e2", "c2", "c3", "c4", "c5", "c6"}
    (batch,) = found.entries({})
    assert len(batch) == 4 and found.subjects == {"c2", "c3", "c4"}
    assert len(batch) + sum((2, 3, 1)) == ACCESSES.count("\n") - 1  # nothing is lost in silence
