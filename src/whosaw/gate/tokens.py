"""Personal bearer tokens: ``ws_<id>_<secret>``, the secret 256 random bits, kept as its SHA-256.

A fast hash is right here: 256 random bits cannot be guessed, and argon2 is for passwords. A header that merely names an
actor never counts.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from whosaw.gate import queries
from whosaw.gate.errors import GateError
from whosaw.store import Database

_FORM = re.compile(r"ws_([0-9a-f]{16})_([0-9a-f]{64})")
_REMEMBERED_S = 0.5
_REMEMBERED_MOST = 20_000


class TokenRefused(GateError, PermissionError):
    """The token is unknown, revoked, or not a token; the answer does not say which."""

    code: ClassVar[str] = "gate.token_refused"
    hint = "send `Authorization: Bearer TOKEN` with a token from `whosaw user add`"


async def add_token(db: Database, actor: str, at: datetime) -> str:
    """Make a token for `actor` and return it; it is kept nowhere in this form."""
    return (await add_tokens(db, [actor], at))[0]


async def add_tokens(db: Database, actors: Sequence[str], at: datetime) -> list[str]:
    """Make one token for each of `actors`, in their order."""
    made = [(secrets.token_hex(8), actor, secrets.token_hex(32)) for actor in actors]
    await queries.save_tokens(db, [(i, actor, _hash(secret)) for i, actor, secret in made], at)
    return [f"ws_{identifier}_{secret}" for identifier, _, secret in made]


async def revoke_tokens(db: Database, actor: str, at: datetime) -> int:
    """Revoke every token of `actor`; return how many there were."""
    return await queries.revoke(db, actor, at)


class Tokens:
    """Checks tokens for one door, remembering a good one for half a second.

    A revoked token therefore works at most that much longer; a suspension works at once, because the gate asks for it
    anew with every ask.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        # invariant: holds only tokens found good less than _REMEMBERED_S before the second value
        self._good: dict[bytes, tuple[str, float]] = {}

    async def actor(self, token: str) -> str:
        """Return whose token it is.

        Raises:
            TokenRefused: it is nobody's.
        """
        form = _FORM.fullmatch(token)
        if form is None:
            raise TokenRefused("no valid token")
        whole = _hash(token)
        actor, until = self._good.get(whole, ("", 0.0))
        if time.monotonic() < until:
            return actor
        row = await queries.token(self._db, form[1])
        if row is None or row[2] is not None or not hmac.compare_digest(row[1], _hash(form[2])):
            self._good.pop(whole, None)
            raise TokenRefused("no valid token")
        if len(self._good) >= _REMEMBERED_MOST:
            self._good.clear()
        self._good[whole] = (row[0], time.monotonic() + _REMEMBERED_S)
        return row[0]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
