"""A case: one beneficiary, its sightings, and how the verdict sharpened complaint by complaint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whosaw.answer import queries
from whosaw.answer.errors import UnknownCase
from whosaw.answer.numbered import staff_in
from whosaw.answer.phase import State
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import Clock

_TIERS = ("certain", "probable", "possible")


@dataclass(frozen=True, slots=True)
class Case:
    """An investigation about one beneficiary; `state` is one of `phase.STATES`."""

    id: str
    beneficiary: str
    state: State
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What attribution said when a number of complaints was in.

    Attributes:
        seq: counts from 1 within the case.
        at: when it was said.
        complaints: sightings it was computed from.
        verdict: the result as ``whosaw trace --json`` writes it; actors by the company's own keys.
        numbered: whether everybody whom it says is affected had a number when it was kept, so that only an erasure can
            have taken one away.
    """

    seq: int
    at: datetime
    complaints: int
    verdict: Mapping[str, Any]
    numbered: bool = False

    def named(self) -> set[str]:
        """Return every actor who stands alone as a finding; an inseparable group names nobody."""
        found = [each["actors"] for each in self._candidates() if each.get("rung") == "finding"]
        return (
            {actors[0] for actors in found if len(actors) == 1} if self.verdict.get("verdict") == "finding" else set()
        )

    def suspected(self) -> set[str]:
        """Return every actor on a rung, alone or in a group."""
        on_rung = [each["actors"] for each in self._candidates() if each.get("rung") in {"lead", "finding"}]
        return {actor for actors in on_rung for actor in actors}

    def actors(self) -> set[str]:
        """Return every actor whom the verdict mentions, on a rung or not."""
        return {actor for each in self._candidates() for actor in each["actors"]}

    def affected(self) -> set[str]:
        """Return every subject of whom it says how far his data got out."""
        scope = self.verdict.get("scope")
        tiers = [scope.get(tier) or () for tier in _TIERS] if isinstance(scope, Mapping) else []
        return {key for tier in tiers for key in tier}

    def _candidates(self) -> list[Mapping[str, Any]]:
        return list(self.verdict.get("candidates", ()))


class Cases:
    """The cases of one database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def open(self, beneficiary: str, *, by: str) -> Case:
        """Return the open case about `beneficiary`, opened now if there is none.

        Sightings of this beneficiary that have no case join it.
        """
        return Case(*await queries.open_case(self._db, beneficiary, self._clock.now(), by))

    async def get(self, identifier: str) -> Case:
        """Return one case.

        Raises:
            UnknownCase: there is none of this id.
        """
        row = await queries.case(self._db, identifier)
        if row is None:
            raise UnknownCase(f"there is no case `{identifier}`")
        return Case(*row)

    async def list(self) -> Sequence[Case]:
        """Return every case, oldest first."""
        return [Case(*row) for row in await queries.cases(self._db)]

    async def close(self, identifier: str) -> Case:
        """Close a case; later sightings of its beneficiary ask for a new one.

        Raises:
            UnknownCase: there is none of this id.
        """
        await self.get(identifier)
        await queries.close_case(self._db, identifier, self._clock.now())
        return await self.get(identifier)

    async def add_verdict(
        self, identifier: str, verdict: Mapping[str, Any], *, complaints: int, beside: queries.Beside | None = None
    ) -> Snapshot:
        """Append what attribution said to the case's history; whom it names has a number from then on.

        So has everybody whose data it says got out: who has none is not to be taken for one who was erased.

        Args:
            identifier: the case.
            verdict: what was said.
            complaints: of how many complaints.
            beside: keeps more in the same transaction, given its connection and the number of the verdict.

        Raises:
            UnknownCase: there is none of this id.
        """
        await self.get(identifier)
        at = self._clock.now()
        # now and at no later look: who was erased meanwhile would come back into the map
        said = Snapshot(0, at, complaints, verdict)
        await assign(self._db, "actor", sorted(said.actors() | staff_in(verdict)))
        await assign(self._db, "subject", sorted(said.affected()))
        return Snapshot(*await queries.add_verdict(self._db, identifier, (at, complaints), verdict, beside))

    async def verdicts(self, identifier: str) -> Sequence[Snapshot]:
        """Return the case's history, oldest first."""
        return [Snapshot(*row) for row in await queries.verdicts(self._db, identifier)]
