"""What case work asks the staff directory: whose manager somebody is, and who has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from whosaw.answer.conflicts import Managers
from whosaw.answer.rules import Gone
from whosaw.gate.approvalpeople import Directory, is_there
from whosaw.terms import Clock


def managers_of(directory: Directory) -> Managers:
    """Return what says whom somebody answers to; of whom the directory says nothing, nothing.

    Args:
        directory: of the staff, read anew each time.
    """

    async def managers(actors: Sequence[str]) -> Mapping[str, str]:
        rows = await directory(list(actors)) if actors else {}
        return {key: str(row["manager"]) for key, row in rows.items() if row.get("manager")}

    return managers


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
