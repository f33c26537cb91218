"""What waits for a commit together, and what those who wait are told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from whosaw.prove import Receipt
from whosaw.record.drafts import Key, Written


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of drafts: a receipt each, and the numbers that their entries were given."""

    receipts: list[Receipt]
    numbers: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Durable:
    """Entries that are durable in the trail, and whose receipts are still on their way to this process's own disk."""

    before: list[Recorded]
    last: asyncio.Future[Recorded]

    async def recorded(self) -> Recorded:
        """Return the receipts, once they are on disk too.

        Raises:
            TrailUnavailable: they could not be kept: reveal nothing.
        """
        parts = [*self.before, await self.last]
        numbers = {key: number for part in parts for key, number in part.numbers.items()}
        return Recorded([receipt for part in parts for receipt in part.receipts], numbers)


@dataclass(slots=True, eq=False)
class Group:
    """Entries of one caller that are committed together; answered twice: when durable, and when promised."""

    entries: list[Written]
    size_bytes: int
    durable: asyncio.Future[None]
    done: asyncio.Future[Recorded]
    due: float

    def refuse(self, cause: Exception) -> None:
        """Tell whoever waits; a caller waits for one of the two."""
        for future in (self.durable, self.done):
            if not future.done():
                future.set_exception(cause)
                future.exception()  # seen: nobody need wait for the other


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch that is durable in the database: where it begins, its leaves, and the numbers given on the way."""

    first: int
    leaves: list[bytes]
    numbers: Mapping[Key, int]
