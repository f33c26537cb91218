"""Who is behind an address: an alias, the way back to whoever wrote to one, a canary, or nobody.

The database holds hashes. An answer's way back is sealed under the very address it belongs to, which only the person
who got the mail has: neither the tables nor the key of this door lead to anybody's address.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from whosaw.gate.aliasing import address_sha256
from whosaw.store import Database

_RANDOM_SIGNS = 26  # 128 bits and a little


@dataclass(frozen=True, slots=True)
class Alias:
    """An address that a disclosure carried.

    Attributes:
        address: as it was written to, in lower case.
        entry: index of the disclosure's entry.
        field: which value it stands for.
        actor: number of who was shown it.
        subject: number of whose it is.
        party: whom the work concerned; empty where nobody.
        expires_at: when it ends.
        ended_at: when it was ended before; None where it was not.
    """

    address: str
    entry: int
    field: str
    actor: int
    subject: int
    party: str
    expires_at: datetime
    ended_at: datetime | None

    def in_force(self, at: datetime) -> bool:
        """Return whether it leads to its person."""
        return at < self.expires_at and self.ended_at is None


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where an answer goes: to `party`, as from the alias that he wrote to."""

    alias: Alias
    party: str


@dataclass(frozen=True, slots=True)
class CanaryWay:
    """A person who does not exist."""

    subject: int


Way = Alias | WayBack | CanaryWay
_ALIAS = "entry, field, actor, subject, party, expires_at, ended_at"


class Ways:
    """The addresses of one alias domain."""

    def __init__(self, db: Database, key: bytes, domain: str) -> None:
        """Use the key of the mail door (32 bytes)."""
        self._db = db
        self._key = sha256(b"whosaw/reverse/v1\0" + key).digest()
        self.domain = domain

    async def behind(self, address: str) -> Way | None:
        """Return who is behind an address, or None."""
        own = address.strip().lower()
        known = address_sha256(own)
        async with self._db.connection() as connection:
            rows = await connection.execute(f"select {_ALIAS} from mail_alias where address_sha256 = %s", [known])
            row = await rows.fetchone()
            if row is not None:
                return Alias(own, *row)
            rows = await connection.execute("select subject from canary where address_sha256 = %s", [known])
            row = await rows.fetchone()
            if row is not None:
                return CanaryWay(int(row[0]))
            rows = await connection.execute(
                f"select r.sealed, {_ALIAS} from mail_reverse r join mail_alias a on a.address_sha256 = r.alias_sha256 "
                "where r.address_sha256 = %s",
                [known],
            )
            row = await rows.fetchone()
        if row is None:
            return None
        sealed, *cells = row
        opened = _open(own, bytes(sealed))
        return None if opened is None else WayBack(Alias(opened[0], *cells), opened[1])

    async def back(self, alias: Alias, party: str, at: datetime) -> str:
        """Return the address under which the person can answer `party`; the same for the same two, durable."""
        said = json.dumps([alias.address, party]).encode()
        local = base64.b32encode(hmac.digest(self._key, said, "sha256")).decode().lower()[:_RANDOM_SIGNS]
        address = f"{local}@{self.domain}"
        async with self._db.connection() as connection:
            await connection.execute(
                "insert into mail_reverse (address_sha256, alias_sha256, sealed, made_at) values (%s, %s, %s, %s) "
                "on conflict (address_sha256) do nothing",
                [address_sha256(address), address_sha256(alias.address), _seal(address, said), at],
            )
        return address


def _cipher(address: str) -> AESGCM:
    return AESGCM(sha256(b"whosaw/reverse-seal/v1\0" + address.encode()).digest())


def _seal(address: str, said: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + _cipher(address).encrypt(nonce, said, None)


def _open(address: str, sealed: bytes) -> tuple[str, str] | None:
    try:
        alias, party = json.loads(_cipher(address).decrypt(sealed[:12], sealed[12:], None))
    except (InvalidTag, ValueError):
        return None
    return str(alias), str(party)
