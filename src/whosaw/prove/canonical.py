r"""From a payload to the bytes that are hashed: canonical JSON, the salted commitment, the entry, the leaf.

Canonical bytes are UTF-8 JSON with keys sorted by code point, no spaces, and only integers, strings and lists of them;
strings escape ``"``, ``\`` and the control characters below U+0020 (short forms ``\b \t \n \f \r``, else ``\u00xx`` in
lower case) and nothing else. For integers below 2^53 that is RFC 8785.

    commitment = SHA-256("whosaw/commitment/v1\n" ‖ salt, 32 bytes ‖ canonical bytes)
    entry      = "whosaw/entry/v1\n" ‖ commitment
    leaf       = SHA-256(0x00 ‖ entry)

The salt is fresh randomness per entry: payloads can be guessed, leaf hashes are public, and without the salt a guess
could be confirmed.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from json.encoder import encode_basestring as _spell  # RFC 8785's escapes, no more
from typing import cast

from whosaw.prove.errors import PayloadRefused

Payload = dict[str, int | str | list[int | str]]

SALT_BYTES = 32
MAX_PAYLOAD_BYTES = 65_535
COMMITMENT_DOMAIN = b"whosaw/commitment/v1\n"
ENTRY_DOMAIN = b"whosaw/entry/v1\n"

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAMES_KEPT = 512
_names: set[str] = set()  # invariant: only names that `_NAME` matches, at most `_NAMES_KEPT`
_LEAF_START = b"\x00" + ENTRY_DOMAIN


def canonical(payload: Payload) -> bytes:
    """Return the canonical bytes of `payload`.

    Raises:
        PayloadRefused: a name, type or value that has no canonical form, or more than 65,535 bytes.
    """
    parts: list[str] = []
    for name in _sorted(payload):
        if type(name) is not str or name not in _names:
            _learn(name)
        value = payload[name]
        if type(value) is str:
            parts.append(f'"{name}":{_spell(value)}')
        elif type(value) is int and _LEAST <= value <= _MOST:
            parts.append(f'"{name}":{value}')
        elif type(value) is list:
            parts.append(f'"{name}":[{",".join([_scalar(name, each) for each in value])}]')
        else:
            _scalar(name, value)
    text = "{" + ",".join(parts) + "}"
    if "\\u0000" in text:  # a NUL, or a backslash before these letters
        _refuse_nul(payload)
    try:
        raw = text.encode()
    except UnicodeEncodeError as cause:
        raise PayloadRefused("a string in a payload is not Unicode text") from cause
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise PayloadRefused(f"a payload longer than {MAX_PAYLOAD_BYTES} bytes")
    return raw


def read_payload(raw: bytes) -> Payload:
    """Return the payload whose canonical bytes are exactly `raw`.

    Raises:
        PayloadRefused: `raw` is not canonical.
    """
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise PayloadRefused(f"a payload longer than {MAX_PAYLOAD_BYTES} bytes")
    try:
        payload = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as cause:
        raise PayloadRefused("a payload is not JSON") from cause
    if not isinstance(payload, dict) or canonical(cast("Payload", payload)) != raw:
        raise PayloadRefused("a payload is not in its canonical form")
    return payload


def commitment(salt: bytes, raw: bytes) -> bytes:
    """Return the 32-byte commitment to canonical bytes under a 32-byte salt.

    Raises:
        PayloadRefused: the salt has another length.
    """
    if len(salt) != SALT_BYTES:
        raise PayloadRefused(f"a salt has {SALT_BYTES} bytes")
    return sha256(COMMITMENT_DOMAIN + salt + raw).digest()


def entry_bytes(salt: bytes, raw: bytes) -> bytes:
    """Return the bytes a leaf holds: the versioned commitment, nothing readable."""
    return ENTRY_DOMAIN + commitment(salt, raw)


def entry_leaf(salt: bytes, raw: bytes) -> bytes:
    """Return the leaf hash of canonical bytes under a salt (both steps at once: this is the hot path)."""
    if len(salt) != SALT_BYTES:
        raise PayloadRefused(f"a salt has {SALT_BYTES} bytes")
    return sha256(_LEAF_START + sha256(COMMITMENT_DOMAIN + salt + raw).digest()).digest()


def _sorted(payload: Payload) -> list[str]:
    try:
        return sorted(payload)
    except TypeError as cause:
        raise PayloadRefused("the names in a payload are lower-case words") from cause


def _learn(name: object) -> None:
    """Check a name that is met for the first time, and remember it as one that needs no check."""
    if type(name) is not str or not _NAME.fullmatch(name):
        raise PayloadRefused("the names in a payload are lower-case words")
    if len(_names) < _NAMES_KEPT:
        _names.add(name)


def _scalar(name: str, value: object) -> str:
    """Return the one spelling of an integer or string."""
    if type(value) is str:
        return _spell(value)
    if type(value) is not int:  # bool is an int to isinstance, and 1 and true must not be two spellings of one payload
        raise PayloadRefused(f"`{name}` is neither an integer nor a string nor a list of them")
    if not _LEAST <= value <= _MOST:
        raise PayloadRefused(f"the integer in `{name}` does not fit 64 bits")
    return str(value)


def _refuse_nul(payload: Payload) -> None:
    for name, value in payload.items():
        if any("\x00" in each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)):
            raise PayloadRefused(f"a NUL in `{name}`")
