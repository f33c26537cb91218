"""The code of conduct: its versions, who acknowledged which when, and who is missing.

Where the catalog requires it, no valid acknowledgement of the version in force means no access. A version may be
published ahead of the day from which it is in force, so that people can acknowledge it before it shuts them out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar

from whosaw.catalog.model import Conduct
from whosaw.gate import conductqueries as queries
from whosaw.gate.approvalpeople import DirectoryRow, is_there, roles_of
from whosaw.gate.approvalqueries import deciding
from whosaw.gate.errors import GateError
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.store.numbers import assign
from whosaw.terms import Clock, to_us

_TEXT_MOST = 200_000
_VERSION_MOST = 40
_FRESH = timedelta(days=1)
NO_TEAM = "(no role)"


class ConductInvalid(GateError, ValueError):
    """A version of the code cannot be published, or is not one that can be acknowledged."""

    code: ClassVar[str] = "gate.conduct_invalid"
    hint = "give each text a version of its own; the version in force, or one to come, is acknowledged"


@dataclass(frozen=True, slots=True)
class Code:
    """One version of the code: its name, the SHA-256 of its text in hex, since when it is published and in force."""

    id: int
    version: str
    sha256: str
    published_at: datetime
    in_force_at: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class Team:
    """How far one team is: everybody of one role.

    Attributes:
        name: the role.
        people: how many there are.
        missing: who has not acknowledged, or not lately enough, by key.
    """

    name: str
    people: int
    missing: tuple[str, ...]


class Conducts:
    """The code of one whosaw; writes as the owner of its database."""

    def __init__(self, db: Database, appender: Appender, conduct: Conduct | None, clock: Clock) -> None:
        self._db = db
        self._appender = appender
        self._valid = timedelta(days=conduct.valid_days if conduct is not None else 365)
        self._clock = clock

    async def publish(self, version: str, text: str, *, by: str, in_force_at: datetime | None = None) -> Code:
        """Publish a version; the same text under the same name again changes nothing.

        Args:
            version: its name, at most 40 characters.
            text: the whole text.
            by: who publishes it.
            in_force_at: from when it must have been acknowledged; None for now.

        Raises:
            ConductInvalid: no name or text, or the name stands for another text.
            TrailUnavailable: it could not be recorded, and is not published.
        """
        name = version.strip()
        if not name or len(name) > _VERSION_MOST or not name.isprintable():
            raise ConductInvalid(f"a version has a name of 1 to {_VERSION_MOST} characters")
        if not text.strip() or len(text) > _TEXT_MOST or "\x00" in text:
            raise ConductInvalid(f"a code has a text of 1 to {_TEXT_MOST} characters")
        digest = sha256(text.encode()).hexdigest()
        number = (await assign(self._db, "actor", [by]))[by]
        async with deciding(self._db) as connection:
            row = await queries.version(connection, name)
            if row is not None and row[2] != digest:
                raise ConductInvalid(f"version `{name}` is published with another text")
            if row is not None:
                return Code(*row)
            at = self._clock.now()
            since = max(at, in_force_at) if in_force_at is not None else at
            entry = await self._record("published", number, at, (name, digest), {"from_us": to_us(since)})
            cells = {"version": name, "sha256": digest, "text": text, "published_by": number, "entry": entry}
            await queries.add(connection, {**cells, "published_at": at, "in_force_at": since})
            row = await queries.version(connection, name)
        assert row is not None  # noqa: S101 - it was just added
        return Code(*row)

    async def acknowledge(self, actor: str, version: str | None = None, door: str = "console") -> Code:
        """Note that `actor` acknowledges a version; within a day a repetition changes nothing.

        Args:
            actor: who, himself.
            version: its name; None for the one in force.
            door: where.

        Raises:
            ConductInvalid: there is no such version, or a later one is in force.
            TrailUnavailable: it could not be recorded, and does not count.
        """
        code = await self._acknowledgeable(version)
        number = (await assign(self._db, "actor", [actor]))[actor]
        async with deciding(self._db) as connection:
            at = self._clock.now()
            before = await queries.acknowledged_at(connection, number, code.id)
            if before is None or at - before >= _FRESH:
                said = (code.version, code.sha256)
                entry = await self._record("acknowledged", number, at, said, {"door": door})
                await queries.acknowledge(connection, number, code.id, at, entry)
        return code

    async def current(self) -> Code | None:
        """Return the version in force now, or None."""
        now = self._clock.now()
        return next((code for code in await self.codes() if code.in_force_at <= now), None)

    async def codes(self) -> Sequence[Code]:
        """Return every version, the one in force last first."""
        return [Code(*row) for row in await queries.codes(self._db)]

    async def text(self, code: Code) -> str:
        """Return the text of a version."""
        return await queries.text_of(self._db, code.id)

    async def missing(self, everybody: Mapping[str, DirectoryRow], version: str | None = None) -> Sequence[Team]:
        """Return by team who has no valid acknowledgement, most missing first.

        Args:
            everybody: the staff directory; who has left is left out. Somebody with several roles is in several teams.
            version: of which version; None for the one in force, and where there is none everybody is missing.

        Raises:
            ConductInvalid: there is no such version.
        """
        now = self._clock.now()
        code = await self._named(version) if version is not None else await self.current()
        there = {key: row for key, row in everybody.items() if is_there(row, now)}
        done = await queries.acknowledgements(self._db, code.id, list(there)) if code is not None else {}
        teams: defaultdict[str, list[str]] = defaultdict(list)
        for key, row in sorted(there.items()):
            for role in sorted(roles_of(row)) or [NO_TEAM]:
                teams[role].append(key)
        found = [
            Team(role, len(keys), tuple(key for key in keys if key not in done or now - done[key] >= self._valid))
            for role, keys in teams.items()
        ]
        return sorted(found, key=lambda team: (-len(team.missing), team.name))

    async def _acknowledgeable(self, version: str | None) -> Code:
        current = await self.current()
        if version is None:
            if current is None:
                raise ConductInvalid("no code is in force", hint="`whosaw code publish` publishes one")
            return current
        code = await self._named(version)
        if current is not None and (code.in_force_at, code.id) < (current.in_force_at, current.id):
            raise ConductInvalid(f"version `{code.version}` was replaced by `{current.version}`")
        return code

    async def _named(self, version: str) -> Code:
        code = next((code for code in await self.codes() if code.version == version), None)
        if code is None:
            raise ConductInvalid(f"no version `{version[:40]}` of the code is published")
        return code

    async def _record(
        self, change: str, actor: int, at: datetime, code: tuple[str, str], more: Mapping[str, int | str]
    ) -> int:
        receipt = await self._appender.append(
            {
                "kind": "conduct",
                "at": to_us(at),
                "actor": actor,
                "door": "console",
                "change": change,
                "version": code[0],
                "sha256": code[1],
                **more,
            }
        )
        return receipt.index
