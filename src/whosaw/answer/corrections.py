"""Corrections: whoever was shown an accusation is told when it fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from whosaw.answer import redressqueries as queries
from whosaw.answer.case import Cases
from whosaw.answer.errors import StepRefused
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.store.numbers import keys_of
from whosaw.terms import Clock


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction to one person: about which actor's number, in which words, and when he read it."""

    case: str
    person: str
    actor: int
    text: str
    made_at: datetime
    read_at: datetime | None


class Corrections:
    """Who was shown whom, and what they were told when it fell."""

    def __init__(self, db: Database, clock: Clock, notes: Notes) -> None:
        self._db = db
        self._clock = clock
        self._notes = notes

    async def shown(self, case: str, person: str, actors: Sequence[int]) -> None:
        """Note that a person is shown these actors as suspected; before he is shown them."""
        await queries.show_actors(self._db, case, person, actors, self._clock.now())

    async def correct(self, case: str, actor: int, *, by: str, text: str) -> int:
        """Tell everybody who was shown an actor that the accusation fell; return how many are told.

        Raises:
            StepRefused: ``still_suspected`` where the newest verdict has him on a rung; ``no_reason`` without words.
        """
        if len(text.strip()) < 10:
            raise StepRefused("no_reason", "a correction says in a sentence what was wrong")
        history = await Cases(self._db, self._clock).verdicts(case)
        key = (await keys_of(self._db, "actor", [actor])).get(actor)
        if history and key in history[-1].suspected():
            raise StepRefused("still_suspected", "the newest verdict still suspects this person")
        await self._notes.add(case, "case.correct", by=by, text=text, more={"target": actor})
        said = {"actor": actor, "text": text, "at": self._clock.now()}
        return await queries.add_corrections(self._db, case, said)

    async def unread(self, person: str) -> Sequence[Correction]:
        """Return the corrections that a person has not read."""
        return [Correction(*row) for row in await queries.corrections(self._db, unread_by=person)]

    async def read(self, person: str) -> None:
        """Note that a person has read his corrections."""
        await queries.read_corrections(self._db, person, self._clock.now())

    async def list(self, case: str) -> Sequence[Correction]:
        """Return the corrections of a case, and who has read them."""
        return [Correction(*row) for row in await queries.corrections(self._db, case=case)]
