"""Account management and hand-overs given beside the sightings: read, posed on the lake, and told on one scale."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from whosaw.app.commands.traces import trace
from whosaw.app.lacks import may_clear
from whosaw.app.traceduties import Duty, Row, pose_duties, read_duties
from whosaw.app.tracefiles import TraceFileInvalid
from whosaw.app.tracing import Beside, trace_lake
from whosaw.lake.exposure import load_exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.terms import chance, to_us

START = datetime(2026, 1, 1, tzinfo=UTC)
BOOK = [f"s{n}" for n in range(0, 200, 10)]
VICTIMS = BOOK[::2][:8]
HEADER = "actor,what,of,subject,since,until"


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def us(hours: float) -> int:
    return to_us(START + timedelta(hours=hours))


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def imported(folder: Path, *rows: str, subjects: int = 200) -> Path:
    """A lake of subjects in nineteen hands, and these accesses."""
    log = write(
        folder, "log.csv", "actor,subject,at", *(f"a{n % 19},s{n},{at(n / 100)}" for n in range(subjects)), *rows
    )
    document = {"kind": "accesses", "columns": {"actor": "actor", "subject": "subject", "at": "at"}}
    import_log(log, read_mapping(document), folder / "lake")
    return folder / "lake"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """200 subjects in nineteen hands; `old` opened a book of twenty, which `heir` took over, opening all of it."""
    rows = [f"old,{subject},{at(5 + n / 30)}" for n, subject in enumerate(BOOK)]
    return imported(tmp_path, *rows, *(f"heir,{subject},{at(10 + n / 30)}" for n, subject in enumerate(BOOK)))


@pytest.fixture
def complaints(tmp_path: Path) -> Path:
    return write(tmp_path, "complaints.csv", "subject,contacted_at", *[f"{subject},{at(20)}" for subject in VICTIMS])


def chances(told: dict[str, Any]) -> dict[str, float]:
    return {"/".join(c["actors"]): c["probability"] for c in told["candidates"]}


def test_a_hand_over_of_named_customers_is_told_with_its_probability(
    lake: Path, complaints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"heir,hand-over,vendor B,{subject},{at(9)}," for subject in BOOK]
    duties = write(tmp_path, "duties.csv", HEADER, *rows)
    before = trace_lake(lake, complaints)
    told = json.loads(json.dumps(trace_lake(lake, complaints, beside=Beside(duties=duties)), allow_nan=False))
    (row,) = told["duties"]
    assert row["line"] == "hand-over from vendor B to heir"
    assert (row["seen"], row["of"]) == (8, 8) and row["expected"] < 1
    assert before["duties"] == [] and row["probability"] > 0.25
    assert chances(told)["old/heir"] < 0.7 < 0.99 < chances(before)["old/heir"]  # the log cannot tell the two apart
    assert "Explained by hand-over from vendor B to heir, whoever passed them on" in told["verdict_in_words"]
    assert not told["outside_excluded"] and before["outside_excluded"]
    assert trace(lake=lake, sightings=complaints, duties=duties) == 0
    assert "explained by hand-over from vendor B to heir" in capsys.readouterr().out


def test_a_hand_over_without_a_list_is_what_one_had_opened_and_the_other_took_up(lake: Path) -> None:
    exposure = load_exposure(lake, None)
    told = [
        Duty("heir", "hand-over", "old", (Row("", us(9)),)),
        Duty("heir", "hand-over", "old", (Row("", us(4)),)),
        Duty("x", "hand-over", "old", (Row("", 0),)),
    ]
    posed, kept, unknown = pose_duties(told, exposure, None)
    place = exposure.subject_indices()
    assert sorted(posed.subject[posed.duty == 0].tolist()) == sorted(place[name] for name in BOOK)
    assert not (posed.duty == 1).any()  # at that time the one before had opened none
    assert (kept, unknown) == (tuple(told[:2]), 1)  # and both together brought no more than the first


def test_duties_of_accounts_that_are_not_on_record_may_clear_somebody_and_a_program_can_tell(
    lake: Path, complaints: Path, tmp_path: Path
) -> None:
    rows = [f"heir,hand-over,vendor B,s0,{at(9)},", f"x,hand-over,old,s0,{at(9)},", f"y,hand-over,old,s0,{at(9)},"]
    told = trace_lake(lake, complaints, beside=Beside(duties=write(tmp_path, "duties.csv", HEADER, *rows)))
    assert "2 duties name accounts that the record does not know" in told["missing"]
    assert may_clear(told["missing"])
    known = trace_lake(lake, complaints, beside=Beside(duties=write(tmp_path, "duties.csv", HEADER, rows[0])))
    assert not may_clear(known["missing"])


def test_account_management_is_whom_he_opened_in_its_days_for_that_beneficiary(lake: Path) -> None:
    exposure = load_exposure(lake, None)
    managed = Duty("old", "account management", "seller:S", (Row("", us(4), us(6)),))
    for whom, size in (("seller:S", 20), (None, 20), ("seller:T", 0)):
        assert pose_duties([managed], exposure, whom)[0].subject.size == size
    later = Duty("old", "account management", "", (Row("", us(6)),))
    assert pose_duties([later], exposure, "seller:S")[0].subject.size == 0


def test_a_file_of_duties_is_read_row_by_row(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "duties.csv",
        HEADER,
        f"heir,hand-over,old,s0,{at(9)},",
        f"heir,hand-over,old,s10,{at(8)},",
        f"anna,account management,seller:S,,{at(3)},",
        f"anna,account management,seller:S,,{at(1)},{at(2)}",
    )
    assert read_duties(path) == [
        Duty("heir", "hand-over", "old", (Row("s0", us(9)), Row("s10", us(8)))),
        Duty("anna", "account management", "seller:S", (Row("", us(3)), Row("", us(1), us(2)))),
    ]


def test_whom_the_heir_opened_because_he_complained_was_not_handed_over_before(tmp_path: Path) -> None:
    """Carol leaks six of her hundred; bob takes her book over and opens those six once they have complained."""
    book = [f"s{n}" for n in range(5, 1_000, 10)]
    leaked = book[3::17]
    rows = [f"carol,{subject},{at(15 + n / 60)}" for n, subject in enumerate(book)] + [
        f"bob,{subject},{at(45 + n / 60)}" for n, subject in enumerate(leaked)
    ]
    lake = imported(tmp_path, *rows, subjects=1_000)
    complaints = write(tmp_path, "six.csv", "subject,contacted_at", *(f"{subject},{at(40)}" for subject in leaked))
    duties = write(tmp_path, "duties.csv", HEADER, f"bob,hand-over,carol,,{at(30)},")
    before = trace_lake(lake, complaints)
    told = trace_lake(lake, complaints, beside=Beside(duties=duties))
    (row,) = told["duties"]
    assert row["seen"] == 0 and row["probability"] < 0.01
    assert chances(told)["carol"] == pytest.approx(chances(before)["carol"], rel=0.01)
    assert (told["verdict"], told["candidates"][0]["actors"]) == ("finding", ["carol"])
    assert "Explained by" not in told["verdict_in_words"]


def test_where_a_duty_explains_everything_the_answer_says_so_beside_nobody_inside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The heir opened sixty more than the book: the book alone explains it far better than he does."""
    whom = BOOK + [f"s{n}" for n in range(200) if n % 10 in (1, 4, 7)]
    lake = imported(tmp_path, *(f"heir,{subject},{at(10 + n / 60)}" for n, subject in enumerate(whom)))
    complaints = write(tmp_path, "c.csv", "subject,contacted_at", *(f"{subject},{at(20)}" for subject in VICTIMS))
    rows = [f"heir,hand-over,vendor B,{subject},{at(9)}," for subject in BOOK]
    rows.append(f"heir,hand-over,vendor C,s1,{at(9)},")
    duties = write(tmp_path, "duties.csv", HEADER, *rows)
    told = trace_lake(lake, complaints, beside=Beside(duties=duties))
    explained = sum(row["probability"] for row in told["duties"])
    assert told["verdict"] == "undecided" and explained > 0.9 and len(told["duties"]) == 3
    assert f"explained by duties {chance(explained, 3)}" in told["verdict_in_words"]
    assert f"all duties {chance(explained, 3)}" in told["verdict_in_words"]
    for row in told["base_rates"]:
        assert row["outside_probability"] + row["explained"] + row["probability"] == pytest.approx(1.0, abs=0.05)
    assert trace(lake=lake, sightings=complaints, duties=duties) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "work that is known of may explain it" in said
    assert re.search(rf"explained by duties\W+{chance(explained)}\W+scope:", said)


