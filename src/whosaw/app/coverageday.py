"""How much of a day was covered: a daily entry in the trail, alerts where it became worse, a line in every claim.

Measured are the share of accesses that the database's own audit log saw going through the doors (where that log is
imported into the server's lake), the share of staff and of doors from whom asks came, and how long the oldest alert has
waited for a reader. Each day has one entry, whoever writes it: processes compare and append one after the other.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from whosaw.app import coveragequeries as queries
from whosaw.app.looks import operator
from whosaw.app.parts import lake_installed
from whosaw.app.services import Services
from whosaw.app.settings import words
from whosaw.gate.approvalpeople import is_there
from whosaw.gate.directory import everybody
from whosaw.prove import Payload
from whosaw.store import Database, NumberMap
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import keys_of
from whosaw.terms import to_us

if TYPE_CHECKING:
    from whosaw.lake.coverage import Coverage

WAYS_IN = ("bulk", "console", "http", "trail")
"""Every door that an entry may name."""

ALERT_TEXTS = {
    "coverage.fell": "A smaller share of the accesses to protected tables than before went through the doors.",
    "coverage.new_way": "Accounts went around the doors for the first time.",
    "coverage.blind": "The database's audit log of a whole day is missing from the lake.",
}

_STAFF_DAYS = 30
_PATIENCE = time(12)
"""So long into the next day the audit log may take to be imported before the day is written down without it."""
_THOUSAND = 1_000


@dataclass(frozen=True, slots=True)
class Day:
    """What a daily entry says; counts of accesses are None where no audit log of that day is in the lake.

    Args:
        day: which (UTC).
        accesses: to protected tables, by the database's audit log.
        through: those made by a door's account.
        staff, staff_seen: in the directory, and those of them from whom an ask came in the last 30 days.
        doors, doors_seen: ways in, and those through which an ask came on that day.
        unread: alerts that nobody read.
        oldest_unread_s: seconds since the oldest of them was raised; 0 where there is none.
    """

    day: date
    accesses: int | None
    through: int | None
    staff: int
    staff_seen: int
    doors: int
    doors_seen: int
    unread: int
    oldest_unread_s: int

    @property
    def share(self) -> float | None:
        """Return the part of the accesses that went through doors, 0 … 1; None where nothing is known of any."""
        return self.through / self.accesses if self.accesses and self.through is not None else None

    @property
    def line(self) -> str:
        """Return one sentence for a claim, lower-case start and no period."""
        if self.accesses is None or self.through is None:
            told = "how much went around the doors is not known (no audit log of the database)"
        elif self.share is None:
            told = "the database's audit log holds no access to a protected table"
        else:
            told = f"{self.share:.1%} of {self.accesses} accesses to protected tables went through the doors"
        waiting = (
            f"the oldest unread alert is {_duration(self.oldest_unread_s)} old" if self.unread else "no unread alert"
        )
        return (
            f"coverage of {self.day}: {told}; {self.staff_seen} of {self.staff} staff and {self.doors_seen} of "
            f"{self.doors} doors asked; {waiting}"
        )

    def payload(self) -> dict[str, int | str]:
        """Return it as the entry writes it."""
        counts = {"accesses": self.accesses, "through": self.through}
        return {
            "day": self.day.isoformat(),
            **{name: count for name, count in counts.items() if count is not None},
            "staff": self.staff,
            "staff_seen": self.staff_seen,
            "doors": self.doors,
            "doors_seen": self.doors_seen,
            "unread": self.unread,
            "oldest_unread_s": self.oldest_unread_s,
        }

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> Day:
        """Return what an entry says."""
        names = ("staff", "staff_seen", "doors", "doors_seen", "unread", "oldest_unread_s")
        return cls(
            date.fromisoformat(payload["day"]),
            payload.get("accesses"),
            payload.get("through"),
            **{name: int(payload[name]) for name in names},
        )


def _duration(seconds: int) -> str:
    hours, minutes = seconds // 3_600, seconds % 3_600 // 60
    return f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h {minutes} min"


async def note_coverage(services: Services) -> Day | None:
    """Append yesterday's entry where it is due and missing, and raise alerts; return what was appended.

    Raises:
        RecordError: the entry could not be made durable.
        StoreError, CatalogError: a database does not answer.
        LakeDamaged: the lake cannot be read.
    """
    now = services.clock.now()
    yesterday = now.date() - timedelta(days=1)
    last = await queries.last_day(services.db)
    if last is not None and Day.read(last).day >= yesterday:
        return None
    seen = await asyncio.to_thread(_witnessed, services.settings.state / "lake", door_accounts(services), now)
    complete = seen is not None and bool(seen.days) and seen.days[-1].day > yesterday
    if not complete and now.time() < _PATIENCE:
        return None
    found = await _measure(services, yesterday, seen)
    (actor,) = await NumberMap(services.db).numbers("actor", [operator()])
    async with queries.alone(services.db) as connection:
        last = await queries.last_day_in(connection)
        if last is not None and Day.read(last).day >= yesterday:
            return None
        entry: Payload = {
            "kind": "coverage",
            "at": to_us(now),
            "actor": actor,
            "door": "console",
            **found.payload(),
        }
        await services.appender.append(entry)
    await _raise(services, found, seen, now)
    return found


def door_accounts(services: Services) -> Sequence[str]:
    """Return the database accounts of the doors: those of the settings, else those in the catalog's addresses."""
    stated = words(services.settings.door_accounts)
    if stated:
        return sorted(stated)
    accounts = {make_url(url).username for url in services.catalog.sources.values()}
    return sorted(account for account in accounts if account)


