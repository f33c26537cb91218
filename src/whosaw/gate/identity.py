"""Sign-ins as all processes see them: ended ones, identifiers used once, and who an issuer's subject is.

The doors that identify people check signatures; what they must agree on across processes lies here, in the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from whosaw.gate import identityqueries as queries
from whosaw.gate.errors import GateError
from whosaw.store import Database
from whosaw.terms import Clock

_SUBJECTS_MOST = 50_000
_LOGINS_MOST = 10_000


class LoginsBusy(GateError, RuntimeError):
    """More logins wait for the identity provider's answer than people can have begun."""

    code: ClassVar[str] = "gate.logins_busy"
    hint = "wait ten minutes; if it stays so, somebody floods the login: limit requests in front of whosaw"


class Authenticates(Protocol):
    """What a door needs to know who asks."""

    async def actor(self, authorization: str, *, suspended_may: bool = False) -> str:
        """Return whose credential the ``Authorization`` header holds.

        Args:
            authorization: the header's value; empty where there was none.
            suspended_may: let a suspended person through, where the gate itself refuses and records him.

        Raises:
            TokenRefused: it is nobody's, or of somebody whose sign-in was ended; the answer does not say which.
        """
        ...


class SignIns:
    """The state of sign-ins in one database."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        # invariant: only pairs that the database holds
        self._subjects: dict[tuple[str, str], str] = {}

    async def holds(self, actor: str, since: datetime, *, suspended_may: bool = False) -> bool:
        """Return whether a sign-in of `actor` that began at `since` still counts."""
        before, suspended = await queries.standing(self._db, actor)
        return (before is None or since > before) and (suspended_may or not suspended)

    async def suspended(self, actor: str) -> bool:
        """Return whether `actor` is suspended now."""
        return (await queries.standing(self._db, actor))[1]

    async def end(self, actor: str, before: datetime) -> None:
        """End every sign-in of `actor` that began at or before `before`; needs the owner's connection."""
        await queries.end(self._db, actor, before)

    async def first_use(self, issuer: str, identifier: str, until: datetime) -> bool:
        """Return whether this identifier of the issuer was never used before; it is used now.

        Args:
            issuer: who gave it.
            identifier: the ``jti``.
            until: how long to remember it; after that the token has ended by itself.
        """
        async with self._db.connection() as connection:
            return await queries.use(connection, issuer, _digest(identifier), until, self._clock.now())

    @asynccontextmanager
    async def once(self, issuer: str, identifier: str, until: datetime) -> AsyncIterator[bool]:
        """Yield whether this identifier is used for the first time; what fails inside counts as not used.

        A second caller with the same identifier waits for the first.
        """
        async with self._db.transaction() as connection:
            yield await queries.use(connection, issuer, _digest(identifier), until, self._clock.now())

    async def remember(self, issuer: str, subject: str, actor: str) -> None:
        """Note that the issuer calls `actor` by this subject, so that its events find him."""
        if self._subjects.get((issuer, subject)) == actor:
            return
        await queries.remember_subject(self._db, issuer, subject, actor, self._clock.now())
        if len(self._subjects) >= _SUBJECTS_MOST:
            self._subjects.clear()
        self._subjects[issuer, subject] = actor

    async def begin_login(self, state: str, browser: str, secrets: tuple[str, str], life: timedelta) -> None:
        """Keep a login under way.

        Args:
            state: goes to the provider and comes back.
            browser: what the browser's cookie holds.
            secrets: the nonce and the code verifier.
            life: how long the provider's answer may take.

        Raises:
            LoginsBusy: too many are under way.
        """
        if await queries.logins_under_way(self._db) >= _LOGINS_MOST:
            raise LoginsBusy("too many logins are under way")
        now = self._clock.now()
        await queries.begin_login(self._db, _digest(state), _digest(browser), secrets, (now, now + life))

    async def take_login(self, state: str, browser: str) -> tuple[str, str] | None:
        """Return nonce and code verifier of a login that this browser began, and end it; None where there is none."""
        return await queries.take_login(self._db, _digest(state), _digest(browser), self._clock.now())

    async def actor_of(self, issuer: str, subject: str) -> str | None:
        """Return whom the issuer calls `subject`, or None."""
        return await queries.actor_of_subject(self._db, issuer, subject)

    async def actor_of_mail(self, mail: str) -> str | None:
        """Return the one of the provisioned staff with this address; None where there is none, or more than one."""
        found = await queries.actors_of_mail(self._db, mail)
        return found[0] if len(found) == 1 else None


def _digest(identifier: str) -> bytes:
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()
