"""Did the accesses go through the doors? Asked of the database's own audit log, which sees what the doors never saw.

The audit log is the second witness: it names the database account of every statement that reached a protected table.
Accounts that the doors log in with are *through*; every other one went *around*. Where the lake also holds whosaw's own
trail, an access by a door's account to a subject that the trail does not show at that time is *unrecorded*: the account
was used by something else, or the trail is not whole. What the audit log does not see, nobody counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from whosaw.lake.errors import AuditMissing
from whosaw.lake.opened import Opened, opened
from whosaw.terms import from_us

_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000
_RECENT_DAYS = 7
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class Door:
    """An account that a door logs in with; from one address only, where one is named."""

    role: str
    address: str | None = None

    @classmethod
    def parse(cls, text: str) -> Door:
        """Read `ROLE` or `ROLE@ADDRESS`."""
        role, _, address = text.partition("@")
        return cls(role, address or None)


@dataclass(frozen=True, slots=True)
class Around:
    """One way around the doors: who reached what from where, how often, and how much of it named the subjects."""

    role: str
    address: str
    access: str
    count: int
    named: int
    subjects: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class DayCoverage:
    """One day (UTC): accesses in the audit log, and those of them through doors."""

    day: date
    total: int
    through: int


@dataclass(frozen=True, slots=True)
class Fall:
    """The share of the last days lies below that of the time before, both 0 … 1; `day` is the last one."""

    before: float
    now: float
    day: date

    @property
    def line(self) -> str:
        """Return one sentence for a person."""
        return (
            f"coverage fell from {self.before:.1%} to {self.now:.1%}: "
            f"{_RECENT_DAYS} days up to {self.day} against the time before"
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what reached protected tables went through doors.

    Args:
        total: accesses in the audit log.
        through: by an account of a door.
        unrecorded: through, with a named subject, that the own trail does not show; None where the lake has no trail.
        around: the ways around, the most used first.
        days: in order; days on which the audit log holds nothing are not among them.
        fall: how far the share fell, where it did.
        new_ways: account and address of who went around the doors for the first time in the last days.
    """

    total: int
    through: int
    unrecorded: int | None
    around: tuple[Around, ...]
    days: tuple[DayCoverage, ...]
    fall: Fall | None = None
    new_ways: tuple[tuple[str, str], ...] = ()

    @property
    def alarms(self) -> tuple[str, ...]:
        """Return what has become worse, one sentence each."""
        fallen = (self.fall.line,) if self.fall is not None else ()
        return fallen + tuple(
            f"around the doors for the first time: `{role}` from `{address}`" for role, address in self.new_ways
        )

    def on(self, day: date) -> DayCoverage | None:
        """Return what the audit log holds of a day; None where it holds nothing of it."""
        return next((each for each in self.days if each.day == day), None)

    @property
    def share(self) -> float | None:
        """Return the part that went through doors, 0 … 1; None where the audit log holds no access."""
        return self.through / self.total if self.total else None

    @property
    def line(self) -> str:
        """Return one sentence for a person."""
        if self.share is None:
            return "coverage: the audit log holds no access to a protected table"
        told = f"coverage: {self.share:.1%} of {self.total} accesses to protected tables went through doors"
        if self.unrecorded is not None:
            told += f"; {self.unrecorded} of those are not in the own trail"
        return f"{told} (by the database's audit log; what it did not see is not counted)"


