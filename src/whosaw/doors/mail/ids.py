"""Message-IDs that name no domain but ours, and lead back to what they stand for.

A Message-ID names the sender's mail server, so it cannot pass. It is replaced by itself, encrypted: the same id always
gives the same one (threads hold together), an answer's reference is decrypted on its way back, and nobody without the
key can make one, so a report about a mail of ours is known to be one.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from whosaw.doors.mail.errors import MailKeyInvalid

_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{3,990}>")
_LONGEST = 400  # in base32, with our domain, still one line of a header
_MOST_REFERENCES = 20
_LABEL = b"whosaw/message-id/v1"


def load_mail_key(folder: Path) -> bytes:
    """Return the key of the mail door, 32 bytes in ``mail.key``, made where there is none.

    Raises:
        MailKeyInvalid: it is none, or others may read it.
    """
    path = folder / "mail.key"
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(os.urandom(32))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    key = path.read_bytes()
    if len(key) != 32 or path.stat().st_mode & 0o077:
        raise MailKeyInvalid(f"`{path}` is not a key that only its owner may read")
    return key


class MessageIds:
    """Translates Message-IDs of one alias domain, those of one alias apart from all others.

    Were one alias's ids read at another, a party could have a customer's own ids decrypted by writing to itself.
    """

    def __init__(self, key: bytes, domain: str, alias: str = "") -> None:
        """Use `key` (32 bytes) and write ids of `domain`, in the mail of one `alias`."""
        self._key = key
        self._siv = AESSIV(sha256(_LABEL + b"\0" + key).digest())
        self._domain = domain
        self._about = [_LABEL, alias.encode()]

    def of(self, alias: str) -> MessageIds:
        """Return the translator for the mail of one alias."""
        return MessageIds(self._key, self._domain, alias)

    def outward(self, message_id: str) -> str:
        """Return the id that stands for `message_id` outside; one that is ours already becomes what it stood for."""
        back = self.stood_for(message_id)
        if back:
            return back
        if len(message_id) > _LONGEST:  # it passes, and its thread does not hold
            message_id = f"<{sha256(message_id.encode()).hexdigest()}@long>"
        sealed = base64.b32encode(self._siv.encrypt(message_id.encode(), self._about)).decode().lower().rstrip("=")
        return f"<m.{sealed}@{self._domain}>"

    def stood_for(self, message_id: str) -> str:
        """Return what an id of ours stands for; empty where it is none of ours."""
        local, at, domain = message_id.strip("<>").rpartition("@")
        if not at or domain.lower() != self._domain or not local.startswith("m."):
            return ""
        text = local[2:].upper()
        try:
            sealed = base64.b32decode(text + "=" * (-len(text) % 8))
            return self._siv.decrypt(sealed, self._about).decode()
        except (binascii.Error, InvalidTag, ValueError):
            return ""

    def references(self, text: str) -> str:
        """Return the ids of a References or In-Reply-To header, translated, the latest twenty."""
        return " ".join(self.outward(each) for each in _ID.findall(text)[-_MOST_REFERENCES:])


def single_id(text: str) -> str:
    """Return the one Message-ID in a text, or an empty one."""
    found = _ID.findall(text)
    return found[0] if len(found) == 1 else ""
