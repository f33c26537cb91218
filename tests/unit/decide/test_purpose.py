from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from whosaw.catalog import Purpose
from whosaw.decide import WorkItem, verify

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TICKET = Purpose("ticket", "shop", "select", "customer", "enforce", grace_h=72, beneficiary_kind="seller")


def item(**changes: object) -> WorkItem:
    values: dict[str, object] = {
        "assignee": "E-1",
        "subject": "C-1",
        "origin": "customer:C-1",
        "opened_at": NOON - timedelta(hours=4),
        "closed_at": None,
        "beneficiary": "S-9",
    }
    return WorkItem(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (item(), "purpose.verified"),
        (None, "purpose.not_found"),
        (item(opened_at=NOON + timedelta(seconds=1)), "purpose.not_found"),
        (item(origin="E-1"), "purpose.self_made"),
        (item(origin="E-1", assignee="E-2"), "purpose.self_made"),
        (item(assignee="E-2"), "purpose.not_assigned"),
        (item(subject="C-2"), "purpose.other_subject"),
        (item(closed_at=NOON - timedelta(hours=72)), "purpose.verified"),
        (item(closed_at=NOON - timedelta(hours=72, seconds=1)), "purpose.closed"),
    ],
)
def test_a_reason_holds_only_if_the_work_record_bears_it_out(work: WorkItem | None, reason: str) -> None:
    assert verify(TICKET, [work] if work else [], actor="E-1", subject="C-1", at=NOON).reason == reason


def test_the_work_item_names_the_beneficiary_whether_or_not_it_verifies() -> None:
    assert verify(TICKET, [item()], actor="E-1", subject="C-1", at=NOON).beneficiary == "seller:S-9"
    assert verify(TICKET, [item()], actor="E-2", subject="C-1", at=NOON).beneficiary == "seller:S-9"
    assert verify(TICKET, [], actor="E-1", subject="C-1", at=NOON).beneficiary is None


def test_after_a_hand_over_each_assignee_has_his_own_time() -> None:
    before = item(assignee="E-1", closed_at=NOON - timedelta(hours=80))
    after = item(assignee="E-2", opened_at=NOON - timedelta(hours=80))
    assert verify(TICKET, [before, after], actor="E-2", subject="C-1", at=NOON).verified
    assert verify(TICKET, [before, after], actor="E-1", subject="C-1", at=NOON).reason == "purpose.closed"
    assert verify(TICKET, [before, after], actor="E-3", subject="C-1", at=NOON).reason == "purpose.not_assigned"


def test_work_somebody_made_himself_is_no_reason_however_it_is_assigned() -> None:
    rows = [item(origin="E-1", assignee="E-2"), item(origin="E-1", assignee="E-1")]
    assert verify(TICKET, rows, actor="E-1", subject="C-1", at=NOON).reason == "purpose.self_made"


@pytest.mark.parametrize("origin", ["e-1", "E-1    ", " E-1", "e-1 "])
def test_his_own_work_is_his_own_in_every_spelling_of_his_key(origin: str) -> None:
    assert verify(TICKET, [item(origin=origin)], actor="E-1", subject="C-1", at=NOON).reason == "purpose.self_made"
    assert verify(TICKET, [item(origin="E-11")], actor="E-1", subject="C-1", at=NOON).verified
