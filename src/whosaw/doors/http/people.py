"""What the routes about people work with, and who may use them: nobody who is stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from starlette.requests import Request

from whosaw.catalog import CatalogError
from whosaw.doors.http.bodies import Sent
from whosaw.doors.http.entrance import Entrance
from whosaw.doors.http.errors import ActorStopped, NothingHere
from whosaw.doors.http.repeats import Repeats
from whosaw.gate.approvers import Approvers
from whosaw.gate.conduct import Conducts
from whosaw.gate.facts import FactFinder, Person
from whosaw.gate.glass import Glasses
from whosaw.gate.glassask import GlassAsk
from whosaw.gate.grants import Grants
from whosaw.gate.grantsask import GrantAsk
from whosaw.gate.left import Leftovers
from whosaw.gate.stopping import Stopping
from whosaw.terms import Clock

Asked = TypeVar("Asked", GrantAsk, GlassAsk)
_NUMBER_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class People:
    """What of the house the routes about people need.

    Attributes:
        stoppers: functions of the directory that may suspend somebody and lift it.
    """

    grants: Grants
    glasses: Glasses
    conducts: Conducts
    stopping: Stopping
    approvers: Approvers
    facts: FactFinder
    leftovers: Leftovers
    stoppers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Desk:
    """The door step of the routes about people."""

    people: People
    entrance: Entrance
    clock: Clock
    repeats: Repeats | None

    async def person(self, actor: str) -> Person:
        """Return how somebody stands now."""
        return (await self.people.facts.people([actor], self.clock.now()))[actor]

    async def listed(self, actor: str) -> bool | None:
        """Return whether the staff directory lists this key; None where the company's database does not say."""
        try:
            return await self.people.facts.listed(actor)
        except CatalogError:
            return None

    async def actor(self, request: Request) -> str:
        """Return who asks, where he may ask anything here.

        Raises:
            TokenRefused, TooMany: as `Entrance.actor`.
            ActorStopped: he is suspended, has left, or is not in the directory.
        """
        actor = await self.entrance.actor(request)
        facts = (await self.person(actor)).facts
        if facts.suspended or facts.ended:
            raise ActorStopped("your access is stopped")
        return actor

    async def under_its_key(self, request: Request, actor: str, sent: Sent, ask: Asked) -> Asked:
        """Return an ask that is the same again wherever its request is sent again under the same key.

        Raises:
            KeyUnfit, KeyReused, StoreError: as `Repeats.claim`.
        """
        claim = await self.repeats.claim(request, actor, sent.raw, self.clock.now()) if self.repeats else None
        return ask if claim is None else replace(ask, ask=claim.key.hex())


def number_in(request: Request) -> int:
    """Return the number in the path.

    Raises:
        NothingHere: nothing has such a number.
    """
    number = int(request.path_params["number"])
    if not 0 < number <= _NUMBER_MOST:
        raise NothingHere("nothing has this number")
    return number


def moment(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
