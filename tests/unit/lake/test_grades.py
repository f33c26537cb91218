"""A grade follows from stated facts, falls with what the log turned out to be, and the weakest one is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whosaw.lake.gaps import gaps_by_source
from whosaw.lake.grades import Facts, lowered
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.trail import TrailNames, export_trail
from whosaw.lake.weakest import weakest_grade

SYSTEM = {"written_by": "system", "forgeable_by": "nobody"}


@pytest.mark.parametrize(
    ("facts", "letter"),
    [
        (Facts("system", "nobody"), "A"),
        (Facts("system", "administrator"), "B"),
        (Facts("application", "nobody"), "C"),
        (Facts("application", "administrator"), "C"),
        (Facts("application", "staff"), "D"),
        (Facts("staff", "nobody"), "D"),
        (Facts("system", "unknown"), "D"),
        (Facts("system", "nobody", names_subjects=False), "D"),
        (Facts(), "D"),
    ],
)
def test_facts_give_a_letter(facts: Facts, letter: str) -> None:
    assert facts.letter == letter


def test_a_letter_falls_with_what_could_not_be_used() -> None:
    assert lowered("A", 5, 0, 100) == ("A", "")
    assert lowered("A", 6, 0, 100) == ("B", "6% of the rows could not be used")
    assert lowered("C", 0, 10, 100) == ("D", "10% of the rows name no subject")
    assert lowered("A", 0, 51, 100) == ("D", "51% of the rows name no subject")
    assert lowered("D", 99, 0, 100) == ("D", "")


def bring(folder: Path, times: list[datetime], name: str, **grade: Any) -> None:
    log = folder / name
    log.write_text("a,s,t\n" + "".join(f"kim,7,{at.isoformat()}\n" for at in times))
    columns = {"actor": "a", "subject": "s", "at": "t"}
    document = {"kind": "accesses", "columns": columns} | ({"grade": grade} if grade else {})
    import_log(log, read_mapping(document), folder / "lake")


def test_the_weakest_grade_of_a_lake_is_told(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    payload = {"kind": "disclosure", "actor": 1, "subject": 1, "at": 5, "fields": ["customer.email=reveal"]}
    export_trail([(0, payload)], tmp_path / "lake", TrailNames({1: "kim"}, {1: "customer:5"}))
    assert weakest_grade(tmp_path / "lake").line == (
        "weakest grade: own trail (whosaw's own trail: tamper-evident, names the subjects)"
    )
    bring(tmp_path, [at], "good.csv", **SYSTEM)
    assert (weakest_grade(tmp_path / "lake").letter, weakest_grade(tmp_path / "lake").sources) == ("A", ("good.csv",))
    bring(tmp_path, [at + timedelta(1)], "unstated.csv")
    weakest = weakest_grade(tmp_path / "lake")
    assert (weakest.letter, weakest.sources) == ("D", ("unstated.csv",))


def test_hours_that_are_usually_busy_and_once_were_not_are_found(tmp_path: Path) -> None:
    monday = datetime(2026, 1, 5, tzinfo=UTC)
    work = [
        monday + timedelta(days=day, hours=hour, minutes=minute)
        for day in range(70) if day % 7 < 5
        for hour in range(8, 18)
        for minute in (0, 30)
        if day != 30
    ]  # fmt: skip
    bring(tmp_path, work, "work.csv", **SYSTEM)
    bring(tmp_path, [monday, monday + timedelta(days=3)], "short.csv")
    short, found = gaps_by_source(tmp_path / "lake")
    assert (short.source, short.grade, short.share) == ("short.csv", "D", None)
    assert (found.source, found.grade, found.rows, found.missing_hours) == ("work.csv", "A", 980, 10)
    assert found.share == pytest.approx(0.98)
    assert [(gap.start, gap.hours) for gap in found.gaps] == [(monday + timedelta(days=30, hours=8), 10)]
    assert found.line == "work.csv: about 98.0% of its rows are there; 10 hours are empty in which it usually writes"