def test_whom_the_heir_opened_after_giving_them_back_was_not_handed_over(lake: Path) -> None:
    exposure = load_exposure(lake, None)
    for until, size in ((11, 20), (9.5, 0)):
        told = Duty("heir", "hand-over", "old", (Row("", us(9), us(until)),))
        assert pose_duties([told], exposure, None)[0].subject.size == size


def test_a_hand_over_with_a_time_per_customer_is_one_duty(tmp_path: Path) -> None:
    lake = imported(tmp_path, *(f"heir,{subject},{at(10 + n / 60)}" for n, subject in enumerate(BOOK)))
    complaints = write(tmp_path, "c.csv", "subject,contacted_at", *(f"{subject},{at(20)}" for subject in VICTIMS))
    rows = [f"heir,hand-over,vendor B,{subject},{at(8 + n / 60)}," for n, subject in enumerate(BOOK)]
    assert trace_lake(lake, complaints)["verdict"] == "finding"
    told = trace_lake(lake, complaints, beside=Beside(duties=write(tmp_path, "duties.csv", HEADER, *rows)))
    (row,) = told["duties"]
    assert (row["seen"], row["of"]) == (8, 8) and row["probability"] > 0.4
    assert all(candidate["rung"] == "no_signal" for candidate in told["candidates"])


