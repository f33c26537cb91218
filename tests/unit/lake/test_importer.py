"""An import takes every row once, says what it left out and why, and leaves nothing half done."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from whosaw.lake import admit as admitting
from whosaw.lake import numbering
from whosaw.lake.batches import Batch
from whosaw.lake.csvlog import CsvLog
from whosaw.lake.errors import (
    LakeBusy,
    LakeDamaged,
    LakeUnwritable,
    LogColumnMissing,
    LogEmpty,
    LogEncoding,
    LogMissing,
    LogUnreadable,
    MappingChanged,
    NotALake,
    ZoneMissing,
)
from whosaw.lake.folder import writing
from whosaw.lake.importer import ImportReport, import_log
from whosaw.lake.mapping import Mapping, read_mapping
from whosaw.lake.opened import opened

HEADER = "who,whom,when,note\n"
ROWS = [f"a{n % 3},s{n % 5},2026-01-{1 + n % 28:02d}T12:00:{n % 60:02d}Z,n{n}" for n in range(60)]


def mapping(**changes: Any) -> Mapping:
    columns = {"actor": "who", "subject": "whom", "at": "when"} | changes.pop("columns", {})
    return read_mapping({"kind": "accesses", "columns": columns} | changes)


def log_of(folder: Path, rows: list[str], name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8", newline="")
    return path


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.rows, report.accepted, report.rejected, report.duplicates


def contents(lake: Path) -> list[tuple[str, str, int]]:
    with opened(lake) as open_lake:
        return open_lake.rows(
            """
            SELECT a.key, s.key, at_us FROM accesses
            JOIN numbers a ON a.space = 'actor' AND a.number = actor
            JOIN numbers s ON s.space = 'subject' AND s.number = subject ORDER BY ALL
            """
        )


def rejects(report: ImportReport) -> list[tuple[int, str]]:
    assert report.rejects_path is not None
    lines = report.rejects_path.read_text(encoding="utf-8").splitlines()
    return [(entry["line"], entry["reason"]) for entry in map(json.loads, lines)]


def snapshot(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in sorted(lake.rglob("*")) if path.is_file()}


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    log, lake = log_of(tmp_path, ROWS), tmp_path / "lake"
    assert counts(import_log(log, mapping(), lake)) == (60, 60, 0, 0)
    before = snapshot(lake)
    assert counts(import_log(log, mapping(), lake)) == (60, 0, 0, 60)
    assert snapshot(lake) == before


def test_equal_rows_in_one_file_stay(tmp_path: Path) -> None:
    log, lake = log_of(tmp_path, [ROWS[0]] * 3), tmp_path / "lake"
    assert counts(import_log(log, mapping(), lake)) == (3, 3, 0, 0)
    more = log_of(tmp_path, [ROWS[0]] * 5, "more.csv")
    assert counts(import_log(more, mapping(), lake)) == (5, 2, 0, 3)
    assert len(contents(lake)) == 5


def test_overlapping_files_in_any_order_equal_the_whole(tmp_path: Path) -> None:
    whole, ahead, back = tmp_path / "whole", tmp_path / "ahead", tmp_path / "back"
    import_log(log_of(tmp_path, ROWS), mapping(), whole)
    first, second = log_of(tmp_path, ROWS[:40], "first.csv"), log_of(tmp_path, ROWS[25:], "second.csv")
    for lake, order in ((ahead, (first, second)), (back, (second, first))):
        accepted = [import_log(log, mapping(), lake).accepted for log in order]
        assert sum(accepted) == 60
        assert contents(lake) == contents(whole)


def test_compression_line_endings_and_a_byte_order_mark_do_not_change_a_row(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    log = log_of(tmp_path, ROWS)
    import_log(log, mapping(), lake)
    text = log.read_bytes()
    other = tmp_path / "other"
    for variant in (gzip.compress(text), text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text, text.rstrip(b"\n")):
        other.write_bytes(variant)
        assert counts(import_log(other, mapping(), lake)) == (60, 0, 0, 60)


def test_what_cannot_be_used_is_counted_and_kept_with_its_reason(tmp_path: Path) -> None:
    rows = [
        "a,s,2026-01-01T00:00:00Z,fine",
        ",s,2026-01-01T00:00:00Z,no actor",
        "a, ,2026-01-01T00:00:00Z,no subject",
        ",,,nothing",
        "a,s,,no time",
        "a,s,yesterday at some time,odd",
        "a,s,2026-01-01T00:00:00,no zone",
        "a,s,2026-01-01T00:00:00Z",
        'a,s,2026-01-01T00:00:00Z,"open',
        "Zoë,s,2026-01-01T00:00:00Z,fine",
    ]
    report = import_log(log_of(tmp_path, rows), mapping(), tmp_path / "lake")
    assert counts(report) == (10, 2, 8, 0)
    assert sorted(rejects(report)) == [
        (3, "actor.empty"),
        (4, "subject.empty"),
        (5, "actor.empty"),
        (6, "at.empty"),
        (7, "at.unreadable"),
        (8, "at.no_zone"),
        (9, "row.malformed"),
        (10, "row.malformed"),
    ]


def test_hours_that_a_clock_change_makes_unclear_are_rejected(tmp_path: Path) -> None:
    rows = ["a,s,2026-10-25T02:30:00,x", "a,s,2026-03-29T02:30:00,x", "a,s,2026-03-29T03:30:00,x"]
    log = log_of(tmp_path, rows)
    report = import_log(log, mapping(time={"zone": "Europe/Amsterdam"}), tmp_path / "lake")
    assert rejects(report) == [(2, "at.ambiguous"), (3, "at.nonexistent")]
    chosen = mapping(time={"zone": "Europe/Amsterdam", "ambiguous": "earlier"})
    assert rejects(import_log(log, chosen, tmp_path / "other")) == [(3, "at.nonexistent")]


def test_quoted_cells_with_line_endings_are_one_row(tmp_path: Path) -> None:
    rows = ['"a","s ""one""","2026-01-01T00:00:00Z","first\nsecond, third"', "a,s,2026-01-01T00:00:00Z,x", ",,,"]
    report = import_log(log_of(tmp_path, rows), mapping(), tmp_path / "lake")
    assert counts(report) == (3, 2, 1, 0)
    assert rejects(report) == [(5, "actor.empty")]
    assert {subject for _, subject, _ in contents(tmp_path / "lake")} == {'s "one"', "s"}


