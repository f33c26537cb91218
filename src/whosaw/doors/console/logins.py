"""One-time links and the sessions they open: random secrets of 256 bits, held in memory as SHA-256 only.

Both end by a monotonic clock, whatever the wall clock or a simulated clock does. They live in one process: a console
of several processes would need them in the store.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

LINK_LIFE_S = 900.0
SESSION_LIFE_S = 8 * 3600.0
_HELD_MOST = 1_000

LOGIN_PATH = "/console/login"


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

    def __init__(self, life_s: float = SESSION_LIFE_S, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Make an empty set of sessions, each lasting `life_s` seconds from its login."""
        self._passes = _Passes(life_s, monotonic)

    @property
    def life_s(self) -> float:
        """Seconds from login to the end."""
        return self._passes.life_s

    def begin(self, viewer: str) -> str:
        """Return the secret of a new session."""
        return self._passes.make(viewer)

    def viewer(self, secret: str) -> str | None:
        """Return whose session it is, or None where there is none."""
        return self._passes.viewer(secret)

    def end(self, secret: str) -> None:
        """End a session; nothing happens where there is none."""
        self._passes.spend(secret)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
