"""Letters that came back: read from the mail server's report, and what is left to be told by a second channel.

A report is believed by the Message-ID it carries: 128 random bits that only who got the letter, or carried it, knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default

from whosaw.answer import redressqueries as queries
from whosaw.store import Database

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_MESSAGE_ID = re.compile(r"<[\x21-\x7e]{3,990}>")
_MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a report says: which letter, and the enhanced status code (``5.1.1``)."""

    message_id: str
    status: str

    @property
    def permanent(self) -> bool:
        """Whether the letter will not arrive; a delay is none."""
        return self.status.startswith("5")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A letter that did not arrive: for whom (a subject's number), why, and by which channel he is to be told now."""

    recipient_key: str
    message_id: str
    why: str
    channel: str
    done_at: datetime | None


def read_bounce(raw: bytes) -> Bounce | None:
    """Return what a delivery status report (RFC 3464) says, or None where the mail is none that can be read."""
    if len(raw) > _MAX_BYTES:
        return None
    try:
        mail = message_from_bytes(raw, policy=default)
        if mail.get_content_type() != "multipart/report":
            return None
        status, message_id = "", ""
        for part in mail.walk():
            kind = part.get_content_type()
            if kind == "message/delivery-status":
                status = status or _status(part)
            elif kind in {"message/rfc822", "text/rfc822-headers"}:
                message_id = message_id or _message_id(part)
    except Exception:  # the library's header parser raises whatever it stumbles over
        return None
    return Bounce(message_id, status) if status and message_id else None


class Bounces:
    """The letters of one database that did not arrive."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def note(self, bounce: Bounce, at: datetime) -> bool:
        """Keep a report about a letter of ours; false where it is about none, says only *later*, or is known."""
        if not bounce.permanent:
            return False
        return await queries.add_bounce(self._db, bounce.message_id, bounce.status, at)

    async def undelivered(self, case: str) -> Sequence[Undelivered]:
        """Return the letters of a case that did not arrive: those that bounced, and those that no server took."""
        return [Undelivered(*row) for row in await queries.undelivered(self._db, case)]

    async def done(self, message_id: str, channel: str, at: datetime) -> bool:
        """Note that the person was told by another channel; false where the letter is not among the undelivered."""
        return await queries.told_otherwise(self._db, message_id, channel, at)


def _status(part: Message) -> str:
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        found = str(block.get("Status", "")).strip() if isinstance(block, Message) else ""
        if _STATUS.fullmatch(found):
            return found
    return ""


def _message_id(part: Message) -> str:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        original = inner[0] if isinstance(inner, list) and inner else None
        found = str(original.get("Message-ID", "")) if isinstance(original, Message) else ""
    else:
        text = part.get_content() if isinstance(part, EmailMessage) else str(part.get_payload())
        found = next((line[11:] for line in str(text).splitlines() if line.lower().startswith("message-id:")), "")
    match = _MESSAGE_ID.search(found)
    return match.group() if match else ""
