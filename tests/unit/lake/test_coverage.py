"""How much went through the doors, who went around them, and when that has become worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lakelogs import audit, csv_line

from whosaw.lake.coverage import Coverage, Door, coverage
from whosaw.lake.coveragenote import NEVER, coverage_line, note_measured
from whosaw.lake.errors import AuditMissing
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.trail import TrailNames, export_trail
from whosaw.terms import to_us

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


TABLES = {"public.customer": {"key": "id", "type": "integer", "prefix": "customer:"}}
MAPPING = read_mapping({"kind": "accesses", "log": {"format": "pgaudit"}, "sql": {"tables": TABLES}})


def bring(folder: Path, text: str) -> None:
    (folder / "pg.csv").write_text(text, encoding="utf-8")
    import_log(folder / "pg.csv", MAPPING, folder / "lake")


def line(day: float, user: str, customer: int | None, place: int) -> str:
    where = "" if customer is None else f" where id = {customer}"
    at = f"{START + timedelta(days=day):%Y-%m-%d %H:%M:%S}.000 UTC"
    return csv_line(audit(f"select * from customer{where}", id=str(place)), at=at, user=user)


def test_accesses_by_other_accounts_went_around(tmp_path: Path) -> None:
    days = [line(day, "door", day, day) for day in range(6)]
    around = [line(1, "dba", 3, 90), line(2, "dba", None, 91), line(2, "batch", 4, 92)]
    bring(tmp_path, "".join(days + around))
    found = coverage(tmp_path / "lake", [Door("door", "192.0.2.7")])
    assert (found.total, found.through, found.unrecorded, found.alarms) == (9, 6, None, ())
    assert [(way.role, way.address, way.access, way.count, way.named, way.subjects) for way in found.around] == [
        ("dba", "192.0.2.7", "SELECT public.customer", 2, 1, 1),
        ("batch", "192.0.2.7", "SELECT public.customer", 1, 1, 1),
    ]
    assert found.around[0].first == START + timedelta(days=1)
    assert [(day.total, day.through) for day in found.days] == [(1, 1), (2, 1), (3, 1), (1, 1), (1, 1), (1, 1)]
    assert "66.7% of 9 accesses" in found.line
    assert coverage(tmp_path / "lake", [Door.parse("door@198.51.100.1")]).through == 0


def test_a_fall_and_a_new_way_around_are_alarms(tmp_path: Path) -> None:
    rows = [line(day + hour / 24, "door", 1, day * 24 + hour) for day in range(20) for hour in range(4)]
    assert not coverage_of(tmp_path / "even", rows).alarms
    rows += [line(18 + hour / 24, "dba", 1, 900 + hour) for hour in range(5)]
    fallen, new = coverage_of(tmp_path / "fallen", rows).alarms
    assert fallen == "coverage fell from 100.0% to 84.8%: 7 days up to 2026-03-20 against the time before"
    assert new == "around the doors for the first time: `dba` from `192.0.2.7`"


def coverage_of(folder: Path, rows: list[str]) -> Coverage:
    folder.mkdir()
    bring(folder, "".join(rows))
    return coverage(folder / "lake", [Door("door")])


def test_a_doors_account_that_the_trail_does_not_know_of_is_told(tmp_path: Path) -> None:
    bring(tmp_path, line(0, "door", 5, 1) + line(1, "door", 5, 2) + line(2, "door", 6, 3))
    names = TrailNames({1: "kim"}, {1: "customer:5"})
    at = to_us(START) + 30_000_000
    payload = {"kind": "disclosure", "actor": 1, "subject": 1, "at": at, "fields": ["customer.email=reveal"]}
    export_trail([(0, payload)], tmp_path / "lake", names)
    assert coverage(tmp_path / "lake", [Door("door")]).unrecorded == 2
    assert coverage(tmp_path / "lake", [Door("door")], within_s=10).unrecorded == 3


def test_without_an_audit_log_nothing_is_claimed(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("a,s,t\nkim,7,5\n")
    columns = {"actor": "a", "subject": "s", "at": "t"}
    import_log(
        log,
        read_mapping({"kind": "accesses", "columns": columns, "time": {"format": "epoch_us"}}),
        tmp_path / "lake",
    )
    with pytest.raises(AuditMissing):
        coverage(tmp_path / "lake", [Door("door")])


def test_what_was_measured_is_noted_and_names_nobody(tmp_path: Path) -> None:
    bring(tmp_path, line(0, "door", 5, 1) + line(1, "dba.kim", 5, 2))
    lake = tmp_path / "lake"
    assert coverage_line(lake) == NEVER
    note_measured(lake, coverage(lake, [Door("door")]), START)
    assert coverage_line(lake).startswith("coverage: 50.0% of 2 accesses")
    assert coverage_line(lake).endswith("measured 2026-03-01")
    note = lake / "COVERAGE.json"
    assert "kim" not in note.read_text()
    assert note.stat().st_mode & 0o077 == 0
    note.write_text("[]")
    assert coverage_line(lake) == NEVER
    bring(tmp_path, line(2, "door", 5, 3))  # the lake is still one to import into
