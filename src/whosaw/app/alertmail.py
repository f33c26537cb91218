"""How an alert is told in a mail, and the mail server that takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import aiosmtplib

from whosaw.app.alerttexts import sentence
from whosaw.app.errors import AppError
from whosaw.store.alerts import Alert

_PORTS = {"smtp": 25, "smtps": 465}


class SmtpInvalid(AppError, ValueError):
    """The address of the mail server cannot be used; it is not repeated, for it may hold a password."""

    code: ClassVar[str] = "app.smtp_invalid"
    hint = "write WHOSAW_SMTP as smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server.

    Attributes:
        host: its name.
        port: its port.
        tls: whether TLS from the first byte; else STARTTLS where the server offers it.
        user: to log in with, or None; a login is never sent in the clear.
        password: to log in with.
        sender: the address that mails come from.
    """

    host: str
    port: int
    tls: bool
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, address: str, sender: str) -> Relay:
        """Return the relay at an address.

        Raises:
            SmtpInvalid: it is none.
        """
        try:
            parts = urlsplit(address)
            port = (parts.port or _PORTS[parts.scheme]) if parts.scheme in _PORTS else 0
        except ValueError:
            port = 0
        if not port or not parts.hostname or parts.path not in ("", "/"):
            raise SmtpInvalid("the address of the mail server is none")
        user, password = (unquote(part) if part is not None else None for part in (parts.username, parts.password))
        return cls(parts.hostname, port, parts.scheme == "smtps", sender, user, password)


def letter(alert: Alert, sender: str, recipient: str, origin: str) -> EmailMessage:
    """Return the mail about an alert; its Message-ID is the same in every attempt.

    Args:
        alert: what is told.
        sender: the address it comes from.
        recipient: the address it goes to.
        origin: of the trail, so that one reader of several tells them apart.
    """
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = f"[whosaw] {alert.severity}: {alert.code}"
    message["Date"] = alert.raised_at
    message["Message-ID"] = f"<{alert.identity}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_body(alert, origin))
    return message


async def hand_over(relay: Relay, message: EmailMessage, timeout_s: float) -> None:
    """Hand one mail to the server and return when it has taken it.

    Raises:
        SMTPException, OSError: it has not, or nobody knows.
    """
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        use_tls=relay.tls,
        start_tls=None if not relay.tls and relay.user is None else (not relay.tls),
        timeout=timeout_s,
        local_hostname="localhost",
    )
    async with client:
        if relay.user is not None:
            await client.login(relay.user, relay.password or "")
        await client.send_message(message)


def _body(alert: Alert, origin: str) -> str:
    lines = [
        sentence(alert.code),
        "",
        f"when:     {_utc(alert.raised_at)}",
        f"severity: {alert.severity}",
        f"what:     {alert.kind}, {alert.code}",
        *(f"{name + ':':9} {value}" for name, value in sorted(alert.about.items())),
        f"trail:    {origin}",
        f"alert:    {alert.identity}",
        "",
        "People stand here as numbers: `whosaw alert list` names them to whoever may know.",
        "",
    ]
    return "\n".join(lines)


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
