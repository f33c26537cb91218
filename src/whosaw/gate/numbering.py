"""The numbers of actors, subjects and purposes on the hot path: remembered only once an entry with them is durable.

The append of a disclosure gives the numbers that its entry needs. Where they are needed before, for a budget or a hash,
the database gives them without waiting for its disk. The entry that follows waits, and takes them along; but a number
that no durable entry followed may be lost in a crash and be given to somebody else after it. So what was learned is
used for the entry it was learned for, and remembered by `keep` when that entry is durable.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Literal

from whosaw.gate import queries
from whosaw.store import Database
from whosaw.store.numbers import MEMORY_S

Space = Literal["actor", "subject", "purpose"]
Key = tuple[Space, str]

_KEPT_MOST = 200_000


class Numbering:
    """The numbers as one process remembers them; use it from one event loop.

    All is forgotten once a minute: a number may have been erased, and whoever comes back is somebody new to the record.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        # invariant: holds only numbers that a durable entry carries, learned less than MEMORY_S ago
        self._kept: dict[Key, int] = {}
        self._forget_at = time.monotonic() + MEMORY_S

    def batch(self) -> BatchNumbers:
        """Return the numbers of one batch of asks, which begins with what is remembered."""
        if time.monotonic() >= self._forget_at or len(self._kept) > _KEPT_MOST:
            self._kept = {}
            self._forget_at = time.monotonic() + MEMORY_S
        return BatchNumbers(self._db, self._kept)


class BatchNumbers:
    """What one batch of asks knows: what was remembered when it began, and what it learned since."""

    def __init__(self, db: Database, kept: dict[Key, int]) -> None:
        self._db = db
        self._kept = kept
        self._learned: dict[Key, int] = {}

    def unknown(self, keys: Iterable[Key]) -> list[Key]:
        """Return which of `keys` have no known number yet, each once."""
        return [key for key in dict.fromkeys(keys) if key not in self._kept and key not in self._learned]

    async def learn(self, keys: Iterable[Key]) -> None:
        """Have numbers for `keys`, asking the database for those that are not known."""
        missing = self.unknown(keys)
        if missing:
            self.learned(dict(zip(missing, await queries.numbers(self._db, missing), strict=True)))

    def learned(self, numbers: Mapping[Key, int]) -> None:
        """Note what the database said."""
        self._learned.update(numbers)

    def of(self, space: Space, key: str) -> int:
        """Return the number of a key that was learned or remembered."""
        known = self._learned.get((space, key))
        return self._kept[space, key] if known is None else known

    def place(self, space: Space, key: str) -> int:
        """Return the number of a key, or 0 where the append is to give it."""
        known = self._learned.get((space, key))
        return self._kept.get((space, key), 0) if known is None else known

    def keep(self) -> None:
        """Remember for the next batches what was learned; call it only once an entry that followed is durable."""
        self._kept.update(self._learned)