def coverage(lake: Path, doors: Sequence[Door], fall: float = 0.02, within_s: int = 60) -> Coverage:
    """Measure how much went through doors.

    Args:
        lake: the folder, with the database's audit log imported into it.
        doors: the accounts the doors log in with.
        fall: by how much the share of the last seven days may lie below that of the time before, 0 … 1.
        within_s: seconds by which the clocks of trail and database may differ, ≥ 0.

    Raises:
        AuditMissing: no audit log was imported.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as open_lake:
        audits = [place for place, source in enumerate(open_lake.manifest.sources) if source.format == "pgaudit"]
        if not audits:
            raise AuditMissing(f"lake `{lake}` holds no audit log of a database")
        _prepare(open_lake, audits, doors)
        days = tuple(
            DayCoverage(from_us(day * _DAY_US).date(), total, through)
            for day, total, through in open_lake.rows(
                "SELECT at_us // ?, count(*), count(*) FILTER (through) FROM audited GROUP BY 1 ORDER BY 1", [_DAY_US]
            )
        )
        around = _around(open_lake)
        return Coverage(
            total=sum(day.total for day in days),
            through=sum(day.through for day in days),
            unrecorded=_unrecorded(open_lake, within_s),
            around=around,
            days=days,
            fall=_fallen(days, fall),
            new_ways=_new_ways(around, days),
        )


def _prepare(open_lake: Opened, audits: list[int], doors: Sequence[Door]) -> None:
    """Make the table `audited`: every access of the audit log, and whether a door's account made it."""
    open_lake.connection.execute("CREATE TEMP TABLE doors (role VARCHAR, address VARCHAR)")
    for door in doors:
        open_lake.connection.execute("INSERT INTO doors VALUES (?, ?)", [door.role, door.address])
    listed = ", ".join(map(str, audits))
    open_lake.connection.execute(
        f"""
        CREATE TEMP TABLE audited AS
        SELECT at_us, subject, role.key AS role, coalesce(address.key, '') AS address,
               coalesce(access.key, '') AS access,
               EXISTS (
                   SELECT 1 FROM doors
                   WHERE doors.role = role.key AND (doors.address IS NULL OR doors.address = address.key)
               ) AS through
        FROM (FROM accesses UNION ALL FROM touches) rows
        LEFT JOIN numbers role ON role.space = 'actor' AND role.number = rows.actor
        LEFT JOIN numbers address ON address.space = 'device' AND address.number = rows.device
        LEFT JOIN numbers access ON access.space = 'activity' AND access.number = rows.activity
        WHERE source IN ({listed})
        """
    )


def _around(open_lake: Opened) -> tuple[Around, ...]:
    found = open_lake.rows(
        """
        SELECT coalesce(role, '(erased)'), address, access, count(*), count(subject), count(DISTINCT subject),
               min(at_us), max(at_us)
        FROM audited WHERE NOT through GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
        """
    )
    return tuple(
        Around(role, address, access, count, named, subjects, from_us(first_us), from_us(last_us))
        for role, address, access, count, named, subjects, first_us, last_us in found
    )


def _unrecorded(open_lake: Opened, within_s: int) -> int | None:
    """Count the accesses through doors that the own trail does not show; None where the lake has no trail."""
    if not any(source.grade == "trail" and source.kind == "accesses" for source in open_lake.manifest.sources):
        return None
    found = open_lake.rows(
        """
        SELECT count(*) FROM audited
        WHERE through AND audited.subject IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM accesses
            WHERE accesses.grade = 0 AND accesses.subject = audited.subject
              AND accesses.at_us BETWEEN audited.at_us - ? AND audited.at_us + ?
        )
        """,
        [within_s * _SECOND_US, within_s * _SECOND_US],
    )
    return int(found[0][0])


def _fallen(days: Sequence[DayCoverage], fall: float) -> Fall | None:
    """Return how far the last days' share lies below that of the time before, where that is more than `fall`."""
    if not days:
        return None
    recent = [day for day in days if (days[-1].day - day.day).days < _RECENT_DAYS]
    before = days[: len(days) - len(recent)]
    totals = [sum(day.total for day in part) for part in (before, recent)]
    if min(totals) < _FEWEST:
        return None
    old, new = (sum(day.through for day in part) / total for part, total in zip((before, recent), totals, strict=True))
    return Fall(old, new, days[-1].day) if old - new > fall else None


def _new_ways(around: Sequence[Around], days: Sequence[DayCoverage]) -> tuple[tuple[str, str], ...]:
    """Return who went around the doors for the first time in the last days, where there is a before."""
    if not days or (days[-1].day - days[0].day).days < _RECENT_DAYS:
        return ()
    first: dict[tuple[str, str], datetime] = {}
    for way in around:
        place = (way.role, way.address)
        first[place] = min(way.first, first.get(place, way.first))
    return tuple(sorted(place for place, at in first.items() if (days[-1].day - at.date()).days < _RECENT_DAYS))
