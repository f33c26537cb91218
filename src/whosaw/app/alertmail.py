"""How an alert is told in a mail, and handing it to the mail server."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from whosaw.app.alerttexts import sentence
from whosaw.store.alerts import Alert
from whosaw.store.relay import Relay


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
    async with relay.client(timeout_s) as client:
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
