"""Who asks, by what the ``Authorization`` header holds: a personal token, or a token signed by the provider."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from whosaw.doors.identity.errors import TokenInvalid
from whosaw.doors.identity.jwt import Expected, check_token, text_claim
from whosaw.doors.identity.provider import Provider
from whosaw.gate import TokenRefused, Tokens
from whosaw.gate.identity import SignIns
from whosaw.terms import Clock

_LOG = logging.getLogger(__name__)
_HEADER_CHARS_MOST = 9_000
_ACTOR_CHARS_MOST = 200


@dataclass(frozen=True, slots=True)
class BearerRules:
    """How signed tokens are read.

    Attributes:
        provider: whose they are.
        expected: what they must be.
        claim: the claim that holds the actor's key.
        one_use: whether a token, by its ``jti``, is good for one request only.
        auth_time: whether a token must say when its person signed in.
    """

    provider: Provider
    expected: Expected
    claim: str = "sub"
    one_use: bool = False
    auth_time: bool = False


class Authenticator:
    """Says who asks. Every refusal is the same, whatever was wrong.

    A personal token is not touched by the end of sign-ins, which is about the provider's sessions; a suspension stops
    both.
    """

    def __init__(self, tokens: Tokens, sign_ins: SignIns, clock: Clock, bearer: BearerRules | None = None) -> None:
        """Make it.

        Args:
            tokens: personal tokens.
            sign_ins: what was ended.
            clock: for the times in signed tokens.
            bearer: how signed tokens are read; None refuses them all.
        """
        self._tokens = tokens
        self._sign_ins = sign_ins
        self._clock = clock
        self._bearer = bearer

    async def actor(self, authorization: str, *, suspended_may: bool = False) -> str:
        """Return whose credential the header holds.

        Args:
            authorization: the header's value; empty where there was none.
            suspended_may: let a suspended person through, where the gate itself refuses and records him.

        Raises:
            TokenRefused: it is nobody's, or of somebody stopped; the answer does not say which.
            ProviderUnreachable: a signed token cannot be checked now.
        """
        scheme, _, credential = authorization[:_HEADER_CHARS_MOST].partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer":
            raise TokenRefused("no valid token")
        if "." not in credential:
            actor = await self._tokens.actor(credential)
            if not suspended_may and await self._sign_ins.suspended(actor):
                raise TokenRefused("no valid token")
            return actor
        try:
            return await self._signed(credential, suspended_may=suspended_may)
        except TokenInvalid as problem:
            _LOG.info("a signed token was refused: %s", problem)  # the rule it broke, never a part of it
            raise TokenRefused("no valid token") from None

    async def _signed(self, token: str, *, suspended_may: bool) -> str:
        rules = self._bearer
        if rules is None:
            raise TokenInvalid("none is expected")
        claims = await check_token(token, rules.provider, rules.expected, self._clock)
        actor = actor_of(claims, rules.claim)
        if not await self._sign_ins.holds(
            actor, signed_in_at(claims, said=rules.auth_time), suspended_may=suspended_may
        ):
            raise TokenInvalid("ended")
        if rules.one_use:
            until = datetime.fromtimestamp(float(claims["exp"]) + rules.expected.skew_s, UTC)
            if not await self._sign_ins.first_use(rules.provider.issuer, text_claim(claims, "jti"), until):
                raise TokenInvalid("used before")
        await self._sign_ins.remember(rules.provider.issuer, text_claim(claims, "sub"), actor)
        return actor


def actor_of(claims: Mapping[str, Any], claim: str) -> str:
    """Return the actor's key in a token.

    Raises:
        TokenInvalid: the claim is missing or is no key, or is an address that the provider did not verify.
    """
    key = text_claim(claims, claim)
    if len(key) > _ACTOR_CHARS_MOST or ":" in key:  # `scim:…` and the like are whosaw's own
        raise TokenInvalid(f"claim {claim}")
    if claim == "email" and claims.get("email_verified") is not True:
        raise TokenInvalid("address not verified")
    return key


def signed_in_at(claims: Mapping[str, Any], *, said: bool = False) -> datetime:
    """Return when the person behind a token signed in.

    A token that was refreshed after a sign-in was ended still belongs to that sign-in, and `auth_time` says so. Where a
    provider leaves it out (as it may, and as it must for services, which do not sign in) the token counts from when it
    was issued: that the provider gives out no new ones after an end is then up to the provider.

    Args:
        claims: of a token whose signature holds.
        said: whether `auth_time` must be there.

    Raises:
        TokenInvalid: it is not there and must be, or is no time.
    """
    began = claims.get("auth_time", None if said else claims["iat"])
    if isinstance(began, bool) or not isinstance(began, int | float) or not 0 <= began < 1e11:
        raise TokenInvalid("claim auth_time")
    return datetime.fromtimestamp(began, UTC)
