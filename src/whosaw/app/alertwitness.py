"""A trail that its witnesses no longer cosign must not stay quiet, nor one that a witness contradicts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from whosaw.record.witness import read_state
from whosaw.record.witness.state import WitnessState
from whosaw.store import Database
from whosaw.store.alerts import Severity, raise_alert
from whosaw.terms import Clock

UNWITNESSED, CONTRADICTED = "trail.unwitnessed", "trail.contradicted"
ALERT_TEXTS = {
    UNWITNESSED: "The witnesses no longer cosign the trail: a roll-back by the operator cannot be excluded.",
    CONTRADICTED: "A witness holds a checkpoint of this trail's own key that the trail does not continue.",
}
_ROUNDS = 4
"""So often in a row nothing must stand written of the witnesses before it is told: who starts needs a while."""


def witness_alarm(db: Database, clock: Clock, folder: Path, *, asked: bool) -> Callable[[], Awaitable[None]]:
    """Return a step that raises an alert where the trail in `folder` stands unwitnessed, or contradicted.

    The same spell without witnesses is one alert, however often and in however many processes it runs.

    Args:
        db: where alerts are.
        clock: tells the time.
        folder: the trail's.
        asked: whether witnesses are configured; of a trail that never had any nothing is told.
    """
    silent = 0

    async def step() -> None:
        nonlocal silent
        state = await asyncio.to_thread(read_state, folder, clock.now().timestamp())
        silent = silent + 1 if asked and state.status == "none" else 0
        if state.status == "contradicted":
            await _tell(db, clock, "critical", CONTRADICTED, state)
        elif state.status == "unwitnessed" or silent >= _ROUNDS:
            await _tell(db, clock, "high", UNWITNESSED, state)

    return step


async def _tell(db: Database, clock: Clock, severity: Severity, code: str, state: WitnessState) -> None:
    about: dict[str, int | str] = {"size": state.size, "cosigned": state.quorum_size or 0}
    if state.since_s is not None:
        about["since"] = f"{datetime.fromtimestamp(state.since_s, UTC):%Y-%m-%dT%H:%MZ}"
    # one spell: what the quorum last cosigned does not change while it lasts
    await raise_alert(db, "trail", severity, code, about, at=clock.now(), once={"cosigned": state.quorum_size or 0})
