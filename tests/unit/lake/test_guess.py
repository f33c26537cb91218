"""A drafted mapping can be read as it is, states what it does not know, and never invents a zone."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from lakelogs import TRAIL, XES, audit, csv_line, json_line

from whosaw.lake.errors import GuessFailed, LogEmpty, ZoneMissing
from whosaw.lake.guess import guess_mapping
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping

ROWS = [f"{1 + n % 28:02d}.03.2026 09:{n % 60:02d}:00;clerk{n % 3};{4711 + n};T-{n};open" for n in range(40)]
CSV = "time;employee;customer;ref;action\n" + "\n".join(ROWS) + "\n"


def write(folder: Path, text: str | bytes) -> Path:
    log = folder / "log"
    log.write_bytes(text.encode() if isinstance(text, str) else text)
    return log


def test_a_draft_imports_once_its_zone_is_filled_in(tmp_path: Path) -> None:
    log = write(tmp_path, CSV)
    found = guess_mapping(log)
    assert {name: choice.column for name, choice in found.columns.items()} == {
        "actor": "employee",
        "subject": "customer",
        "at": "time",
        "ticket": "ref",
        "activity": "action",
    }
    assert all(0.3 <= choice.confidence <= 1 for choice in found.columns.values())
    assert found.preview[0] == ("clerk0", "4711", "01.03.2026 09:00:00", "T-0", "open")
    document = tomllib.loads(found.text)
    assert document["log"] == {"delimiter": ";"}
    assert document["time"] == {"format": "%d.%m.%Y %H:%M:%S"}
    document["time"]["zone"] = "Europe/Berlin"
    assert import_log(log, read_mapping(document), tmp_path / "lake").accepted == 40


def test_whose_record_it_is_goes_before_what_people_share_and_a_case_is_work_beside_a_customer(tmp_path: Path) -> None:
    rows = "".join(f"2026-03-01T12:{n:02}:00Z,kim,{n},TK{n},c{n}@mail.example\n" for n in range(40))
    beside = guess_mapping(write(tmp_path, f"When,Agent login,Customer no.,Case,Client e-mail\n{rows}")).columns
    assert beside["subject"].column == "Customer no."
    assert beside["ticket"].column == "Case"
    alone = guess_mapping(
        write(tmp_path, "When,Agent,Case\n2026-03-01T12:00:00Z,kim,7\n2026-03-01T12:01:00Z,lou,8\n")
    ).columns
    assert alone["subject"].column == "Case"


def test_a_time_without_zone_stays_refused_until_somebody_says_where_the_clock_stood(tmp_path: Path) -> None:
    log = write(tmp_path, "user,customer,at\nkim,7,2026-03-01T12:00:00\n")
    document = tomllib.loads(guess_mapping(log).text)
    with pytest.raises(ZoneMissing):
        import_log(log, read_mapping(document), tmp_path / "lake")


def test_what_could_be_day_or_month_is_said(tmp_path: Path) -> None:
    text = guess_mapping(write(tmp_path, "user,customer,time\nkim,7,03/04/2026 10:00:00\n")).text
    assert "`%m/%d/%Y %H:%M:%S` fits as well" in text


def test_columns_that_nobody_recognises_are_left_to_a_person(tmp_path: Path) -> None:
    text = guess_mapping(write(tmp_path, 'x,y,"z""\n"\n1,2,3\n')).text
    assert "# subject = " in text
    assert "# actor = " in text
    tomllib.loads(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (json.dumps({"Records": [TRAIL]}), "cloudtrail"),
        (json.dumps({"class_uid": 6005, "metadata": {}, "time": 1_772_366_400_000}), "ocsf"),
        (json.dumps({"apiVersion": "audit.k8s.io/v1", "stage": "x", "user": {"username": "kim"}}), "kubernetes"),
        (json.dumps({"tickets": [{"id": 1, "requester_id": 2, "created_at": "2026-03-01T12:00:00Z"}]}), "zendesk"),
        (json.dumps({"result": [{"sys_id": "a", "number": "INC1", "caller_id": "c"}]}), "servicenow"),
        (json.dumps({"agent": "kim", "customer": "7", "at": 1_772_366_400}), "json"),
        (XES, "xes"),
        (csv_line(audit("select 1")), "pgaudit"),
        (json_line(audit("select 1")), "pgaudit"),
        ("user\tcustomer\ttime\nkim\t7\t2026-03-01T12:00:00Z\n", "tsv"),
    ],
)
def test_kinds_are_recognised(tmp_path: Path, text: str, named: str) -> None:
    assert tomllib.loads(guess_mapping(write(tmp_path, text)).text)["log"]["format"] == named


@pytest.mark.parametrize("text", ["just words\nin lines\n", "{}{", "[1, 2]", "a,b\n"])
def test_what_cannot_be_imported_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(GuessFailed):
        guess_mapping(write(tmp_path, text))


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(LogEmpty):
        guess_mapping(write(tmp_path, ""))
