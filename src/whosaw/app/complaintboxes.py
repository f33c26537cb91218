"""Where complaints wait: a Maildir, or a mailbox on an IMAP server. What was read is marked, and stays there."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import unquote, urlsplit

from whosaw.answer.intake import MAX_BYTES
from whosaw.app.errors import AppError

_TIMEOUT_S = 30.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BoxUnreadable(AppError, ValueError):
    """A mailbox of complaints cannot be read: no Maildir, no such server, or it refuses."""

    code: ClassVar[str] = "app.box_unreadable"
    hint = "name the folder that holds `new` and `cur`, or imaps://USER@HOST/MAILBOX with WHOSAW_IMAP_PASSWORD"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One mail that waits: what the box calls it, and its bytes."""

    name: str
    raw: bytes


class Box(Protocol):
    """A mailbox. Between reading and settling a run may be cut: the mail is read again, as the same sighting."""

    def waiting(self) -> Iterator[Waiting]:
        """Yield what was not settled yet, oldest first."""
        ...

    def settle(self, name: str, *, taken: bool) -> None:
        """Mark a mail as seen where it was taken, and flag any other so that people find it."""
        ...


class Maildir:
    """A Maildir: what lies in ``new`` moves to ``cur``."""

    def __init__(self, folder: Path) -> None:
        """Read `folder`.

        Raises:
            BoxUnreadable: it is no Maildir.
        """
        if not (folder / "new").is_dir() or not (folder / "cur").is_dir():
            raise BoxUnreadable(f"`{folder}` is no Maildir")
        self._folder = folder

    def waiting(self) -> Iterator[Waiting]:
        """Yield the files of ``new``, oldest first."""
        for file in sorted((self._folder / "new").iterdir(), key=lambda each: (each.stat().st_mtime_ns, each.name)):
            yield Waiting(file.name, file.read_bytes())

    def settle(self, name: str, *, taken: bool) -> None:
        """Move a file to ``cur``."""
        (self._folder / "new" / name).rename(
            self._folder / "cur" / f"{name.partition(':')[0]}:2,{'S' if taken else 'F'}"
        )


class ImapBox:
    """A mailbox on an IMAP server; used as a context manager. Only over TLS, save to this machine itself."""

    def __init__(self, url: str, password: str, *, context: ssl.SSLContext | None = None) -> None:
        """Describe the mailbox; nothing is connected yet.

        Args:
            url: ``imaps://USER@HOST[:PORT]/MAILBOX``; ``imap://`` starts TLS, and does without on loopback alone.
            password: of the user.
            context: whom to trust; the system's authorities where left out.

        Raises:
            BoxUnreadable: it is not written so.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname or not parts.username or parts.password:
            raise BoxUnreadable("a mailbox is named as imaps://USER@HOST/MAILBOX, its password apart")
        self._parts = parts
        self._password = password
        self._context = context or ssl.create_default_context()
        self._client: imaplib.IMAP4 | None = None

    def __enter__(self) -> Self:
        """Connect, log in, and open the mailbox.

        Raises:
            BoxUnreadable: the server is not there, not trusted, or refuses.
        """
        try:
            self._client = client = self._connect()
            client.login(unquote(self._parts.username or ""), self._password)
            found, _ = client.select(_quoted(unquote(self._parts.path.strip("/")) or "INBOX"))
        except (OSError, imaplib.IMAP4.error) as cause:
            self._close()
            # the server's words are not repeated: they may hold the user's name
            raise BoxUnreadable(f"the mail server `{self._parts.hostname}` refuses, or is not there") from cause
        if found != "OK":
            self._close()
            raise BoxUnreadable("the mail server has no such mailbox")
        return self

    def __exit__(self, *_: object) -> None:
        """Log out; what was marked stays marked."""
        self._close()

    def waiting(self) -> Iterator[Waiting]:
        """Yield mails that are neither seen nor flagged, oldest first; one that is too large comes without its end.

        Raises:
            BoxUnreadable: the connection is lost.
        """
        for uid in self._said("SEARCH", "UNSEEN", "UNFLAGGED")[0].split():
            # a literal comes as a pair of what announces it and its bytes; anything else is a line
            found: list[Any] = self._said("FETCH", uid.decode("ascii"), f"(BODY.PEEK[]<0.{MAX_BYTES + 1}>)")
            raw = next((part[1] for part in found if isinstance(part, tuple)), None)
            if raw is not None:  # another client may have taken it away meanwhile
                yield Waiting(uid.decode("ascii"), raw)

    def settle(self, name: str, *, taken: bool) -> None:
        r"""Mark a mail ``\Seen`` or ``\Flagged``.

        Raises:
            BoxUnreadable: the connection is lost.
        """
        self._said("STORE", name, "+FLAGS.SILENT", r"(\Seen)" if taken else r"(\Flagged)")

    def _connect(self) -> imaplib.IMAP4:
        host = self._parts.hostname or ""
        if self._parts.scheme == "imaps":
            return imaplib.IMAP4_SSL(host, self._parts.port or 993, ssl_context=self._context, timeout=_TIMEOUT_S)
        client = imaplib.IMAP4(host, self._parts.port or 143, timeout=_TIMEOUT_S)
        if "STARTTLS" in client.capabilities:
            client.starttls(self._context)
        elif host not in _LOOPBACK:
            client.shutdown()
            raise BoxUnreadable(f"the mail server `{host}` offers no TLS, so no password is sent to it")
        return client

    def _said(self, command: str, *arguments: str) -> list[bytes]:
        if self._client is None:
            raise BoxUnreadable("the mailbox is not open")
        try:
            found, said = self._client.uid(command, *arguments)
        except (OSError, imaplib.IMAP4.error) as cause:
            raise BoxUnreadable("the connection to the mail server is lost") from cause
        if found != "OK":
            raise BoxUnreadable(f"the mail server does not do `{command}`")
        return [each for each in said if each is not None] or [b""]

    def _close(self) -> None:
        if self._client is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                self._client.logout()
            self._client = None


def _quoted(name: str) -> str:
    """Return a mailbox's name as IMAP quotes it.

    Raises:
        BoxUnreadable: it holds what no name may.
    """
    if not re.fullmatch(r"[\x20-\x7e]{1,200}", name):
        raise BoxUnreadable("a mailbox's name is printable ASCII")
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
