"""What people do in a case, as entries of the trail: durable before it counts.

Free text stays in the case's own tables; an entry holds its hash, so that nobody alters a note without being seen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256
from typing import Protocol

from whosaw.store import Database, NumberMap
from whosaw.terms import Clock, to_us

Payload = dict[str, int | str | list[int | str]]


class Receipted(Protocol):
    """The receipt of an entry, as far as a case needs it."""

    @property
    def index(self) -> int:
        """The entry's place in the trail."""
        ...


Record = Callable[[Payload], Awaitable[Receipted]]
"""Appends one payload durably and returns its receipt."""


class Notes:
    """Writes entries of the kind ``case_work``."""

    def __init__(self, db: Database, clock: Clock, record: Record) -> None:
        """Use `record` to append to the trail."""
        self._clock = clock
        self._record = record
        self._numbers = NumberMap(db)

    async def add(
        self, case: str, action: str, *, by: str, text: str = "", more: Mapping[str, int | str] | None = None
    ) -> int:
        """Append what `by` did in a case and return the entry's index.

        Args:
            case: the case's id.
            action: ``case.move``.
            by: who.
            text: free text that is kept in the case's tables; here stands its hash.
            more: other names of the payload, words and numbers that name nobody.
        """
        (actor,) = await self._numbers.numbers("actor", [by])
        (purpose,) = await self._numbers.numbers("purpose", [f"case:{case}"])
        payload: Payload = {
            "kind": "case_work",
            "at": to_us(self._clock.now()),
            "actor": actor,
            "purpose": purpose,
            "door": "console",
            "action": action,
            "object": f"case:{case}",
            **(more or {}),
        }
        if text:
            payload["text_sha256"] = sha256(text.encode()).hexdigest()
        return (await self._record(payload)).index

    async def number(self, actor: str) -> int:
        """Return the number under which a member of staff stands in the record."""
        (number,) = await self._numbers.numbers("actor", [actor])
        return number