def test_constants_and_transforms_reach_the_lake(tmp_path: Path) -> None:
    parts = {"column": "whom", "strip_prefix": "s", "add_prefix": "case:"}
    import_log(
        log_of(tmp_path, ROWS[:1]), mapping(columns={"subject": parts, "door": {"constant": "desk"}}), tmp_path / "l"
    )
    with opened(tmp_path / "l") as lake:
        assert lake.keys("subject") == {1: "case:0"}
        assert lake.keys("door") == {1: "desk"}


def test_rows_hold_numbers_only_and_every_file_is_the_owners_alone(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    report = import_log(
        log_of(tmp_path, ["anna-secret,bob-secret,2026-01-01T00:00:00Z,x", ",bob-secret,,"]), mapping(), lake
    )
    assert stat.S_IMODE(lake.stat().st_mode) == 0o700
    for path in lake.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for path in lake.glob("accesses-*.parquet"):
        assert b"secret" not in path.read_bytes()
    assert report.rejects_path is not None
    assert "bob-secret" in report.rejects_path.read_text(encoding="utf-8")


def test_one_log_may_be_read_as_accesses_and_as_tickets(tmp_path: Path) -> None:
    log, lake = log_of(tmp_path, ROWS), tmp_path / "lake"
    import_log(log, mapping(), lake)
    tickets = read_mapping({"kind": "tickets", "columns": {"subject": "whom", "at": "when", "ticket": "note"}})
    assert counts(import_log(log, tickets, lake)) == (60, 60, 0, 0)


@pytest.mark.parametrize(
    ("content", "error", "expected"),
    [
        (b"", LogEmpty, "is empty"),
        (b"\n\n", LogEmpty, "is empty"),
        (gzip.compress(b"", mtime=0), LogEmpty, "is empty"),
        (b"who,whom,wen,note\n", LogColumnMissing, "the log has no column `when`; did you mean `wen`?"),
        (b"who,whom,when,who\n", LogColumnMissing, "has column `who` 2 times"),
        (b"who,whom,when\n\xe9,s,2026-01-01T00:00:00Z\n", LogEncoding, "line 2 of the log is not UTF-8"),
        (b'who,whom,when\n"a\nb\n\xe9",s,2026-01-01T00:00:00Z\n', LogEncoding, "line 4 of the log is not UTF-8"),
        ("who,whom,when\n".encode("utf-16"), LogEncoding, "looks like UTF-16"),
        ("who,whom,when\n".encode("utf-16-le"), LogEncoding, "looks like UTF-16"),
        (b'"who,whom,when\n', LogUnreadable, "the header of log .* is not CSV"),
        (b"who,whom,when\na,s,2026-01-01T00:00:00\n", ZoneMissing, "the time in line 2 carries no zone"),
        (gzip.compress(HEADER.encode() + b"x" * 9000, mtime=0)[:-12], LogUnreadable, "cut short"),
        (gzip.compress(HEADER.encode(), mtime=0)[:10] + b"garbage", LogUnreadable, "damaged|cut short"),
        (b"PK\x03\x04rest", LogUnreadable, "is a zip archive"),
        (b"PAR1nothing more", LogUnreadable, "is not a sound Parquet file"),
    ],
)
def test_a_log_that_cannot_be_read_is_refused_and_leaves_nothing(
    tmp_path: Path, content: bytes, error: type[Exception], expected: str
) -> None:
    log, lake = tmp_path / "log", tmp_path / "lake"
    import_log(log_of(tmp_path, ROWS), mapping(), lake)
    before = snapshot(lake)
    log.write_bytes(content)
    with pytest.raises(error, match=expected):
        import_log(log, mapping(), lake)
    assert snapshot(lake) == before


def test_a_log_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert counts(import_log(log_of(tmp_path, []), mapping(), tmp_path / "lake")) == (0, 0, 0, 0)


def test_a_missing_log_makes_no_lake(tmp_path: Path) -> None:
    for log in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(LogMissing, match="cannot open log"):
            import_log(log, mapping(), tmp_path / "lake")
    assert not (tmp_path / "lake").exists()


def test_a_folder_with_other_things_is_not_written_to(tmp_path: Path) -> None:
    log = log_of(tmp_path, ROWS)
    with pytest.raises(NotALake, match="holds other things"):
        import_log(log, mapping(), tmp_path)
    with pytest.raises(NotALake, match="is not a folder"):
        import_log(log, mapping(), log)


def test_the_same_log_read_otherwise_is_refused_but_other_service_actors_are_not(tmp_path: Path) -> None:
    log, lake = log_of(tmp_path, ROWS), tmp_path / "lake"
    import_log(log, mapping(), lake)
    with pytest.raises(MappingChanged, match="already, read through another mapping"):
        import_log(log, mapping(columns={"actor": "note"}), lake)
    import_log(log, mapping(actors={"service": ["a1"]}), lake)
    with opened(lake) as open_lake:
        assert open_lake.manifest.service() == {"a1"}


def test_two_imports_at_once_are_told_apart(tmp_path: Path) -> None:
    with writing(tmp_path / "lake"), pytest.raises(LakeBusy, match="another import"):
        import_log(log_of(tmp_path, ROWS), mapping(), tmp_path / "lake")
    assert counts(import_log(log_of(tmp_path, ROWS), mapping(), tmp_path / "lake")) == (60, 60, 0, 0)


def test_an_import_that_died_before_its_manifest_left_nothing_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, lake = log_of(tmp_path, ROWS), tmp_path / "lake"
    import_log(log_of(tmp_path, ROWS[:10], "first.csv"), mapping(), lake)
    before = contents(lake)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(admitting, "write_manifest", die)
        import_log(log, mapping(), lake)
    assert contents(lake) == before
    assert counts(import_log(log, mapping(), lake)) == (60, 50, 0, 10)
    assert len(list(lake.glob("*.parquet"))) == 3


def test_an_import_stopped_while_reading_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: CsvLog) -> Iterator[Batch]:
        yield from []
        raise KeyboardInterrupt

    monkeypatch.setattr(CsvLog, "batches", stop)
    with pytest.raises(KeyboardInterrupt):
        import_log(log_of(tmp_path, ROWS), mapping(), tmp_path / "lake")
    assert sorted(path.name for path in (tmp_path / "lake").iterdir()) == [".lock", "LAKE.json", "identity.key"]


