"""Aliases: the e-mail address of one disclosure, made after its entry is durable and before anybody sees it.

An address is 80 random bits under the catalog's domain. Whosaw keeps its hash alone, with the entry that says it was
shown: who reads the database cannot write to anybody, and only who was shown the address knows it.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from whosaw.catalog import Catalog
from whosaw.decide import Decision
from whosaw.store import Database

RANDOM_BYTES = 10  # 80 bits: who guesses a billion addresses a second hits one of a billion aliases in 14 days

_MAKE = (
    "insert into mail_alias (address_sha256, entry, field, actor, subject, party, made_at, expires_at) "
    "select decode(a ->> 'hash', 'hex'), (a ->> 'entry')::bigint, a ->> 'field', (a ->> 'actor')::bigint, "
    "(a ->> 'subject')::bigint, a ->> 'party', %s, %s from jsonb_array_elements(%s::jsonb) a"
)


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A disclosure that may need aliases.

    Attributes:
        decision: what was decided.
        row: the subject's values by field.
        entry: index of its entry.
        actor: number of who was shown them.
        subject: number of whose they are; None of somebody unknown.
        party: whom the work concerns, as ``seller:S-9``; empty where nobody.
    """

    decision: Decision
    row: Mapping[str, object]
    entry: int
    actor: int
    subject: int | None
    party: str


class Aliasing:
    """Makes aliases."""

    def __init__(self, db: Database, catalog: Catalog) -> None:
        self._db = db
        self._catalog = catalog

    async def addresses(self, disclosed: Sequence[Disclosed], at: datetime) -> list[dict[str, str]]:
        """Return per disclosure field → the address that stands for its value; durable before this returns."""
        named: list[dict[str, str]] = [{} for _ in disclosed]
        aliases = self._catalog.aliases
        if aliases is None:
            return named
        made: list[dict[str, object]] = []
        for each, own in zip(disclosed, named, strict=True):
            for item in each.decision.fields:
                field = self._catalog.fields[item.field]
                if item.effect != "alias" or each.subject is None or not self._catalog.has_alias(field):
                    continue
                if each.row.get(item.field) is None:
                    continue
                own[item.field] = new_address(aliases.domain)
                made.append(_row(own[item.field], each, item.field))
        if made:
            until = at + timedelta(days=aliases.days)
            async with self._db.connection() as connection:
                await connection.execute(_MAKE, [at, until, json.dumps(made)])
        return named


def new_address(domain: str) -> str:
    """Return a new address: sixteen lower-case letters and digits, of 80 random bits."""
    return f"{base64.b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()}@{domain}"


def address_sha256(address: str) -> bytes:
    """Return the hash by which an address is known; case makes no difference."""
    return sha256(b"whosaw/alias/v1\0" + address.strip().lower().encode()).digest()


def _row(address: str, disclosed: Disclosed, field: str) -> dict[str, object]:
    return {
        "hash": address_sha256(address).hex(),
        "entry": disclosed.entry,
        "field": field,
        "actor": disclosed.actor,
        "subject": disclosed.subject,
        "party": disclosed.party,
    }
