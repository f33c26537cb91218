"""Who may stop somebody through a door, and who may let him in again.

Stopping hurts nobody who works: anybody of a function that the operator named may do it, to anybody but himself.
Lifting is held to the rules of approval besides: not one's own suspension, not by somebody who was made or changed
within 24 hours. Every attempt that the rules forbid is an entry too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.gate import stoppingqueries as queries
from whosaw.gate.approval import Pending, rule
from whosaw.gate.approvalpeople import ApprovalRefused
from whosaw.gate.approvers import Approvers
from whosaw.gate.errors import GateError
from whosaw.gate.suspension import Suspensions
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import Clock, to_us

REASON_MOST = 500
_KEY_MOST = 200


class StopInvalid(GateError, ValueError):
    """What is asked for is no suspension: nobody is named, or no reason is given."""

    code: ClassVar[str] = "gate.stop_invalid"
    hint = f"name an `actor` of the staff directory, and a `reason` of 1 to {REASON_MOST} printable characters"


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody is to be stopped, or let in again: who, why, by whom, and at which door."""

    actor: str
    reason: str
    by: str
    door: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody who is stopped now: since when, and whether a person ordered it (``manual``) or a protection."""

    actor: str
    since: datetime
    kind: str
    ordered_by: str


class Stopping:
    """Suspensions as people of named functions order them; writes as the owner of the database."""

    def __init__(
        self, db: Database, suspensions: Suspensions, appender: Appender, approvers: Approvers, clock: Clock
    ) -> None:
        self._db = db
        self._suspensions = suspensions
        self._appender = appender
        self._approvers = approvers
        self._clock = clock

    async def suspend(self, stop: Stop, functions: frozenset[str]) -> bool:
        """Stop somebody; return whether he was not stopped before.

        Args:
            stop: who, why, by whom.
            functions: of the directory that may.

        Raises:
            StopInvalid: nobody is named, or no reason.
            ApprovalRefused: this person may not; the attempt is recorded.
            TrailUnavailable: it could not be recorded, and nobody is stopped.
        """
        _check(stop)
        await self._may(stop, functions, "suspend")
        return await self._suspensions.suspend(stop.actor, reason=stop.reason, by=stop.by)

    async def lift(self, stop: Stop, functions: frozenset[str]) -> bool:
        """Let somebody in again; return whether he was stopped.

        Args:
            stop: who, why, by whom.
            functions: of the directory that may.

        Raises:
            StopInvalid: nobody is named, or no reason.
            ApprovalRefused: this person may not; the attempt is recorded.
            GateError: a protection stopped him, and the word of a second person is missing.
            TrailUnavailable: it could not be recorded, and he stays stopped.
        """
        _check(stop)
        await self._may(stop, functions, "restore")
        return await self._suspensions.restore(stop.actor, reason=stop.reason, by=stop.by)

    async def stopped(self, by: str, functions: frozenset[str]) -> Sequence[Stopped]:
        """Return who is stopped now, the latest first, to somebody of one of these functions.

        Raises:
            ApprovalRefused: he has none of them.
        """
        if not await self._approvers.functions(by) & functions:
            raise ApprovalRefused("approval.wrong_function")
        return [Stopped(*row) for row in await queries.stopped(self._db)]

    async def _may(self, stop: Stop, functions: frozenset[str], change: str) -> None:
        who, at = await self._approvers.of(stop.by), self._clock.now()
        pending = Pending(stop.actor, frozenset(), functions, distinct=False, open=True, decide_by=None)
        reason = rule(pending, who, at, approves=change == "restore").reason
        if reason is None:
            return
        numbers = await assign(self._db, "actor", [stop.by, stop.actor])
        await self._appender.append(
            {
                "kind": "suspension",
                "at": to_us(at),
                "actor": numbers[stop.by],
                "target": numbers[stop.actor],
                "change": "denied",
                "asked": change,
                "reason": reason,
                "door": stop.door,
            }
        )
        raise ApprovalRefused(reason)


def _check(stop: Stop) -> None:
    if not 0 < len(stop.actor) <= _KEY_MOST or not stop.actor.isprintable():
        raise StopInvalid("`actor` is no key of the staff directory")
    if not stop.reason.strip() or len(stop.reason) > REASON_MOST or not stop.reason.isprintable():
        raise StopInvalid("`reason` must say why")
