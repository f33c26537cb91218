"""The mail server that takes what whosaw sends: its address, how it is logged in to, and when TLS is a must.

Letters, alerts and the mail door's next hop make their connections here and nowhere else, so that one rule holds for
all of them: a login is only ever said over TLS whose certificate is trusted.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

import aiosmtplib

from whosaw.store.errors import StoreError

Tls = Literal["first", "offered", "never"]

_PORTS = {"smtp": 25, "smtps": 465}


class SmtpInvalid(StoreError, ValueError):
    """The address of the mail server cannot be used; it is not repeated, for it may hold a password."""

    code: ClassVar[str] = "store.smtp_invalid"
    hint = "write WHOSAW_SMTP as smtp://HOST:PORT or smtps://USER:PASSWORD@HOST:PORT"


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server.

    Attributes:
        host: its name.
        port: its port.
        tls: ``first``: from the first byte; ``offered``: STARTTLS where the server offers it, with a login or not at
            all; ``never``: in the clear, for a server on this machine.
        sender: the address that mails come from; empty where each says its own.
        user: to log in with, or None.
        password: to log in with.
        context: whom to trust; the system's authorities where left out.
    """

    host: str
    port: int
    tls: Tls = "offered"
    sender: str = ""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Refuse a login in the clear.

        Raises:
            SmtpInvalid: there is a user, and TLS never begins.
        """
        if self.user is not None and self.tls == "never":
            raise SmtpInvalid("a login is never sent in the clear")

    @classmethod
    def read(cls, address: str, sender: str = "") -> Relay:
        """Return the relay at an address, as ``smtps://USER:PASSWORD@HOST:PORT``.

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
        return cls(parts.hostname, port, "first" if parts.scheme == "smtps" else "offered", sender, user, password)

    def client(self, timeout_s: float) -> aiosmtplib.SMTP:
        """Return a connection that is not open yet; opening it encrypts and logs in as this relay says.

        Args:
            timeout_s: seconds to wait for one reply.
        """
        # None: where the server offers it; True: or not at all
        offered = True if self.user is not None else None
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            timeout=timeout_s,
            use_tls=self.tls == "first",
            start_tls=offered if self.tls == "offered" else False,
            tls_context=self.context,
            username=self.user,
            password=(self.password or "") if self.user is not None else None,
            local_hostname="localhost",
        )
