"""People signing in to the console with the company's provider: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from whosaw.doors.identity.bearer import actor_of, signed_in_at
from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.errors import LoginRefused, ProviderUnreachable, TokenInvalid
from whosaw.doors.identity.jwt import Expected, check_token, text_claim
from whosaw.doors.identity.pages import HEADERS, refused_page
from whosaw.doors.identity.provider import Provider
from whosaw.gate.identity import LoginsBusy, SignIns
from whosaw.terms import Clock, WhosawError

_LOG = logging.getLogger(__name__)
COOKIE = "whosaw_login"
LOGIN = "/identity/login"
CALLBACK = "/identity/callback"
LOGIN_LIFE = timedelta(minutes=10)
_PARAMETER_CHARS_MOST = 4_096
_SIGNED_IN_MOST_S = 86_400
_ANSWER_BYTES_MOST = 65_536
ID_TOKEN_TYPES = frozenset({"", "jwt"})


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What whosaw is to the provider.

    Attributes:
        id: the client identifier.
        secret: its secret; empty for a public client, which PKCE alone protects.
        public_url: whosaw's address as browsers write it; the provider sends them back there.
        claim: the claim of the ID token that holds the actor's key.
        expected: what an ID token must be; its audience is the client's identifier.
        scope: what is asked of the provider.
        auth_time: whether the ID token must say when the person signed in; the provider is asked to then.
    """

    id: str
    secret: str = field(repr=False)
    public_url: str
    claim: str
    expected: Expected
    scope: str = "openid"
    auth_time: bool = False

    @property
    def redirect_uri(self) -> str:
        """Return where the provider sends the browser back to."""
        return self.public_url.rstrip("/") + CALLBACK


