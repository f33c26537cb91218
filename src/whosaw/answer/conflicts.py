"""Who may not work on a case: whom it suspects, his manager, and whoever was shown the data of those who complained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from whosaw.answer import queries, stepqueries
from whosaw.answer.case import Snapshot
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.record import entries_by_actor, entries_exposing
from whosaw.store import Database
from whosaw.store.numbers import find
from whosaw.terms import to_us

Managers = Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
"""Gives the manager of each of these members of staff, where the directory says one."""


async def no_managers(actors: Sequence[str]) -> Mapping[str, str]:
    """Know nobody's manager: where the directory does not say."""
    del actors
    return {}


class Conflicts:
    """Finds what keeps a person from working on a case."""

    def __init__(self, db: Database, managers: Managers = no_managers) -> None:
        """Ask `managers` for whom the suspects answer to."""
        self._db = db
        self._managers = managers

    async def check(self, case: str, person: str) -> None:
        """Refuse a person with a conflict of interest.

        Raises:
            UnknownCase: there is no such case.
            StepRefused: with the reason ``nobody`` or ``conflict``. The message is one for every conflict: which one
                it is would tell a suspect that he is one, and whoever names people could try out who it is.
        """
        if not person.strip():
            raise StepRefused("nobody", "a case is worked on by a person with a name")
        row = await queries.case(self._db, case)
        if row is None:
            raise UnknownCase(f"there is no case `{case}`")
        suspects = await self.suspects(case)
        if person in suspects:
            raise conflict()
        if person in set((await self._managers(sorted(suspects))).values()):
            raise conflict()
        if await self._was_shown(case, person, to_us(row[3])):
            raise conflict()

    async def suspects(self, case: str) -> set[str]:
        """Return everybody on a rung of the newest verdict, and everybody whom a standing step suspends."""
        history = await queries.verdicts(self._db, case)
        suspected = Snapshot(*history[-1]).suspected() if history else set()
        return suspected | await stepqueries.suspended_in(self._db, case)

    async def _was_shown(self, case: str, person: str, before_us: int) -> bool:
        number = await find(self._db, "actor", person)
        if number is None:
            return False
        subjects = {row[2] for row in await queries.sightings(self._db, beneficiary=None, case=case)}
        if not subjects:
            return False
        shown = [
            entry
            async for entry in entries_by_actor(self._db, number)
            if entry.payload.get("kind") == "disclosure" and int(str(entry.payload["at"])) < before_us
        ]
        if any(entry.payload.get("subject") in subjects for entry in shown):
            return True
        sets = {entry.index for entry in shown if "exposure" in entry.payload}
        return bool(sets and sets & await entries_exposing(self._db, subjects))


def conflict() -> StepRefused:
    """Return the refusal of whoever has a conflict of interest, whichever it is."""
    return StepRefused(
        "conflict", "a person with a conflict of interest decides nothing here", hint="ask another person"
    )
