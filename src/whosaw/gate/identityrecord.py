"""Entries about what lets somebody in without a provider: who gives, makes or takes away one is in the record."""

from __future__ import annotations

from typing import Literal

from whosaw.record import Appender
from whosaw.store import Database, NumberMap
from whosaw.terms import Clock, to_us

Means = Literal["passkey", "password", "token"]
Change = Literal["invited", "made", "removed", "copied"]


class CredentialRecord:
    """Appends them; numbers only, so that neither a key nor what somebody calls his device stands in the trail."""

    def __init__(self, db: Database, appender: Appender, clock: Clock) -> None:
        self._appender = appender
        self._clock = clock
        self._numbers = NumberMap(db)

    async def note(self, means: Means, change: Change, actor: str, by: str) -> None:
        """Record what becomes of a credential of `actor`.

        Args:
            means: what it is.
            change: ``invited`` (a link to make one), ``made``, ``removed``, ``copied`` (it was used by two).
            actor: whose account.
            by: who does it.

        Raises:
            TrailUnavailable: it could not be recorded.
        """
        ordered_by, target = await self._numbers.numbers("actor", [by, actor])
        await self._appender.append(
            {
                "kind": "credential",
                "at": to_us(self._clock.now()),
                "actor": ordered_by,
                "target": target,
                "means": means,
                "change": change,
                "door": "console",
            }
        )
