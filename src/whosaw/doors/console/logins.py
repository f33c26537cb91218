"""One-time links and the sessions they open: random secrets of 256 bits, held in memory as SHA-256 only.

Both end by a monotonic clock, whatever the wall clock or a simulated clock does. They live in one process: a console
of several processes would need them in the store.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

LINK_LIFE_S = 900.0
SESSION_LIFE_S = 8 * 3600.0
_HELD_MOST = 1_000

LOGIN_PATH = "/console/login"

Still = Callable[[str, datetime], Awaitable[bool]]


class _Passes:
    """Secrets that stand for a viewer until they end."""

    def __init__(self, life_s: float, monotonic: Callable[[], float]) -> None:
        if life_s <= 0:
            raise ValueError(f"a life of `{life_s}` seconds is none")
        self.life_s = life_s
        self._monotonic = monotonic
        # invariant: SHA-256 of the secret -> (viewer, end); in the order made, so the first ends first
        self._held: dict[bytes, tuple[str, float]] = {}

    def make(self, viewer: str) -> str:
        now = self._monotonic()
        for key, (_, end) in list(self._held.items()):
            if end > now and len(self._held) < _HELD_MOST:
                break
            self._held.pop(key, None)
        secret = secrets.token_urlsafe(32)
        self._held[_hash(secret)] = (viewer, now + self.life_s)
        return secret

    def viewer(self, secret: str) -> str | None:
        viewer, end = self._held.get(_hash(secret), ("", float("-inf")))
        return viewer if self._monotonic() < end else None

    def holds(self, key: bytes) -> bool:
        return key in self._held

    def spend(self, secret: str) -> str | None:
        # pop is the one step that makes it single: two readers of one link cannot both get the viewer
        viewer, end = self._held.pop(_hash(secret), ("", float("-inf")))
        return viewer if self._monotonic() < end else None


class LoginLinks:
    """One-time links into the console."""

    def __init__(self, life_s: float = LINK_LIFE_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Make an empty set of links.

        Args:
            life_s: seconds a link may wait to be opened, > 0.
            monotonic: seconds that only rise.
        """
        self._passes = _Passes(life_s, monotonic)

    @property
    def life_s(self) -> float:
        """Seconds a link may wait to be opened."""
        return self._passes.life_s

    def issue(self, viewer: str) -> str:
        """Return a new link for `viewer` as path and query, to be put behind the console's address."""
        return f"{LOGIN_PATH}?once={self._passes.make(viewer)}"

    def redeem(self, once: str) -> str | None:
        """Return whose link it is and end it; None where it was used, has ended, or never was."""
        return self._passes.spend(once)


class Sessions:
    """Browsers that came in by a link."""

    def __init__(
        self,
        life_s: float = SESSION_LIFE_S,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        still: Still | None = None,
    ) -> None:
        """Make an empty set of sessions.

        Args:
            life_s: seconds each lasts from its login.
            monotonic: seconds that only rise.
            still: says whether a session of this viewer that began then still counts; None where none is ended from
                outside.
        """
        self._passes = _Passes(life_s, monotonic)
        self._still = still
        # invariant: holds every live session that was begun with a time; dead ones go when it grows
        self._begun: dict[bytes, datetime] = {}

    @property
    def life_s(self) -> float:
        """Seconds from login to the end."""
        return self._passes.life_s

    def begin(self, viewer: str, at: datetime | None = None) -> str:
        """Return the secret of a new session that begins now, at `at`."""
        secret = self._passes.make(viewer)
        if at is not None:
            if len(self._begun) >= 2 * _HELD_MOST:
                self._begun = {key: when for key, when in self._begun.items() if self._passes.holds(key)}
            self._begun[_hash(secret)] = at
        return secret

    async def lasting(self, secret: str) -> str | None:
        """Return whose session it is; None where there is none, or where it was ended from outside.

        Raises:
            WhosawError: whether it was ended cannot be known now.
        """
        viewer = self.viewer(secret)
        if viewer is None or self._still is None:
            return viewer
        begun_at = self._begun.get(_hash(secret))
        if begun_at is not None and await self._still(viewer, begun_at):
            return viewer
        self.end(secret)
        return None

    def viewer(self, secret: str) -> str | None:
        """Return whose session it is, or None where there is none."""
        return self._passes.viewer(secret)

    def end(self, secret: str) -> None:
        """End a session; nothing happens where there is none."""
        self._passes.spend(secret)
        self._begun.pop(_hash(secret), None)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
