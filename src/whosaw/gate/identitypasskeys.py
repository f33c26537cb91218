"""Passkeys of local accounts: public keys, how often each has signed, and the one-time links to make one.

Nothing here is a secret that opens anything: of a passkey the public half is kept, of a link its hash. Making one and
taking one away are entries, durable before they take effect; whoever can write to these tables alone makes a passkey
that the record does not know.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from whosaw.gate import identitypasskeyqueries as queries
from whosaw.gate.errors import GateError
from whosaw.gate.identitypasskeyqueries import Passkey
from whosaw.gate.identityrecord import CredentialRecord
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.terms import Clock

PASSKEYS_MOST = 10
NAME_MOST = 60
INVITED_H = 24
_HANDLE_BYTES = 32


class TooManyPasskeys(GateError, ValueError):
    """Somebody has as many passkeys as anybody may have."""

    code: ClassVar[str] = "gate.too_many_passkeys"
    hint = "take one away first: `whosaw passkey list` shows them, `whosaw passkey remove` removes one"


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator made, checked: identifier, public key (COSE), its counter, and what its owner calls it."""

    id: bytes
    public_key: bytes
    signs: int
    name: str


class Passkeys:
    """Keeps them, in whosaw's database as its owner."""

    def __init__(self, db: Database, appender: Appender, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._record = CredentialRecord(db, appender, clock)

    async def of(self, actor: str | None = None) -> list[Passkey]:
        """Return the passkeys of somebody, or everybody's, the oldest first."""
        return await queries.passkeys(self._db, actor)

    async def named(self, identifier: bytes) -> Passkey | None:
        """Return the passkey of this identifier, or None."""
        return await queries.passkey(self._db, identifier)

    async def invite(self, actor: str, *, by: str, life: timedelta = timedelta(hours=INVITED_H)) -> str:
        """Return the secret of a link by which `actor` makes a passkey, once; earlier links of his end.

        Args:
            actor: whose passkey it will be.
            by: who lets him; himself where he has just shown who he is.
            life: how long the link is good.

        Raises:
            TrailUnavailable: it could not be recorded; there is no link.
        """
        secret = secrets.token_urlsafe(32)
        await self._record.note("passkey", "invited", actor, by)
        await queries.save_enrolment(self._db, _digest(secret), actor, self._clock.now() + life)
        return secret

    async def invited(self, secret: str) -> str | None:
        """Return whose link this is; it stays good."""
        return await queries.enrolment(self._db, _digest(secret), self._clock.now())

    async def handle(self, actor: str) -> bytes:
        """Return what authenticators call `actor`: random bytes, the same for all his passkeys."""
        kept = await self.of(actor)
        return kept[0].handle if kept else secrets.token_bytes(_HANDLE_BYTES)

    async def enrol(self, secret: str, handle: bytes, made: NewPasskey) -> str | None:
        """Keep a new passkey of whoever's link this is, and end the link; return whose it is, or None.

        Raises:
            TooManyPasskeys: he has as many as he may have.
            TrailUnavailable: it could not be recorded; the link is used up and there is no passkey.
        """
        actor = await self.invited(secret)
        if actor is not None and len(await self.of(actor)) >= PASSKEYS_MOST:
            raise TooManyPasskeys("there are too many passkeys of this account")
        # exactly one of several that come at once gets it
        if actor is None or not await queries.take_enrolment(self._db, _digest(secret), self._clock.now()):
            return None
        await self._record.note("passkey", "made", actor, actor)
        kept = Passkey(made.id, actor, handle, made.public_key, made.signs, made.name, self._clock.now(), None)
        return actor if await queries.save_passkey(self._db, kept) else None

    async def used(self, passkey: Passkey, signs: int) -> bool:
        """Note that a passkey has signed, by its counter; return whether that can be.

        A counter that does not rise shows that two authenticators hold the same key: nobody is let in by it, and it is
        recorded. Synchronised passkeys do not count, and say 0 always.
        """
        fits = signs > passkey.signs or signs == passkey.signs == 0
        if fits and await queries.note_use(self._db, passkey, signs, self._clock.now()):
            return True
        await self._record.note("passkey", "copied", passkey.actor, passkey.actor)
        return False

    async def remove(self, identifier: bytes, *, by: str) -> str | None:
        """Take a passkey away; return whose it was, or None where there is none.

        Raises:
            TrailUnavailable: it could not be recorded; it stays.
        """
        passkey = await self.named(identifier)
        if passkey is None:
            return None
        await self._record.note("passkey", "removed", passkey.actor, by)
        return passkey.actor if await queries.delete_passkey(self._db, identifier) else None


def fit_name(name: str) -> str:
    """Return a name of a passkey as it is kept: one short line, never empty."""
    return "".join(each for each in name if each.isprintable()).strip()[:NAME_MOST] or "passkey"


def told_at(at: datetime | None) -> str | None:
    """Return a time as it is told, or None."""
    return at.isoformat() if at is not None else None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
