"""Legal hold: what a court, an authority or a claim needs is kept, whoever asks for its erasure.

A hold stands on one subject or actor, has a ground and a day on which it must be looked at again, and is itself
recorded. While it stands nothing about its subject, and nothing its actor did, is erased or pruned: it is restricted
instead (GDPR Article 18), which here means kept and used for the hold's ground alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from whosaw.record import erasurequeries as queries
from whosaw.record.appender import Appender
from whosaw.record.errors import RecordError
from whosaw.store import Database
from whosaw.terms import Clock, to_us

Space = Literal["subject", "actor"]


class HoldStands(RecordError, ValueError):
    """There is a hold on this number already."""

    code: ClassVar[str] = "record.hold_stands"
    hint = "lift it first, or leave it as it is: `whosaw hold list` shows it"


class NoHold(RecordError, LookupError):
    """No hold stands on this number."""

    code: ClassVar[str] = "record.no_hold"
    hint = "`whosaw hold list` shows every standing hold"


class HoldUntold(RecordError, PermissionError):
    """The person asked to be erased, and was not told yet that the hold ends (GDPR art. 18(3))."""

    code: ClassVar[str] = "record.hold_untold"
    hint = (
        "tell the person first: `whosaw access erasure PERSON --reference … --lifting` writes the letter and notes it"
    )


@dataclass(frozen=True, slots=True)
class Hold:
    """A standing hold.

    Attributes:
        space: whether `number` is a subject's or an actor's.
        ground: why, in words.
        review_on: the day by which it must be looked at again.
        erasure_asked_at: when an erasure was first refused because of it, or None.
        fields: of the company's own tables, that the ground needs; empty means all of them.
        told_at: when the person was told that it is about to be lifted, or None.
    """

    space: Space
    number: int
    ground: str
    review_on: date
    added_at: datetime
    erasure_asked_at: datetime | None
    fields: frozenset[str] = frozenset()
    told_at: datetime | None = None


class Holds:
    """Adds, lifts and lists holds; the entry is durable before either takes effect."""

    def __init__(self, db: Database, appender: Appender, clock: Clock) -> None:
        self._db = db
        self._appender = appender
        self._clock = clock

    async def add(
        self, space: Space, number: int, *, ground: str, review_on: date, by: int, fields: Collection[str] = ()
    ) -> None:
        """Hold everything about a subject, or everything an actor did.

        Of the company's own tables it needs `fields`, or all of them where none is given. An erasure that was ordered
        and not carried out yet is stopped by it.

        Raises:
            HoldStands: there is one already.
            TrailUnavailable: it could not be recorded, and does not stand.
        """
        if any((hold.space, hold.number) == (space, number) for hold in await self.standing()):
            raise HoldStands("a hold stands on this number already")
        await self._record("add", space, number, by, {"reason": ground, "review": review_on.isoformat()})
        async with queries.placing(self._db) as conn:
            made = (self._clock.now(), by)
            if not await queries.add_hold(conn, (space, number), (ground, review_on, sorted(fields)), made):
                raise HoldStands("a hold stands on this number already")

    async def narrow(self, space: Space, number: int, *, fields: Collection[str], by: int) -> None:
        """Let a hold need these fields of the company's own tables and no others; what whosaw holds stays held.

        Raises:
            NoHold: none stands.
            ValueError: no field is named.
            TrailUnavailable: it could not be recorded, and nothing changed.
        """
        if not fields:
            raise ValueError("a hold is narrowed to fields; to end it, lift it")
        await self._stands(space, number)
        await self._record("narrow", space, number, by, {"fields": [*sorted(fields)]})
        async with queries.placing(self._db) as conn:
            await queries.narrow_hold(conn, (space, number), sorted(fields))

    async def tell(self, space: Space, number: int, *, by: int) -> None:
        """Note that the person was told that the hold on him is about to be lifted.

        Raises:
            NoHold: none stands.
            TrailUnavailable: it could not be recorded, and does not count.
        """
        await self._stands(space, number)
        await self._record("told", space, number, by, {})
        async with queries.placing(self._db) as conn:
            await queries.note_told(conn, (space, number), self._clock.now())

    async def lift(self, space: Space, number: int, *, reason: str, by: int) -> datetime | None:
        """Lift the hold on a number; return when an erasure was asked for meanwhile, or None.

        Raises:
            NoHold: none stands.
            HoldUntold: the person asked to be erased meanwhile, and was not told that the hold ends.
            TrailUnavailable: it could not be recorded, and the hold stands.
        """
        hold = await self._stands(space, number)
        # one on a member of staff restricted others' data as well, and whoever of them asked is told by his own letter
        if space == "subject" and hold.erasure_asked_at is not None and hold.told_at is None:
            raise HoldUntold(
                f"an erasure was asked for on {hold.erasure_asked_at.date()}, and it was not told that the hold ends"
            )
        await self._record("lift", space, number, by, {"reason": reason})
        async with queries.placing(self._db) as conn:
            lifted = await queries.lift_hold(conn, (space, number), (self._clock.now(), by))
        if lifted is None:
            raise NoHold("no hold stands on this number")
        return lifted[0]

    async def standing(self) -> list[Hold]:
        """Return every standing hold, the next to review first."""
        return [
            Hold(
                "subject" if space == "subject" else "actor", number, ground, day, at, asked_at, frozenset(fields), told
            )
            for space, number, ground, day, at, asked_at, fields, told in await queries.standing_holds(self._db)
        ]

    async def _stands(self, space: Space, number: int) -> Hold:
        for hold in await self.standing():
            if (hold.space, hold.number) == (space, number):
                return hold
        raise NoHold("no hold stands on this number")

    async def _record(
        self, change: str, space: Space, number: int, by: int, more: Mapping[str, str | list[int | str]]
    ) -> None:
        about = {"subject": number} if space == "subject" else {"target": number}
        await self._appender.append(
            {
                "kind": "hold",
                "at": to_us(self._clock.now()),
                "actor": by,
                "door": "console",
                "change": change,
                **about,
                **more,
            }
        )
