"""Signed notes and their keys (c2sp.org/signed-note, Ed25519).

A note is a text that ends in a newline, an empty line, and signature lines ``— <key name> <base64>``. A verifier key is
written ``name+<8 hex digits>+<base64>``; a signing key ``PRIVATE+KEY+name+<8 hex digits>+<base64>``, as Go's
``golang.org/x/mod/sumdb/note`` writes it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from whosaw.prove.errors import NoteInvalid

ED25519 = 0x01
COSIGNATURE = 0x04

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
_PRIVATE = "PRIVATE+KEY+"
_SIGNATURE_BYTES = {ED25519: 64, COSIGNATURE: 72}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name; `kind` is the signature type byte (1 a log or receipt key, 4 a witness)."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``name+<key id>+<base64>``.

        Raises:
            NoteInvalid: malformed, of an unknown kind, or the key id does not belong to the key.
        """
        name, key_id, raw = _split_key(text)
        if raw[0] not in _SIGNATURE_BYTES:
            raise NoteInvalid(f"a verifier key of an unknown kind: `{raw[0]}`")
        key = cls(name, raw[0], raw[1:])
        if key.key_id != key_id or len(key.public) != 32:
            raise NoteInvalid(f"the key id of `{name[:80]}` does not belong to the key")
        return key

    @property
    def key_id(self) -> bytes:
        """The four bytes that, with the name, identify this key in a note."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.kind]) + self.public)}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Tell whether the 64-byte `signature` over `message` is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private Ed25519 key under a name."""

    name: str
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> SigningKey:
        """Make a fresh key.

        Raises:
            NoteInvalid: `name` is no key name.
        """
        return cls(check_key_name(name), Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Read ``PRIVATE+KEY+name+<key id>+<base64>``.

        Raises:
            NoteInvalid: malformed, or the key id does not belong to the key; the message never holds the key.
        """
        if not text.startswith(_PRIVATE):
            raise NoteInvalid("not a signing key")
        name, key_id, raw = _split_key(text.removeprefix(_PRIVATE))
        if raw[0] != ED25519 or len(raw) != 33:
            raise NoteInvalid("a signing key of an unknown kind")
        key = cls(name, Ed25519PrivateKey.from_private_bytes(raw[1:]))
        if key.verifier.key_id != key_id:
            raise NoteInvalid(f"the key id of `{name[:80]}` does not belong to the key")
        return key

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, ED25519, self._private.public_key().public_bytes_raw())

    def secret_text(self) -> str:
        """Return the written form, which is a secret."""
        raw = bytes([ED25519]) + self._private.private_bytes_raw()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{encode_base64(raw)}"

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over `message`."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: who claims to have signed, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """Return the line with its newline."""
        return f"— {self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. Its text means nothing until `verify` has returned."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, raw: bytes) -> Note:
        """Read a note; the text is what stands before the last empty line.

        Raises:
            NoteInvalid: malformed in any way.
        """
        if len(raw) > MAX_NOTE_BYTES:
            raise NoteInvalid(f"a note longer than {MAX_NOTE_BYTES} bytes")
        try:
            whole = raw.decode("utf-8")
        except UnicodeDecodeError as cause:
            raise NoteInvalid("a note is not UTF-8") from cause
        if any(byte < 0x20 and byte != 0x0A for byte in raw):
            raise NoteInvalid("a control character in a note")
        text, gap, tail = whole.rpartition("\n\n")
        if not gap or not tail.endswith("\n"):
            raise NoteInvalid("a note without signatures")
        lines = tail[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise NoteInvalid(f"a note with more than {MAX_SIGNATURES} signatures")
        return cls(text + "\n", tuple(_signature(line) for line in lines))

    def format(self) -> bytes:
        """Return the note as bytes."""
        return (self.text + "\n" + "".join(each.line() for each in self.signatures)).encode()

    def verify(self, keys: Iterable[VerifierKey]) -> list[tuple[VerifierKey, NoteSignature]]:
        """Return the known keys that signed, each with its signature, in the order of the note.

        Raises:
            NoteInvalid: a known key's signature does not verify, a known key signed twice, or none of them signed.
        """
        known = {(key.name, key.key_id): key for key in keys}
        good: dict[tuple[str, bytes], tuple[VerifierKey, NoteSignature]] = {}
        for line in self.signatures:
            who = (line.name, line.key_id)
            if who not in known:
                continue
            if who in good:
                raise NoteInvalid(f"`{line.name[:80]}` signed twice")
            if not _holds(known[who], self.text, line.signature):
                raise NoteInvalid(f"the signature of `{line.name[:80]}` does not verify")
            good[who] = (known[who], line)
        if not good:
            raise NoteInvalid("no known key signed this note")
        return list(good.values())


def sign_note(text: str, signers: Sequence[SigningKey]) -> Note:
    """Return `text`, which ends in a newline, signed by each signer.

    Raises:
        NoteInvalid: the text cannot stand in a note.
    """
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise NoteInvalid("the text of a note ends in a newline and holds no control characters")
    try:
        message = text.encode()
    except UnicodeEncodeError as cause:
        raise NoteInvalid("the text of a note is Unicode text") from cause
    return Note(text, tuple(NoteSignature(key.name, key.verifier.key_id, key.sign(message)) for key in signers))


def cosigned_message(text: str, time_s: int) -> bytes:
    """Return what a witness signs over a checkpoint body at a POSIX time (c2sp.org/tlog-cosignature)."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def decode_base64(text: str) -> bytes:
    """Decode standard base64 and accept only the one canonical spelling of the bytes.

    Raises:
        NoteInvalid: it is none.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise NoteInvalid("malformed base64") from cause
    if encode_base64(raw) != text:
        raise NoteInvalid("base64 that is not in its canonical spelling")
    return raw


def encode_base64(raw: bytes) -> str:
    """Return the standard base64 of `raw`."""
    return base64.b64encode(raw).decode("ascii")


def _holds(key: VerifierKey, text: str, signature: bytes) -> bool:
    if len(signature) != _SIGNATURE_BYTES[key.kind]:
        return False
    if key.kind == COSIGNATURE:
        time_s = int.from_bytes(signature[:8], "big")
        return time_s < 1 << 63 and key.verifies(cosigned_message(text, time_s), signature[8:])
    return key.verifies(text.encode(), signature)


def _signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—":
        raise NoteInvalid("a malformed signature line")
    raw = decode_base64(parts[2])
    if len(raw) < 5:
        raise NoteInvalid("a signature line without a signature")
    return NoteSignature(check_key_name(parts[1]), raw[:4], raw[4:])


def check_key_name(name: str) -> str:
    """Return `name` if it may name a key.

    Raises:
        NoteInvalid: it is empty, holds a space, a plus or a control character, or is not Unicode text.
    """
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise NoteInvalid(f"not a key name: `{name[:80]!r}`")
    try:
        name.encode()
    except UnicodeEncodeError as cause:
        raise NoteInvalid("a key name is not UTF-8") from cause
    return name


def _split_key(text: str) -> tuple[str, bytes, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or len(parts[1]) != 8 or parts[1] != parts[1].lower():
        raise NoteInvalid("a key is written name+id+base64")
    try:
        key_id = bytes.fromhex(parts[1])
    except ValueError as cause:
        raise NoteInvalid("the id of a key is eight hexadecimal digits") from cause
    raw = decode_base64(parts[2])
    if len(raw) < 2 or len(key_id) != 4:
        raise NoteInvalid("a key without bytes")
    return check_key_name(parts[0]), key_id, raw
