"""Hits: mail that only a leak can have caused, kept whole, as a sighting that names the disclosure.

A hit says which record an address came from, and that a stranger has it. It does not say who passed it on, nor that
this was wrong: no alert names a person, and who profits is the sender's own domain until somebody knows better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from whosaw.answer import RawMails, SightingBook
from whosaw.answer.intake import Complaint
from whosaw.answer.notes import Notes
from whosaw.answer.signature import DkimResult
from whosaw.doors.mail.letters import Read
from whosaw.store import Database
from whosaw.store.alerts import raise_alert

ALERT_TEXTS = {
    "alias.hit": "Mail from a stranger reached an address that one disclosure alone had carried.",
    "canary.hit": "Somebody used the data of a person who does not exist.",
}

Kind = Literal["alias", "canary"]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail for one recipient, as it came.

    Attributes:
        raw: its bytes.
        recipient: the address that it was for.
        seen: its headers.
        signature: the check of its signatures at arrival.
        at: when it arrived.
    """

    raw: bytes
    recipient: str
    seen: Read
    signature: DkimResult
    at: datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit as it is kept.

    Attributes:
        kind: ``alias`` or ``canary``.
        entry: index of the disclosure's entry; None for a canary, which several may have opened.
        subject: number of whose address it was.
        sighting: its number.
        raw_sha256: names the raw mail.
        sender_domain: who wrote.
        dkim: verdict of the signature check.
        at: when it arrived.
    """

    kind: Kind
    entry: int | None
    subject: int
    sighting: int
    raw_sha256: str
    sender_domain: str
    dkim: str
    at: datetime


class Hits:
    """Keeps hits: the mail durable first, then the sighting, the alert, the trail's note, and the row that ends it."""

    def __init__(self, db: Database, raws: RawMails, unproved: RawMails, book: SightingBook, notes: Notes) -> None:
        """Keep the mails of hits in `raws`, and those that are evidence of nothing yet in `unproved`."""
        self._db = db
        self._unproved = unproved
        self._raws = raws
        self._book = book
        self._notes = notes

    def keep(self, raw: bytes) -> str:
        """Keep a mail without calling it a hit; return its SHA-256 in hex."""
        return self._unproved.keep(raw)

    async def note(self, arrived: Arrived, kind: Kind, *, subject: int, entry: int | None) -> bool:
        """Keep a hit; false where it is known. Every step may be repeated after a crash, and none counts twice."""
        raw = self._raws.keep(arrived.raw)
        if await self._known(raw, subject):
            return False
        domain = arrived.seen.domain[:200] or "unknown"
        sighting, _ = await self._book.add(
            _complaint(arrived, raw), subject=subject, beneficiary=f"domain:{domain}", channel=kind, form=kind
        )
        about: dict[str, int | str] = {"sighting": sighting.id}
        if entry is not None:
            about["entry"] = entry
        await raise_alert(self._db, "mail", "high", f"{kind}.hit", about, at=arrived.at)
        note = await self._notes.add("intake", "mail.hit", by="mail door", more={**about, "sha256": raw, "form": kind})
        async with self._db.connection() as connection:
            done = await connection.execute(
                "insert into mail_hit (kind, entry, subject, sighting_id, raw_sha256, sender_domain, dkim, at, note) "
                "values (%s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict (raw_sha256, subject) do nothing",
                [kind, entry, subject, sighting.id, raw, domain, arrived.signature.verdict, arrived.at, note],
            )
            return done.rowcount == 1

    async def list(self, kind: Kind | None = None) -> Sequence[Hit]:
        """Return hits in order of arrival."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "select kind, entry, subject, sighting_id, raw_sha256, sender_domain, dkim, at from mail_hit "
                "where %s::text is null or kind = %s order by id",
                [kind, kind],
            )
            return [Hit(*row) for row in await rows.fetchall()]

    async def _known(self, raw: str, subject: int) -> bool:
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "select 1 from mail_hit where raw_sha256 = %s and subject = %s", [raw, subject]
            )
            return await rows.fetchone() is not None


def _complaint(arrived: Arrived, raw: str) -> Complaint:
    seen, signature = arrived.seen, arrived.signature
    return Complaint(
        customer="",
        received_at=arrived.at,
        form="attached",
        sender=seen.sender,
        sender_domain=seen.domain,
        recipient=arrived.recipient,
        message_id=seen.message_id,
        # it came to this very door: no header needs to be believed
        contacted_at=arrived.at,
        contacted_exact=True,
        dkim=signature,
        customer_dkim=signature,
        marks=() if signature.verdict == "pass" else (f"dkim.{signature.verdict}",),
        sha256=raw,
        original_sha256=sha256(arrived.raw).hexdigest(),
    )
