"""Where reports from the form wait: a Maildir, each report one mail that intake reads like a forwarded one."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path


class Spool:
    """A Maildir with a bound: a flood fills it, and then the door says so instead of filling the disk."""

    def __init__(self, folder: Path, *, waiting_most: int = 1_000) -> None:
        """Use `folder`, made if absent and private.

        Args:
            folder: the Maildir.
            waiting_most: reports that may wait to be taken in.
        """
        self._folder = folder
        self._waiting_most = waiting_most
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def full(self) -> bool:
        """Whether no more reports are taken until some were read."""
        return sum(1 for _ in os.scandir(self._folder / "new")) >= self._waiting_most

    def put(self, customer: Address, sender: str, text: str, at: datetime) -> None:
        """Write one report, whole or not at all.

        Args:
            customer: who reports, as he says.
            sender: who wrote to him, as he says; empty where he does not.
            text: the message he got.
            at: now.
        """
        mail = EmailMessage(policy=SMTP)
        mail["From"] = customer
        mail["To"] = Address("form", addr_spec="form@complaints.invalid")
        mail["Date"] = at
        mail["Subject"] = "report by the form"
        head = f"From: {sender}\n" if sender else "From: not said\n"
        mail.set_content(f"---------- Forwarded message ---------\n{head}\n{text}\n")
        name = f"{int(at.timestamp() * 1e6)}.{secrets.token_hex(8)}"
        part = self._folder / "tmp" / name
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(bytes(mail))
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / "new" / name)
