"""Reports of the employees' form wait in files: a broken one keeps no other waiting, a crash leaves nothing."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from whosaw.answer import RawMails
from whosaw.answer.approach import Approaches, ApproachUnfit, Offer, code_hash
from whosaw.answer.notes import Notes
from whosaw.app.approachspool import ApproachSpool
from whosaw.doors.complaint import Told
from whosaw.store import Database
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, 41, 7, tzinfo=UTC)
LATER = AT + timedelta(hours=1)


class Desk:
    """The reports of a database, whose entries are noted, and the folder in which they wait."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.entries: list[Mapping[str, Any]] = []
        clock = SimulatedClock(LATER)
        self.raws = folder / "complaints"
        self.approaches = Approaches(database, clock, Notes(database, clock, self._record), RawMails(self.raws))
        self.folder = folder / "approaches"
        self.spool = ApproachSpool(self.folder, settled=timedelta(0))

    async def _record(self, payload: Mapping[str, Any]) -> Any:
        self.entries.append(payload)

        class Receipt:
            index = len(self.entries) - 1

        return Receipt

    async def take_in(self) -> int:
        return await self.spool.take_in(self.approaches, LATER)

    def waits(self, name: str, **other: object) -> None:
        """A file that is read before every good one, for its name sorts first."""
        told = {"offer": "80 dollars", "channel": "", "handle": "", "payout": ""}
        said = {"told": told, "code": code_hash(name), "hour": AT.replace(minute=0, second=0).isoformat()}
        (self.folder / f"-{name}.json").write_text(json.dumps(said | {"picture": ""} | other))

    def names(self, ending: str) -> list[str]:
        return sorted(each.stem for each in self.folder.glob(f"*.{ending}"))


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


