"""Rates and lock-outs over several processes of one database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from whosaw.doors.http import Pace, Sharing, Throttle
from whosaw.doors.http.errors import TooMany
from whosaw.doors.http.sharing import EVERY_S
from whosaw.store import Database
from whosaw.terms import SimulatedClock

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PACE = Pace(rate_per_s=20, burst=10, failures_most=5, failures_s=30)


class House:
    """Some processes, whose clocks a test moves together."""

    def __init__(self, db: Database, processes: int) -> None:
        self.clock = SimulatedClock(NOON)
        self.throttles = [Throttle(PACE, self.seconds) for _ in range(processes)]
        self.sharings = [Sharing(db, throttle, self.clock, self.seconds) for throttle in self.throttles]

    def seconds(self) -> float:
        """Return a clock that only rises."""
        return (self.clock.now() - NOON).total_seconds()

    def later(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))

    async def shared(self) -> None:
        """Let every process tell and hear, all at once."""
        await asyncio.gather(*(each.round() for each in self.sharings))

    def answered(self, process: int, actor: str = "E-1") -> bool:
        """Return whether a request is let in."""
        try:
            self.throttles[process].spend(actor)
        except TooMany:
            return False
        return True

    def tried(self, process: int, address: str = "192.0.2.1") -> bool:
        """Try a token that is none; return whether it was looked at."""
        try:
            self.throttles[process].check_address(address, "Bearer guess")
        except TooMany:
            return False
        self.throttles[process].failed(address)
        return True


@pytest.mark.parametrize("processes", [2, 4])
async def test_who_spreads_his_requests_gets_one_processes_rate_and_a_burst_of_each(
    database: Database, processes: int
) -> None:
    house, seconds, answered = House(database, processes), 20, 0
    for step in range(seconds * 100):
        answered += sum(house.answered(each) for each in range(processes))
        house.later(0.01)
        if step % 50 == 49:
            await house.shared()
    alone = PACE.burst + PACE.rate_per_s * seconds
    assert answered <= alone + (processes - 1) * (PACE.burst + 3 * PACE.rate_per_s * EVERY_S)
    assert answered >= PACE.rate_per_s * seconds * 0.8  # and is not starved by it


async def test_who_uses_one_process_alone_is_not_held_to_less(database: Database) -> None:
    house, answered = House(database, 2), 0
    for step in range(1_000):
        answered += house.answered(0)
        house.later(0.01)
        if step % 50 == 49:
            await house.shared()
    assert answered >= PACE.burst + PACE.rate_per_s * 10 - 1
    house.later(60)
    assert all(house.answered(1) for _ in range(PACE.burst))  # what he did there long ago is not held against him


async def test_an_address_that_is_locked_out_at_one_process_has_one_try_at_each_other(database: Database) -> None:
    house = House(database, 3)
    assert [house.tried(0) for _ in range(6)] == [True] * 5 + [False]
    await house.shared()
    for other in (1, 2):
        assert house.tried(other)
        await house.shared()
        assert not house.tried(other)
    assert house.tried(1, "192.0.2.2")
    house.later(31)
    await house.shared()
    assert house.tried(1)


async def test_counts_are_kept_under_digests_and_forgotten(database: Database) -> None:
    house = House(database, 1)
    house.answered(0, "E-0417")
    house.tried(0, "192.0.2.7")
    await house.shared()

    async def kept() -> list[tuple[Any, ...]]:
        async with database.connection() as connection:
            return await (await connection.execute("select who, counted from door_pace")).fetchall()

    assert sorted(counted for _, counted in await kept()) == [1, 1]
    assert not any(b"E-0417" in who or b"192" in who for who, _ in await kept())
    house.later(61)
    await house.shared()
    assert await kept() == []


async def test_what_could_not_be_told_is_told_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(database, 2)
    for each in (0, 1):
        house.answered(each)
        await house.sharings[each].round()
    assert [house.answered(0) for _ in range(4)] == [True] * 4
    told = house.sharings[0]._told

    async def nothing(_: object) -> dict[bytes, int]:
        raise OSError("no")

    monkeypatch.setattr(house.sharings[0], "_told", nothing)
    with pytest.raises(OSError, match="no"):
        await house.sharings[0].round()
    monkeypatch.setattr(house.sharings[0], "_told", told)
    await house.shared()
    house.answered(1)
    await house.sharings[1].round()
    assert sum(house.answered(1) for _ in range(20)) == PACE.burst - 2 - 4
