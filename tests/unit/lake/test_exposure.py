"""The arrays of a question: who could have been contacted, which accesses were irregular, who is a machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from whosaw.lake.errors import BeneficiaryUnknown, NotALake
from whosaw.lake.exposure import NEVER, Exposure, load_exposure
from whosaw.lake.importer import import_log
from whosaw.lake.mapping import read_mapping
from whosaw.lake.trail import Order, Ticket, export_orders, export_tickets


def bring(folder: Path, text: str, optional: tuple[str, ...] = (), **changes: Any) -> Path:
    """Import rows `actor,subject,second[,optional…]` and return the lake."""
    columns = ("actor", "subject", "at", *optional)
    log = folder / f"log{len(list(folder.iterdir()))}.csv"
    log.write_text("\n".join([",".join(columns), *text.split()]) + "\n", encoding="utf-8")
    document = {"kind": "accesses", "columns": {name: name for name in columns}, "time": {"format": "epoch_us"}}
    import_log(log, read_mapping(document | changes), folder / "lake")
    return folder / "lake"


def irregular(exposure: Exposure) -> set[tuple[str, str]]:
    return {
        (exposure.actors[actor], exposure.subjects[subject])
        for actor, subject, flag in zip(exposure.actor, exposure.subject, exposure.irregular, strict=True)
        if flag
    }


def entered(exposure: Exposure) -> dict[str, int]:
    return dict(zip(exposure.subjects, exposure.entered_us.tolist(), strict=True))


def test_without_orders_a_subject_enters_with_its_first_touch(tmp_path: Path) -> None:
    exposure = load_exposure(bring(tmp_path, "a,s,5 b,s,3 b,t,9"), beneficiary="anyone")
    assert entered(exposure) == {"s": 3, "t": 9}
    assert exposure.entered_by == "first touch"
    assert (exposure.actors, exposure.subjects) == (("a", "b"), ("s", "t"))
    assert sorted(zip(exposure.actor, exposure.subject, exposure.at_us, strict=True)) == [
        (0, 0, 5),
        (1, 0, 3),
        (1, 1, 9),
    ]


def test_with_orders_only_the_beneficiarys_customers_enter(tmp_path: Path) -> None:
    lake = bring(tmp_path, "a,s,5 a,t,6 a,u,7")
    export_orders([Order("s", 4, "S-1"), Order("s", 2, "S-1"), Order("t", 1, "S-2"), Order("v", 3, "S-1")], lake)
    exposure = load_exposure(lake, "S-1")
    assert entered(exposure) == {"s": 2, "t": NEVER, "u": NEVER, "v": 3}
    assert exposure.entered_by == "orders"
    assert load_exposure(lake).entered_by == "first touch"
    with pytest.raises(BeneficiaryUnknown, match="names beneficiary `S-9`"):
        load_exposure(lake, "S-9")


def test_a_log_that_never_says_why_has_nothing_irregular(tmp_path: Path) -> None:
    exposure = load_exposure(bring(tmp_path, "a,s,5 b,s,3"))
    assert not exposure.has_reasons
    assert not exposure.irregular.any()


def test_a_missing_reason_is_irregular(tmp_path: Path) -> None:
    exposure = load_exposure(bring(tmp_path, "a,s,5,audit b,s,3,", ("reason",)))
    assert exposure.has_reasons
    assert irregular(exposure) == {("b", "s")}


def test_a_ticket_belongs_to_the_subject_of_its_first_use(tmp_path: Path) -> None:
    rows = "a,s,1,T1 a,s,2,T1 b,t,3,T1 b,u,4, a,v,5,T2 b,w,5,T2 c,x,6,T2"
    assert irregular(load_exposure(bring(tmp_path, rows, ("ticket",)))) == {("b", "t"), ("b", "u"), ("c", "x")}


def test_work_records_say_whose_a_ticket_is_before_its_first_use_does(tmp_path: Path) -> None:
    lake = bring(tmp_path, "a,s,1,T1 b,t,3,T1", ("ticket",))
    export_tickets([Ticket("t", 0, "T1")], lake)
    assert irregular(load_exposure(lake)) == {("a", "s")}


def test_a_log_without_reasons_beside_one_with_them_is_not_held_against_anyone(tmp_path: Path) -> None:
    bring(tmp_path, "a,s,1,T1 b,t,3,", ("ticket",))
    exposure = load_exposure(bring(tmp_path, "c,s,5"))
    assert exposure.has_reasons
    assert irregular(exposure) == {("b", "t")}


def test_a_ticket_is_one_work_item_however_many_rows_it_has(tmp_path: Path) -> None:
    lake = bring(tmp_path, "a,s,1")
    tickets = [
        Ticket("s", 5, "T1"),
        Ticket("s", 3, "T1", "S-1"),
        Ticket("s", 9, "T2", "S-2"),
        Ticket("t", 7),
        Ticket("t", 7),
    ]
    export_tickets(tickets, lake)
    exposure = load_exposure(lake, "S-1")
    columns = (exposure.work_subject, exposure.work_at_us, exposure.work_in_context)
    items = sorted(zip(*(column.tolist() for column in columns), strict=True))
    assert items == [(0, 3, True), (0, 9, False), (1, 7, False), (1, 7, False)]


def test_service_actors_are_flagged(tmp_path: Path) -> None:
    exposure = load_exposure(bring(tmp_path, "a,s,1 112,s,2", actors={"service": ["112", "none"]}))
    assert dict(zip(exposure.actors, exposure.service.tolist(), strict=True)) == {"a": False, "112": True}


def test_gaps_are_measured(tmp_path: Path) -> None:
    hour, day = 3_600_000_000, 86_400_000_000
    measured = load_exposure(bring(tmp_path, f"a,s,{hour} a,s,{hour + 5} a,s,{3 * day}")).completeness
    assert (measured.days, measured.empty_days, measured.hours, measured.empty_hours) == (4, 2, 72, 70)
    assert measured.longest_gap_hours == pytest.approx(71.0, abs=1e-6)
    assert "2 of 4 days and 70 of 72 hours without a row, longest gap 71.0 h" in measured.line
    assert measured.line.endswith("whether the log held every access is not known")


def test_a_folder_without_a_lake_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotALake, match="is no lake"):
        load_exposure(tmp_path)
    with pytest.raises(NotALake, match="is no lake"):
        load_exposure(tmp_path / "none")
