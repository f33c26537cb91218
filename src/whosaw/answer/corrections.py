"""Corrections: whoever knows of an accusation is told when it fell, and what still stands against him is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from whosaw.answer import redressqueries as queries
from whosaw.answer import stepqueries
from whosaw.answer.case import Cases
from whosaw.answer.errors import StepRefused
from whosaw.answer.ladder import RULES
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import find_all, keys_of
from whosaw.terms import Clock

FELL = "case.accusation_fell"
ALERT_TEXTS = {FELL: "Somebody is no longer under suspicion; who was told of it was not told so, or a measure stands."}
_UNDOABLE = tuple(name for name, rule in RULES.items() if rule.about == "actor" and rule.finding)


@dataclass(frozen=True, slots=True)
class Correction:
    """One correction to one person: about which actor's number, in which words, and when he read it."""

    case: str
    person: str
    actor: int
    text: str
    made_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fallen:
    """An accusation that fell and is not put right yet.

    Attributes:
        actor: the number of whom it was about.
        untold: how many people know of it and were not told that it fell.
        measures: ids of the steps against him that stand.
    """

    actor: int
    untold: int
    measures: tuple[str, ...]


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
        said = {"actor": actor, "key": key or "", "text": text, "at": self._clock.now()}
        return await queries.add_corrections(self._db, case, said)

    async def fallen(self, case: str) -> Sequence[Fallen]:
        """Return every accusation of a case that fell and of which somebody was not told, or a measure stands."""
        history = await Cases(self._db, self._clock).verdicts(case)
        since = {key: each.at for each in history for key in each.suspected()}
        gone = sorted(set(since) - history[-1].suspected()) if history else []
        numbers = await find_all(self._db, "actor", gone)
        found = []
        for key in numbers:  # who was erased since is nobody's any more
            people = await queries.untold(self._db, case, (numbers[key], key), since[key])
            measures = await stepqueries.standing_against(self._db, case, key, _UNDOABLE)
            if people or measures:
                found.append(Fallen(numbers[key], len(people), tuple(measures)))
        return found

    async def remind(self) -> int:
        """Raise an alert for each accusation that fell and is not put right; return how many there are."""
        raised = 0
        for case in await Cases(self._db, self._clock).list():
            seen = await Cases(self._db, self._clock).verdicts(case.id) if case.state != "closed" else []
            for each in await self.fallen(case.id) if seen else []:
                about: dict[str, int | str] = {"case": case.id, "actor": each.actor, "verdict": seen[-1].seq}
                once = about | {"untold": min(each.untold, 1), "measures": len(each.measures)}
                about |= {"untold": each.untold, "measures": len(each.measures)}
                await raise_alert(self._db, "case", "high", FELL, about, at=self._clock.now(), once=once)
                raised += 1
        return raised

    async def unread(self, person: str) -> Sequence[Correction]:
        """Return the corrections that a person has not read."""
        return [Correction(*row) for row in await queries.corrections(self._db, unread_by=person)]

    async def read(self, person: str, until: datetime) -> None:
        """Note that a person has read his corrections that were made by `until`: none that he was not shown."""
        await queries.read_corrections(self._db, person, until, self._clock.now())

    async def list(self, case: str) -> Sequence[Correction]:
        """Return the corrections of a case, and who has read them."""
        return [Correction(*row) for row in await queries.corrections(self._db, case=case)]
