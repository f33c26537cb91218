"""What may clear a person, asked before anything that hurts him: an account is not a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from whosaw.answer import foundqueries as queries
from whosaw.answer.desk import Desk
from whosaw.answer.errors import StepRefused
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.terms import Clock

Finding = Literal["clears", "does_not_clear", "unknown"]

ITEMS = {
    "device": "was it his device, or one that others use?",
    "presence": "was he at work: badge, shift, holiday, illness?",
    "shared_account": "does anybody else know or use this account?",
    "session_elsewhere": "was there a session of the account in another place at the same time?",
    "alternatives": "what else explains the sightings: own orders, public dumps, earlier cases, another leak?",
}
"""Every question that must have an answer; *unknown*, with why it is, is one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The latest answer to one question about one actor."""

    item: str
    finding: Finding
    text: str
    by: str
    at: datetime


class Exculpatory:
    """The questions and answers of the cases of one database."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk) -> None:
        """Let only people of the case answer, by `desk`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk

    async def answer(self, case: str, actor: str, item: str, finding: str, *, text: str, by: str) -> None:
        """Note an answer; earlier ones stay.

        Raises:
            StepRefused: there is no such question or finding, or it says nothing.
        """
        await self._desk.check(case, by)
        if item not in ITEMS or finding not in {"clears", "does_not_clear", "unknown"} or len(text.strip()) < 5:
            raise StepRefused(
                "unknown",
                "an answer names a question, what it finds, and how that was found out",
                hint=f"questions: {', '.join(ITEMS)}; clears, does_not_clear or unknown",
            )
        number = await self._notes.number(actor)
        more: dict[str, int | str] = {"target": number, "change": finding, "question": item}
        entry = await self._notes.add(case, "case.exculpatory", by=by, text=text, more=more)
        said = {"actor": actor, "item": item, "finding": finding, "text": text, "by": by}
        await queries.add_exculpatory(self._db, case, said | {"at": self._clock.now(), "entry": entry})

    async def list(self, case: str, actor: str) -> Sequence[Answer]:
        """Return the latest answer to each question that has one."""
        rows = await answers(self._db, case, actor)
        return [Answer(*row) for row in rows]


async def answers(db: Database, case: str, actor: str) -> list[tuple[Any, ...]]:
    """Return (item, finding, text, by, at) of the latest answers about an actor."""
    return await queries.exculpatory(db, case, actor)


async def check_exculpatory(db: Database, case: str, actor: str) -> None:
    """Refuse to hurt a person about whom a question is open, or whom an answer clears.

    Raises:
        StepRefused: with the reason ``not_asked`` or ``cleared``.
    """
    found = {row[0]: row[1] for row in await answers(db, case, actor)}
    if missing := [item for item in ITEMS if item not in found]:
        raise StepRefused(
            "not_asked",
            f"what may clear this person was not asked: {', '.join(missing)}",
            hint="`whosaw case clear` notes the answers; unknown is one",
        )
    if clearing := [item for item in ITEMS if found[item] == "clears"]:
        raise StepRefused(
            "cleared", f"this person is cleared: {', '.join(clearing)}", hint="close the matter, or ask anew"
        )
