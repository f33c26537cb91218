"""What can go wrong at the mail door."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class MailError(WhosawError):
    """Base of what can go wrong at the mail door."""

    code: ClassVar[str] = "mail.error"


class MailKeyInvalid(MailError, ValueError):
    """The key of the mail door is no 32 bytes, or others may read it."""

    code: ClassVar[str] = "mail.key_invalid"
    hint = "restore mail.key from a backup; with a new one, answers to mail of before lose their thread"


class CannotListen(MailError, OSError):
    """The address for LMTP is taken, or not ours."""

    code: ClassVar[str] = "mail.cannot_listen"
    hint = "name another port or socket with --listen, and the same to Postfix"


class NextHopFailed(MailError, ConnectionError):
    """The next hop did not take a mail; Postfix keeps it and tries again."""

    code: ClassVar[str] = "mail.next_hop_failed"
    hint = "is the submission service of `whosaw mail postfix` in master.cf, and does Postfix run?"
