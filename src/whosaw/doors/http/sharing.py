"""What the processes of one database tell each other of how often somebody knocks: counts, under a digest of whom.

Nobody waits for it: a process decides by what it knows, and hears of the others a moment later. So somebody who spreads
his requests over n processes gets, in t seconds, at most what one process would allow, and n - 1 times more a burst and
what the rate allows in three rounds; and an address that tried too many tokens is locked out at each of them when it
has tried one there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta

from whosaw.doors.http import queries
from whosaw.doors.http.throttle import Throttle, Who
from whosaw.store import Database
from whosaw.terms import Clock

EVERY_S = 0.5
"""Seconds between the end of a round and the beginning of the next."""
_FORGET_EVERY_S = 60.0
_SEEN_MOST = 50_000


class Sharing:
    """Tells and hears, for one process."""

    def __init__(
        self, db: Database, throttle: Throttle, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Make it; the door's role will do for `db`."""
        self._db = db
        self._throttle = throttle
        self._clock = clock
        self._monotonic = monotonic
        # whom → (what all processes had counted when this one last told of him, and until when that matters)
        self._seen: dict[Who, tuple[int, float]] = {}
        self._forgot_at = monotonic()

    async def round(self) -> None:
        """Tell what was counted here, and hear what the others did.

        Whoever runs it does so every `EVERY_S` seconds, whatever becomes of a round: while the database does not answer
        each process allows what it would alone.

        Raises:
            StoreError: the database does not answer; what was counted is told with the next round.
        """
        counted = self._throttle.untold()
        if counted:
            try:
                totals = await self._told(counted)
            except Exception:
                self._throttle.tell_later(counted)
                raise
            for who, number in counted.items():
                self._hear(who, number, totals[_digest(who)])
        if self._monotonic() - self._forgot_at >= _FORGET_EVERY_S:
            self._forgot_at = self._monotonic()
            await queries.forget_counts(self._db, self._clock.now() - 2 * self._window)

    @property
    def _window(self) -> timedelta:
        return timedelta(seconds=self._throttle.pace.failures_s)

    async def _told(self, counted: dict[Who, int]) -> dict[bytes, int]:
        now = self._clock.now()
        by_digest = {_digest(who): number for who, number in counted.items()}
        return await queries.add_counts(self._db, by_digest, (now, now - self._window))

    def _hear(self, who: Who, number: int, total: int) -> None:
        """Note what the others counted of somebody since this process last told of him."""
        now, pace = self._monotonic(), self._throttle.pace
        before, until = self._seen.pop(who, (0, float("-inf")))
        known = now <= until
        if who[0] == "address":
            # counts of the database end as those of a process do, so what is not known here still counts
            self._throttle.counted_elsewhere(who, total - number - (before if known else 0))
            until = now + pace.failures_s
        else:
            # of somebody who had his whole burst here meanwhile, nothing is held against him
            self._throttle.counted_elsewhere(who, total - number - before if known else 0)
            until = self._throttle.full_at_s(who[1]) + 2 * EVERY_S
        if len(self._seen) >= _SEEN_MOST:
            self._seen.clear()
        self._seen[who] = (total, until)


def _digest(who: Who) -> bytes:
    return hashlib.blake2b("\0".join(who).encode("utf-8", "surrogateescape"), digest_size=16).digest()
