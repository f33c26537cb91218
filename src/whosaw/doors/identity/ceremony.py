"""WebAuthn: what a browser is asked to have signed, and whether what it brings back holds. Keeps nothing.

Source: W3C Web Authentication Level 2, sections 7.1 and 7.2; the checks are those of the library `webauthn`. User
verification (PIN, finger, face) is always demanded: a passkey stands for a password and a second factor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from whosaw.doors.identity.errors import LoginRefused

_REQUIRED = UserVerificationRequirement.REQUIRED
_TIMEOUT_MS = 300_000


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are good: `origin` as browsers say it, and the `host` that authenticators bind keys to."""

    origin: str
    host: str


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey whose making was checked."""

    id: bytes
    public_key: bytes
    signs: int


def site_of(address: str) -> Site | None:
    """Return where passkeys are good on a whosaw at `address`; None where browsers make none.

    They do over https under a name, and on this very machine as ``http://localhost``; an IP address is no name.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        ip_address(host)
    except ValueError:
        if host and (parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")):
            return Site(f"{parts.scheme}://{parts.netloc.lower()}", host)
    return None


def making(site: Site, actor: str, handle: bytes, challenge: bytes, kept: Sequence[bytes]) -> dict[str, Any]:
    """Return the options by which a browser has a passkey made.

    Args:
        site: where it will be good.
        actor: shown by the authenticator where it lets somebody choose.
        handle: what the authenticator is to call him; says nothing about him.
        challenge: to be signed.
        kept: identifiers of passkeys that he has; no authenticator makes a second one.
    """
    options = generate_registration_options(
        rp_id=site.host,
        rp_name="whosaw",
        user_id=handle,
        user_name=actor,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in kept],
    )
    return _json(options_to_json(options))


def using(site: Site, challenge: bytes) -> dict[str, Any]:
    """Return the options by which a browser has somebody choose a passkey and sign; they name nobody's."""
    options = generate_authentication_options(
        rp_id=site.host, challenge=challenge, timeout=_TIMEOUT_MS, user_verification=_REQUIRED
    )
    return _json(options_to_json(options))


def check_made(site: Site, challenge: bytes, credential: Mapping[str, Any]) -> Made:
    """Return the passkey that a browser brings.

    Raises:
        LoginRefused: it was made for another site or challenge, without its owner, or cannot be read.
    """
    try:
        found = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as cause:  # what strangers send is read in there, and must not surprise out here
        raise LoginRefused("a passkey that was made does not hold") from cause
    return Made(found.credential_id, found.credential_public_key, found.sign_count)


def check_used(site: Site, challenge: bytes, credential: Mapping[str, Any], public_key: bytes) -> int:
    """Return the counter in what a passkey signed, after its signature was found good.

    Raises:
        LoginRefused: it was signed for another site or challenge, by another key, without its owner, or cannot be read.
    """
    try:
        # its counter is compared by the caller, when the signature is known to be good: before, it says nothing
        found = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as cause:  # as above
        raise LoginRefused("what a passkey signed does not hold") from cause
    return found.new_sign_count


def identifier_of(credential: Mapping[str, Any]) -> bytes:
    """Return the identifier of the passkey that a browser brings.

    Raises:
        LoginRefused: there is none.
    """
    try:
        return base64url_to_bytes(str(credential["id"]))
    except (KeyError, ValueError) as cause:
        raise LoginRefused("no passkey is named") from cause


def handle_of(credential: Mapping[str, Any]) -> bytes | None:
    """Return what the authenticator calls the owner, or None where it does not say, or says what cannot be read."""
    response = credential.get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    try:
        return base64url_to_bytes(handle) if isinstance(handle, str) and handle else None
    except ValueError:
        return b""


def text_of(challenge: bytes) -> str:
    """Return bytes as text, base64url."""
    return bytes_to_base64url(challenge)


def bytes_of(text: str) -> bytes:
    """Return what `text_of` was given."""
    return base64url_to_bytes(text)


def _json(text: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text)
    return read
