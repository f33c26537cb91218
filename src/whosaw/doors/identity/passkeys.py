"""Local accounts with passkeys: one page to sign in, one to make a passkey by a one-time link.

A passkey is made by whoever holds a link that the operator made, or that somebody got who has just signed in, by a
passkey or a password. A link makes one passkey and lets nobody in.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from whosaw.doors.identity import ceremony
from whosaw.doors.identity.ceremony import Site
from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.errors import LockedOut, LoginRefused
from whosaw.doors.identity.pages import HEADERS, enrol_page, passkey_page
from whosaw.gate.identity import LoginsBusy, SignIns
from whosaw.gate.identityattempts import ADDRESS, Attempts
from whosaw.gate.identitypasskeyqueries import Passkey
from whosaw.gate.identitypasskeys import NewPasskey, Passkeys, TooManyPasskeys, fit_name
from whosaw.terms import Clock, WhosawError

_LOG = logging.getLogger(__name__)
PATH = "/identity/passkey"
ENROL = "/identity/passkey/enrol"
COOKIE = "whosaw_passkey"
SELF_INVITED = timedelta(minutes=15)
_LIFE = timedelta(minutes=10)
_BODY_BYTES_MOST = 65_536
_CHALLENGE_BYTES = 32
_ENTER = "enter"
_Work = Callable[[Request, Mapping[str, Any]], Awaitable[Response]]
_REFUSED = "That passkey does not open this, or your access is stopped."


@dataclass(frozen=True, slots=True)
class Doorkeeper:
    """What the pages need besides passkeys: who is stopped, who may come in, who tried too often, what time it is."""

    sign_ins: SignIns
    attempts: Attempts
    entrance: Entrance
    clock: Clock


class PasskeyDoor:
    """Two pages and what they post to. What is posted comes from whosaw's own page, or is refused."""

    def __init__(self, site: Site, passkeys: Passkeys, keeper: Doorkeeper) -> None:
        """Make the door; `router` holds its routes."""
        self._site = site
        self._passkeys = passkeys
        self._keeper = keeper
        self._script = resources.files("whosaw.doors.identity").joinpath("passkey.js").read_bytes()
        self.router = APIRouter()
        add = self.router.add_route
        add(PATH, self._page, methods=["GET"])
        add(PATH, self._answering(self._enter), methods=["POST"])
        add(f"{PATH}/begin", self._answering(self._begin), methods=["POST"])
        add(ENROL, self._enrol_page, methods=["GET"])
        add(ENROL, self._answering(self._enrol), methods=["POST"])
        add(f"{ENROL}/begin", self._answering(self._begin_enrol), methods=["POST"])
        add("/identity/passkey.js", self._fixed, methods=["GET"])

    async def link(self, actor: str) -> str:
        """Return the address at which somebody who has just shown who he is makes a passkey.

        Raises:
            TrailUnavailable: it could not be recorded.
        """
        secret = await self._passkeys.invite(actor, by=actor, life=SELF_INVITED)
        return enrol_link(self._site.origin, secret)

    async def _page(self, _: Request) -> Response:
        return passkey_page(self._site.origin)

    async def _enrol_page(self, _: Request) -> Response:
        return enrol_page(self._site.origin)

    async def _fixed(self, _: Request) -> Response:
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(self._script, media_type="text/javascript", headers=headers)

    def _answering(self, work: _Work) -> Callable[[Request], Awaitable[Response]]:
        """Return a route that reads what was posted and turns refusals into answers."""

        async def route(request: Request) -> Response:
            try:
                sent = await self._sent(request)
                return await work(request, sent)
            except LockedOut as problem:
                return _told(429, f"Too many failed attempts. Wait {problem.wait_s} seconds.", problem.wait_s)
            except LoginsBusy:
                return _told(429, "Too many people are signing in.", 60)
            except TooManyPasskeys as problem:
                return _told(409, f"You have as many passkeys as there may be: {problem.hint}")
            except LoginRefused as problem:
                _LOG.info("a passkey was refused: %s", problem)
                return _told(403, _REFUSED)
            except WhosawError as problem:
                _LOG.error("nobody can come in by a passkey: %s: %s", problem.code, problem)
                return _told(503, "Nobody can be signed in at the moment.", 10)

        return route

    async def _begin(self, _: Request, __: Mapping[str, Any]) -> Response:
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        return await self._begun(ceremony.using(self._site, challenge), challenge, _ENTER)

    async def _begin_enrol(self, _: Request, sent: Mapping[str, Any]) -> Response:
        actor = await self._passkeys.invited(_text(sent, "once"))
        if actor is None:
            raise LoginRefused("no such link")
        await self._check_may(actor)
        challenge, handle = secrets.token_bytes(_CHALLENGE_BYTES), await self._passkeys.handle(actor)
        kept = [each.id for each in await self._passkeys.of(actor)]
        options = ceremony.making(self._site, actor, handle, challenge, kept)
        return await self._begun(options, challenge, ceremony.text_of(handle))

    async def _begun(self, options: Mapping[str, Any], challenge: bytes, what: str) -> Response:
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        await self._keeper.sign_ins.begin_login(state, browser, (ceremony.text_of(challenge), what), _LIFE)
        response = JSONResponse({"state": state, "options": options}, headers=HEADERS)
        response.set_cookie(
            COOKIE,
            browser,
            max_age=int(_LIFE.total_seconds()),
            path="/identity",
            secure=urlsplit(self._site.origin).scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    async def _enter(self, request: Request, sent: Mapping[str, Any]) -> Response:
        address = request.client.host if request.client else ""
        wait_s = await self._keeper.attempts.begin(ADDRESS, address)
        if wait_s:
            raise LockedOut(wait_s)
        challenge, what = await self._taken(request, sent)
        if what != _ENTER:
            raise LoginRefused("begun for something else")
        passkey = await self._signed(sent, challenge)
        await self._check_may(passkey.actor)
        await self._keeper.attempts.took_back(ADDRESS, address)
        enrols = sent.get("then") == "enrol"
        target = await self.link(passkey.actor) if enrols else self._keeper.entrance.way_in(passkey.actor)
        return JSONResponse({"to": target}, headers=HEADERS)

    async def _signed(self, sent: Mapping[str, Any], challenge: bytes) -> Passkey:
        credential = _object(sent, "credential")
        passkey = await self._passkeys.named(ceremony.identifier_of(credential))
        if passkey is None or ceremony.handle_of(credential) not in (None, passkey.handle):
            raise LoginRefused("no such passkey")
        signs = ceremony.check_used(self._site, challenge, credential, passkey.public_key)
        if not await self._passkeys.used(passkey, signs):
            _LOG.warning("a passkey signed with a counter that had been used: somebody holds a copy of it")
            raise LoginRefused("a copy of a passkey")
        return passkey

    async def _enrol(self, request: Request, sent: Mapping[str, Any]) -> Response:
        once = _text(sent, "once")
        challenge, handle = await self._taken(request, sent)
        if handle == _ENTER:
            raise LoginRefused("begun for something else")
        made = ceremony.check_made(self._site, challenge, _object(sent, "credential"))
        actor = await self._passkeys.invited(once)
        if actor is None:
            raise LoginRefused("no such link")
        await self._check_may(actor)
        name = fit_name(str(sent.get("name", "")))
        kept = NewPasskey(made.id, made.public_key, made.signs, name)
        if await self._passkeys.enrol(once, ceremony.bytes_of(handle), kept) is None:
            raise LoginRefused("the link was used meanwhile")
        return JSONResponse({"to": PATH}, headers=HEADERS)

    async def _taken(self, request: Request, sent: Mapping[str, Any]) -> tuple[bytes, str]:
        """Return the challenge of a ceremony that this browser began, and what for; it is over."""
        browser = request.cookies.get(COOKIE, "")
        kept = await self._keeper.sign_ins.take_login(_text(sent, "state"), browser) if browser else None
        if kept is None:
            raise LoginRefused("nothing of this browser is under way")
        return ceremony.bytes_of(kept[0]), kept[1]

    async def _check_may(self, actor: str) -> None:
        keeper = self._keeper
        if not await keeper.sign_ins.holds(actor, keeper.clock.now()) or not await keeper.entrance.admits(actor):
            raise LoginRefused("stopped, or without a role that opens the console")

    async def _sent(self, request: Request) -> Mapping[str, Any]:
        """Return what whosaw's own page posted.

        Raises:
            LoginRefused: another page did, or it cannot be read.
        """
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.headers.get("origin") != self._site.origin or kind != "application/json":
            raise LoginRefused("not sent by whosaw's own page")
        gathered = bytearray()
        try:
            async for chunk in request.stream():
                gathered += chunk
                if len(gathered) > _BODY_BYTES_MOST:
                    raise LoginRefused("too long")
            sent = json.loads(gathered)
        except (ClientDisconnect, ValueError, RecursionError) as cause:
            raise LoginRefused("it cannot be read") from cause
        if not isinstance(sent, dict):
            raise LoginRefused("it cannot be read")
        return sent


def enrol_link(address: str, secret: str) -> str:
    """Return the link to make a passkey by; its secret stands behind ``#``, which no browser sends on."""
    return f"{address.rstrip('/')}{ENROL}#{secret}"


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise LoginRefused(f"no {name}")
    return value


def _object(sent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = sent.get(name)
    if not isinstance(value, dict):
        raise LoginRefused(f"no {name}")
    return value


def _told(status: int, said: str, wait_s: int | None = None) -> Response:
    headers = HEADERS if wait_s is None else {**HEADERS, "Retry-After": str(wait_s)}
    return JSONResponse({"said": said}, status, headers)