async def test_a_broken_file_and_a_null_text_keep_no_good_report_waiting(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.spool.put(Told("a good one"), None, AT)
    (desk.folder / "-broken.json").write_text('{"told": {"offer": "80 dol')
    (desk.folder / "-bytes.json").write_bytes(b"\xff\xfe")
    (desk.folder / "-list.json").write_text("[1]")
    (desk.folder / "-deep.json").write_text("[" * 200_000)
    shown = {"picture": "aGVsbG8="}
    for name, text in {"null": "80 \0 dollars", "half": "\ud800", "long": "x" * 4_001, "empty": "  "}.items():
        desk.waits(name, told={"offer": text, "channel": "", "handle": "", "payout": ""}, **shown)
    desk.waits("nullpayout", told={"offer": "80 dollars", "channel": "", "handle": "", "payout": "\0"}, **shown)
    desk.waits("number", told={"offer": 1, "channel": "", "handle": "", "payout": ""})
    desk.waits("other", told={"name": "Jane Roe"})
    desk.waits("naive", hour="2026-04-02T08:00:00")
    desk.waits("nocode", code="no hash")
    desk.waits("nopicture", picture="?")
    bad = desk.names("json")[:-1]
    assert len(bad) == 14 and all(each.startswith("-") for each in bad)
    with caplog.at_level(logging.INFO):
        assert await desk.take_in() == 1
        assert desk.names("taking") == [], "what was begun before it proved bad is put aside in the same round"
        assert await desk.take_in() == 0
    assert [each.offer for each in await desk.approaches.list()] == ["a good one"]
    assert len(desk.entries) == 1 and list(desk.raws.iterdir()) == [], "nothing is kept or entered of a bad one"
    assert desk.names("bad") == bad and desk.names("json") == []
    lines = [each.getMessage() for each in caplog.records]
    assert len(lines) == 14 and all("answer.approach_unfit" in line for line in lines)
    assert not any(word in str(lines) for word in ("80", "dol", "Jane", "null"))


async def test_a_trail_that_fails_loses_no_report(desk: Desk, tmp_path: Path, database: Database) -> None:
    for _ in range(3):
        desk.spool.put(Told("80 dollars"), None, AT)

    async def fails(_payload: Mapping[str, Any]) -> Any:
        raise ConnectionError

    clock = SimulatedClock(LATER)
    failing = Approaches(database, clock, Notes(database, clock, fails), RawMails(tmp_path / "other"))
    with pytest.raises(ConnectionError):
        await desk.spool.take_in(failing, LATER)
    assert len(desk.names("json") + desk.names("taking")) == 3 and desk.names("bad") == []
    assert await ApproachSpool(desk.folder).take_in(desk.approaches, LATER) == 1, "what failed may still be under way"
    assert await desk.take_in() == 2


async def test_what_a_crash_cut_short_is_taken_away_and_what_is_being_written_stays(desk: Desk) -> None:
    desk.folder.mkdir()
    for name, age in {"old": timedelta(hours=2), "young": timedelta(minutes=5)}.items():
        part = desk.folder / f"{name}.part"
        part.write_text("{")
        os.utime(part, ((LATER - age).timestamp(),) * 2)
    assert await desk.take_in() == 0
    assert desk.names("part") == ["young"]


def test_a_report_is_on_the_disk_under_its_name_before_its_code_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, synced, real = tmp_path / "approaches", [], os.fsync

    def fsync(number: int) -> None:
        real(number)
        synced.append((Path(f"/proc/self/fd/{number}").readlink(), sorted(each.suffix for each in folder.iterdir())))

    monkeypatch.setattr(os, "fsync", fsync)
    ApproachSpool(folder).put(Told("80 dollars"), None, AT)
    assert (folder, [".json"]) == synced[-1], "the folder, after the file got its name"
    assert (tmp_path, []) == synced[0], "and its own name in the folder above"
    assert folder.stat().st_mtime == AT.replace(minute=0, second=0).timestamp()


async def test_a_message_that_cannot_be_kept_is_refused(desk: Desk) -> None:
    code = await desk.approaches.report(Offer("80 dollars"))
    with pytest.raises(ApproachUnfit):
        await desk.approaches.come_back(code, text="he\0wrote")
    assert await desk.approaches.come_back(code) == []


class Workers:
    """Processes that take one folder in, over a real trail, and may be killed in the middle of a report."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def start(self, killed: str = "never") -> Popen[str]:
        script = str(Path(__file__).with_name("approachworkers.py"))
        given = [self.url, str(self.folder), LATER.isoformat(), killed]
        return Popen([sys.executable, script, *given], stdin=PIPE, stdout=PIPE, text=True)

    async def kept(self) -> tuple[int, int]:
        """Rows of reports, and entries of them."""
        async with Database(self.url) as db, db.connection() as connection:
            rows = await connection.execute(
                "select (select count(*) from approach), (select count(*) from trail_entry where kind = 'case_work'), "
                "(select count(distinct entry) from approach)"
            )
            row = await rows.fetchone()
            assert row is not None and row[0] == row[2], "each report has an entry of its own"
            return row[0], row[1]


async def test_two_processes_that_race_for_a_folder_take_each_report_in_once(database_url: str, tmp_path: Path) -> None:
    spool = ApproachSpool(tmp_path / "approaches")
    for _ in range(25):
        spool.put(Told("80 dollars"), None, AT)
    workers = Workers(database_url, tmp_path)
    running = [workers.start() for _ in range(2)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    taken = [int(process.communicate(timeout=60)[0]) for process in running]
    assert sum(taken) == 25 and await workers.kept() == (25, 25)
    assert list(spool._files()) == []


async def test_processes_killed_in_the_middle_of_a_report_lose_none_and_double_none(
    database_url: str, tmp_path: Path
) -> None:
    spool = ApproachSpool(tmp_path / "approaches")
    for _ in range(3):  # of the same words: each still gets an entry of its own
        spool.put(Told("80 dollars"), None, AT)
    workers = Workers(database_url, tmp_path)
    for killed, kept in {"before_entry": (0, 0), "after_entry": (0, 1), "after_row": (1, 1)}.items():
        process = workers.start(killed)
        process.communicate("go\n", timeout=60)
        assert process.returncode == -signal.SIGKILL and await workers.kept() == kept
    last = workers.start()
    assert last.communicate("go\n", timeout=60)[0] == "ready\n2\n"
    assert await workers.kept() == (3, 3)
    assert list(spool._files()) == []
