"""Who may not work on a case: whom it suspects, his manager, and whoever was shown the data of those who complained."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from whosaw.answer import conflictqueries, queries, stepqueries
from whosaw.answer.case import Snapshot
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.store import Database
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
        if await conflictqueries.was_shown(self._db, case, person, to_us(row[3])):
            raise conflict()

    async def suspects(self, case: str) -> set[str]:
        """Return everybody on a rung of the newest verdict, and everybody whom a standing step suspends."""
        newest = await conflictqueries.newest_verdict(self._db, case)
        suspected = Snapshot(*newest).suspected() if newest else set()
        return suspected | await stepqueries.suspended_in(self._db, case)


def conflict() -> StepRefused:
    """Return the refusal of whoever has a conflict of interest, whichever it is."""
    return StepRefused(
        "conflict", "a person with a conflict of interest decides nothing here", hint="ask another person"
    )
