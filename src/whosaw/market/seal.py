"""DKIM signatures (RFC 6376) of a mail domain that exists only here."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from whosaw.terms import to_us

_SIGNED = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]


class Seal:
    """A domain's signing key, made anew, and the DNS record that publishes it."""

    def __init__(self, selector: str, domain: str) -> None:
        self._selector, self._domain = selector.encode(), domain.encode()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = f"{selector}._domainkey.{domain}"

    @property
    def record(self) -> str:
        """The TXT record under `name`."""
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"

    def sign(self, message: bytes, at: datetime) -> bytes:
        """Return `message` with the domain's signature of the time `at` in front."""
        private = self._key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        signer = _DatedSigner(message, int(to_us(at) // 1_000_000))
        signature = signer.sign(
            self._selector,
            self._domain,
            private,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=_SIGNED,
        )
        return bytes(signature) + message


class _DatedSigner(dkim.DKIM):  # type: ignore[misc]
    """Signs with a given time: the library knows only the machine's clock."""

    def __init__(self, message: bytes, at_s: int) -> None:
        super().__init__(message, signature_algorithm=b"rsa-sha256")
        self._at_s = at_s

    def gen_header(self, fields: list[tuple[bytes, bytes]], *rest: Any, **named: Any) -> bytes:
        """Build the signature's header with the given time in ``t=``."""
        dated = [(name, str(self._at_s).encode() if name == b"t" else value) for name, value in fields]
        return bytes(super().gen_header(dated, *rest, **named))