def test_books_of_several_colleagues_are_weighed_together_too(tmp_path: Path) -> None:
    lake = imported(tmp_path, *(f"heir,{subject},{at(10 + n / 60)}" for n, subject in enumerate(BOOK)))
    complaints = write(tmp_path, "c.csv", "subject,contacted_at", *(f"{subject},{at(20)}" for subject in VICTIMS))
    rows = [f"heir,hand-over,vendor {'AB'[n // 2 % 2]},{subject},{at(8)}," for n, subject in enumerate(BOOK)]
    told = trace_lake(lake, complaints, beside=Beside(duties=write(tmp_path, "duties.csv", HEADER, *rows)))
    first, *parts = told["duties"]
    assert first["line"] == "all duties of heir together" and first["what"] == "all duties"
    assert (first["seen"], first["of"]) == (8, 8) and first["probability"] > 0.4
    assert [(row["what"], row["seen"]) for row in parts] == [("hand-over", 4), ("hand-over", 4)]
    assert all(candidate["rung"] == "no_signal" for candidate in told["candidates"])


def test_customers_named_beside_a_colleague_not_on_record_are_still_handed_over(lake: Path) -> None:
    exposure = load_exposure(lake, None)
    told = Duty("heir", "hand-over", "vendor B", (Row("s0", us(9)), Row("", us(9))))
    posed, kept, unknown = pose_duties([told], exposure, None)
    assert posed.subject.tolist() == [exposure.subject_indices()["s0"]]
    assert (kept, unknown) == ((told,), 1)


@pytest.mark.parametrize(
    "row",
    [
        f",hand-over,old,,{at(1)},",
        f"heir,gift,old,,{at(1)},",
        "heir,hand-over,old,,,",
        f"heir,hand-over,,,{at(1)},",
        f"anna,account management,seller:S,s1,{at(1)},",
        f"anna,account management,seller:S,,{at(2)},{at(1)}",
        "anna,account management,seller:S,,yesterday,",
        "anna,account management,seller:S,,2026-01-01T00:00:00,",
    ],
)
def test_a_row_that_means_nothing_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(TraceFileInvalid):
        read_duties(write(tmp_path, "duties.csv", HEADER, row))


def test_customers_whom_the_heir_never_opened_were_not_brought_to_him(tmp_path: Path) -> None:
    """A list alone must not speak for the innocence of whoever opened them."""
    lake = imported(
        tmp_path, *(f"carol,{subject},{at(10 + n / 60)}" for n, subject in enumerate(BOOK)), f"heir,s10,{at(12)}"
    )
    complaints = write(tmp_path, "c.csv", "subject,contacted_at", *(f"{subject},{at(20)}" for subject in VICTIMS))
    rows = [f"heir,hand-over,carol,{subject},{at(9)}," for subject in BOOK]
    before = trace_lake(lake, complaints)
    told = trace_lake(lake, complaints, beside=Beside(duties=write(tmp_path, "duties.csv", HEADER, *rows)))
    assert told["verdict"] == "finding" and told["candidates"][0]["actors"] == ["carol"]
    assert chances(told)["carol"] == pytest.approx(chances(before)["carol"], rel=0.01)
    (row,) = told["duties"]
    assert row["seen"] == 0 and row["probability"] < 0.01


def test_a_named_customer_counts_from_the_heirs_own_opening_in_the_days_of_the_hand_over(tmp_path: Path) -> None:
    rows = [f"heir,s0,{at(hour)}" for hour in (5, 12, 14)] + [f"heir,s10,{at(5)}", f"heir,s20,{at(30)}"]
    exposure = load_exposure(imported(tmp_path, *rows), None)
    place = exposure.subject_indices()
    named = tuple(Row(subject, us(9), us(20)) for subject in ("s0", "s10", "s20"))
    posed, _, _ = pose_duties([Duty("heir", "hand-over", "vendor B", named)], exposure, None)
    assert (posed.subject.tolist(), posed.since_us.tolist()) == ([place["s0"]], [us(12)])
    twice = (Row("s0", us(4), us(6)), *named)
    posed, _, _ = pose_duties([Duty("heir", "hand-over", "vendor B", twice)], exposure, None)
    assert posed.since_us.tolist() == [us(5)]
