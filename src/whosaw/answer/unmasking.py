"""Who is behind a number: asked by one person, approved by another of another function, with a reason and an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whosaw.answer import casequeries as queries
from whosaw.answer.desk import Desk
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.store.numbers import keys_of
from whosaw.terms import Clock

LONGEST = timedelta(days=30)
_CIRCLE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Unmasking:
    """One unmasking of one actor in one case.

    Attributes:
        id: its number.
        case: the case.
        actor: the number that is unmasked.
        reason: why it must be known.
        asked_by: who asked.
        asked_at: when.
        approved_by: who approved, or None.
        approved_at: when.
        expires_at: from when on the number stands masked again.
        days: for how long it was asked.
    """

    id: int
    case: str
    actor: int
    reason: str
    asked_by: str
    asked_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    expires_at: datetime | None
    days: int

    def holds(self, now: datetime) -> bool:
        """Return whether the actor may be named now."""
        return self.expires_at is not None and now < self.expires_at


class Unmaskings:
    """The unmaskings of one database; every one stays, and `oversight` lists them beside those by grant."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk) -> None:
        """Let only people of the case ask and approve, by `desk`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk

    async def ask(self, case: str, actor: int, *, by: str, reason: str, days: int = 7) -> Unmasking:
        """Ask who an actor is, for some days from the approval on.

        Raises:
            StepRefused: no reason is given, ``too_long``, ``unknown``, or the person has no function in the case or a
                conflict.
        """
        await self._desk.check(case, by)
        _check_days(days)
        if actor not in await keys_of(self._db, "actor", [actor]):
            raise StepRefused("unknown", f"there is no actor #{actor}")
        if len(reason.strip()) < 10:
            raise StepRefused("no_reason", "say in a sentence why the person must be known")
        entry = await self._notes.add(
            case, "case.unmask", by=by, text=reason, more={"change": "requested", "target": actor, "days": days}
        )
        said = {"actor": actor, "days": days, "reason": reason, "by": by, "at": self._clock.now(), "entry": entry}
        return Unmasking(*await queries.ask_unmasking(self._db, case, said))

    async def approve(self, identifier: int, *, by: str, days: int | None = None) -> Unmasking:
        """Approve an unmasking for as long as it was asked for, or for `days`; recorded before it holds.

        Raises:
            UnknownCase: there is none of this number.
            StepRefused: ``same_person``, ``same_function``, ``circular``, ``not_named``, ``too_long``, or a conflict.
        """
        asked = await self.get(identifier)
        await self._desk.check(asked.case, by)
        functions = await self._desk.functions(asked.case)
        if by == asked.asked_by:
            raise StepRefused("same_person", "nobody approves what he asked for", hint="have another person approve it")
        if by not in functions or functions[by] == functions.get(asked.asked_by):
            raise StepRefused(
                "same_function", "an unmasking takes two functions of the case", hint="have another function approve it"
            )
        days = asked.days if days is None else days
        _check_days(days)
        # one approval at a time: two people who approve each other at once would not see each other's
        async with queries.approving(self._db) as connection:
            if await queries.is_approved(connection, identifier):  # by somebody else, whose entry says so
                return await self.get(identifier)
            now = self._clock.now()
            if await queries.approved_for(connection, asked=by, approved=asked.asked_by, since=now - _CIRCLE):
                raise StepRefused(
                    "circular",
                    "two people do not approve each other within 30 days",
                    hint="have somebody else approve it",
                )
            more: dict[str, int | str] = {"change": "approved", "target": asked.actor}
            entry = await self._notes.add(asked.case, "case.unmask", by=by, more=more)
            said = {"by": by, "at": now, "until": now + timedelta(days=days), "entry": entry}
            if not await queries.approve_unmasking(connection, identifier, said):
                raise UnknownCase(f"there is no unmasking {identifier}")
        return await self.get(identifier)

    async def get(self, identifier: int) -> Unmasking:
        """Return one.

        Raises:
            UnknownCase: there is none of this number.
        """
        row = await queries.unmasking(self._db, identifier)
        if row is None:
            raise UnknownCase(f"there is no unmasking {identifier}")
        return Unmasking(*row)

    async def list(self, case: str) -> Sequence[Unmasking]:
        """Return every unmasking of a case, also those that have run out."""
        return [Unmasking(*row) for row in await queries.unmaskings(self._db, case)]

    async def names(self, case: str, actors: Sequence[int], *, to: str | None = None) -> dict[int, str]:
        """Return how each of these actors may be written now: by key while an unmasking holds, else ``actor #17``.

        Args:
            case: the case.
            actors: their numbers.
            to: whoever reads it; only what he asked for or approved counts. Everybody of the case if None.
        """
        now = self._clock.now()
        mine = [each for each in await self.list(case) if to is None or to in (each.asked_by, each.approved_by)]
        open_ = {each.actor for each in mine if each.holds(now)}
        known = await keys_of(self._db, "actor", [actor for actor in actors if actor in open_])
        return {actor: known.get(actor, f"actor #{actor}") for actor in actors}


def _check_days(days: int) -> None:
    if not 0 < days <= LONGEST.days:
        raise StepRefused("too_long", f"an unmasking holds 1 to {LONGEST.days} days")
