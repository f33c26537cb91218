"""Suspension: one call stops an actor at every door of every process, and is itself recorded.

Every ask reads the suspensions from the database together with its other facts, so there is nothing to invalidate.
"""

from __future__ import annotations

from collections.abc import Sequence

from whosaw.gate import queries
from whosaw.record import Appender
from whosaw.store import Database, NumberMap
from whosaw.terms import Clock, to_us


class Suspensions:
    """Stops actors and lets them in again; the entry is durable before either takes effect."""

    def __init__(self, db: Database, appender: Appender, clock: Clock) -> None:
        self._db = db
        self._appender = appender
        self._clock = clock

    async def suspend(self, actor: str, *, reason: str, by: str) -> bool:
        """Stop `actor` at every door; return whether he was not stopped before."""
        await self._record("suspend", actor, reason, by)
        return await queries.set_suspended(self._db, actor, self._clock.now(), reason, by)

    async def restore(self, actor: str, *, reason: str, by: str) -> bool:
        """Lift the suspension of `actor`; return whether there was one."""
        await self._record("restore", actor, reason, by)
        return await queries.set_restored(self._db, actor)

    async def among(self, actors: Sequence[str]) -> set[str]:
        """Return which of `actors` are suspended now."""
        return await queries.suspended(self._db, actors)

    async def _record(self, change: str, actor: str, reason: str, by: str) -> None:
        ordered_by, target = await NumberMap(self._db).numbers("actor", [by, actor])
        await self._appender.append(
            {
                "kind": "suspension",
                "at": to_us(self._clock.now()),
                "actor": ordered_by,
                "target": target,
                "change": change,
                "reason": reason,
                "door": "console",
            }
        )
