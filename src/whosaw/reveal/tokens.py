"""Tokens: equal values look equal, where the catalog says so and nowhere else.

A token is an HMAC under a key that lies outside the catalog, never a plain hash: who knows a value, or every phone
number there is, cannot compute its token. The field's name goes in, so that two fields cannot be joined by it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

TOKEN_SIGNS = 10  # 50 bits: among a million values two share one with a chance of 1 in 2,250


def token(key: bytes, field: str, value: str) -> str:
    """Return the token of `value`: ten lower-case letters and digits.

    Args:
        key: at least 32 random bytes.
        field: the field's name, as the catalog writes it.
        value: the protected value; case and surrounding space make no difference.
    """
    said = f"whosaw/mask/v1\0{field}\0{value.strip().casefold()}".encode("utf-8", "surrogatepass")
    digest = hmac.digest(key, said, hashlib.sha256)
    return base64.b32encode(digest)[:TOKEN_SIGNS].decode().lower()
