"""The own trail and the company's work records in the lake: which entries are accesses, and how they answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whosaw.lake.errors import SubjectUnknown
from whosaw.lake.exposure import load_exposure
from whosaw.lake.questions import overview, who_saw
from whosaw.lake.trail import Order, Payload, Ticket, TrailNames, export_orders, export_tickets, export_trail
from whosaw.terms import to_us

START = datetime(2026, 1, 1, 8, tzinfo=UTC)
NAMES = TrailNames(
    actors={1: "e-1", 2: "e-2"}, subjects={1: "customer:C-1", 2: "customer:C-2"}, purposes={7: "ticket:T-7"}
)


def entry(**changes: int | str | list[int | str]) -> Payload:
    payload: dict[str, int | str | list[int | str]] = {
        "kind": "disclosure",
        "at": to_us(START),
        "actor": 1,
        "subject": 1,
        "purpose": 7,
        "door": "http",
        "fields": ["customer.email=reveal", "customer.phone=mask"],
        "decision": "mask",
        "verified": "yes",
        "reason": "purpose.verified",
    }
    return payload | changes


def entries() -> Iterator[tuple[int, Payload]]:
    yield 0, entry()
    yield 1, entry(kind="action", action="review.delete")
    yield 2, entry(fields=["customer.email=mask", "customer.phone=alias"])
    yield 3, entry(kind="denial", fields=["customer.email=deny"])
    later = to_us(START + timedelta(hours=1))
    yield 4, entry(actor=2, subject=2, verified="no", reason="purpose.none", at=later, fields=["customer.name=reveal"])
    yield 5, entry(actor=9, subject=2, at=later + 1, beneficiary="seller:S-1")


def test_only_disclosures_that_revealed_a_field_are_accesses(tmp_path: Path) -> None:
    report = export_trail(entries(), tmp_path, NAMES)
    assert (report.rows, report.accepted) == (3, 3)
    seen = who_saw(tmp_path, "customer:C-1")
    assert [(sight.actor, sight.fields, sight.ticket, sight.door, sight.grade) for sight in seen.sights] == [
        ("e-1", ("customer.email",), "ticket:T-7", "http", "trail")
    ]
    assert seen.sights[0].at == START
    assert seen.completeness.line.startswith("own trail: 2026-01-01 to 2026-01-01")
    assert "imported" not in seen.completeness.line


def test_exporting_again_adds_only_new_entries(tmp_path: Path) -> None:
    some = list(entries())
    export_trail(some[:2], tmp_path, NAMES)
    report = export_trail(some, tmp_path, NAMES)
    assert (report.accepted, report.duplicates) == (2, 1)
    assert export_trail(some, tmp_path, NAMES, origin="another trail").accepted == 3


def test_since_and_field_narrow_the_answer(tmp_path: Path) -> None:
    export_trail(entries(), tmp_path, NAMES)
    assert len(who_saw(tmp_path, "customer:C-2").sights) == 2
    assert len(who_saw(tmp_path, "customer:C-2", since=START + timedelta(hours=1, microseconds=1)).sights) == 1
    assert [sight.actor for sight in who_saw(tmp_path, "customer:C-2", field="customer.name").sights] == ["e-2"]
    with pytest.raises(SubjectUnknown, match="no log in lake"):
        who_saw(tmp_path, "customer:C-3")
    with pytest.raises(ValueError, match="without zone"):
        who_saw(tmp_path, "customer:C-2", since=datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_erased_number_stays_a_bare_number(tmp_path: Path) -> None:
    export_trail(entries(), tmp_path, NAMES)
    assert [sight.actor for sight in who_saw(tmp_path, "customer:C-2").sights] == ["e-2", "#9"]


def test_an_unverified_reason_is_irregular(tmp_path: Path) -> None:
    export_trail(entries(), tmp_path, NAMES)
    exposure = load_exposure(tmp_path)
    assert exposure.has_reasons
    assert exposure.own_trail
    shown = {exposure.actors[a]: bool(i) for a, i in zip(exposure.actor, exposure.irregular, strict=True)}
    assert shown == {"e-1": False, "e-2": True, "#9": False}


def test_work_records_come_in_once_and_keep_equal_rows(tmp_path: Path) -> None:
    orders = [Order("customer:C-1", to_us(START), "seller:S-1")] * 2 + [Order("customer:C-2", 5, "seller:S-2", "O-1")]
    tickets = [Ticket("customer:C-1", 7, "ticket:T-7", "seller:S-1"), Ticket("customer:C-1", 9)]
    assert export_orders(orders, tmp_path).accepted == 3
    assert export_orders(orders, tmp_path).duplicates == 3
    assert export_tickets(tickets, tmp_path).accepted == 2
    held = overview(tmp_path)
    assert (held.accesses, held.orders, held.tickets) == (0, 3, 2)
    assert held.completeness.line.startswith("no accesses")
