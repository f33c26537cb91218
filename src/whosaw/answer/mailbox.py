"""A mail server on loopback that delivers into a Maildir: what the demo's letters arrive in."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Collection, Sequence
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from whosaw.answer.errors import AnswerError

_HEADERS = BytesHeaderParser(policy=default)


class MailboxFailed(AnswerError, OSError):
    """The mail server could not start."""

    code = "answer.mailbox_failed"
    hint = "choose another port, or 0 for any free one"


class Mailbox:
    """An SMTP server in a thread of its own; used as a context manager.

    A message is a file in ``new/`` of the Maildir before the server answers that it took it. Three headers stand before
    what was sent: Return-Path, Delivered-To (one for each recipient) and nothing else is changed.

    Attributes:
        folder: the Maildir.
        port: the port it listens on, once entered.
    """

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Describe the server; nothing listens yet.

        Args:
            folder: the Maildir, made if absent; what lies in it stays.
            host: a loopback address.
            port: 0 for any free one.
        """
        self.folder = folder
        self.host = host
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailbox", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        """Listen.

        Raises:
            MailboxFailed: the port is taken.
        """
        for name in ("tmp", "new", "cur"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._thread.start()
        try:
            self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        except OSError as cause:
            self._end_loop()
            raise MailboxFailed(f"cannot listen on `{self.host}:{self.port}`: {cause.strerror or cause}") from cause
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening; messages stay."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._end_loop()

    def files(self) -> Sequence[Path]:
        """Return the files of every message, by name."""
        return sorted(path for name in ("new", "cur") for path in (self.folder / name).iterdir())

    def arrived(self, message_ids: Collection[str]) -> set[str]:
        """Return which of these Message-IDs are in the mailbox."""
        there = set()
        for path in self.files():
            with path.open("rb") as file:
                there.add(str(_HEADERS.parse(file)["message-id"] or "").strip())
        return there & set(message_ids)

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._protocol, self.host, self.port)

    def _protocol(self) -> SMTP:
        return SMTP(_Delivery(self.folder), hostname="mailbox.localhost", loop=self._loop)

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports of ended sessions close

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class _Delivery:
    """Writes each message into a Maildir."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        """Write the message and answer that it is taken."""
        del server, session
        content: Any = envelope.content
        head = [f"Return-Path: <{envelope.mail_from or ''}>", *(f"Delivered-To: {to}" for to in envelope.rcpt_tos)]
        self._write("".join(f"{line}\r\n" for line in head).encode() + bytes(content))
        return "250 OK"

    def _write(self, raw: bytes) -> None:
        name = f"{secrets.token_hex(12)}.whosaw"
        with os.fdopen(os.open(self._folder / "tmp" / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(raw)
        (self._folder / "tmp" / name).rename(self._folder / "new" / name)
