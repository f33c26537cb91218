"""Complaints as they arrive: a customer's mail with the message he got from outside, read strictly.

Only an original forwarded as an attachment keeps its signature; an inline forward is taken as the customer's word and
is never verified. Nothing here trusts a time that no signature carries: such a sighting counts from its arrival.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Literal

from whosaw.answer.errors import ComplaintUnreadable
from whosaw.answer.mime import MalformedMail, Part, parts, split, values
from whosaw.answer.senderpolicy import Arrival, SpfResult, check_spf, read_hop
from whosaw.answer.signature import DkimResult, Lookup, check_dkim
from whosaw.answer.tongue import tongue_of

SPF_UNKNOWN = SpfResult("unknown", "", "")
MAX_BYTES = 5 * 1024 * 1024
_SKEW = timedelta(minutes=10)
_OLDEST = timedelta(days=3 * 366)
_INLINE = re.compile(
    r"^[ \t>]*(?:-{2,}[ \t]*(?:forwarded|original) message\b|begin forwarded message\b|(?:from|von|de):[ \t].*@)",
    re.IGNORECASE | re.MULTILINE,
)
_INLINE_FROM = re.compile(r"^[ \t>]*(?:from|von|de):([^\n]{0,500})", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>@\"]{1,64}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One customer's mail about one message from outside.

    Attributes:
        customer: the address the customer wrote from, domain in lower case.
        received_at: when the mail arrived.
        form: ``attached`` (the original, byte for byte) or ``inline`` (its text, quoted).
        sender: the address that contacted him, as the original says; empty where it cannot be read.
        sender_domain: its domain, in lower case.
        recipient: the address the original was sent to; empty where it does not say.
        message_id: the original's Message-ID; empty for an inline forward.
        contacted_at: the original's own Date where its signature covers it; else `received_at`, the latest it can be.
        contacted_exact: whether `contacted_at` is the signed Date.
        dkim: the check of the original.
        customer_dkim: the check of the customer's own mail.
        customer_spf: whether the domain he wrote from lets the address send that handed his mail over.
        language: of the message he got, as ISO 639-1; empty where it is short or not sure.
        marks: what is weak about it, as words: ``inline``, ``date.missing``, ``date.future``, ``date.old``,
            ``date.unsigned``, ``recipient.differs``, ``dkim.<verdict>``, and of the customer's own mail ``spf.fail`` or
            ``spf.softfail``.
        sha256: of the whole mail, hex.
        original_sha256: of the original's bytes (inline: of the quoted text), hex.
    """

    customer: str
    received_at: datetime
    form: Literal["attached", "inline"]
    sender: str
    sender_domain: str
    recipient: str
    message_id: str
    contacted_at: datetime
    contacted_exact: bool
    dkim: DkimResult
    customer_dkim: DkimResult
    marks: tuple[str, ...]
    sha256: str
    original_sha256: str
    customer_spf: SpfResult = SPF_UNKNOWN
    language: str = ""

    @property
    def verified(self) -> bool:
        """Whether the sender's own domain signed the original, its sender and its date."""
        return self.form == "attached" and self.dkim.verdict == "pass"

    @property
    def evidence_key(self) -> str:
        """What makes two mails of one customer the same evidence: the original's Message-ID, else its bytes."""
        if self.message_id:
            return "id:" + sha256(self.message_id.encode()).hexdigest()
        return "raw:" + self.original_sha256


def read_complaint(raw: bytes, *, dns: Lookup, received_at: datetime, arrival: Arrival | None = None) -> Complaint:
    """Read one mail as a complaint and check the signatures in it.

    Args:
        raw: the mail as received, RFC 5322, at most 5 MiB.
        dns: gives the TXT record of a name, or None.
        received_at: when it arrived, aware.
        arrival: our own mail servers and the DNS, to check by SPF who handed it over; None does not check.

    Raises:
        ComplaintUnreadable: its `reason` is ``too_large``, ``malformed``, ``no_sender``, ``no_original``,
            ``several_originals`` or ``original_malformed``.
    """
    if len(raw) > MAX_BYTES:
        raise ComplaintUnreadable("too_large", f"the mail has {len(raw)} bytes, more than {MAX_BYTES}")
    try:
        headers, _ = split(raw)
        leaves = list(parts(raw))
    except MalformedMail as cause:
        raise ComplaintUnreadable("malformed", f"the mail cannot be read: {cause}") from cause
    customer = _address(headers, "from")
    if customer is None:
        raise ComplaintUnreadable("no_sender", "the mail has no single readable From address")
    own = check_dkim(raw, sender_domain=_domain(customer), dns=dns, at=received_at)
    policy = SPF_UNKNOWN
    if arrival is not None:
        policy = check_spf(read_hop(raw, arrival.servers), arrival.records, received_at)
    envelope = _Envelope(customer, own, policy, sha256(raw).hexdigest(), received_at)
    originals = [leaf for leaf in leaves if leaf.kind == "message/rfc822"]
    if len(originals) > 1:
        raise ComplaintUnreadable("several_originals", "the mail holds more than one forwarded message")
    return _attached(originals[0], envelope, dns) if originals else _inline(leaves, envelope)


