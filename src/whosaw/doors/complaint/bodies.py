"""Bodies of forms that anybody may send: how many are held at once, and how slowly one may come.

A form without a login is the first thing that is sent slowly by a thousand connections. So each body has a place, a
time by which it must be whole, and a rate below which it is given up. Where no place is free, the body that would be
late first is given up for the new one: whoever sends heads and nothing more loses his own places first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import Message

_LENGTH_DIGITS = 9


class NoPlace(Exception):
    """As many bodies as may be are being dealt with, and none is arriving that could be given up."""


class BodyLate(Exception):
    """The body comes too slowly, was given up for another, or was broken off."""


class Bodies:
    """The places for bodies of one size, in one process, on one event loop."""

    def __init__(
        self, *, at_once: int, whole_s: float = 120.0, grace_s: float = 3.0, least_bytes_per_s: float = 2_048.0
    ) -> None:
        """Make the places.

        Args:
            at_once: how many bodies may be held at once.
            whole_s: seconds within which a body must be whole, > 0.
            grace_s: seconds in which it may begin slowly, >= 0.
            least_bytes_per_s: how many bytes it must bring for each second after those, > 0.
        """
        self._at_once = at_once
        self.whole_s, self.grace_s, self.least_bytes_per_s = whole_s, grace_s, least_bytes_per_s
        self._held: list[Place] = []  # oldest first; invariant: 0 <= length <= at_once, touched by the event loop alone

    @property
    def held(self) -> int:
        """How many places are taken."""
        return len(self._held)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Hold a place for a body until it is dealt with.

        Raises:
            NoPlace: none is free, and no body is arriving that could be given up.
        """
        if len(self._held) >= self._at_once:
            arriving = [each for each in self._held if each.due_s is not None]
            if not arriving:
                raise NoPlace
            last = min(arriving, key=Place.late_at)
            self._held.remove(last)
            last.give_up()
        mine = Place(self)
        self._held.append(mine)
        try:
            yield mine
        finally:
            if mine in self._held:
                self._held.remove(mine)


class Place:
    """A place for one body. `due_s`, in time of the loop, is when more of it must have come; None once it is there."""

    def __init__(self, bodies: Bodies) -> None:
        """Hold it as `bodies` says."""
        self._bodies = bodies
        self._waits: asyncio.Timeout | None = None
        self._given_up = False
        self.due_s: float | None = None

    def late_at(self) -> float:
        """Return when it would be late were nothing more to come, in time of the loop."""
        return float("inf") if self.due_s is None else self.due_s

    def give_up(self) -> None:
        """Let it be late now."""
        self._given_up = True
        if self._waits is not None:
            self._waits.reschedule(asyncio.get_running_loop().time())

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        """Yield what arrives of a body of which nothing was read yet.

        Raises:
            BodyLate: it is not whole in time, comes more slowly than it may, was given up for another, or was broken
                off.
        """
        rules = self._bodies
        begun_s = asyncio.get_running_loop().time()
        length, more = 0, True
        try:
            while more:
                self.due_s = begun_s + rules.grace_s + length / rules.least_bytes_per_s
                message = await self._next(request, min(self.due_s, begun_s + rules.whole_s))
                if message["type"] != "http.request":
                    raise BodyLate
                chunk, more = message.get("body", b""), message.get("more_body", False)
                length += len(chunk)
                yield chunk
        finally:
            self.due_s = None

    async def _next(self, request: Request, due_s: float) -> Message:
        if self._given_up:
            raise BodyLate
        try:
            async with asyncio.timeout_at(due_s) as self._waits:
                return await request.receive()
        except TimeoutError:
            raise BodyLate from None
        finally:
            self._waits = None


def announced_bytes(request: Request) -> int | None:
    """Return how long a body says that it is; None where it does not say, or not as a number that can be true."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _LENGTH_DIGITS else None
