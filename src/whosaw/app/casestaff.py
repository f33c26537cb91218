"""Who has left, as the steps of a case ask the staff directory."""

from __future__ import annotations

from datetime import date, datetime

from whosaw.answer.rules import Gone
from whosaw.gate.approvalpeople import Directory, is_there
from whosaw.terms import Clock


def leavers(directory: Directory, clock: Clock) -> Gone:
    """Return what says since when somebody does not work here; None where he does.

    Args:
        directory: of the staff, read anew each time.
        clock: tells what day it is.
    """

    async def gone(actor: str) -> str | None:
        row = (await directory([actor])).get(actor)
        if row is None:
            return "the staff directory does not list him"
        if is_there(row, clock.now()):
            return None
        ended = row.get("ended")
        if isinstance(ended, date) and is_there({**row, "ended": None}, clock.now()):
            day = ended.date() if isinstance(ended, datetime) else ended
            return f"he has left on {day}"
        return "by the staff directory he does not work here now"

    return gone
