"""Bodies of forms that anybody may send: how many are held at once, and how slowly one may come.

A form without a login is the first thing that is sent slowly by a thousand connections. So each body has a place, a
time by which it must be whole, and a rate below which it is given up; what has no place is not read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import Request

_LENGTH_DIGITS = 9


class NoPlace(Exception):
    """As many bodies as may be are arriving, or are being read."""


class BodyLate(Exception):
    """The body comes too slowly, or was broken off."""


class Bodies:
    """The places for bodies of one size, in one process, on one event loop."""

    def __init__(
        self, *, at_once: int, whole_s: float = 120.0, grace_s: float = 10.0, least_bytes_per_s: float = 2_048.0
    ) -> None:
        """Make the places.

        Args:
            at_once: how many bodies may be held at once.
            whole_s: seconds within which a body must be whole, > 0.
            grace_s: seconds in which it may begin slowly, >= 0.
            least_bytes_per_s: how many bytes it must bring for each second after those, > 0.
        """
        self._at_once = at_once
        self._whole_s, self._grace_s, self._least_bytes_per_s = whole_s, grace_s, least_bytes_per_s
        self._held = 0  # invariant: 0 <= held <= at_once, touched by the event loop alone

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for a body until it is dealt with.

        Raises:
            NoPlace: none is free.
        """
        if self._held >= self._at_once:
            raise NoPlace
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    async def arriving(self, request: Request) -> AsyncIterator[bytes]:
        """Yield what arrives of a body of which nothing was read yet.

        Raises:
            BodyLate: it is not whole in time, comes more slowly than it may, or was broken off.
        """
        begun_s = asyncio.get_running_loop().time()
        length, more = 0, True
        while more:
            due_s = min(self._whole_s, self._grace_s + length / self._least_bytes_per_s)
            try:
                async with asyncio.timeout_at(begun_s + due_s):
                    message = await request.receive()
            except TimeoutError:
                raise BodyLate from None
            if message["type"] != "http.request":
                raise BodyLate
            chunk, more = message.get("body", b""), message.get("more_body", False)
            length += len(chunk)
            yield chunk


def announced_bytes(request: Request) -> int | None:
    """Return how long a body says that it is; None where it does not say, or not as a number that can be true."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _LENGTH_DIGITS else None
