"""What else may explain a sighting: the subject's own order with that seller, a public dump, an earlier case."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import ClassVar, Literal

from whosaw.answer import foundqueries as queries
from whosaw.answer.errors import AnswerError
from whosaw.answer.sightings import Sighting
from whosaw.store import Database
from whosaw.terms import Clock

AlternativeKind = Literal["own_order", "dump", "earlier_case", "other"]

CheckKind = Literal["own_order", "dump", "earlier_case"]
CHECKS: tuple[CheckKind, ...] = ("own_order", "dump", "earlier_case")
"""What is checked of every sighting, as far as the operator named a source for it."""

ODDS: dict[AlternativeKind, float] = {"own_order": 0.9, "dump": 0.5, "earlier_case": 0.7, "other": 0.5}
"""How probable it is, by default, that such a source explains a complaint. A choice, not a measurement: each can be set
where the alternative is noted."""

OwnOrders = Callable[[Sequence[int], str], Awaitable[Mapping[int, datetime | None]]]
"""Given subjects' numbers and a beneficiary, returns those that bought from it, with the time of the first order, None
where that is not known: it has their data by right."""

AGAIN_AFTER = timedelta(days=1)
"""How long an answer that found nothing is left alone: an order, or a dump, may be known later."""
_CASES_AT_ONCE = 200


class DumpUnreadable(AnswerError, ValueError):
    """A list of a public dump is not in the form of hash prefixes."""

    code: ClassVar[str] = "answer.dump_unreadable"
    hint = "a folder of files named by 5 hex digits, each line the other 35 of a SHA-1, as public lists give them"


@dataclass(frozen=True, slots=True)
class Alternative:
    """A source outside that may explain one sighting; `probability` is in (0, 1)."""

    sighting: int
    kind: AlternativeKind
    source: str
    probability: float


class DumpList:
    """Addresses of a public dump as hash prefixes: only the file of one prefix is ever read for an address.

    A file holds some hundred other people's hashes as well, so whoever serves it does not learn whom was asked for.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Use the files in `folder`; `name` is how the dump is called in answers."""
        self._folder = folder
        self.name = name

    def holds(self, address: str) -> bool:
        """Return whether the dump holds an e-mail address, in lower case.

        Raises:
            DumpUnreadable: the prefix's file is not a list of hashes.
        """
        digest = sha1(address.strip().lower().encode(), usedforsecurity=False).hexdigest().upper()
        prefix, rest = digest[:5], digest[5:]
        for name in (f"{prefix}.txt", prefix):
            path = self._folder / name
            if path.exists():
                return rest in self._suffixes(path)
        return False

    def _suffixes(self, path: Path) -> set[str]:
        lines = path.read_text(encoding="ascii", errors="replace").split()
        found = {line.partition(":")[0].upper() for line in lines}
        if any(not re.fullmatch(r"[0-9A-F]{35}", each) for each in found):
            raise DumpUnreadable(f"`{path.name}` holds a line that is no hash")
        return found


