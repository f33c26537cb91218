"""Friction: what the gate notices while people ask holds them up at once; recorded, told, and released by a person.

An ordinary ask costs no round trip: signs are counted and holds are looked up in memory. Only when a sign shows, an
entry is made durable, before the ask that showed it is answered. Counts are each process's own, so whoever spreads his
asks over *n* processes gets up to *n* times as far (budgets are exact over all of them); what holds somebody up is
shared through the database and reaches every process within a second. The touch of a canary is answered like any other
and shows with the next ask: an answer must not say who is one.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from whosaw.ask import ActionAsk, Ask, LookupAsk
from whosaw.catalog import Catalog
from whosaw.catalog.watching import STEPS
from whosaw.decide import Decision, refused
from whosaw.gate import frictionqueries as queries
from whosaw.gate.budgets import Budgets
from whosaw.gate.facts import Person
from whosaw.gate.frictionsigns import BURST, CANARY, ENUMERATION, PLACES, Signs
from whosaw.gate.judged import Judged
from whosaw.gate.numbering import Numbering
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.store.alerts import raise_alert
from whosaw.terms import SubjectRef, to_us

REASONS = {
    "reason": "friction.reason_needed",
    "second_person": "friction.second_person_needed",
    "stop": "friction.stopped",
}
"""Step → the reason of a refusal. All signs are told alike."""
ALERT_TEXTS = {
    "watch.friction": "Somebody's asks looked like a theft under way, and are held up; a reviewer may release him.",
}

_MEMORY = timedelta(days=1)
_HEARD = timedelta(minutes=1)
"""A step is not followed by the next before whom it holds up can have heard of it."""
_HOURS = (1.0, 8.0, 160.0)  # working hours in the hour, day and month of a budget
_DECIDED = ("actor.suspended", "actor.ended", "actor.not_acknowledged")


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds somebody up: which step, whether it is enforced, and until when."""

    step: str
    enforced: bool
    until: datetime


