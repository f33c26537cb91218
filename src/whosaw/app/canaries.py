"""Canaries: persons who do not exist. Kept, found to be planted, and what touched them.

The company creates such a person as it creates every customer; whosaw gives the address and remembers which number is
one. Nothing that staff see differs. A touch says which disclosures could have spread it, and accuses nobody.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.answer.notes import Notes
from whosaw.app.errors import AppError
from whosaw.app.maildoor import CompanysPersons, aliases_of
from whosaw.app.services import Services
from whosaw.gate.aliasing import RANDOM_BYTES, address_sha256
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import assign, find
from whosaw.terms import SubjectRef, from_us

_SPREAD = (
    "select e.index, e.at_us, e.actor, e.kind, e.payload::jsonb ->> 'verified', e.payload::jsonb ->> 'door' "
    "from trail_entry e where e.payload is not null and (e.subject = %(subject)s or exists (select from "
    "trail_exposed r join trail_exposure x on x.hash = r.hash "
    "where r.index = e.index and exposure_has(x.numbers, %(subject)s))) "
)
_SAID = "e.index, e.at_us, e.actor, e.kind, e.payload::jsonb ->> 'verified', e.payload::jsonb ->> 'door'"
_LONE = (
    "e.payload is not null and e.kind in ('disclosure', 'denial', 'lookup', 'evaluation', 'action') "
    "and e.payload::jsonb ->> 'verified' = 'no'"
)
_WHILE = (
    "to_timestamp(e.at_us / 1e6) >= c.added_at and (c.retired_at is null or to_timestamp(e.at_us / 1e6) < c.retired_at)"
)
# An entry about many at once holds no subject: its set is looked into, where no work bore it out. Sets never change, so
# those of entries that were looked at before are passed over.
_TOUCHES = (
    f"select * from (select c.subject, {_SAID} from canary c join trail_entry e on e.subject = c.subject "
    f"where {_LONE} and {_WHILE} "
    f"union all select c.subject, {_SAID} from (select e.*, x.numbers from trail_exposed r "
    "join trail_exposure x on x.hash = r.hash join trail_entry e on e.index = r.index "
    f"where r.index >= %(sets_from)s and {_LONE} offset 0) e "
    f"join canary c on {_WHILE} and exposure_has(e.numbers, c.subject)"
    ") e (subject, index, at_us, actor, kind, verified, door) "
)
_UNTOLD = (
    "where not exists (select from alert a where a.kind = 'canary' and a.code = 'canary.hit' "
    "and a.about = jsonb_build_object('entry', e.index)) "
)


class CanaryUnknown(AppError, LookupError):
    """No canary has this key."""

    code: ClassVar[str] = "app.canary_unknown"
    hint = "`whosaw canary list` shows every one"


class CanaryInvalid(AppError, ValueError):
    """A canary cannot be added so."""

    code: ClassVar[str] = "app.canary_invalid"
    hint = "name a person of the catalog's subjects, as customer:C-000017, and a place of at most 80 characters"


@dataclass(frozen=True, slots=True)
class Canary:
    """A person who does not exist.

    Attributes:
        subject: number in the record.
        place: where the person stands, as the planner named it.
        added_at: when.
        retired_at: when it ended; None while it counts.
        planted: whether the company's record carries the canary's address now.
    """

    subject: int
    place: str
    added_at: datetime
    retired_at: datetime | None
    planted: bool


@dataclass(frozen=True, slots=True)
class Opening:
    """An entry that showed a canary, or looked for one.

    Attributes:
        entry: its index.
        at: when.
        actor: number of who asked.
        kind: ``disclosure``, ``lookup``, …
        verified: whether a piece of work bore it out.
        door: where.
    """

    entry: int
    at: datetime
    actor: int
    kind: str
    verified: bool
    door: str


class Canaries:
    """The canaries of one whosaw."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._db = services.db
        self._notes = Notes(services.db, services.clock, services.appender.append)
        self._looked_into = [0, 0]  # length of the trail at the last two alarms; sets before the first were looked into

    async def add(self, subject: SubjectRef, place: str, *, by: str, like: str = "") -> str:
        """Make a canary of a person that the company creates, and return the address to give to it, once.

        Args:
            subject: the person's reference in the company's tables.
            place: where it stands.
            by: who adds it.
            like: what the address begins with, so that it looks like others: ``anna.berg``.

        Raises:
            CanaryInvalid: the catalog has no such kind, the place has no name, or it is one already.
            AliasesMissing: the catalog names no domain whose mail whosaw receives.
        """
        name = place.strip()
        begins = f"{like}." if like else ""
        plain = begins.replace(".", "").replace("-", "").replace("_", "")
        if subject.kind not in self._services.catalog.subjects or not name or len(name) > 80 or not name.isprintable():
            raise CanaryInvalid(f"`{str(subject)[:80]}` at `{name[:80]}` cannot be a canary")
        if begins and (not plain.isalnum() or not plain.isascii() or len(begins) > 40):
            raise CanaryInvalid("an address begins with letters, digits, dots, hyphens")
        local = base64.b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()
        address = f"{begins.lower()}{local}@{aliases_of(self._services).canary_domain}"
        (number,) = (await assign(self._db, "subject", [str(subject)])).values()
        at = self._services.clock.now()
        # no subject in the note: an entry that names it would tell every reader of the trail
        await self._notes.add("intake", "canary.added", by=by, text=name)
        async with self._db.connection() as connection:
            done = await connection.execute(
                "insert into canary (subject, address_sha256, place, added_by, added_at) values (%s, %s, %s, %s, %s) "
                "on conflict (subject) do nothing",
                [number, address_sha256(address), name, by, at],
            )
        if done.rowcount != 1:
            raise CanaryInvalid("this person is a canary already")
        return address

    async def list(self) -> Sequence[Canary]:
        """Return every canary, the first added first."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                "select subject, place, added_at, retired_at, address_sha256 from canary order by added_at, subject"
            )
            found = await rows.fetchall()
        return [
            Canary(subject, place, added_at, retired_at, await self._planted(subject, bytes(known)))
            for subject, place, added_at, retired_at, known in found
        ]

    async def retire(self, subject: SubjectRef) -> None:
        """End one: what touches it from now on is no hit.

        Raises:
            CanaryUnknown: it is none.
        """
        number = await find(self._db, "subject", str(subject))
        async with self._db.connection() as connection:
            done = await connection.execute(
                "update canary set retired_at = coalesce(retired_at, %s) where subject = %s",
                [self._services.clock.now(), number],
            )
        if done.rowcount != 1:
            raise CanaryUnknown("this person is no canary")

    async def spread(self, subject: int, until: datetime) -> Sequence[Opening]:
        """Return the disclosures that could have spread a canary seen outside at `until`, the first first."""
        async with self._db.connection() as connection:
            rows = await connection.execute(
                _SPREAD + "and e.kind = 'disclosure' and e.at_us <= %(until)s and exists (select from "
                "jsonb_array_elements_text(e.payload::jsonb -> 'fields') f where f like '%%=reveal') order by e.index",
                {"subject": subject, "until": int(until.timestamp() * 1_000_000)},
            )
            return [_opening(row) for row in await rows.fetchall()]

    async def touches(self) -> Sequence[tuple[int, Opening]]:
        """Return (canary's number, entry) of whatever asked about one without work that bore it out."""
        return await self._touches(_TOUCHES)

    async def alarm(self) -> int:
        """Raise ``canary.hit`` for every touch that nobody was told of; return how many were raised.

        However many processes do it, and however often, each touch is told once. The alert names the entry, and not
        whom it is about: whoever reads alerts must not learn who is a canary.
        """
        long = await self._length()
        untold = await self._touches(_TOUCHES + _UNTOLD, self._looked_into[0])
        for _, opening in untold:
            about = {"entry": opening.entry}
            await raise_alert(
                self._db, "canary", "high", "canary.hit", about, at=self._services.clock.now(), once=about
            )
        # one look later than it might be: a canary's row may come to be seen a little after the time that it says
        self._looked_into = [self._looked_into[1], long]
        return len(untold)

    async def _length(self) -> int:
        async with self._db.connection() as connection:
            rows = await connection.execute("select coalesce(max(index) + 1, 0) from trail_entry")
            row = await rows.fetchone()
            return int(row[0]) if row is not None else 0

    async def _touches(self, statement: str, sets_from: int = 0) -> Sequence[tuple[int, Opening]]:
        async with self._db.connection() as connection:
            rows = await connection.execute(statement + "order by index, subject", {"sets_from": sets_from})
            return [(int(row[0]), _opening(row[1:])) for row in await rows.fetchall()]

    async def _planted(self, subject: int, known: bytes) -> bool:
        persons = CompanysPersons(self._services)
        for field in self._services.catalog.fields.values():
            address = await persons.address(subject, field.name) if field.mask == "email" else None
            if address and address_sha256(address) == known:
                return True
        return False


def _opening(row: Sequence[object]) -> Opening:
    entry, at_us, actor, kind, verified, door = row
    return Opening(int(str(entry)), from_us(int(str(at_us))), int(str(actor)), str(kind), verified == "yes", str(door))
