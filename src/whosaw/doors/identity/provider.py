"""One identity provider: its metadata and its keys, fetched seldom, capped, and never in place of one another."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from joserfc import jwk
from joserfc.errors import JoseError, SecurityWarning

from whosaw.doors.identity.errors import ProviderUnreachable

_LOG = logging.getLogger(__name__)
_ANSWER_BYTES_MOST = 262_144
_KEYS_MOST = 100
_RSA_BITS_LEAST = 2048
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}

METADATA_S = 3_600.0
KEYS_S = 600.0
UNKNOWN_KEY_S = 30.0
RETRY_S = 5.0
STALE_MOST_S = 86_400.0


class Provider:
    """Metadata and public keys of one issuer.

    Keys are fetched anew every ten minutes, and at once where a token names a key that is not known (the provider has
    rotated), but for that reason at most twice a minute, whatever is sent. While the provider does not answer, known
    keys stay good for a day.
    """

    def __init__(
        self,
        issuer: str,
        http: httpx.AsyncClient,
        *,
        keys_url: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Describe a provider; nothing is fetched yet.

        Args:
            issuer: exactly as its tokens say.
            http: fetches; redirects are not followed.
            keys_url: where the keys are; empty means that the provider's metadata say.
            monotonic: seconds that only rise.
        """
        self.issuer = issuer
        self._http = http
        self._keys_url = keys_url
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        # invariant: usable public signing keys only, by identifier ("" where the provider gave none)
        self._keys: dict[str, jwk.Key] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    async def metadata(self) -> Mapping[str, Any]:
        """Return what ``/.well-known/openid-configuration`` says.

        Raises:
            ProviderUnreachable: it does not answer, or it speaks for another issuer.
        """
        now = self._monotonic()
        if self._metadata is not None and now - self._metadata[0] < METADATA_S:
            return self._metadata[1]
        found = await fetch_json(self._http, self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderUnreachable("the provider's metadata name another issuer")
        self._metadata = (now, found)
        return found

    async def key(self, identifier: str, algorithm: str) -> jwk.Key | None:
        """Return the public key of this identifier if it may be used with `algorithm`, or None.

        Raises:
            ProviderUnreachable: the keys were never fetched, or a day ago, and cannot be fetched now.
        """
        found = self._fitting(identifier, algorithm)
        if found is None or (self._old() and not self._lock.locked()):
            await self._refresh()
            found = self._fitting(identifier, algorithm)
        if self._monotonic() - self._fetched_at >= STALE_MOST_S:
            raise ProviderUnreachable("the provider's keys are not known")
        return found

    def _old(self) -> bool:
        return self._monotonic() - self._fetched_at >= KEYS_S

    async def _refresh(self) -> None:
        """Fetch the keys unless that was tried a moment ago; whoever comes while another fetches waits for him."""
        async with self._lock:
            if self._monotonic() - self._tried_at < (RETRY_S if self._old() else UNKNOWN_KEY_S):
                return
            self._tried_at = self._monotonic()
            try:
                url = self._keys_url or str((await self.metadata()).get("jwks_uri", ""))
                self._keys = _public_keys(await fetch_json(self._http, url))
                self._fetched_at = self._monotonic()
            except ProviderUnreachable as problem:
                _LOG.warning("the identity provider's keys could not be fetched: %s", problem)

    def _fitting(self, identifier: str, algorithm: str) -> jwk.Key | None:
        key = self._keys.get(identifier)
        if key is None and not identifier and len(self._keys) == 1:
            key = next(iter(self._keys.values()))
        return key if key is not None and _fits(key, algorithm) else None


async def fetch_json(http: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    """Return the JSON object at `url`.

    Raises:
        ProviderUnreachable: no answer, no success, more than 256 KiB, or not a JSON object.
    """
    gathered = bytearray()
    try:
        async with http.stream("GET", url, headers={"Accept": "application/json"}, follow_redirects=False) as response:
            if response.status_code != 200:
                raise ProviderUnreachable(f"the provider answers {response.status_code}")
            async for chunk in response.aiter_bytes():
                gathered += chunk
                if len(gathered) > _ANSWER_BYTES_MOST:
                    raise ProviderUnreachable("the provider's answer is too long")
        found = json.loads(gathered)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise ProviderUnreachable("the provider does not answer") from cause
    except (ValueError, RecursionError) as cause:
        raise ProviderUnreachable("the provider does not answer with JSON") from cause
    if not isinstance(found, dict):
        raise ProviderUnreachable("the provider does not answer with a JSON object")
    return found


def _public_keys(document: Mapping[str, Any]) -> dict[str, jwk.Key]:
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > _KEYS_MOST:
        raise ProviderUnreachable("the provider's keys are not a key set")
    found: dict[str, jwk.Key] = {}
    for entry in listed:
        # a symmetric or private key in a public set would let everybody sign
        if not isinstance(entry, dict) or entry.get("kty") not in ("RSA", "EC", "OKP") or "d" in entry:
            continue
        if entry.get("use", "sig") != "sig" or not isinstance(entry.get("kid", ""), str):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)  # a weak key is left out below
                key = jwk.import_key(entry)
            strong = not isinstance(key, jwk.RSAKey) or key.public_key.key_size >= _RSA_BITS_LEAST
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # one key that cannot be read says nothing about the others
        if strong:
            found[entry.get("kid", "")] = key
    return found


def _fits(key: jwk.Key, algorithm: str) -> bool:
    members = key.as_dict(private=False)
    named = members.get("alg")
    if named is not None and named != algorithm:
        return False
    if key.key_type != _FAMILIES.get(algorithm[:2]):
        return False
    return algorithm not in _CURVES or members.get("crv") == _CURVES[algorithm]
