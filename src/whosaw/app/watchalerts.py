"""What watch tells at once: cases, escalations, signals that find something in nothing, explanations withdrawn."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from whosaw.app.services import Services
from whosaw.store.alerts import raise_alert
from whosaw.store.database import Connection

if TYPE_CHECKING:
    from whosaw.app.watching import Weighed
    from whosaw.watch.flags import Flag

ALERT_TEXTS = {
    "watch.case": "Accesses that no record explains favour one party, beyond what chance gives innocent people.",
    "watch.escalated": "Two kinds of evidence point at one person: people decide now.",
    "watch.explanation_withdrawn": "One reviewer has taken back what two had agreed explains looks: look at why.",
    "watch.signal_off": "A signal of watch finds something among people permuted at random, and is switched off.",
}


async def tell_flag(services: Services, day: date, flag: Flag, person: int) -> None:
    """Raise the alert of a flag that is more than a matter for review."""
    if flag.tier == "review":
        return
    escalated = flag.tier == "escalate"
    about: dict[str, int | str] = {"flag": flag.id, "person": person, "day": day.isoformat()}
    # the same evidence stands for weeks: it is one alert a month
    once: dict[str, int | str] = {"person": person, "month": f"{day:%Y-%m}"}
    code = "watch.escalated" if escalated else "watch.case"
    severity = "critical" if escalated else "high"
    at = services.clock.now()
    await raise_alert(services.db, "watch.flag", severity, code, about, at=at, once=once)  # type: ignore[arg-type]


async def tell_withdrawn(connection: Connection, number: int, entry: int, at: datetime) -> None:
    """Raise the alert that one took back what two had agreed explains looks, in the transaction in which he does."""
    about = {"explanation": number, "entry": entry}
    await raise_alert(connection, "watch.explanation", "high", "watch.explanation_withdrawn", about, at=at)


async def tell_signals(services: Services, day: date, weighed: Weighed) -> None:
    """Raise an alert for each signal that the nightly check switched off."""
    for each in weighed.report["health"] or ():
        if not each["holds"]:
            about: dict[str, int | str] = {"signal": each["name"], "day": day.isoformat()}
            once: dict[str, int | str] = {"signal": each["name"], "month": f"{day:%Y-%m}"}
            at = services.clock.now()
            await raise_alert(services.db, "watch.health", "medium", "watch.signal_off", about, at=at, once=once)