@dataclass(frozen=True, slots=True)
class _Envelope:
    customer: str
    dkim: DkimResult
    spf: SpfResult
    sha256: str
    received_at: datetime

    @property
    def marks(self) -> tuple[str, ...]:
        """What is weak about the customer's own mail."""
        return (f"spf.{self.spf.verdict}",) if self.spf.verdict in {"fail", "softfail"} else ()


def _attached(part: Part, envelope: _Envelope, dns: Lookup) -> Complaint:
    try:
        original = part.decoded()
        headers, _ = split(original)
    except MalformedMail as cause:
        raise ComplaintUnreadable("original_malformed", f"the forwarded message cannot be read: {cause}") from cause
    sender = _address(headers, "from") or ""
    recipient = _address(headers, "to") or ""
    result = check_dkim(original, sender_domain=_domain(sender), dns=dns, at=envelope.received_at)
    signed = result.verdict == "pass"
    contacted_at, mark = _contacted(headers, signed, envelope.received_at)
    marks = [mark] if mark else []
    if recipient != envelope.customer:
        marks.append("recipient.differs")
    if not signed:
        marks.append(f"dkim.{result.verdict}")
    return Complaint(
        customer=envelope.customer,
        received_at=envelope.received_at,
        form="attached",
        sender=sender,
        sender_domain=_domain(sender),
        recipient=recipient,
        message_id=_message_id(headers),
        contacted_at=contacted_at or envelope.received_at,
        contacted_exact=contacted_at is not None,
        dkim=result,
        customer_dkim=envelope.dkim,
        marks=(*marks, *envelope.marks),
        sha256=envelope.sha256,
        original_sha256=sha256(original).hexdigest(),
        customer_spf=envelope.spf,
        language=tongue_of(_written(original)),
    )


def _inline(leaves: list[Part], envelope: _Envelope) -> Complaint:
    texts = [_readable(leaf) for leaf in leaves if leaf.kind in {"text/plain", "text/html"}]
    quoted = next((text for text in texts if _INLINE.search(text)), None)
    begins = _INLINE.search(quoted or "")
    if quoted is None or begins is None:
        raise ComplaintUnreadable("no_original", "the mail holds no forwarded message")
    message = quoted[begins.start() :]  # what stands above is the customer's own
    line = _INLINE_FROM.search(quoted)
    found = _ADDRESS.search(line.group(1)) if line else None
    sender = _clean_address(found.group(0)) if found else None
    return Complaint(
        customer=envelope.customer,
        received_at=envelope.received_at,
        form="inline",
        sender=sender or "",
        sender_domain=_domain(sender or ""),
        recipient="",
        message_id="",
        contacted_at=envelope.received_at,
        contacted_exact=False,
        dkim=DkimResult("none", "", "", "", envelope.received_at),
        customer_dkim=envelope.dkim,
        marks=("inline", "date.unsigned", *envelope.marks),
        sha256=envelope.sha256,
        original_sha256=sha256(quoted.encode("utf-8", "replace")).hexdigest(),
        customer_spf=envelope.spf,
        language=tongue_of(message),
    )


def _written(original: bytes) -> str:
    """Return the first readable text of a message, markup taken out."""
    try:
        leaves = [leaf for leaf in parts(original) if leaf.kind in {"text/plain", "text/html"}]
    except MalformedMail:
        return ""
    plain = [leaf for leaf in leaves if leaf.kind == "text/plain"]
    text = next((found for leaf in [*plain, *leaves] if (found := _readable(leaf))), "")
    return re.sub(r"<[^<>]{0,2000}>", " ", text)


def _readable(part: Part) -> str:
    try:
        return part.text()
    except MalformedMail:
        return ""


def _contacted(headers: EmailMessage, signed: bool, received_at: datetime) -> tuple[datetime | None, str]:
    """Return the original's date where it can be believed, and a mark where it cannot."""
    said = _date(headers)
    if said is None:
        return None, "date.missing"
    if said > received_at + _SKEW:
        return None, "date.future"
    if said < received_at - _OLDEST:
        return None, "date.old"
    if not signed:
        return None, "date.unsigned"
    return min(said, received_at), ""


def _date(headers: EmailMessage) -> datetime | None:
    found = values(headers, "date")
    if len(found) != 1:
        return None
    try:
        said = parsedate_to_datetime(found[0])
        # "-0000" means UTC without a word on the local zone (RFC 5322 3.3)
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _message_id(headers: EmailMessage) -> str:
    found = values(headers, "message-id")
    text = found[0].strip() if len(found) == 1 else ""
    return text if re.fullmatch(r"<[\x21-\x7e]{3,990}>", text) else ""


def _address(headers: EmailMessage, name: str) -> str | None:
    """Return the one address of the one header `name`, or None."""
    if len(values(headers, name)) != 1:
        return None
    # never from the decoded text: an encoded display name may itself look like an address
    addresses: Sequence[Address] = getattr(headers[name], "addresses", ())
    return _clean_address(addresses[0].addr_spec) if len(addresses) == 1 else None


def _clean_address(text: str) -> str | None:
    try:
        address = Address(addr_spec=text)
    except Exception:  # the library's address parser raises whatever it stumbles over
        return None
    if not address.username or not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", address.domain.lower()):
        return None
    return f"{address.username}@{address.domain.lower()}"


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
