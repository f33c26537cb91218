"""Checks signed tokens (RFC 7519, RFC 8725): every rule is stated by who expects the token, none by the token."""

from __future__ import annotations

import base64
import binascii
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning

from whosaw.doors.identity.errors import TokenInvalid
from whosaw.doors.identity.provider import Provider
from whosaw.terms import Clock

TOKEN_BYTES_MOST = 8_192
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures of one key pair each; a secret shared by two, or none, is never among them."""
_IDENTIFIER_CHARS_MOST = 512


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be.

    Attributes:
        audience: must be among the token's.
        types: values of ``typ`` that are accepted, in lower case, without ``application/``; ``""`` means none.
        algorithms: of `ALGORITHMS`, those that are accepted.
        skew_s: seconds that the clocks may differ.
        life_most_s: seconds from issue to end at most; a token without end is refused. None where it needs none.
    """

    audience: str
    types: frozenset[str]
    algorithms: tuple[str, ...]
    skew_s: float
    life_most_s: float | None


async def check_token(token: str, provider: Provider, expected: Expected, clock: Clock) -> Mapping[str, Any]:
    """Return the claims of `token`, after signature, issuer, audience and times were found right.

    Raises:
        TokenInvalid: anything about it is wrong.
        ProviderUnreachable: the keys to check it with cannot be had.
    """
    if len(token) > TOKEN_BYTES_MOST or not token.isascii() or token.count(".") != 2:
        raise TokenInvalid("form")
    header = _decoded(token.partition(".")[0])
    algorithm, identifier = header.get("alg"), header.get("kid", "")
    if algorithm not in expected.algorithms or algorithm not in ALGORITHMS:
        raise TokenInvalid("algorithm")
    if "crit" in header or "b64" in header:
        raise TokenInvalid("critical extension")
    if not isinstance(identifier, str) or len(identifier) > _IDENTIFIER_CHARS_MOST:
        raise TokenInvalid("key identifier")
    if _type(header) not in expected.types:
        raise TokenInvalid("type")
    key = await provider.key(identifier, algorithm)
    if key is None:
        raise TokenInvalid("key")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # EdDSA is the older name of Ed25519, and as good
            jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError) as cause:
        raise TokenInvalid("signature") from cause
    claims = _decoded(token.split(".")[1])
    _check_claims(claims, provider.issuer, expected, clock.now().timestamp())
    return claims


def text_claim(claims: Mapping[str, Any], name: str) -> str:
    """Return a claim that must be a text, neither empty nor long, without control characters.

    Raises:
        TokenInvalid: it is not.
    """
    found = claims.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= _IDENTIFIER_CHARS_MOST or not found.isprintable():
        raise TokenInvalid(f"claim {name}")
    return found


def _check_claims(claims: Mapping[str, Any], issuer: str, expected: Expected, now: float) -> None:
    if claims.get("iss") != issuer:
        raise TokenInvalid("issuer")
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not expected.audience or expected.audience not in named:
        raise TokenInvalid("audience")
    issued = _time(claims, "iat")
    if issued is None or issued > now + expected.skew_s:
        raise TokenInvalid("issued in the future")
    begins, ends = _time(claims, "nbf"), _time(claims, "exp")
    if begins is not None and begins > now + expected.skew_s:
        raise TokenInvalid("not yet")
    if ends is not None and ends <= now - expected.skew_s:
        raise TokenInvalid("expired")
    if expected.life_most_s is not None and (ends is None or ends - issued > expected.life_most_s):
        raise TokenInvalid("lives too long")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e11:
        raise TokenInvalid(f"claim {name}")
    return float(found)


def _type(header: Mapping[str, Any]) -> str:
    found = header.get("typ", "")
    return found.lower().removeprefix("application/") if isinstance(found, str) else "?"


def _decoded(part: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once_each)
    except (ValueError, binascii.Error, RecursionError) as cause:
        raise TokenInvalid("not JSON") from cause
    if not isinstance(found, dict):
        raise TokenInvalid("not an object")
    return found


def _refuse(name: str) -> object:
    raise ValueError(name)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name given twice: two readers of such a token could read two different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
