"""Corrections: whoever was shown an accusation is told when it fell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from whosaw.answer.case import Cases
from whosaw.answer.casequeries import fetch
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
        await fetch(
            self._db,
            "insert into case_shown (case_id, person, actor, first_at) select %(case)s, %(person)s, a, %(at)s "
            "from unnest(%(actors)s::bigint[]) a on conflict do nothing returning actor",
            case=case,
            person=person,
            actors=list(actors),
            at=self._clock.now(),
        )

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
        rows = await fetch(
            self._db,
            "insert into case_correction (case_id, person, actor, text, made_at) select case_id, person, actor, "
            "%(text)s, %(at)s from case_shown where case_id = %(case)s and actor = %(actor)s "
            "on conflict do nothing returning person",
            case=case,
            actor=actor,
            text=text,
            at=self._clock.now(),
        )
        return len(rows)

    async def unread(self, person: str) -> Sequence[Correction]:
        """Return the corrections that a person has not read."""
        return await self._list("person = %(who)s and read_at is null", person)

    async def read(self, person: str) -> None:
        """Note that a person has read his corrections."""
        await fetch(
            self._db,
            "update case_correction set read_at = %(at)s where person = %(who)s and read_at is null returning person",
            who=person,
            at=self._clock.now(),
        )

    async def list(self, case: str) -> Sequence[Correction]:
        """Return the corrections of a case, and who has read them."""
        return await self._list("case_id = %(who)s", case)

    async def _list(self, condition: str, who: str) -> Sequence[Correction]:
        rows = await fetch(
            self._db,
            "select case_id, person, actor, text, made_at, read_at from case_correction "
            f"where {condition} order by made_at, person",
            who=who,
        )
        return [Correction(*row) for row in rows]
