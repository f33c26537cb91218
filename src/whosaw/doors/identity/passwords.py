"""Local accounts, for a whosaw on one machine without an identity provider: passwords hashed with Argon2id.

Passkeys stand beside them (`passkeys`): the page leads there, and whoever signs in by a password may make one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from whosaw.doors.identity.entrance import Entrance
from whosaw.doors.identity.errors import IdentityError, LockedOut, LoginRefused
from whosaw.doors.identity.pages import HEADERS, password_page
from whosaw.gate import identityqueries as queries
from whosaw.gate.identity import SignIns
from whosaw.gate.identityattempts import ACCOUNT, ADDRESS, Attempts
from whosaw.store import Database
from whosaw.terms import Clock

PATH = "/identity/password"
CHARS_LEAST = 12
CHARS_MOST = 1_000
_BODY_BYTES_MOST = 8_192
_TOGETHER_MOST = 2  # each hash takes 64 MiB while it is computed
_WRONG = "That is not the right key and password, or your access is stopped."


class PasswordUnfit(IdentityError, ValueError):
    """The password is too short, too long, or the account's own name."""

    code: ClassVar[str] = "identity.password_unfit"
    hint = f"take at least {CHARS_LEAST} characters; a few words that do not belong together are good"


class Passwords:
    """Sets and checks passwords. An unknown account takes as long to refuse as a known one."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash("nobody has this password")
        self._together = asyncio.Semaphore(_TOGETHER_MOST)

    def check(self, actor: str, password: str) -> None:
        """Raise `PasswordUnfit` where `password` is too short, too long, or the key of `actor` itself."""
        if not CHARS_LEAST <= len(password) <= CHARS_MOST or password.casefold().strip() == actor.casefold():
            raise PasswordUnfit("the password cannot be used")

    async def set(self, actor: str, password: str) -> None:
        """Make `password` that of `actor`; needs the owner's connection.

        Raises:
            PasswordUnfit: as `check`.
        """
        self.check(actor, password)
        made = await self._work(self._hasher.hash, password)
        await queries.set_password(self._db, actor, str(made), self._clock.now())

    async def remove(self, actor: str) -> bool:
        """Take the password of `actor` away; return whether he had one."""
        return await queries.remove_password(self._db, actor)

    async def right(self, actor: str, password: str) -> bool:
        """Return whether this is the password of `actor`."""
        kept = await queries.password(self._db, actor) if "\x00" not in actor else None
        found = await self._work(self._verify, kept or self._nobody, password[: CHARS_MOST + 1])
        return bool(found) and kept is not None and len(password) <= CHARS_MOST

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, work: Callable[..., object], *given: object) -> object:
        async with self._together:
            return await run_in_threadpool(work, *given)


@dataclass(frozen=True, slots=True)
class Offer:
    """Passkeys beside passwords: the address where one signs in by them, and what makes a link to make one."""

    address: str
    link: Callable[[str], Awaitable[str]]


class PasswordDoor:
    """One page: key and password in, a one-time path into the console out, or a link to make a passkey."""

    def __init__(
        self,
        passwords: Passwords,
        attempts: Attempts,
        sign_ins: SignIns,
        clock: Clock,
        entrance: Entrance,
        *,
        passkeys: Offer | None = None,
    ) -> None:
        """Make the door; `router` holds its routes.

        Args:
            passwords: checks them.
            attempts: counts guesses.
            sign_ins: says who is suspended.
            clock: the moment of signing in.
            entrance: who may come in, and how.
            passkeys: what the page offers of them; None where there are none.
        """
        self._offer = passkeys
        self._passwords = passwords
        self._attempts = attempts
        self._sign_ins = sign_ins
        self._clock = clock
        self._entrance = entrance
        self.router = APIRouter()
        self.router.add_route(PATH, self._page, methods=["GET"])
        self.router.add_route(PATH, self._sign_in, methods=["POST"])

    async def _page(self, _: Request) -> Response:
        return self._shown()

    def _shown(self, status: int = 200, said: str = "", headers: dict[str, str] | None = None) -> Response:
        return password_page(status, said, headers, passkeys=self._offer.address if self._offer else "")

    async def _sign_in(self, request: Request) -> Response:
        if not _from_own_page(request):
            return self._shown(403, "Sign in on this page.")
        actor, password, then = await _form(request)
        address = request.client.host if request.client else ""
        try:
            await self.check(actor, password, address)
        except LockedOut as problem:
            said = f"Too many failed attempts. Wait {problem.wait_s} seconds."
            return self._shown(429, said, {"Retry-After": str(problem.wait_s)})
        except LoginRefused:
            return self._shown(403, _WRONG)
        enrols = self._offer if then == "enrol" else None
        target = self._entrance.way_in(actor) if enrols is None else await enrols.link(actor)
        return RedirectResponse(target, 303, HEADERS)

    async def check(self, actor: str, password: str, address: str) -> None:
        """Return where this is `actor`.

        Raises:
            LockedOut: too many guesses at this account, or from this address; the password was not looked at.
            LoginRefused: it is not he, he is suspended, or has no role that opens the console.
        """
        for scope, who in ((ADDRESS, address), (ACCOUNT, actor)):
            wait_s = await self._attempts.begin(scope, who)
            if wait_s:
                raise LockedOut(wait_s)
        right = await self._passwords.right(actor, password)
        if (
            not right
            or not await self._sign_ins.holds(actor, self._clock.now())
            or not await self._entrance.admits(actor)
        ):
            raise LoginRefused("wrong, or stopped")
        await self._attempts.succeeded(ACCOUNT, actor)
        # one good login must not wash away what else this address tried
        await self._attempts.took_back(ADDRESS, address)


def _from_own_page(request: Request) -> bool:
    """Return whether the form was sent by whosaw's own page, so that no other site signs a browser in as somebody."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _form(request: Request) -> tuple[str, str, str]:
    """Return key, password, and what is to follow."""
    gathered = bytearray()
    try:
        async for chunk in request.stream():
            gathered += chunk
            if len(gathered) > _BODY_BYTES_MOST:
                return "", "", ""
    except ClientDisconnect:
        return "", "", ""
    try:
        given = parse_qs(gathered.decode("ascii"), max_num_fields=10, errors="strict")
    except ValueError:
        return "", "", ""
    actor, password, then = (given.get(name, [""])[0] for name in ("actor", "password", "then"))
    return actor.strip(), password, then
