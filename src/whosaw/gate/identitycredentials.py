"""Credentials of provisioning: ``scim_<id>_<secret>``, the secret 256 random bits, kept as its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.gate.errors import GateError
from whosaw.store import Database

_FORM = re.compile(r"scim_([0-9a-f]{16})_([0-9a-f]{64})")


class CredentialRefused(GateError, PermissionError):
    """The credential of a provider is unknown, revoked, or none; the answer does not say which."""

    code: ClassVar[str] = "gate.credential_refused"
    hint = "send `Authorization: Bearer` with a credential from `whosaw scim add`"


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known of a credential: everything but the secret."""

    id: str
    name: str
    made_at: datetime
    revoked_at: datetime | None


class Credentials:
    """Makes, lists, revokes and checks them; over whosaw's database as its owner."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, name: str, at: datetime) -> str:
        """Make a credential and return it; it is kept nowhere in this form."""
        identifier, secret = secrets.token_hex(8), secrets.token_hex(32)
        async with self._db.connection() as connection:
            await connection.execute(
                "insert into scim_credential (id, name, secret_sha256, made_at) values (%s, %s, %s, %s)",
                [identifier, name, _hash(secret), at],
            )
        return f"scim_{identifier}_{secret}"

    async def revoke(self, identifier: str, at: datetime) -> bool:
        """Revoke a credential; return whether there was one in force."""
        async with self._db.connection() as connection:
            done = await connection.execute(
                "update scim_credential set revoked_at = %s where id = %s and revoked_at is null", [at, identifier]
            )
            return done.rowcount == 1

    async def all(self) -> list[Credential]:
        """Return every credential there ever was, the first one first."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "select id, name, made_at, revoked_at from scim_credential order by made_at, id"
            )
            return [Credential(*row) for row in await rows.fetchall()]

    async def check(self, authorization: str) -> str:
        """Return the identifier of the credential in an ``Authorization`` header.

        Raises:
            CredentialRefused: there is no good one in it.
        """
        scheme, _, credential = authorization.partition(" ")
        form = _FORM.fullmatch(credential.strip()) if scheme.lower() == "bearer" else None
        if form is None:
            raise CredentialRefused("no valid credential")
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "select secret_sha256 from scim_credential where id = %s and revoked_at is null", [form[1]]
            )
            row = await rows.fetchone()
        if row is None or not hmac.compare_digest(row[0], _hash(form[2])):
            raise CredentialRefused("no valid credential")
        return form[1]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
