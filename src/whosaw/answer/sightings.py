"""Where sightings are kept: a row each, and the raw mail beside the database, named by its hash."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from whosaw.answer import queries
from whosaw.answer.errors import RawMailMissing
from whosaw.answer.intake import Complaint
from whosaw.store import Database
from whosaw.terms.durable import write_whole

LOOKALIKE = "lookalike"
"""The mark of a message whose sender's domain is made to be taken for the beneficiary's."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Evidence that a subject's data is outside.

    Attributes:
        id: of the sighting.
        case: the case it belongs to, or None.
        subject: the subject's number.
        beneficiary: who profits, by the company's own reference (``seller:S-0088``).
        channel: how the subject was contacted (``mail``).
        contacted_at: when; the latest it can have been where `contacted_exact` is false.
        reported_at: when the complaint arrived.
        sender_domain: who contacted him.
        verified: whether the sender's own domain signed the evidence.
        dkim: the check, with the key record and when it was looked up.
        marks: what is weak about it.
        raw_sha256: names the raw mail.
        language: of the message the customer got, as ISO 639-1; empty where it is not known.
        arrived: the checks of the customer's own mail, DKIM and SPF, with the records as they stood then.
        form: ``mail``, ``row`` (written down by somebody), ``canary`` or ``alias``.
    """

    id: int
    case: str | None
    subject: int
    beneficiary: str
    channel: str
    contacted_at: datetime
    contacted_exact: bool
    reported_at: datetime
    sender_domain: str
    verified: bool
    dkim: Mapping[str, str]
    marks: tuple[str, ...]
    raw_sha256: str
    form: str = "mail"
    language: str = ""
    arrived: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contacted_by(self) -> datetime:
        """The time by which he had been contacted for certain, whatever the sender wrote.

        The Date of a message is the sender's own word, signed or not: he may set it back, before an order that explains
        how he has the address. Of a mail it is therefore when the complaint arrived.
        """
        return self.reported_at if self.form == "mail" else self.contacted_at

    @property
    def supports_measures(self) -> bool:
        """Whether it may carry a measure against its beneficiary: signed, and not by a look-alike of its domain."""
        return self.verified and LOOKALIKE not in self.marks


class RawMails:
    """A folder (mode 0700) of mails (mode 0600) named by their SHA-256; none is ever changed."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, made if absent."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    def keep(self, raw: bytes) -> str:
        """Write a mail durably and return its SHA-256 in hex; the same mail again changes nothing."""
        name = sha256(raw).hexdigest()
        path = self._folder / f"{name}.eml"
        if path.exists():
            return name
        write_whole(path, raw, draft=f".{os.getpid()}.part")  # else a sighting may outlive its mail
        return name

    def read(self, name: str) -> bytes:
        """Return the mail with this SHA-256.

        Raises:
            RawMailMissing: it is not there, or its bytes are not those that arrived.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", name):
            raise RawMailMissing("a raw mail is named by 64 hexadecimal digits")
        try:
            raw = (self._folder / f"{name}.eml").read_bytes()
        except FileNotFoundError as cause:
            raise RawMailMissing(f"the raw mail `{name}` is not in its folder") from cause
        if sha256(raw).hexdigest() != name:
            raise RawMailMissing(f"the raw mail `{name}` was altered")
        return raw

    def forget(self, name: str) -> bool:
        """Take a mail away; false where it is not there.

        Raises:
            RawMailMissing: it is not the name of a mail.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", name):
            raise RawMailMissing("a raw mail is named by 64 hexadecimal digits")
        path = self._folder / f"{name}.eml"
        there = path.exists()
        path.unlink(missing_ok=True)
        return there


class SightingBook:
    """The sightings of one database, each once."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(
        self,
        complaint: Complaint,
        *,
        subject: int,
        beneficiary: str,
        channel: str = "mail",
        marks: Sequence[str] = (),
        form: Literal["mail", "alias", "canary"] = "mail",
    ) -> tuple[Sighting, bool]:
        """Keep a complaint as a sighting; return it and whether it is new.

        The same original from the same subject is one sighting, however often it is forwarded. It joins the open case
        of its beneficiary, if there is one.

        Args:
            complaint: what intake read; its raw mail is kept by `RawMails`.
            subject: the number of the customer who complained.
            beneficiary: who profits, by the company's own reference.
            channel: how the subject was contacted.
            marks: what else is weak about it, beside what intake saw: ``lookalike``.
            form: ``mail`` for a complaint; ``alias`` or ``canary`` where the mail itself arrived at the mail door.
        """
        row, new = await queries.add_sighting(
            self._db,
            {
                "subject": subject,
                "beneficiary": beneficiary,
                "channel": channel,
                "contacted_at": complaint.contacted_at,
                "contacted_exact": complaint.contacted_exact,
                "reported_at": complaint.received_at,
                "sender_domain": complaint.sender_domain,
                "verified": complaint.verified,
                "marks": [*complaint.marks, *marks],
                "raw_sha256": complaint.sha256,
                "evidence_key": complaint.evidence_key,
                "form": form,
                "language": complaint.language,
                "arrived": {"dkim": complaint.customer_dkim.as_json(), "spf": complaint.customer_spf.as_json()},
            },
            complaint.dkim.as_json(),
        )
        return sighting_of(row), new

    async def list(self, *, beneficiary: str | None = None, case: str | None = None) -> Sequence[Sighting]:
        """Return sightings in order of arrival, all or those of one beneficiary or case."""
        return [sighting_of(row) for row in await queries.sightings(self._db, beneficiary=beneficiary, case=case)]


def sighting_of(row: tuple[Any, ...]) -> Sighting:
    """Return the sighting that a row of `queries` holds."""
    cells: list[Any] = [tuple(each) if isinstance(each, list) else each for each in row]
    return Sighting(*cells)
