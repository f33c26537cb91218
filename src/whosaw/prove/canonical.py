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
from typing import cast

from whosaw.prove.errors import PayloadRefused

Payload = dict[str, int | str | list[int | str]]

SALT_BYTES = 32
MAX_PAYLOAD_BYTES = 65_535
COMMITMENT_DOMAIN = b"whosaw/commitment/v1\n"
ENTRY_DOMAIN = b"whosaw/entry/v1\n"

_INT64 = range(-(1 << 63), 1 << 63)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False).encode
_LEAF_START = b"\x00" + ENTRY_DOMAIN


def canonical(payload: Payload) -> bytes:
    """Return the canonical bytes of `payload`.

    Raises:
        PayloadRefused: a name, type or value that has no canonical form, or more than 65,535 bytes.
    """
    for name, value in payload.items():
        if type(name) is not str or not _NAME.fullmatch(name):
            raise PayloadRefused("the names in a payload are lower-case words")
        if type(value) is list:
            for each in value:
                _check_scalar(name, each)
        else:
            _check_scalar(name, value)
    try:
        raw = _ENCODE(payload).encode("utf-8")
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


def _check_scalar(name: str, value: object) -> None:
    kind = type(value)
    if kind is str:
        if "\x00" in cast("str", value):
            raise PayloadRefused(f"a NUL in `{name}`")
    elif kind is not int:  # bool is an int to isinstance, and 1 and true must not be two spellings of one payload
        raise PayloadRefused(f"`{name}` is neither an integer nor a string nor a list of them")
    elif value not in _INT64:
        raise PayloadRefused(f"the integer in `{name}` does not fit 64 bits")
