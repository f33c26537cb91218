"""Every rule of approval alone, and none of them passed by another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from whosaw.gate.approval import CIRCLE, HINTS, RING, SETTLED, Approver, Given, Pending, Reason, rule, without_ring

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

PENDING = Pending("E-1", frozenset(), frozenset({"privacy", "security"}), False, True, NOON + timedelta(days=1))
APPROVER = Approver("E-9", frozenset({"privacy"}), True, False, NOON - timedelta(days=90))


def reason(pending: Pending, approver: Approver, *, approves: bool = True, at: datetime = NOON) -> str | None:
    return rule(pending, approver, at, approves=approves).reason


def test_another_person_of_a_named_function_may_approve_and_may_refuse() -> None:
    for approves in (True, False):
        ruling = rule(PENDING, APPROVER, NOON, approves=approves)
        assert (ruling.function, ruling.reason) == ("privacy", None)


@pytest.mark.parametrize("approves", [True, False])
def test_nobody_decides_about_himself(approves: bool) -> None:
    assert reason(PENDING, replace(APPROVER, key="E-1"), approves=approves) == "approval.own"
    about_him = replace(PENDING, concerns=frozenset({"E-9"}))
    assert reason(about_him, APPROVER, approves=approves) == "approval.own"


@pytest.mark.parametrize("approves", [True, False])
def test_what_is_decided_or_expired_is_decided_no_more(approves: bool) -> None:
    assert reason(replace(PENDING, open=False), APPROVER, approves=approves) == "approval.decided"
    last = PENDING.decide_by
    assert last is not None
    assert reason(PENDING, APPROVER, approves=approves, at=last - SECOND) is None
    assert reason(PENDING, APPROVER, approves=approves, at=last) == "approval.expired"
    assert reason(replace(PENDING, decide_by=None), APPROVER, approves=approves, at=last) is None


@pytest.mark.parametrize("approves", [True, False])
def test_who_is_suspended_or_has_left_decides_nothing(approves: bool) -> None:
    assert reason(PENDING, replace(APPROVER, suspended=True), approves=approves) == "approval.suspended"
    assert reason(PENDING, replace(APPROVER, listed=False), approves=approves) == "approval.suspended"


@pytest.mark.parametrize("approves", [True, False])
def test_a_person_counts_once(approves: bool) -> None:
    given = replace(PENDING, given=(Given("E-9", "privacy", True),))
    both = replace(APPROVER, functions=frozenset({"privacy", "security"}))
    assert reason(given, both, approves=approves) == "approval.twice"


@pytest.mark.parametrize("approves", [True, False])
@pytest.mark.parametrize("functions", [frozenset[str](), frozenset({"support"}), frozenset({"Privacy"})])
def test_the_function_must_be_one_that_may(approves: bool, functions: frozenset[str]) -> None:
    assert reason(PENDING, replace(APPROVER, functions=functions), approves=approves) == "approval.wrong_function"


def test_the_second_approval_comes_from_another_function() -> None:
    given = replace(PENDING, distinct=True, given=(Given("E-8", "privacy", True),))
    assert reason(given, APPROVER) == "approval.same_function"
    assert reason(given, APPROVER, approves=False) is None  # anybody of a named function may say no
    assert reason(replace(given, distinct=False), APPROVER) is None
    both = replace(APPROVER, functions=frozenset({"privacy", "security"}))
    assert rule(given, both, NOON, approves=True).function == "security"
    refused = replace(given, given=(Given("E-8", "privacy", False),))
    assert reason(refused, APPROVER) is None


def test_who_was_made_or_changed_within_a_day_cannot_approve_but_may_refuse() -> None:
    assert reason(PENDING, replace(APPROVER, changed_at=NOON - SETTLED)) is None
    for changed in (NOON - SETTLED + SECOND, NOON, NOON + SECOND, None):
        fresh = replace(APPROVER, changed_at=changed)
        assert reason(PENDING, fresh) == "approval.changed_lately"
        assert reason(PENDING, fresh, approves=False) is None


def test_two_people_do_not_approve_each_other_within_thirty_days() -> None:
    assert reason(PENDING, replace(APPROVER, approved_by_holder_at=NOON - CIRCLE)) is None
    pair = replace(APPROVER, approved_by_holder_at=NOON - CIRCLE + SECOND)
    assert reason(PENDING, pair) == "approval.circular"
    assert reason(PENDING, pair, approves=False) is None


def test_three_people_do_not_approve_each_other_in_a_ring_within_seven_days() -> None:
    assert reason(PENDING, replace(APPROVER, ring_since=NOON - RING)) is None
    ring = replace(APPROVER, ring_since=NOON - RING + SECOND)
    assert reason(PENDING, ring) == "approval.circular"
    assert reason(PENDING, ring, approves=False) is None


def test_a_ring_bars_no_review_without_which_too_few_are_left_and_only_a_ring_is_let_off() -> None:
    ring = replace(APPROVER, ring_since=NOON)
    free, barred = replace(APPROVER, key="E-8"), replace(APPROVER, key="E-7", changed_at=NOON)
    for others, needed, let_off in (([], 1, True), ([barred], 1, True), ([free], 1, False), ([free, barred], 2, True)):
        assert without_ring(PENDING, ring, others, NOON, needed=needed) is let_off
    for wrong in ({"approved_by_holder_at": NOON}, {"changed_at": NOON}, {"suspended": True}, {"key": "E-1"}):
        assert not without_ring(PENDING, replace(ring, **wrong), [], NOON, needed=1)


def test_no_combination_of_good_and_bad_facts_lets_a_bad_one_through() -> None:
    """Every subset of what is wrong, on top of facts that are right: only the empty one may approve."""
    wrong = [
        lambda p, a: (replace(p, open=False), a),
        lambda p, a: (replace(p, decide_by=NOON), a),
        lambda p, a: (p, replace(a, suspended=True)),
        lambda p, a: (p, replace(a, listed=False)),
        lambda p, a: (replace(p, concerns=frozenset({"E-9"})), a),
        lambda p, a: (replace(p, given=(Given("E-9", "security", True),)), a),
        lambda p, a: (p, replace(a, functions=frozenset({"support"}))),
        lambda p, a: (p, replace(a, changed_at=NOON)),
        lambda p, a: (p, replace(a, approved_by_holder_at=NOON)),
        lambda p, a: (p, replace(a, ring_since=NOON)),
    ]
    for chosen in product([False, True], repeat=len(wrong)):
        pending, approver = PENDING, APPROVER
        for change, on in zip(wrong, chosen, strict=True):
            if on:
                pending, approver = change(pending, approver)
        ruling = rule(pending, approver, NOON, approves=True)
        assert (ruling.function is not None) == (ruling.reason is None) == (not any(chosen))


def test_every_reason_says_what_to_do() -> None:
    assert set(HINTS) == set(get_args(Reason))