def test_a_full_disk_is_said_and_nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(admitting, "write_manifest", full)
    with pytest.raises(LakeUnwritable, match="No space left"):
        import_log(log_of(tmp_path, ROWS), mapping(), tmp_path / "lake")
    assert contents(tmp_path / "lake") == []


def test_a_lost_identity_key_is_damage(tmp_path: Path) -> None:
    log, lake = log_of(tmp_path, ROWS), tmp_path / "lake"
    import_log(log, mapping(), lake)
    (lake / "identity.key").unlink()
    with pytest.raises(LakeDamaged, match="could no longer be told apart"):
        import_log(log, mapping(), lake)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    import_log(log_of(tmp_path, ROWS), mapping(), tmp_path / "lake", told.append)
    assert told[-1] == 60


def test_keys_that_do_not_fit_are_joined_with_more_memory_or_one_column_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"a{n % 40},customer {n},T{n % 90},2026-03-01T12:00:00Z" for n in range(3_000)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["who,whom,ref,when", *rows]) + "\n")
    columns = {"actor": "who", "subject": "whom", "ticket": "ref", "at": "when"}
    mapping = read_mapping({"kind": "accesses", "columns": columns})
    found = []
    for name, keys_per_mb, least in (("whole", 6_000, 32), ("by column", 0, 32), ("more", 6_000, 1)):
        monkeypatch.setattr(numbering, "_KEYS_PER_MB", keys_per_mb)
        monkeypatch.setattr(admitting, "_LEAST_MB", least)
        assert import_log(log, mapping, tmp_path / name).accepted == 3_000
        (part,) = (tmp_path / name).glob("accesses-*.parquet")
        (numbers,) = (tmp_path / name).glob("numbers-*.parquet")
        table = pq.read_table(part).drop_columns(["identity"])
        found.append((table.to_pylist(), pq.read_table(numbers).to_pylist()))
    assert found[0] == found[1] == found[2]
    subjects = [row["key"] for row in found[0][1] if row["space"] == "subject"]
    assert subjects == [f"customer {n}" for n in range(3_000)]


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_number_map_that_is_harmed_is_damage_and_nothing_is_numbered_anew(tmp_path: Path, harm: str) -> None:
    import_log(log_of(tmp_path, ROWS[:30], "one.csv"), mapping(), tmp_path / "lake")
    (numbers,) = (tmp_path / "lake").glob("numbers-*.parquet")
    if harm == "gone":
        numbers.unlink()
    else:
        numbers.write_bytes(numbers.read_bytes()[:-40])
    with pytest.raises(LakeDamaged):
        import_log(log_of(tmp_path, ROWS[30:], "two.csv"), mapping(), tmp_path / "lake")
    assert len(list((tmp_path / "lake").glob("accesses-*.parquet"))) == 1
