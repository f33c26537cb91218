"""A trail without its witnesses is told once for each spell, and a contradicted one at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from whosaw.app.alertwitness import witness_alarm
from whosaw.record.witness.remote import CONTRADICTIONS
from whosaw.record.witness.state import Standing, WitnessLine
from whosaw.store import Database
from whosaw.store.alerts import alerts
from whosaw.terms import SimulatedClock

AT = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)


def written(folder: Path, quorum: int | None, pending: datetime | None, error: str = "") -> None:
    """Write down how the witnesses stand, as the asking side does."""
    line = WitnessLine("w1", quorum, None, error)
    pending_s = pending.timestamp() if pending else None
    # the shelf is empty, so any number of entries that the quorum cosigned covers it: None stands for what it does not
    Standing(300.0, quorum, None, pending_s, (line,)).write(folder, AT.timestamp())


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(AT)


async def codes(db: Database) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in reversed(await alerts(db))]


async def test_a_spell_without_witnesses_is_told_once_and_not_within_the_grace(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    steps = [witness_alarm(database, clock, tmp_path, asked=True) for _ in range(2)]  # as two processes do
    written(tmp_path, None, AT)
    for seconds, told in ((299, 0), (301, 1), (900, 1)):
        clock.advance_to(AT + timedelta(seconds=seconds))
        for step in steps:
            await step()
        assert len(await codes(database)) == told
    (alert,) = await alerts(database)
    assert (alert.code, alert.about["since"]) == ("trail.unwitnessed", "2026-04-02T08:00Z")


async def test_a_contradiction_is_told_at_once_and_is_graver(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    written(tmp_path, 5, None, next(iter(CONTRADICTIONS)))
    await witness_alarm(database, clock, tmp_path, asked=True)()
    assert await codes(database) == [("trail.contradicted", "critical")]


async def test_a_state_that_is_taken_away_is_told_and_a_trail_that_never_had_witnesses_is_not(
    database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    never, gone = (witness_alarm(database, clock, tmp_path, asked=asked) for asked in (False, True))
    for _ in range(9):
        await never()
    for _ in range(3):
        await gone()
    assert await codes(database) == []
    await gone()
    assert await codes(database) == [("trail.unwitnessed", "high")]
