"""Rules of law as dated data, and the arithmetic of their terms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.answer.law import LawUnknown, every_rule, rule_on, rules_on, rules_started_by

ZONES = ["Europe/Berlin", "America/Los_Angeles", "Asia/Shanghai", "Pacific/Auckland", "UTC"]


def test_seventy_two_hours_run_in_hours_across_a_change_of_clocks() -> None:
    rule = rule_on("eu.gdpr.art33", date(2026, 3, 28))
    started = datetime(2026, 3, 28, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))  # clocks go forward on the 29th
    due = rule.due(started, "Europe/Berlin")
    assert due - started == timedelta(hours=72)
    assert due.astimezone(ZoneInfo("Europe/Berlin")).hour == 10


def test_days_are_calendar_days_of_the_place() -> None:
    rule = rule_on("us.ca.1798_82", date(2026, 4, 2))
    discovered = datetime(2026, 4, 2, 3, 0, tzinfo=UTC)  # still 1 April in California
    due = rule.due(discovered, "America/Los_Angeles").astimezone(ZoneInfo("America/Los_Angeles"))
    assert (due.date(), due.hour, due.minute) == (date(2026, 5, 1), 23, 59)


def test_what_may_not_come_early_is_free_only_after_thirty_whole_days() -> None:
    rule = rule_on("eu.p2b.art4", date(2026, 4, 2))
    started = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
    free = rule.due(started, "UTC")
    assert free == datetime(2026, 5, 3, tzinfo=UTC)
    assert free - started >= timedelta(days=30)


@given(
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(ZONES),
)
def test_a_term_is_never_shorter_or_a_day_longer_than_the_law_says(at: datetime, zone: str) -> None:
    for rule in rules_on(at.astimezone(ZoneInfo(zone)).date()):
        if rule.hours:
            assert rule.due(at, zone) - at == timedelta(hours=rule.hours)
        elif rule.days:
            length = rule.due(at, zone) - at
            slack = timedelta(days=1, hours=2)  # the rest of the last day, and an hour that clocks may move
            assert timedelta(days=rule.days) - timedelta(hours=2) <= length <= timedelta(days=rule.days) + slack


def test_a_changed_law_holds_from_its_day_and_an_old_case_keeps_the_old_one() -> None:
    assert rule_on("us.ca.1798_82", date(2025, 12, 31)).days is None
    assert rule_on("us.ca.1798_82", date(2026, 1, 1)).days == 30
    with pytest.raises(LawUnknown, match="no rule"):
        rule_on("eu.gdpr.art33", date(2018, 5, 24))
    with pytest.raises(LawUnknown, match="time zone"):
        rule_on("us.ca.1798_82", date(2026, 1, 1)).due(datetime(2026, 1, 1, tzinfo=UTC), "Mars/Base")


def test_every_rule_has_a_source_and_says_who_read_it() -> None:
    for rule in every_rule():
        assert rule.source and rule.what and rule.checked in {"text", "secondary", "counsel"}
        assert rule.kind in {"deadline", "earliest", "duty"}
        assert (rule.kind == "duty") == (rule.hours is None and rule.days is None)
    versions = [(rule.id, rule.valid_from) for rule in every_rule()]
    assert len(set(versions)) == len(versions)
    assert "counsel" in {rule.checked for rule in every_rule() if rule.jurisdiction == "CN"}


def test_awareness_starts_the_clock_of_the_authority() -> None:
    assert "eu.gdpr.art33" in {rule.id for rule in rules_started_by("awareness", date(2026, 4, 2))}