class Alternatives:
    """The alternatives of one database's sightings."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def note(self, found: Sequence[Alternative], *, by: str) -> None:
        """Keep alternatives; the same source of the same sighting again takes the new probability."""
        rows = [(each.sighting, each.kind, each.source, each.probability) for each in found]
        await queries.note_alternatives(self._db, rows, self._clock.now(), by)

    async def list(self, case: str) -> Sequence[Alternative]:
        """Return the alternatives of a case's sightings."""
        return [Alternative(*row) for row in await queries.alternatives(self._db, case)]

    async def from_earlier_cases(self, case: str) -> Sequence[Alternative]:
        """Return an alternative for each sighting whose subject was told of a case that is earlier than its contact.

        As of orders, a mail's own Date does not say when that was.
        """
        rows = await queries.told_before(self._db, case, ODDS["earlier_case"])
        return [Alternative(*row) for row in rows]

    async def from_orders(self, sightings: Sequence[Sighting], own_orders: OwnOrders) -> Sequence[Alternative]:
        """Return an alternative for each sighting whose subject had bought from the beneficiary before its contact.

        An order of which no time is known counts. One that was made after the contact explains nothing; of a mail, one
        after the complaint arrived, for the seller himself writes when he contacted his customer.
        """
        found = []
        for beneficiary in sorted({each.beneficiary for each in sightings}):
            mine = [each for each in sightings if each.beneficiary == beneficiary]
            bought = await own_orders([each.subject for each in mine], beneficiary)
            found += [
                Alternative(each.id, "own_order", beneficiary, ODDS["own_order"])
                for each in mine
                if each.subject in bought and _before(bought[each.subject], each.contacted_by)
            ]
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """What a source answered about a sighting as long as it stayed the same: from when to when, and how often."""

    sighting: int
    kind: CheckKind
    outcome: Literal["found", "nothing", "impossible"]
    first_at: datetime
    last_at: datetime
    asked: int


class Checks:
    """Which sources were asked about which sighting: what is not noted here was not checked."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    @staticmethod
    def alone(db: Database) -> AbstractAsyncContextManager[bool]:
        """Hold the right to check; yields False where another process has it. It ends with its holder."""
        return queries.checking(db)

    async def waiting(self, kind: CheckKind) -> dict[str, set[int]]:
        """Return by open case the sightings about which this source is to be asked.

        That is where it was not asked; where it found nothing a day ago or earlier; or, of earlier cases, which are
        our own, where one told the customer only after that was asked.
        """
        found: dict[str, set[int]] = {}
        if kind == "earlier_case":
            later = await queries.told_since(self._db)
        else:
            later = await queries.stale(self._db, kind, self._clock.now() - AGAIN_AFTER, _CASES_AT_ONCE)
        for case, sighting in [*await queries.unchecked(self._db, kind), *later]:
            found.setdefault(case, set()).add(sighting)
        return found

    async def note(
        self,
        kind: CheckKind,
        asked: Iterable[int],
        found: Iterable[Alternative],
        possible: Container[int] | None = None,
    ) -> None:
        """Keep that a source was asked about sightings.

        Args:
            kind: the source.
            asked: the sightings.
            found: what was found about any of them.
            possible: those that it could be asked about at all; every one if None.
        """
        hit = {each.sighting for each in found if each.kind == kind}
        outcomes = {
            each: "found" if each in hit else "nothing" if possible is None or each in possible else "impossible"
            for each in asked
        }
        await queries.note_checks(self._db, kind, outcomes, self._clock.now())

    async def history(self, case: str) -> Sequence[Run]:
        """Return what sources answered about a case's sightings over time; by sighting and source, oldest first."""
        return [Run(*row) for row in await queries.check_runs(self._db, case)]

    async def unasked(self, case: str) -> dict[int, tuple[CheckKind, ...]]:
        """Return by sighting of a case what was not checked, or could not be; nothing where all was."""
        done = {(sighting, kind) for sighting, kind, outcome in await queries.checks(self._db, case) if outcome}
        numbers = await queries.numbers_of(self._db, case)
        missing = {one: tuple(kind for kind in CHECKS if (one, kind) not in done) for one in numbers}
        return {one: kinds for one, kinds in missing.items() if kinds}


def _before(ordered_at: datetime | None, contacted_by: datetime) -> bool:
    return ordered_at is None or ordered_at < contacted_by


def from_dump(addresses: dict[int, str], dump: DumpList) -> Sequence[Alternative]:
    """Return an alternative for each sighting whose address stands in a public dump.

    Args:
        addresses: e-mail address by sighting.
        dump: the list.
    """
    return [
        Alternative(sighting, "dump", dump.name, ODDS["dump"])
        for sighting, address in addresses.items()
        if dump.holds(address)
    ]
