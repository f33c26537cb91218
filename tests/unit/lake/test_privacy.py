"""What a lake holds of persons can be found, expires, and can be erased to the last byte."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from whosaw.lake.coverage import Coverage
from whosaw.lake.coveragenote import note_measured
from whosaw.lake.erase import erase_key
from whosaw.lake.errors import KeyUnknown, LakeDamaged, LogColumnMissing
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.kept import keys_of, read_kept
from whosaw.lake.mapping import read_mapping
from whosaw.lake.questions import overview, who_saw
from whosaw.terms import SimulatedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEADER = "who,whom,when,statement,secret\n"
KEY, BARE = "customer:qx4711", "qx4711"
ROWS = [
    f"kim,{BARE},2026-01-01T10:00:00Z,looked up {BARE},s1",
    "kim,zz1,2026-01-01T10:00:00Z,looked up zz1,s2",
    f"lou,zz2,2026-01-01T10:00:00Z,sent to {BARE} too,s3",
    f"lou,zz2,2026-01-01T11:00:00Z,x{BARE}x is another,s4",
    f",{BARE},2026-01-01T10:00:00Z,nobody looked,s5",
    f"kim,{BARE.upper()},never,,s6",
    "kim,zz3,never,,s7",
]


def bring(folder: Path, rows: list[str], clock: SimulatedClock, name: str = "log.csv", **changes: Any) -> ImportReport:
    log = folder / name
    log.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    columns = {"actor": "who", "subject": {"column": "whom", "add_prefix": "customer:"}, "at": "when"}
    document = {"kind": "accesses", "columns": columns, "keep": {"columns": ["statement"], "days": 10}}
    return import_log(log, read_mapping(document | changes), folder / "lake", clock=clock)


def kept(lake: Path) -> list[str]:
    keys = keys_of(lake)
    files = sorted((lake / "kept").glob("*"))
    return [row[1]["statement"] for file in files for rows in read_kept(file, keys[file.name]) for row in rows]


def everything(lake: Path) -> bytes:
    """Return every byte of the lake, and what the packed and encrypted files hold."""
    text = b""
    for path in sorted(lake.rglob("*")):
        if path.is_file():
            text += str(path).encode() + path.read_bytes()
            if path.suffix == ".parquet":
                text += repr(duckdb.sql(f"from read_parquet('{path}')").fetchall()).encode()
    return text + "\n".join(kept(lake)).encode()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def lake(tmp_path: Path, clock: SimulatedClock) -> Path:
    report = bring(tmp_path, ROWS, clock)
    assert (report.accepted, report.rejected) == (4, 3)
    return tmp_path / "lake"


def test_kept_columns_are_encrypted_and_others_are_nowhere(lake: Path) -> None:
    assert len(kept(lake)) == 4
    assert kept(lake)[0] == f"looked up {BARE}"
    raw = b"".join(path.read_bytes() for path in lake.rglob("*") if path.is_file() and path.parent.name != "rejects")
    assert b"looked up" not in raw
    assert b"s1" not in everything(lake)  # a column that is neither mapped nor kept


def test_every_file_is_its_owners_alone(lake: Path) -> None:
    for path in lake.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_an_erased_key_stands_nowhere_under_the_lake(lake: Path) -> None:
    assert BARE.encode() in everything(lake)
    done = erase_key(lake, KEY, clock=SimulatedClock(START))
    assert (done.numbers, done.rejects, done.kept) == (1, 2, 2)
    text = everything(lake).lower()
    # `xqx4711x` is another key: letters around it
    assert text.count(BARE.encode()) == text.count(f"x{BARE}x".encode()) == 1
    assert KEY.encode() not in text
    assert len(kept(lake)) == 2
    assert overview(lake).accesses == 4
    assert [sight.actor for sight in who_saw(lake, "customer:zz1").sights] == ["kim"]
    with pytest.raises(KeyUnknown):
        erase_key(lake, KEY, clock=SimulatedClock(START))


def test_an_erased_key_stands_nowhere_in_the_context_either(tmp_path: Path, lake: Path, clock: SimulatedClock) -> None:
    subject = {"column": "whom", "add_prefix": "customer:"}
    ticket = {"columns": {"subject": subject, "at": "when", "ticket": "statement"}, "keep": {}}
    bring(tmp_path, ROWS, clock, "work.csv", kind="tickets", **ticket)
    order = {"columns": {"subject": subject, "at": "when", "beneficiary": "who", "order": "secret"}, "keep": {}}
    bring(tmp_path, ROWS, clock, "sales.csv", kind="orders", **order)
    note_measured(lake, Coverage(2, 1, None, (), ()), START)
    kinds = ("accesses", "tickets", "orders")
    rows = [duckdb.sql(f"select count(*) from '{lake}/{kind}-*.parquet'").fetchone() for kind in kinds]
    erase_key(lake, KEY, also=[BARE], clock=SimulatedClock(START))
    text = everything(lake).lower()
    another = f"x{BARE}x".encode()
    assert text.replace(another, b"").count(BARE.encode()) == 0
    assert another in text
    assert rows == [duckdb.sql(f"select count(*) from '{lake}/{kind}-*.parquet'").fetchone() for kind in kinds]


def test_an_import_after_an_erasure_gives_new_numbers_and_does_not_bring_the_key_back(
    tmp_path: Path, lake: Path, clock: SimulatedClock
) -> None:
    erase_key(lake, KEY, clock=SimulatedClock(START))
    assert bring(tmp_path, ROWS[:4], clock, "again.csv").duplicates == 4
    bring(tmp_path, ["kim,zz9,2026-01-02T10:00:00Z,,"], clock, "more.csv")
    assert [sight.actor for sight in who_saw(lake, "customer:zz9").sights] == ["kim"]
    assert KEY.encode() not in everything(lake)
    assert len(list(lake.glob("numbers-*.parquet"))) == 1


def test_an_actor_is_erased_from_names_too(tmp_path: Path, clock: SimulatedClock) -> None:
    bring(tmp_path, ROWS, clock, "export of kim.csv", actors={"service": ["kim"]})
    done = erase_key(tmp_path / "lake", "kim", clock=SimulatedClock(START))
    assert (done.numbers, done.names) == (1, 2)
    assert b"kim" not in everything(tmp_path / "lake")


def test_an_erased_file_of_kept_columns_cannot_be_read_from_a_copy(lake: Path) -> None:
    (path,) = (lake / "kept").glob("*")
    copy = path.read_bytes()
    erase_key(lake, KEY, clock=SimulatedClock(START))
    (left,) = (lake / "kept").glob("*")
    assert left.name != path.name
    left.write_bytes(copy)
    with pytest.raises(LakeDamaged, match="cannot be read"):
        kept(lake)


@pytest.mark.parametrize("at", [0, 20, 40, 80])
def test_a_kept_file_that_was_altered_is_noticed(lake: Path, at: int) -> None:
    (path,) = (lake / "kept").glob("*")
    text = bytearray(path.read_bytes())
    text[at] ^= 1
    path.write_bytes(text)
    with pytest.raises(LakeDamaged):
        kept(lake)


def test_rejects_and_kept_columns_go_when_their_day_is_over(tmp_path: Path, lake: Path, clock: SimulatedClock) -> None:
    (rejects,), (path,) = (lake / "rejects").glob("*"), (lake / "kept").glob("*")
    assert rejects.name.endswith("-until-20260331.jsonl")
    assert path.name.endswith("-until-20260311.kept")
    clock.advance_to(START + timedelta(days=10))
    bring(tmp_path, ["kim,zz9,2026-01-02T10:00:00Z,,"], clock, "more.csv")
    assert path.exists()
    clock.advance_to(START + timedelta(days=11))
    bring(tmp_path, ["kim,zz8,2026-01-02T10:00:00Z,,"], clock, "still more.csv")
    assert not path.exists()
    assert rejects.exists()
    assert not keys_of(lake)
    clock.advance_to(START + timedelta(days=31))
    assert erase_key(lake, "customer:zz8", clock=clock).expired == 1
    assert not rejects.exists()


def test_the_same_log_again_replaces_its_rejects(tmp_path: Path, lake: Path, clock: SimulatedClock) -> None:
    clock.advance_to(START + timedelta(days=2))
    report = bring(tmp_path, ROWS, clock)
    assert [path.name for path in (lake / "rejects").glob("*")] == [report.rejects_path and report.rejects_path.name]
    assert len(list((lake / "kept").glob("*"))) == len(keys_of(lake)) == 1


def test_a_kept_column_that_is_not_there_is_a_slip(tmp_path: Path, clock: SimulatedClock) -> None:
    with pytest.raises(LogColumnMissing):
        bring(tmp_path, ROWS, clock, keep={"columns": ["statment"], "days": 1})


def test_a_damaged_file_of_keys_is_said_to_be_damaged(lake: Path) -> None:
    (lake / "kept.keys").write_text(json.dumps([1]))
    with pytest.raises(LakeDamaged):
        erase_key(lake, KEY, clock=SimulatedClock(START))
