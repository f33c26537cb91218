"""Requests that are sent again: each is answered anew, and the record says which one it repeats.

What is kept for a day is no answer and no value: a hash of the key, a keyed hash of the request, whose it is, and the
receipt of the first answer. The key of that hash is the idempotency key itself, which only the caller has: whoever
reads the table cannot try out values.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request

from whosaw.doors.http import queries
from whosaw.doors.http.errors import KeyReused, KeyUnfit
from whosaw.store import Database, StoreError

KEPT = timedelta(hours=24)
_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}")
_SWEEP_S = 600.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request that carries a key.

    Attributes:
        key: SHA-256 of the key and of whose it is.
        first: the receipt of the first answer; None where this is the first, or the first got none.
    """

    key: bytes
    first: Mapping[str, object] | None

    @property
    def index(self) -> int | None:
        """Return the entry that this one repeats."""
        return int(str(self.first["index"])) if self.first is not None else None


class Repeats:
    """The keys of the last day, over all processes."""

    def __init__(self, db: Database) -> None:
        """Remember in `db`; the door's role will do."""
        self._db = db
        self._sweep_at = 0.0

    async def claim(self, request: Request, actor: str, raw: bytes, at: datetime) -> Claim | None:
        """Return the claim of a request with a key; None of one without.

        Raises:
            KeyUnfit: the key is none.
            KeyReused: this actor sent it with another request.
            StoreError: the database does not answer.
        """
        given = request.headers.getlist("idempotency-key")
        if not given:
            return None
        key = given[0].strip('"')  # the header is a structured one in the draft, and mostly is not
        if len(given) > 1 or not _KEY.fullmatch(key):
            raise KeyUnfit("the Idempotency-Key cannot be used")
        name = hashlib.sha256(f"whosaw/request/v1\n{actor}\n{key}".encode()).digest()
        said = hmac.digest(key.encode(), request.scope["path"].encode() + b"\n" + raw, "sha256")
        await self._sweep(at)
        kept, receipt = await queries.claim(self._db, name, actor, said, (at, at - KEPT))
        if not hmac.compare_digest(kept, said):
            raise KeyReused("this Idempotency-Key was sent with another request")
        return Claim(name, json.loads(receipt) if receipt else None)

    async def settle(self, claim: Claim | None, receipt: Mapping[str, object]) -> None:
        """Keep the receipt of the first answer. Where that fails the answer stands: a repeat just does not name it."""
        if claim is None or claim.first is not None:
            return
        try:
            await queries.settle(self._db, claim.key, json.dumps(receipt))
        except StoreError as cause:
            _LOG.warning("an answered request could not be remembered: %s", cause)

    async def _sweep(self, at: datetime) -> None:
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + _SWEEP_S
            await queries.sweep(self._db, at - KEPT)
