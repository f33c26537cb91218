from __future__ import annotations

import pytest

from whosaw.doors.http.errors import TooMany
from whosaw.doors.http.throttle import Pace, Throttle


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_then_only_the_rate() -> None:
    watch = Watch()
    throttle = Throttle(Pace(rate_per_s=2, burst=3), watch)
    for _ in range(3):
        throttle.spend("E-1")
    with pytest.raises(TooMany) as refused:
        throttle.spend("E-1")
    assert refused.value.retry_after_s == 1
    throttle.spend("E-2")
    watch.now += 0.5
    throttle.spend("E-1")
    with pytest.raises(TooMany):
        throttle.spend("E-1")
    watch.now += 1_000
    for _ in range(3):
        throttle.spend("E-1")
    with pytest.raises(TooMany):
        throttle.spend("E-1")


def test_failures_lock_an_address_for_a_while_and_only_for_new_tokens() -> None:
    watch = Watch()
    throttle = Throttle(Pace(failures_most=2, failures_s=10), watch)
    throttle.good("Bearer known")
    for _ in range(2):
        throttle.check_address("10.0.0.1", "Bearer x")
        throttle.failed("10.0.0.1")
        watch.now += 1
    with pytest.raises(TooMany) as refused:
        throttle.check_address("10.0.0.1", "Bearer y")
    assert refused.value.retry_after_s == 8
    throttle.check_address("10.0.0.1", "Bearer known")
    throttle.check_address("10.0.0.2", "Bearer y")
    watch.now += 8
    throttle.check_address("10.0.0.1", "Bearer y")
    throttle.failed("10.0.0.1")
    throttle.check_address("10.0.0.1", "Bearer y")


def test_what_others_counted_counts_here_and_what_was_told_is_told_once() -> None:
    watch = Watch()
    throttle = Throttle(Pace(rate_per_s=2, burst=4, failures_most=3, failures_s=10), watch)
    throttle.spend("E-1")
    throttle.failed("10.0.0.1")
    assert throttle.untold() == {("actor", "E-1"): 1, ("address", "10.0.0.1"): 1}
    assert throttle.untold() == {}
    throttle.tell_later({("actor", "E-1"): 1})
    assert throttle.untold() == {("actor", "E-1"): 1}
    throttle.counted_elsewhere(("actor", "E-1"), 5)
    with pytest.raises(TooMany) as refused:
        throttle.spend("E-1")
    assert refused.value.retry_after_s == 2  # two too many, and one for itself, at two a second
    throttle.counted_elsewhere(("address", "10.0.0.1"), 2)
    with pytest.raises(TooMany):
        throttle.check_address("10.0.0.1", "Bearer y")
    assert throttle.untold() == {}  # what was heard is not told on
