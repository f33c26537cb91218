"""An authenticator made of a few lines: it makes a key and signs with it, as truly or as falsely as a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


@dataclass
class SoftKey:
    """One passkey.

    Attributes:
        origin: what the browser says where it is.
        host: what the key is bound to.
        flags: what the authenticator says of its owner.
        signs: its counter; it counts on by itself where `counts`.
    """

    origin: str = "http://localhost:8484"
    host: str = "localhost"
    flags: int = PRESENT | VERIFIED
    signs: int = 0
    counts: bool = True
    id: bytes = field(default_factory=lambda: os.urandom(32))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    handle: bytes = b""

    def make(self, options: dict[str, Any], **said: Any) -> dict[str, Any]:
        """Answer the options by which a passkey is made; `said` stands in the place of what the browser would say."""
        self.handle = unlike(options["user"]["id"])
        public = self.private.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cbor2.dumps(key)
        told = self._told("webauthn.create", options, said)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(_ATTESTED) + attested}
        return self._spoken(clientDataJSON=told, attestationObject=cbor2.dumps(made))

    def sign(self, options: dict[str, Any], **said: Any) -> dict[str, Any]:
        """Answer the options by which somebody signs in."""
        if self.counts:
            self.signs += 1
        told, data = self._told("webauthn.get", options, said), self._data(0)
        signature = self.private.sign(data + hashlib.sha256(told).digest(), ec.ECDSA(hashes.SHA256()))
        return self._spoken(clientDataJSON=told, authenticatorData=data, signature=signature, userHandle=self.handle)

    def _told(self, kind: str, options: dict[str, Any], said: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | said).encode()

    def _data(self, more: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([self.flags | more]) + self.signs.to_bytes(4, "big")

    def _spoken(self, **parts: bytes) -> dict[str, Any]:
        response = {name: like(part) for name, part in parts.items()}
        return {"id": like(self.id), "rawId": like(self.id), "type": "public-key", "response": response}


def like(value: bytes) -> str:
    """Return bytes as base64url without its end."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unlike(text: str) -> bytes:
    """Return the bytes that such a text stands for."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
