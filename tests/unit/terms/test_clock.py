from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.terms import SharedClock, SimulatedClock, SystemClock, from_us, to_us
from whosaw.terms.clock import ClockWentBack

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1900, 1, 2), datetime(2200, 1, 1), timezones=zones)  # noqa: DTZ001 - zones follow
microseconds = st.integers(-(10**15), 10**16)


@given(microseconds)
def test_microseconds_survive_the_way_there_and_back(at_us: int) -> None:
    assert to_us(from_us(at_us)) == at_us
    assert from_us(at_us).utcoffset() == timedelta(0)


@given(times)
def test_a_time_keeps_its_moment_whatever_its_zone(at: datetime) -> None:
    assert from_us(to_us(at)) == at


@given(times, times)
def test_order_is_kept(one: datetime, other: datetime) -> None:
    assert (to_us(one) < to_us(other)) == (one < other)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without zone"):
        to_us(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point


def test_the_epoch_is_zero() -> None:
    assert to_us(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert to_us(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0


def test_the_system_clock_tells_the_time_of_the_world() -> None:
    clock = SystemClock()
    assert not clock.simulated
    before = datetime.now(UTC)
    assert before <= clock.now() <= datetime.now(UTC)


@given(st.lists(times, min_size=1, max_size=20))
def test_a_simulated_clock_only_moves_forward(moves: list[datetime]) -> None:
    clock = SimulatedClock(moves[0])
    for at in moves[1:]:
        stood = clock.now()
        if at < stood:
            with pytest.raises(ClockWentBack):
                clock.advance_to(at)
            assert clock.now() == stood
        else:
            clock.advance_to(at)
            assert clock.now() == at
    assert clock.simulated


def test_a_shared_clock_is_moved_by_one_and_read_by_all(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    clock = SharedClock(path, NOON)
    assert path.stat().st_mode & 0o777 == 0o600
    reader = SharedClock(path)
    clock.advance_to(NOON + timedelta(microseconds=1))
    assert reader.now() == clock.now() == NOON + timedelta(microseconds=1)
    program = (
        "import sys; from pathlib import Path; from whosaw.terms import SharedClock, to_us;"
        "print(to_us(SharedClock(Path(sys.argv[1])).now()))"
    )
    told = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert int(told.stdout) == to_us(clock.now())
    with pytest.raises(ClockWentBack):
        reader.advance_to(NOON)
    assert clock.now() == NOON + timedelta(microseconds=1)


def test_a_shared_clock_that_nobody_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SharedClock(tmp_path / "clock")
