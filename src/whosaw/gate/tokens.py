"""Personal bearer tokens: ``ws_<id>_<secret>``, the secret 256 random bits, kept as its SHA-256.

A fast hash is right here: 256 random bits cannot be guessed, and argon2 is for passwords. A header that merely names an
actor never counts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.gate import queries
from whosaw.gate.errors import GateError
from whosaw.store import Database

_LOG = logging.getLogger(__name__)
_FORM = re.compile(r"ws_([0-9a-f]{16})_([0-9a-f]{64})")
_REMEMBERED_S = 0.5
_AHEAD_S = 0.25  # this long before a token ends to count, those in use are looked at again
_IN_USE_S = 2.0
_TOGETHER_MOST = 512
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


@dataclass(slots=True, eq=False)
class _Good:
    """A token that was found good: whose it is, its id, when that ends to count, and when it was last sent."""

    actor: str
    identifier: str
    until: float
    sent: float


class Tokens:
    """Checks tokens for one door, remembering a good one for half a second.

    A revoked token therefore works at most that much longer; a suspension works at once, because the gate asks for it
    anew with every ask. Tokens in use are looked at again together before their time is over, so that nobody waits for
    it; where that fails, they end to count and the next ask looks itself.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        # by the SHA-256 of the whole token. Invariant: each was found good less than _REMEMBERED_S before its `until`;
        # the one sent last at the end
        self._good: OrderedDict[bytes, _Good] = OrderedDict()
        self._looking: asyncio.Task[None] | None = None

    async def actor(self, token: str) -> str:
        """Return whose token it is.

        Raises:
            TokenRefused: it is nobody's.
        """
        whole = _hash(token)
        known = self._good.get(whole)
        began = time.monotonic()
        if known is not None and began < known.until:
            known.sent = began
            self._good.move_to_end(whole)
            if began >= known.until - _AHEAD_S and (self._looking is None or self._looking.done()):
                self._looking = asyncio.create_task(self._look_again(), name="whosaw-tokens")
            return known.actor
        form = _FORM.fullmatch(token)
        if form is None:
            raise TokenRefused("no valid token")
        row = await queries.token(self._db, form[1])
        if row is None or row[2] is not None or not hmac.compare_digest(row[1], _hash(form[2])):
            self._good.pop(whole, None)
            raise TokenRefused("no valid token")
        self._good[whole] = _Good(row[0], form[1], began + _REMEMBERED_S, began)
        self._good.move_to_end(whole)
        if len(self._good) > _REMEMBERED_MOST:
            self._good.popitem(last=False)
        return row[0]

    async def _look_again(self) -> None:
        """Find out which of the tokens in use are still good; their secrets were compared when they were first sent."""
        began = time.monotonic()
        used: list[tuple[bytes, _Good]] = []
        for whole, known in reversed(self._good.items()):
            if known.sent < began - _IN_USE_S or len(used) == _TOGETHER_MOST:
                break
            used.append((whole, known))
        try:
            good = await queries.tokens_good(self._db, [known.identifier for _, known in used])
        except Exception as cause:  # they end to count by themselves
            _LOG.info("tokens were not looked at again: %s", type(cause).__name__)
            return
        for whole, known in used:
            if (known.identifier, known.actor) in good:
                known.until = max(known.until, began + _REMEMBERED_S)
            elif self._good.get(whole) is known:
                del self._good[whole]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
