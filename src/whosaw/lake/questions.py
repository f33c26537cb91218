"""The questions asked of a lake: who saw this subject, and what does the lake hold at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from whosaw.lake.completeness import Completeness, measure
from whosaw.lake.errors import SubjectUnknown
from whosaw.lake.opened import Opened, opened
from whosaw.lake.trail import REVEALED
from whosaw.terms import from_us, to_us


@dataclass(frozen=True, slots=True)
class Sight:
    """One access: an actor was shown a subject's record. References are the log's own; None where it does not say.

    Args:
        fields: which fields were revealed; None where the log does not say which.
        verified: whether the reason was checked and held; None where nobody checked.
        grade: `trail` or `imported`.
        source: name of the log.
    """

    actor: str
    at: datetime
    fields: tuple[str, ...] | None
    reason: str | None
    ticket: str | None
    activity: str | None
    door: str | None
    device: str | None
    verified: bool | None
    grade: str
    source: str


@dataclass(frozen=True, slots=True)
class WhoSaw:
    """Who saw one subject, in order of time, and how far the record can be trusted to be whole."""

    subject: str
    sights: tuple[Sight, ...]
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class SourceOverview:
    """One import: what the log was called, what it holds, and what became of its rows."""

    name: str
    kind: str
    grade: str
    rows: int
    accepted: int
    rejected: int
    duplicates: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the lake holds: accesses, distinct actors and subjects, orders, tickets, where they came from."""

    accesses: int
    actors: int
    subjects: int
    orders: int
    tickets: int
    sources: tuple[SourceOverview, ...]
    completeness: Completeness


def who_saw(lake: Path, subject: str, since: datetime | None = None, field: str | None = None) -> WhoSaw:
    """Return every access to a subject's record.

    Args:
        lake: the folder.
        subject: the reference as the log writes it.
        since: an aware time; earlier accesses are left out.
        field: a field such as `customer.email`; accesses known not to have revealed it are left out, those whose log
            does not say which fields were shown stay.

    Raises:
        SubjectUnknown: no log in the lake names the subject.
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as open_lake:
        number = open_lake.number("subject", subject)
        if number is None:
            raise SubjectUnknown(f"no log in lake `{lake}` names subject `{subject}`")
        sights = _sights(open_lake, number, to_us(since) if since is not None else None)
        if field is not None:
            sights = [sight for sight in sights if sight.fields is None or field in sight.fields]
        return WhoSaw(subject, tuple(sights), measure(open_lake))


def overview(lake: Path) -> Overview:
    """Return what the lake holds.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as open_lake:
        counted = "SELECT count(*), count(DISTINCT actor), count(DISTINCT subject) FROM accesses"
        accesses, actors, subjects = open_lake.rows(counted)[0]
        orders = open_lake.rows("SELECT count(*) FROM orders")[0][0]
        tickets = open_lake.rows("SELECT count(*) FROM tickets")[0][0]
        sources = tuple(
            SourceOverview(
                name=source.name,
                kind=source.kind,
                grade=source.grade,
                rows=source.rows,
                accepted=source.accepted,
                rejected=source.rejected,
                duplicates=source.duplicates,
                first=from_us(source.first_us) if source.first_us is not None else None,
                last=from_us(source.last_us) if source.last_us is not None else None,
            )
            for source in open_lake.manifest.sources
        )
        return Overview(accesses, actors, subjects, orders, tickets, sources, measure(open_lake))


def _sights(open_lake: Opened, subject: int, since_us: int | None) -> list[Sight]:
    spaces = ("actor", "fields", "reason", "ticket", "activity", "door", "device")
    names = ", ".join(f"of_{space}.key" for space in spaces)
    joins = " ".join(
        f"LEFT JOIN numbers of_{space} ON of_{space}.space = '{space}' AND of_{space}.number = found.{space}"
        for space in spaces
    )
    found = open_lake.rows(
        f"""
        WITH found AS (SELECT * FROM accesses WHERE subject = ? AND (? IS NULL OR at_us >= ?))
        SELECT at_us, verified, source, {names} FROM found {joins}
        ORDER BY at_us, found.actor, source, identity, occurrence
        """,
        [subject, since_us, since_us],
    )
    sources = open_lake.manifest.sources
    return [
        Sight(
            actor=actor,
            at=from_us(at_us),
            fields=_revealed(fields),
            reason=reason,
            ticket=ticket,
            activity=activity,
            door=door,
            device=device,
            verified=verified,
            grade=sources[source].grade,
            source=sources[source].name,
        )
        for at_us, verified, source, actor, fields, reason, ticket, activity, door, device in found
    ]


def _revealed(fields: str | None) -> tuple[str, ...] | None:
    if fields is None:
        return None
    return tuple(name.removesuffix(REVEALED) for name in fields.split(",") if name.endswith(REVEALED))