class Friction:
    """The friction of one process; use it from one event loop. Does nothing where the catalog has no ``[watch.live]``.

    Every method that is awaited raises `RecordError` where a sign showed and could not be made durable: nothing may be
    answered then.
    """

    def __init__(
        self, db: Database, appender: Appender, catalog: Catalog, budgets: Budgets, numbering: Numbering
    ) -> None:
        self._db = db
        self._appender = appender
        self._budgets = budgets
        self._numbering = numbering
        self._live = catalog.watch.live if catalog.watch is not None else None
        self._signs = Signs(self._live) if self._live is not None else None
        self._minutes = self._live.hold_minutes if self._live is not None else 0
        self._catalog = catalog
        self._canaries: frozenset[str] = frozenset()
        # invariant: what the database held at the last `refresh`, and what this process began since
        self._holds: dict[str, Hold] = {}
        self._begun = 0

    def seen(self, actor: str, address: str) -> None:
        """Note from which address a request of `actor` comes."""
        if self._signs is not None:
            self._signs.seen(actor, address)

    async def judged(self, judged: Sequence[Judged], *, shows: bool) -> Sequence[Judged]:
        """Return what was decided about asks for fields, refused where their actor is held up.

        Args:
            judged: before budgets are spent.
            shows: whether what is revealed will be shown.
        """
        if self._signs is None:
            return judged
        found = []
        for each in judged:
            asker = each.ask.by or each.ask.actor
            for sign in self._shown_by(each, asker, shows=shows):
                await self._begin(sign, asker, each.ask)
            found.append(replace(each, decision=self._held(each.ask, each.decision)))
            if not each.facts.borne_out and str(each.ask.subject) in self._canaries:
                await self._begin(CANARY, asker, each.ask)
        return found

    async def held(
        self, ask: ActionAsk | LookupAsk, person: Person, decision: Decision, touched: Iterable[SubjectRef] = ()
    ) -> Decision:
        """Return what was decided about an action or a look-up, refused where its actor is held up.

        Args:
            ask: whose form was checked.
            person: the actor.
            decision: by the policies.
            touched: whom an action touches that no work bears out.
        """
        if self._signs is None:
            return decision
        at_us = to_us(ask.at)
        if self._signs.returned(ask.actor, at_us):
            await self._begin(PLACES, ask.actor, ask)
        if decision.outcome == "allow":
            counted = f"action:{ask.action}" if isinstance(ask, ActionAsk) else f"lookup:{ask.lookup}"
            hourly = self._hourly(counted, person)
            # what is done or sought is no person: each counts
            if hourly is not None and self._signs.spent(ask.actor, counted, ask.id, at_us, hourly):
                await self._begin(BURST, ask.actor, ask)
        held = self._held(ask, decision)
        if any(str(subject) in self._canaries for subject in touched):
            await self._begin(CANARY, ask.actor, ask)
        return held

    async def looked_up(self, ask: LookupAsk, subject: SubjectRef | None, *, borne_out: bool, missed: bool) -> None:
        """Note what a look-up found: somebody, nobody, or somebody who may not be named, which counts like nobody."""
        if self._signs is None:
            return
        if missed and self._signs.missed(ask.actor, to_us(ask.at)):
            await self._begin(ENUMERATION, ask.actor, ask)
        if not borne_out and subject is not None and str(subject) in self._canaries:
            await self._begin(CANARY, ask.actor, ask)

    async def refresh(self, now: datetime) -> None:
        """Read what holds whom up, and who is a canary; a server does it every second."""
        if self._signs is None:
            return
        begun = self._begun
        holds: dict[str, Hold] = {}
        for key, step, enforced, until in await queries.lately(self._db, now - _MEMORY):
            holds[key] = Hold(step, enforced, until)
        canaries = frozenset(await queries.canaries(self._db))
        self._canaries = canaries
        if begun == self._begun:  # else the rows may be older than what this process began meanwhile
            self._holds = holds

    def _shown_by(self, judged: Judged, asker: str, *, shows: bool) -> list[str]:
        """Return the signs of one ask, that of a canary left out."""
        signs, ask = self._signs, judged.ask
        assert signs is not None  # noqa: S101 - callers looked
        at_us, found = to_us(ask.at), []
        if signs.returned(asker, at_us):
            found.append(PLACES)
        if judged.facts.actor.stopped:
            return found
        if not judged.facts.borne_out:
            if not judged.facts.subject_known:
                if signs.missed(asker, at_us):
                    found.append(ENUMERATION)
            elif self._walks(judged) and signs.asked(asker, ask.subject, at_us):
                found.append(ENUMERATION)
        if shows:
            for klass in self._revealed(judged.decision):
                hourly = self._hourly(klass, judged.person)
                if hourly is not None and signs.spent(ask.actor, klass, str(ask.subject), at_us, hourly):
                    found.append(BURST)
        return found

    def _walks(self, judged: Judged) -> bool:
        """Return whether an ask without work may be a step through the keys.

        A list of masked rows is nobody's theft and runs through the keys by itself; so does a service that asks what
        others would be answered.
        """
        return judged.ask.by is None and (_reveals(judged.decision) or judged.decision.outcome == "deny")

    def _revealed(self, decision: Decision) -> set[str]:
        fields = self._catalog.fields
        return {fields[item.field].klass for item in decision.fields if item.effect in ("reveal", "alias")}

    def _hourly(self, counted: str, person: Person) -> float | None:
        """Return how many a person's budget allows in an hour; None where none limits him."""
        limits = self._budgets.limits(counted, person.facts.roles)
        if limits is None:
            return None
        allowed = [most / hours for most, hours in zip(limits.hard, _HOURS, strict=True) if most is not None]
        return max(allowed, default=None)

    def _held(self, ask: Ask | ActionAsk | LookupAsk, decision: Decision) -> Decision:
        hold = self._holds.get(ask.actor)
        if hold is None or not hold.enforced or hold.until <= ask.at or decision.reason in _DECIDED:
            return decision
        if hold.step == "reason" and ask.stated is not None:
            return decision
        return refused(decision, REASONS[hold.step])

    async def _begin(self, sign: str, actor: str, ask: Ask | ActionAsk | LookupAsk) -> None:
        live = self._live
        assert live is not None  # noqa: S101 - callers looked
        step = self._next(live.first.get(sign, "reason"), live.most, actor, ask.at)
        if step is None:
            return
        until = ask.at + timedelta(minutes=live.hold_minutes)
        self._begun += 1
        self._holds[actor] = Hold(step, live.enforce, until)  # first: others of his asks are under way
        batch = self._numbering.batch()
        await batch.learn([("actor", actor)])
        number, nonce = batch.of("actor", actor), secrets.token_hex(16)
        entry = await self._appender.append(
            {
                "kind": "friction",
                "at": to_us(ask.at),
                "actor": number,
                "door": ask.door,
                "change": "begun",
                "step": step,
                "mode": "enforce" if live.enforce else "observe",
                "until": to_us(until),
                # the sign stands in the table alone: an entry never says that somebody is a canary
                "sha256": sha256(f"{sign}\n{nonce}".encode()).hexdigest(),
            }
        )
        batch.keep()
        values = (number, sign, step, live.enforce, ask.at, until, entry.index, nonce)
        about = {"friction": await queries.begin(self._db, values), "actor": number, "entry": entry.index}
        self._begun += 1
        severity = "critical" if step == "stop" else "high"
        await raise_alert(self._db, "watch.live", severity, "watch.friction", about, at=ask.at)  # type: ignore[arg-type]

    def _next(self, first: str, most: str, actor: str, at: datetime) -> str | None:
        """Return the step that a sign leads to now; None where it is off, or where he is held up as far as it goes."""
        if first == "off":
            return None
        rank, cap = STEPS.index(first), max(STEPS.index(first), STEPS.index(most))
        before = self._holds.get(actor)
        if before is not None and before.until > at - _MEMORY:
            rank = min(max(rank, STEPS.index(before.step) + 1), cap)
            told = at - (before.until - timedelta(minutes=self._minutes)) >= _HEARD
            if before.until > at and (STEPS.index(before.step) >= rank or not told):
                return None
        return STEPS[rank]


def _reveals(decision: Decision) -> bool:
    return any(item.effect in ("reveal", "alias") for item in decision.fields)
