"""Hears security events (RFC 8417) pushed by the identity provider (RFC 8935): CAEP and RISC.

``session-revoked`` ends sign-ins, ``account-disabled`` suspends; ``account-enabled`` is recorded and lifts nothing,
for a person does that. An event takes effect once, however often it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from whosaw.doors.identity.errors import TokenInvalid
from whosaw.doors.identity.jwt import TOKEN_BYTES_MOST, Expected, check_token, text_claim
from whosaw.doors.identity.provider import Provider
from whosaw.gate import Suspensions
from whosaw.gate.identity import SignIns
from whosaw.record import Appender
from whosaw.store import Database, NumberMap
from whosaw.terms import Clock, WhosawError, to_us

_LOG = logging.getLogger(__name__)
PATH = "/identity/events"
MEDIA = "application/secevent+jwt"
TYPES = frozenset({"secevent+jwt"})
AGE_MOST = timedelta(days=7)
_TOGETHER_MOST = 1  # it holds one connection while its effect takes others
_BASE = "https://schemas.openid.net/secevent/"
_KNOWN = {
    f"{_BASE}caep/event-type/session-revoked": "session-revoked",
    f"{_BASE}risc/event-type/sessions-revoked": "session-revoked",
    f"{_BASE}risc/event-type/account-disabled": "account-disabled",
    f"{_BASE}risc/event-type/account-purged": "account-disabled",
    f"{_BASE}risc/event-type/account-enabled": "account-enabled",
}
_REASONS = ("hijacking", "bulk-account")


@dataclass(frozen=True, slots=True)
class Transmitter:
    """Who may send events, and how he names people.

    Attributes:
        provider: whose signature counts.
        expected: what an event token must be.
        people: the issuer that signs people in; where its subjects are the actors' keys, `direct` is true.
        direct: whether a subject of `people` is the actor's key itself.
    """

    provider: Provider
    expected: Expected
    people: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What carries an event out; over whosaw's database as its owner."""

    db: Database
    appender: Appender
    suspensions: Suspensions
    sign_ins: SignIns


class EventDoor:
    """One route, which takes one event token."""

    def __init__(self, transmitter: Transmitter, effects: Effects, clock: Clock) -> None:
        self._from = transmitter
        self._effects = effects
        self._clock = clock
        self._numbers = NumberMap(effects.db)
        self._together = asyncio.Semaphore(_TOGETHER_MOST)
        self.router = APIRouter()
        self.router.add_route(PATH, self._receive, methods=["POST"])

    async def _receive(self, request: Request) -> Response:
        try:
            token = await _body(request)
            claims = await check_token(token, self._from.provider, self._from.expected, self._clock)
            issued, identifier = self._fresh(claims), text_claim(claims, "jti")
            events = _events(claims)
            async with (
                self._together,
                self._effects.sign_ins.once(self._from.provider.issuer, identifier, issued + 2 * AGE_MOST) as first,
            ):
                if first:
                    for name, event in events.items():
                        await self._apply(name, event, claims, issued)
        except TokenInvalid as problem:
            _LOG.info("a security event was refused: %s", problem)
            return _refused()
        except WhosawError as problem:
            _LOG.error("a security event could not be carried out: %s", problem.code)
            return JSONResponse({"err": "unavailable"}, 503, {"Retry-After": "10", "Cache-Control": "no-store"})
        return Response(status_code=202, headers={"Cache-Control": "no-store"})

    def _fresh(self, claims: Mapping[str, Any]) -> datetime:
        """Return when the event was issued; an old one is refused, for its identifier may be forgotten."""
        issued = datetime.fromtimestamp(float(claims["iat"]), UTC)
        if issued < self._clock.now() - AGE_MOST:
            raise TokenInvalid("too old")
        return issued

    async def _apply(self, name: str, event: Mapping[str, Any], claims: Mapping[str, Any], issued: datetime) -> None:
        known = _KNOWN.get(name)
        if known is None:
            _LOG.info("a security event of a kind that has no effect was heard")
            return
        actor = await self._actor(claims.get("sub_id", event.get("subject")))
        effect = {"session-revoked": "ended", "account-disabled": "suspended"}.get(known, "none")
        await self._record(known, actor, effect if actor is not None else "unknown_subject")
        if actor is None:
            _LOG.warning("a security event concerns somebody whosaw does not know: %s", known)
            return
        now = self._clock.now()
        if known == "session-revoked":
            await self._effects.sign_ins.end(actor, min(_when(event, issued), now))
        elif known == "account-disabled":
            reason = event.get("reason")
            why = f" ({reason})" if isinstance(reason, str) and reason in _REASONS else ""
            await self._effects.suspensions.suspend(
                actor, reason=f"account disabled at the identity provider{why}", by=self._name
            )
            await self._effects.sign_ins.end(actor, now)

    @property
    def _name(self) -> str:
        return f"events:{self._from.provider.issuer}"

    async def _record(self, event: str, actor: str | None, effect: str) -> None:
        by, *targets = await self._numbers.numbers("actor", [self._name, *([actor] if actor is not None else [])])
        entry: dict[str, int | str | list[int | str]] = {
            "kind": "security_event",
            "at": to_us(self._clock.now()),
            "actor": by,
            "event": event,
            "effect": effect,
            "door": "events",
        }
        if targets:
            entry["target"] = targets[0]
        await self._effects.appender.append(entry)

    async def _actor(self, subject: object) -> str | None:
        """Return whom an event's subject (RFC 9493) names, or None."""
        if not isinstance(subject, dict):
            return None
        kind = subject.get("format", subject.get("subject_type"))
        if kind is None or kind in ("complex", "complex-subject"):
            user = subject.get("user")
            nested = isinstance(user, dict) and user.get("format", user.get("subject_type")) not in (None, "complex")
            return await self._actor(user) if nested else None
        if kind in ("iss_sub", "iss-sub"):
            return await self._of_issuer(subject.get("iss"), subject.get("sub"))
        if kind == "opaque":
            return await self._of_issuer(self._from.people, subject.get("id"))
        if kind == "email" and isinstance(subject.get("email"), str) and "\x00" not in subject["email"]:
            return await self._effects.sign_ins.actor_of_mail(subject["email"])
        return None

    async def _of_issuer(self, issuer: object, subject: object) -> str | None:
        if not isinstance(issuer, str) or not isinstance(subject, str) or "\x00" in issuer + subject:
            return None
        known = await self._effects.sign_ins.actor_of(issuer, subject)
        if known is None and self._from.direct and issuer == self._from.people and 0 < len(subject) <= 200:
            return subject
        return known


async def _body(request: Request) -> str:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA:
        raise TokenInvalid("media type")
    gathered = bytearray()
    try:
        async for chunk in request.stream():
            gathered += chunk
            if len(gathered) > TOKEN_BYTES_MOST:
                raise TokenInvalid("too long")
    except ClientDisconnect as cause:
        raise TokenInvalid("broken off") from cause
    return gathered.decode("ascii", "replace").strip()


def _events(claims: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    found = claims.get("events")
    if not isinstance(found, dict) or not found or not all(isinstance(each, dict) for each in found.values()):
        raise TokenInvalid("claim events")
    return found


def _when(event: Mapping[str, Any], issued: datetime) -> datetime:
    """Return when the event happened; CAEP counts seconds."""
    at = event.get("event_timestamp")
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < 1e11:
        return issued
    return datetime.fromtimestamp(at, UTC)


def _refused() -> Response:
    told = {"err": "authentication_failed", "description": "the event cannot be accepted"}
    return JSONResponse(told, 400, {"Cache-Control": "no-store"})