async def _measure(services: Services, day: date, seen: Coverage | None) -> Day:
    now = services.clock.now()
    start = datetime.combine(day, time(), now.tzinfo)
    counted = seen.on(day) if seen is not None else None
    rows = await everybody(services.catalog, services.sources, services.door_db)
    there = {key for key, row in rows.items() if is_there(row, now)}
    since = start + timedelta(days=1 - _STAFF_DAYS)
    asked = await keys_of(services.db, "actor", await queries.askers(services.db, to_us(since), to_us(now)))
    doors = await queries.doors(services.db, to_us(start), to_us(start + timedelta(days=1)))
    unread, oldest = await queries.unread_alerts(services.db)
    return Day(
        day=day,
        accesses=counted.total if counted is not None else None,
        through=counted.through if counted is not None else None,
        staff=len(there),
        staff_seen=len(there & set(asked.values())),
        doors=len(WAYS_IN),
        doors_seen=len(doors & set(WAYS_IN)),
        unread=unread,
        oldest_unread_s=0 if oldest is None else max(0, int((now - oldest).total_seconds())),
    )


def _witnessed(lake: Path, accounts: Sequence[str], now: datetime) -> Coverage | None:
    """Return what the database's audit log says, and note it in the lake; None where there is no such log in it."""
    if not lake_installed() or not accounts:
        return None
    from whosaw.lake.coverage import Door, coverage
    from whosaw.lake.coveragenote import note_measured
    from whosaw.lake.errors import AuditMissing, NotALake

    try:
        found = coverage(lake, [Door.parse(account) for account in accounts])
        note_measured(lake, found, now)
        return found
    except (AuditMissing, NotALake):
        return None


async def _raise(services: Services, found: Day, seen: Coverage | None, now: datetime) -> None:
    if seen is None:
        return
    day = found.day.isoformat()
    about: dict[str, int | str]
    if found.accesses is None and seen.days and seen.days[0].day < found.day:
        await raise_alert(services.db, "coverage", "medium", "coverage.blind", {"day": day}, at=now)
    if seen.fall is not None:
        about = {
            "before_permille": round(seen.fall.before * _THOUSAND),
            "now_permille": round(seen.fall.now * _THOUSAND),
        }
        # the same fall shows for a week: it is one alert until a day of it is another
        once: dict[str, int | str] = {"before_permille": about["before_permille"], "week": found.day.isocalendar().week}
        await raise_alert(services.db, "coverage", "high", "coverage.fell", {"day": day, **about}, at=now, once=once)
    if seen.new_ways:
        about = {"ways": len(seen.new_ways), "first": _hashed(seen.new_ways)}
        await raise_alert(
            services.db, "coverage", "high", "coverage.new_way", {"day": day, **about}, at=now, once=about
        )


def _hashed(ways: Sequence[tuple[str, str]]) -> str:
    """Return what tells one set of ways from another and names nobody: an account may be a person."""
    text = "\n".join(f"{role}\t{address}" for role, address in sorted(ways))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def coverage_line(db: Database) -> str:
    """Return what the latest daily entry says, as a claim repeats it."""
    last = await queries.last_day(db)
    return Day.read(last).line if last is not None else "coverage: no day was measured yet"
