"""Signed webhooks: the headers that a receiver checks, and the check itself. Pure.

The form is that of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com), for which there are receivers in many
languages: HMAC-SHA256 over identity, time and body, so that none of the three can be changed or sent again later.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import ClassVar

from whosaw.store.errors import StoreError

REPLAY_S = 300
"""Seconds by which the time of a message may be off before a receiver refuses it."""

_PREFIX = "whsec_"


class WebhookForged(StoreError, PermissionError):
    """A message is not signed under this secret, was altered, or is too old or too new."""

    code: ClassVar[str] = "store.webhook_forged"
    hint = "compare the secret on both sides, and the clocks"


def sign(secret: str, identity: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message.

    Args:
        secret: text, or ``whsec_`` and base64.
        identity: of what is told; the same in every attempt, so that a receiver can tell a repetition.
        timestamp_s: now, seconds since 1970.
        body: exactly as sent.
    """
    signature = base64.b64encode(_mac(secret, identity, timestamp_s, body)).decode()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{signature}",
    }


def check(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> str:
    """Return the identity of a message that is what it says; whoever has seen it already may forget it.

    Args:
        secret: as on the sending side.
        headers: by lower-case name.
        body: exactly as received.
        now_s: seconds since 1970.

    Raises:
        WebhookForged: it is not.
    """
    try:
        identity, timestamp_s = headers["webhook-id"], int(headers["webhook-timestamp"])
        given = headers["webhook-signature"].split(" ")
    except (KeyError, ValueError) as cause:
        raise WebhookForged("the message carries no signature that can be read") from cause
    if abs(now_s - timestamp_s) > REPLAY_S:
        raise WebhookForged("the message is too old or too new")
    wanted = f"v1,{base64.b64encode(_mac(secret, identity, timestamp_s, body)).decode()}"
    if not any(hmac.compare_digest(wanted.encode(), each.encode()) for each in given):
        raise WebhookForged("the signature does not fit")
    return identity


def _mac(secret: str, identity: str, timestamp_s: int, body: bytes) -> bytes:
    return hmac.new(_key(secret), f"{identity}.{timestamp_s}.".encode() + body, sha256).digest()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()
