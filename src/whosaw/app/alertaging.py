"""An alert that nobody reads escalates: it is told again, one degree graver, each time its age has grown fourfold."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

from whosaw.app.casequeries import unread_alerts
from whosaw.store import Database
from whosaw.store.alerts import Severity, raise_alert
from whosaw.terms import Clock

UNREAD = "alert.unread"
ALERT_TEXTS = {UNREAD: "Nobody has read an alert for too long."}

PATIENCE: dict[Severity, timedelta] = {
    "critical": timedelta(hours=1),
    "high": timedelta(days=1),
    "medium": timedelta(days=7),
}
"""How long an alert of each degree may lie unread; one of the lowest may lie for ever."""

_ROUNDS = (1, 4, 16)
_DEGREES: tuple[Severity, ...] = get_args(Severity)


async def escalate_unread(db: Database, clock: Clock) -> int:
    """Raise an alert for each that has lain unread for too long since it was last told; return how many.

    The same round about the same alert is one alert, however often this runs, and in however many processes. What
    escalates does not itself escalate: it goes out by every way that is there, three times at most.
    """
    now, found = clock.now(), 0
    for identifier, severity, code, raised_at, told in await unread_alerts(db, list(PATIENCE), UNREAD):
        patience = PATIENCE[severity]
        passed = [times for times in _ROUNDS if now - raised_at >= patience * times]
        if len(passed) <= told:
            continue
        found += 1
        graver = _DEGREES[min(_DEGREES.index(severity) + 1, len(_DEGREES) - 1)]
        once: dict[str, int | str] = {"alert": identifier, "round": len(passed)}
        hours = int(patience * passed[-1] / timedelta(hours=1))
        await raise_alert(db, "alert", graver, UNREAD, {**once, "code": code, "hours": hours}, at=now, once=once)
    return found