class LoginDoor:
    """Two routes: one sends the browser to the provider, the other takes it back and lets the person in."""

    def __init__(
        self,
        provider: Provider,
        client: OidcClient,
        sign_ins: SignIns,
        clock: Clock,
        entrance: Entrance,
        *,
        http: httpx.AsyncClient,
    ) -> None:
        """Make the door; `router` holds its routes.

        Args:
            provider: who says who somebody is.
            client: what whosaw is to it.
            sign_ins: keeps logins under way, and says whose sign-in was ended.
            clock: for the times in the ID token.
            entrance: who may come in, and how.
            http: fetches the ID token.
        """
        self._provider = provider
        self._client = client
        self._sign_ins = sign_ins
        self._clock = clock
        self._entrance = entrance
        self._http = http
        self.router = APIRouter()
        self.router.add_route(LOGIN, self._login, methods=["GET"])
        self.router.add_route(CALLBACK, self._callback, methods=["GET"])

    async def _login(self, request: Request) -> Response:
        try:
            metadata = await self._provider.metadata()
            state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
            await self._sign_ins.begin_login(state, browser, (nonce, verifier), LOGIN_LIFE)
        except LoginsBusy:
            return refused_page(429, "Too many people are signing in.", again=LOGIN, headers={"Retry-After": "60"})
        except WhosawError as problem:
            return _unavailable(problem)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect_uri,
            "scope": self._client.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self._client.auth_time:  # OpenID Connect Core 2: with `max_age` the provider must say it
            asked["max_age"] = str(_SIGNED_IN_MOST_S)
        target = str(metadata.get("authorization_endpoint", ""))
        response = RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(asked)}", 303, HEADERS)
        response.set_cookie(
            COOKIE,
            browser,
            max_age=int(LOGIN_LIFE.total_seconds()),
            path="/identity",
            secure=urlsplit(self._client.public_url).scheme == "https",
            httponly=True,
            samesite="lax",  # the provider's redirect is another site's, and must bring it along
        )
        return response

    async def _callback(self, request: Request) -> Response:
        try:
            actor = await self._person(request)
        except (LoginRefused, TokenInvalid) as problem:
            _LOG.info("a login was refused: %s", problem)
            text = "The sign-in did not come to its end, or your access is stopped."
            return _forgotten(refused_page(403, text, again=LOGIN))
        except WhosawError as problem:
            return _unavailable(problem)
        return _forgotten(RedirectResponse(self._entrance.way_in(actor), 303, HEADERS))

    async def _person(self, request: Request) -> str:
        """Return who signed in.

        Raises:
            LoginRefused: this browser did not begin it, it was ended already, or the person may not come in.
            TokenInvalid: what the provider says cannot be believed.
        """
        given = {name: request.query_params.get(name, "") for name in ("state", "code", "iss", "error")}
        browser = request.cookies.get(COOKIE, "")
        if not browser or any(len(value) > _PARAMETER_CHARS_MOST for value in (browser, *given.values())):
            raise LoginRefused("no login of this browser")
        kept = await self._sign_ins.take_login(given["state"], browser)
        if kept is None:
            raise LoginRefused("no such login of this browser")
        if given["iss"] and given["iss"] != self._provider.issuer:
            raise LoginRefused("an answer of another provider")  # RFC 9207
        if given["error"] or not given["code"]:
            raise LoginRefused("the provider refused")
        nonce, verifier = kept
        token = await self._id_token(given["code"], verifier)
        claims = await check_token(token, self._provider, self._client.expected, self._clock)
        self._check_id(claims, nonce)
        actor = actor_of(claims, self._client.claim)
        if not await self._sign_ins.holds(actor, signed_in_at(claims, said=self._client.auth_time)):
            raise LoginRefused("the person is stopped")
        await self._sign_ins.remember(self._provider.issuer, text_claim(claims, "sub"), actor)
        if not await self._entrance.admits(actor):
            raise LoginRefused("the person has no role that opens the console")
        return actor

    def _check_id(self, claims: Mapping[str, Any], nonce: str) -> None:
        given = claims.get("nonce")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
            raise TokenInvalid("nonce")
        audience, party = claims.get("aud"), claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        if (several or party is not None) and party != self._client.id:
            raise TokenInvalid("authorized party")

    async def _id_token(self, code: str, verifier: str) -> str:
        metadata = await self._provider.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect_uri,
            "code_verifier": verifier,
            "client_id": self._client.id,
        }
        headers = {"Accept": "application/json"}
        methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client.secret and "client_secret_basic" in methods:
            pair = f"{quote(self._client.id, safe='')}:{quote(self._client.secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif self._client.secret:
            form["client_secret"] = self._client.secret
        return await _fetched(self._http, str(metadata.get("token_endpoint", "")), form, headers)


async def _fetched(http: httpx.AsyncClient, url: str, form: dict[str, str], headers: dict[str, str]) -> str:
    gathered = bytearray()
    try:
        async with http.stream("POST", url, data=form, headers=headers, follow_redirects=False) as response:
            async for chunk in response.aiter_bytes():
                gathered += chunk
                if len(gathered) > _ANSWER_BYTES_MOST:
                    raise ProviderUnreachable("the provider's answer is too long")
            if response.status_code >= 500:
                raise ProviderUnreachable(f"the provider answers {response.status_code}")
            if response.status_code != 200:
                raise LoginRefused("the provider does not take the code")
        found = json.loads(gathered)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise ProviderUnreachable("the provider does not answer") from cause
    except (ValueError, RecursionError) as cause:
        raise ProviderUnreachable("the provider does not answer with JSON") from cause
    token = found.get("id_token") if isinstance(found, dict) else None
    if not isinstance(token, str):
        raise TokenInvalid("no ID token")
    return token


def _forgotten(response: Response) -> Response:
    response.delete_cookie(COOKIE, path="/identity", httponly=True, samesite="lax")
    return response


def _unavailable(problem: WhosawError) -> Response:
    _LOG.error("nobody can be signed in: %s: %s", problem.code, problem)
    return refused_page(503, "Nobody can be signed in at the moment.", again=LOGIN, headers={"Retry-After": "10"})
