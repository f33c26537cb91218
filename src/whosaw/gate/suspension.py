"""Suspension: one call stops an actor at every door of every process, and is itself recorded.

Every ask reads the suspensions from the database together with its other facts, so there is nothing to invalidate. In
the transaction that suspends, everything that was granted to him ends and his sign-ins end; lifting the suspension
gives none of it back. One that a person ordered is lifted by a person; one that an automatic protection ordered (a
safety suspension) is lifted by two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from whosaw.gate import queries, standingqueries
from whosaw.gate.errors import GateError
from whosaw.gate.grantsentries import Step, grant_entry
from whosaw.gate.queries import Kind
from whosaw.gate.standing import LIFT_SUSPENSION, SECOND_PERSON, standing
from whosaw.record import Appender
from whosaw.store import Database, NumberMap
from whosaw.store.alerts import raise_alert
from whosaw.terms import Clock, to_us

SUSPENDED = "actor.suspended"
ALERT_TEXTS = {SUSPENDED: "Somebody is refused at every door from now on."}


class SecondPersonNeeded(GateError, PermissionError):
    """This takes the word of a second person, and there is none in force for exactly this."""

    code: ClassVar[str] = "gate.second_person_needed"
    hint = (
        "ask for a grant of kind second_person with the action suspension.lift and this actor as its target, have "
        "somebody else approve it, and lift the suspension as the person who asked"
    )


class Suspensions:
    """Stops actors and lets them in again; the entry is durable before either takes effect."""

    def __init__(self, db: Database, appender: Appender, clock: Clock) -> None:
        self._db = db
        self._appender = appender
        self._clock = clock

    async def suspend(self, actor: str, *, reason: str, by: str, kind: Kind = "manual") -> bool:
        """Stop `actor` at every door; return whether he was not stopped before.

        Args:
            actor: the key.
            reason: why; stands in the record.
            by: who orders it.
            kind: ``safety`` where an automatic protection does; it takes two to lift.

        Raises:
            TrailUnavailable: it could not be recorded; he is not stopped.
        """
        target, entry = await self._record("suspend", actor, reason, by, kind)
        new = await queries.set_suspended(self._db, actor, self._clock.now(), reason, by, kind=kind)
        since = await queries.suspended_since(self._db, actor)
        if since is not None:
            # raised again by every order: the first one may have failed after it took effect
            about, once = {"actor": target, "entry": entry}, {"actor": target, "since": to_us(since)}
            await raise_alert(self._db, "suspension", "high", SUSPENDED, about, at=self._clock.now(), once=once)
        return new

    async def restore(self, actor: str, *, reason: str, by: str) -> bool:
        """Lift the suspension of `actor`; return whether there was one.

        Args:
            actor: the key.
            reason: why; stands in the record.
            by: who lifts it; for a safety suspension the holder of a second person's word about exactly this actor,
                which is used up.

        Raises:
            SecondPersonNeeded: it is a safety suspension, and there is no such word.
            TrailUnavailable: it could not be recorded; it stands.
        """
        kind = await queries.suspension_kind(self._db, actor)
        if kind == "safety":
            await self._use_second_person(actor, by)
        await self._record("restore", actor, reason, by, kind or "manual")
        return await queries.set_restored(self._db, actor)

    async def among(self, actors: Sequence[str]) -> set[str]:
        """Return which of `actors` are suspended now."""
        return await queries.suspended(self._db, actors)

    async def _use_second_person(self, actor: str, by: str) -> None:
        at = self._clock.now()
        word = (await standing(self._db, [by], at))[by].second_person(LIFT_SUSPENSION, target=actor)
        (holder,) = await NumberMap(self._db).numbers("actor", [by])
        if word is None or not await standingqueries.consume(self._db, word.id, holder, at):
            raise SecondPersonNeeded("a safety suspension is lifted by two")
        step = Step("used", holder, holder, word.id, SECOND_PERSON, "console")
        await self._appender.append(grant_entry(step, at, {}))

    async def _record(self, change: str, actor: str, reason: str, by: str, kind: Kind) -> tuple[int, int]:
        """Record it and return the number of whom it is about, and the entry's."""
        ordered_by, target = await NumberMap(self._db).numbers("actor", [by, actor])
        receipt = await self._appender.append(
            {
                "kind": "suspension",
                "at": to_us(self._clock.now()),
                "actor": ordered_by,
                "target": target,
                "change": change,
                "reason": reason,
                "door": "console",
                **({"safety": "yes"} if kind == "safety" else {}),
            }
        )
        return target, receipt.index
