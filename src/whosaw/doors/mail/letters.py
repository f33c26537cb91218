"""What is forwarded: the body as it came, and headers of a short list. Pure.

A header that is not on the list does not pass: any other may hold an address, a host or an account of the sender
(Received, Sender, Reply-To, Cc, X-Originating-IP, a signature's d=, List-Unsubscribe …), and new ones are invented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from whosaw.answer.mime import MalformedMail, split, values
from whosaw.doors.mail.ids import MessageIds, single_id

HOPS = "Whosaw-Hops"
_MOST_RECEIVED = 50
_MOST_HOPS = 3
_NAME_MOST = 80
_PASSING = (
    b"subject",
    b"date",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"content-language",
    b"content-disposition",
    b"auto-submitted",
    b"precedence",
    b"importance",
)
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+)[ \t]*:")
_END = re.compile(rb"\r?\n\r?\n|\A\r?\n")


@dataclass(frozen=True, slots=True)
class Read:
    """What the door goes by of a mail's headers.

    Attributes:
        sender: the one From address, domain in lower case; empty where there is no single readable one.
        name: its display name; empty where there is none, or it looks like an address.
        message_id: empty where there is no single one.
        received: how many servers it passed.
        hops: how often this door forwarded it.
        automatic: whether a program wrote it.
    """

    sender: str
    name: str
    message_id: str
    received: int
    hops: int
    automatic: bool

    @property
    def looping(self) -> bool:
        """Whether it goes round."""
        return self.received > _MOST_RECEIVED or self.hops >= _MOST_HOPS

    @property
    def domain(self) -> str:
        """The sender's domain."""
        return self.sender.rpartition("@")[2]


def read(raw: bytes) -> Read:
    """Read a mail's headers; whatever cannot be read is empty."""
    try:
        headers, _ = split(raw)
    except MalformedMail:
        return Read("", "", "", 0, 0, automatic=False)
    sender, name = _from(headers)
    hops = [each.strip() for each in values(headers, HOPS)]
    automatic = next((each.strip().lower() for each in values(headers, "auto-submitted")), "no")
    return Read(
        sender=sender,
        name=name,
        message_id=single_id(" ".join(values(headers, "message-id"))),
        received=len(values(headers, "received")),
        hops=max((int(each) if re.fullmatch(r"[0-9]{1,3}", each) else _MOST_HOPS for each in hops), default=0),
        automatic=not automatic.startswith("no"),
    )


@dataclass(frozen=True, slots=True)
class Outside:
    """How a mail looks on the other side: from whom, to whom, under which name."""

    sender: str
    recipient: str
    name: str = ""


def forwarded(raw: bytes, outside: Outside, ids: MessageIds) -> bytes:
    """Return the mail as the other side gets it.

    Args:
        raw: as it came; without headers all of it is the body.
        outside: the two addresses that it carries, and the sender's name.
        ids: for Message-ID and references.
    """
    block, body = _cut(raw)
    seen = read(raw)
    head = EmailMessage(policy=SMTP)
    head["From"] = _address(outside.name, outside.sender)
    head["To"] = _address("", outside.recipient)
    lines = [each for each in head.as_bytes().split(b"\r\n") if each]
    passing: dict[bytes, bytes] = {}
    others: dict[bytes, str] = {}
    for name, field in _fields(block):
        if name in _PASSING:
            passing.setdefault(name, field)
        elif name in {b"in-reply-to", b"references"}:
            others.setdefault(name, field.partition(b":")[2].decode("ascii", "replace"))
    own = ids.outward(seen.message_id) if seen.message_id else ""
    lines += [f"Message-ID: {own}".encode()] if own else []
    for name, label in ((b"in-reply-to", "In-Reply-To"), (b"references", "References")):
        translated = ids.references(others.get(name, ""))
        lines += [f"{label}: {translated}".replace("> <", ">\r\n <").encode()] if translated else []
    lines += list(passing.values())
    lines.append(f"{HOPS}: {seen.hops + 1}".encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def undelivered(outside: Outside, status: str, about: str, at: datetime) -> bytes:
    """Return the neutral report that a mail did not arrive: no host, no address but the two that are known anyway.

    Args:
        outside: `sender` is the address that was written to.
        status: the enhanced status code (``5.1.1``).
        about: Message-ID of the mail, as its sender wrote it; empty where it had none.
        at: now.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Mail delivery", addr_spec=f"mailer-daemon@{outside.sender.rpartition('@')[2]}")
    message["To"] = _address("", outside.recipient)
    message["Subject"] = "Your message was not delivered"
    message["Date"] = format_datetime(at)
    message["Auto-Submitted"] = "auto-replied"
    if about:
        message["In-Reply-To"] = about
        message["References"] = about
    message[HOPS] = "1"
    message.set_content(f"Your message to {outside.sender} was not delivered.\n\nStatus: {status}\n")
    return message.as_bytes()


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def _from(headers: EmailMessage) -> tuple[str, str]:
    if len(values(headers, "from")) != 1:
        return "", ""
    try:
        addresses: Sequence[Address] = getattr(headers["from"], "addresses", ())
        if len(addresses) != 1:
            return "", ""
        address = addresses[0]
        local, domain, name = str(address.username), str(address.domain).lower(), str(address.display_name)
    except Exception:  # the library's header parser raises whatever it stumbles over
        return "", ""
    if not re.fullmatch(r"[\x21-\x3f\x41-\x7e]{1,64}", local) or not re.fullmatch(
        r"(?=.{1,253}\Z)[a-z0-9-]+(\.[a-z0-9-]+)*", domain
    ):
        return "", ""
    return f"{local}@{domain}", name if name.isprintable() and "@" not in name and len(name) <= _NAME_MOST else ""


def _cut(raw: bytes) -> tuple[bytes, bytes]:
    end = _END.search(raw)
    block, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    return (block, body) if not block or _FIELD.match(block) else (b"", raw)


def _fields(block: bytes) -> list[tuple[bytes, bytes]]:
    """Return name in lower case and the whole field, folded as it came, its lines ended alike."""
    found: list[tuple[bytes, bytes]] = []
    for line in re.split(rb"\r?\n", block):
        match = _FIELD.match(line)
        if line[:1] in (b" ", b"\t") and found:
            name, before = found[-1]
            found[-1] = name, before + b"\r\n" + line
        elif match:
            found.append((match.group(1).lower(), line.replace(b"\r", b" ").replace(b"\0", b" ")))
        else:
            break  # what is no header begins no body either: the rest is left out
    return found
