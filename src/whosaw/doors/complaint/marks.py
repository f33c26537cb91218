"""That a form comes from this process's own page: a mark that it gave out, and where the browser says it comes from."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.requests import Request

from whosaw.terms import Clock

_MARK_S = 4 * 3600


class Marks:
    """Marks of one process; a restart ends them."""

    def __init__(self, clock: Clock) -> None:
        """Date them by `clock`; each holds for four hours."""
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def new(self) -> str:
        """Return a mark for a form that is being given out."""
        at = f"{int(self._clock.now().timestamp())}.{secrets.token_hex(8)}"
        return f"{at}.{self._sign(at)}"

    def holds(self, mark: str) -> bool:
        """Return whether this process gave the mark out, and not too long ago."""
        at, _, signature = mark.rpartition(".")
        seconds = at.partition(".")[0]
        if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 12:
            return False
        fresh = 0 <= self._clock.now().timestamp() - int(seconds) <= _MARK_S
        return fresh and hmac.compare_digest(signature.encode(), self._sign(at).encode())

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()


def from_here(request: Request) -> bool:
    """Return whether a POST comes from a page of this address; a browser that says nothing is let by its mark alone."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
