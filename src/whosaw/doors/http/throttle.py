"""How often somebody may knock: requests of one actor, and tokens from one address that were none.

Each process decides from its own memory, at once; twice a second the processes of one database tell each other what
they counted (`sharing`). It protects the house from a tool that runs wild and from guessing; against slow scraping
there are budgets, which are exact over all processes.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from whosaw.doors.http.errors import TooMany

_REMEMBERED_MOST = 50_000
Who = tuple[Literal["actor", "address"], str]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is allowed.

    Attributes:
        rate_per_s: requests a second of one actor in the long run, > 0.
        burst: requests of one actor at once, > 0.
        failures_most: tokens from one address that were none, within `failures_s`, before it is locked out.
        failures_s: seconds in which they count, and for which it is locked out then.
    """

    rate_per_s: float = 200.0
    burst: int = 400
    failures_most: int = 30
    failures_s: float = 60.0


class Throttle:
    """The memory of one process; use it from one event loop.

    Behind an address there may be a whole office. So a locked address only loses the right to try tokens that are new:
    a token that was good before, from anywhere, is still looked at.
    """

    def __init__(self, pace: Pace | None = None, now_s: Callable[[], float] = time.monotonic) -> None:
        """Allow what `pace` says, by a clock that only goes forward."""
        self._pace = pace or Pace()
        self._now_s = now_s
        # actor → (requests he has left, when that was)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        # address → (failures, until when they count)
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        # counted here since the other processes were last told
        self._untold: dict[Who, int] = {}
        # digests of headers that were good; never the header itself
        self._good: OrderedDict[bytes, None] = OrderedDict()

    def check_address(self, address: str, header: str) -> None:
        """Refuse a new token from an address that tried too many.

        Raises:
            TooMany: it must wait.
        """
        known = self._failures.get(address)
        if known is None or known[0] < self._pace.failures_most:
            return
        wait_s = known[1] - self._now_s()
        if wait_s > 0 and _digest(header) not in self._good:
            raise TooMany("too many tokens from this address were none", math.ceil(wait_s))

    def failed(self, address: str) -> None:
        """Note that a token from this address was none."""
        self._fail(address, 1)
        self._count(("address", address), 1)

    def good(self, header: str) -> None:
        """Note that a token was good."""
        digest = _digest(header)
        if digest not in self._good:
            self._good[digest] = None
            _bound(self._good)

    def spend(self, actor: str) -> None:
        """Count one request of an actor.

        Raises:
            TooMany: he has none left now.
        """
        now, pace = self._now_s(), self._pace
        left, at = self._left.pop(actor, (float(pace.burst), now))
        left = min(pace.burst, left + (now - at) * pace.rate_per_s)
        if left < 1:
            self._left[actor] = (left, now)
            raise TooMany("too many requests of this actor", max(1, math.ceil((1 - left) / pace.rate_per_s)))
        self._left[actor] = (left - 1, now)
        _bound(self._left)
        self._count(("actor", actor), 1)

    @property
    def pace(self) -> Pace:
        """What is allowed."""
        return self._pace

    def full_at_s(self, actor: str) -> float:
        """Return when somebody will have his whole burst again, by this throttle's clock."""
        left, at = self._left.get(actor, (float(self._pace.burst), self._now_s()))
        return at + (self._pace.burst - left) / self._pace.rate_per_s

    def untold(self) -> dict[Who, int]:
        """Return what was counted here since this was last asked."""
        counted, self._untold = self._untold, {}
        return counted

    def tell_later(self, counted: Mapping[Who, int]) -> None:
        """Take back what `untold` gave, where it could not be told."""
        for who, number in counted.items():
            self._count(who, number)

    def counted_elsewhere(self, who: Who, number: int) -> None:
        """Note what other processes counted of somebody."""
        if number <= 0:
            return
        if who[0] == "address":
            self._fail(who[1], number)
            return
        left, at = self._left.pop(who[1], (float(self._pace.burst), self._now_s()))
        self._left[who[1]] = (left - number, at)
        _bound(self._left)

    def _fail(self, address: str, number: int) -> None:
        now = self._now_s()
        failures, until = self._failures.pop(address, (0, 0.0))
        if until <= now:
            failures, until = 0, now + self._pace.failures_s
        self._failures[address] = (failures + number, until)
        _bound(self._failures)

    def _count(self, who: Who, number: int) -> None:
        if who in self._untold or len(self._untold) < _REMEMBERED_MOST:
            self._untold[who] = self._untold.get(who, 0) + number


def _digest(header: str) -> bytes:
    return hashlib.blake2b(header.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _bound(
    memory: OrderedDict[str, tuple[float, float]] | OrderedDict[str, tuple[int, float]] | OrderedDict[bytes, None],
) -> None:
    """Forget the oldest where there are too many."""
    while len(memory) > _REMEMBERED_MOST:
        memory.popitem(last=False)
