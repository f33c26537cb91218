"""The wire: LMTP (RFC 2033) on a loopback port or a socket file, one answer for each recipient."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any, Self

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from whosaw.doors.mail.delivery import MailDoor
from whosaw.doors.mail.errors import CannotListen

SIZE_MOST = 25 * 1024 * 1024
"""Bytes of a mail; Postfix refuses what is larger while its sender still listens."""

_TAKEN = "250 2.0.0 taken"
_LATER = "451 4.3.0 not taken now"
_AT_ONCE = 16
_LOG = logging.getLogger(__name__)
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own; it writes addresses and lines of mails


class LmtpServer:
    """Listens while it is entered."""

    def __init__(self, door: MailDoor, listen: str) -> None:
        """Describe the server.

        Args:
            door: takes the mail.
            listen: ``127.0.0.1:24`` or ``unix:/path``; a port of 0 is any free one. Other machines are not served.
        """
        self._handler = _Handler(door)
        self._listen = listen
        self._server: asyncio.Server | None = None
        self._open: set[LMTP] = set()

    async def __aenter__(self) -> Self:
        """Listen.

        Raises:
            CannotListen: the address is taken, no loopback address, or none at all.
        """
        loop = asyncio.get_running_loop()
        path = self._listen.removeprefix("unix:") if self._listen.startswith("unix:") else ""
        try:
            if path:
                await asyncio.to_thread(Path(path).unlink, missing_ok=True)
                self._server = await loop.create_unix_server(self._protocol, path)
                await asyncio.to_thread(Path(path).chmod, 0o660)
            else:
                host, _, port = self._listen.rpartition(":")
                if host not in ("127.0.0.1", "[::1]", "localhost"):
                    raise CannotListen(f"`{self._listen}` is no loopback address: whoever reaches it may send anything")
                self._server = await loop.create_server(self._protocol, host.strip("[]"), int(port))
        except CannotListen:
            raise
        except (OSError, ValueError, OverflowError) as cause:
            raise CannotListen(f"cannot listen on `{self._listen}`: {cause}") from cause
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take nothing new; a mail under way is Postfix's until it was answered."""
        if self._server is not None:
            self._server.close()
            for each in list(self._open):
                if each.transport is not None:
                    each.transport.close()
            await asyncio.sleep(0)

    @property
    def port(self) -> int:
        """The port it listens on; 0 for a socket file."""
        name = self._server.sockets[0].getsockname() if self._server is not None else ""
        return int(name[1]) if isinstance(name, tuple) else 0

    def _protocol(self) -> LMTP:
        made = _Session(self._handler, data_size_limit=SIZE_MOST, enable_SMTPUTF8=True, hostname="whosaw")
        self._open.add(made)
        made.ended = self._open.discard
        return made


class _Session(LMTP):
    ended: Any = None

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the session."""
        super().connection_lost(error)
        if self.ended is not None:
            self.ended(self)


class _Handler:
    def __init__(self, door: MailDoor) -> None:
        self._door = door
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        """Answer once for each recipient, in their order."""
        del server, session
        content: Any = envelope.content
        answers = [await self._one(envelope.mail_from or "", to, bytes(content)) for to in envelope.rcpt_tos]
        return "\r\n".join(answers)

    async def handle_exception(self, error: Exception) -> str:
        """Put off what nobody thought of; its text may quote a mail."""
        _LOG.error("a session failed: %s", type(error).__name__)
        return _LATER

    async def _one(self, sender: str, recipient: str, raw: bytes) -> str:
        async with self._turns:
            try:
                await self._door.take(sender, recipient, raw)
            except Exception as problem:  # whatever it is, Postfix still has the mail
                _LOG.warning("a mail was not taken: %s", getattr(problem, "code", type(problem).__name__))
                return _LATER
        return _TAKEN
