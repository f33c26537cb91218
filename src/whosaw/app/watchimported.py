"""Accesses of the company's other logs, as the lake of the state folder holds them, for the daily run.

They come beside the trail's own: with people and subjects by the references of their logs. Whether one had a reason is
what its own log says; where a log does not say why accesses happen, none of its accesses is held against anybody unless
a declared template could have explained it and does not. A ticket is a reason for whoever works on it, and for the
subject that it is about: somebody else's ticket excuses nobody.

Who was erased from the lake is a bare number there, and stays one: such accesses are counted and weigh for nobody and
against nobody, for the work that would explain them is gone with the person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.lake.manifest import read_manifest
from whosaw.lake.opened import opened

_BATCH = 200_000
# A ticket belongs to the subject it was opened for; where no work records say, to the subject of its first use. Who
# wrote a row of it works on it, whenever: work is often written down after the look.
_IMPORTED = """
    WITH work AS (
        SELECT ticket, subject, actor, at_us FROM tickets WHERE ticket IS NOT NULL
    ), first_work AS (
        SELECT ticket, subject FROM work QUALIFY at_us = min(at_us) OVER (PARTITION BY ticket)
    ), first_use AS (
        SELECT ticket, subject FROM accesses
        WHERE ticket IS NOT NULL AND verified IS NULL AND ticket NOT IN (SELECT ticket FROM first_work)
        QUALIFY at_us = min(at_us) OVER (PARTITION BY ticket)
    ), about AS (
        SELECT DISTINCT ticket, subject FROM (FROM first_work UNION ALL FROM first_use)
    ), owned AS (
        SELECT DISTINCT ticket FROM work WHERE actor IS NOT NULL
    ), mine AS (
        SELECT DISTINCT ticket, actor FROM work WHERE actor IS NOT NULL
    )
    SELECT a.actor, a.subject, a.at_us,
           CASE WHEN says_why AND a.verified IS NULL THEN coalesce(a.ticket, -1) ELSE -1 END AS ticket,
           (CASE WHEN NOT says_why THEN true
                 WHEN a.verified IS NOT NULL THEN a.verified
                 WHEN a.ticket IS NOT NULL
                     THEN about.ticket IS NOT NULL AND (owned.ticket IS NULL OR mine.ticket IS NOT NULL)
                 ELSE a.reason IS NOT NULL END)::TINYINT AS sound
    FROM accesses a
    LEFT JOIN about ON about.ticket = a.ticket AND about.subject = a.subject
    LEFT JOIN owned ON owned.ticket = a.ticket
    LEFT JOIN mine ON mine.ticket = a.ticket AND mine.actor = a.actor
    WHERE grade > 0 AND a.actor IS NOT NULL AND a.at_us >= $since AND a.at_us < $until
    ORDER BY a.at_us, a.actor, a.subject, identity, occurrence
"""

Payload = Mapping[str, int | str | list[int | str]]
Entries = list[tuple[int, Payload]]
Names = Mapping[str, dict[int, str]]


@dataclass(frozen=True, slots=True)
class Owned:
    """One work item of the company: whom it is about, and who it was assigned to (nobody: it waits in a queue)."""

    subject: str
    assignees: frozenset[str]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Accesses that nothing is said about: imported ones, and those of the trail's sets that cannot be read.

    Args:
        erased_subject: their subject was erased since.
        erased_actor: who opened was erased since; where both were, it counts here.
        machines: a machine opened that opens everything.
        sets_unread: entries of the trail about many at once whose set of subjects is not there, or is not theirs.
        customers: no accesses, but customers whom nobody opened and no work is about, see `casetracecustomers`.
    """

    erased_subject: int = 0
    erased_actor: int = 0
    machines: int = 0
    sets_unread: int = 0
    customers: int = 0


@dataclass(slots=True)
class Imported:
    """The imported accesses of one run.

    Args:
        columns: n actors, subjects, tickets (-1 where none decides) as numbers of the lake, times, and whether the
            reason is sound as far as the lake knows.
        number: per space, number of the lake → number of the run; a number below 0 is new with this run.
        tickets: number → reference of the tickets that occur.
        left_out: what is not among the entries.
        subjects: references of whom the entries are about.
    """

    columns: dict[str, np.ndarray]
    number: dict[str, dict[int, int]]
    tickets: dict[int, str]
    left_out: LeftOut
    subjects: frozenset[str]
    _names: Names = field(repr=False)

    def entries(self, work: Mapping[str, Owned]) -> Iterator[Entries]:
        """Yield batches as a run's lake takes them: an index below 0, and what an entry would say.

        Args:
            work: the company's own work items by reference; what it says of a ticket counts before what the lake says.
        """
        known = {at: work[name] for at, name in self.tickets.items() if name in work}
        names = ("actor", "subject", "at_us", "ticket", "sound")
        rows = zip(*(self.columns[name].tolist() for name in names), strict=True)
        batch: Entries = []
        for place, (actor, subject, at_us, ticket, sound) in enumerate(rows):
            who, whom = self.number["actor"].get(actor), self.number["subject"].get(subject)
            if who is None or whom is None:
                continue
            holds = bool(sound)
            if (item := known.get(ticket)) is not None:
                mine = not item.assignees or self._names["actor"][who] in item.assignees
                holds = mine and self._names["subject"][whom] == item.subject
            batch.append((-1 - place, _entry(who, whom, int(at_us), sound=holds)))
            if len(batch) >= _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def read_imported(lake: Path, since_us: int, until_us: int, names: Names) -> Imported:
    """Read the imported accesses of a stretch.

    Args:
        lake: of the state folder.
        since_us: accesses before it are left out.
        until_us: accesses from then on are left out.
        names: number → reference of actors and subjects; whoever is new is given a number below 0 and joins them.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    with opened(lake) as held:
        found = held.connection.execute(_IMPORTED, {"since": since_us, "until": until_us}).fetchnumpy()
        keys = {space: held.keys(space) for space in ("actor", "subject")}
        machines = held.manifest.service()
        columns = {name: np.ma.getdata(column) for name, column in found.items()}
        wanted = set(np.unique(columns["ticket"]).tolist())
        tickets = {at: key for at, key in held.keys("ticket").items() if at in wanted}
    number = {
        "actor": _numbered(columns["actor"], keys["actor"], names["actor"], machines),
        "subject": _numbered(columns["subject"], keys["subject"], names["subject"], ()),
    }
    known = {space: np.isin(columns[space], sorted(keys[space])) for space in keys}
    service = np.isin(columns["actor"], [at for at, name in keys["actor"].items() if name in machines])
    left = LeftOut(
        int((~known["subject"] & known["actor"] & ~service).sum()), int((~known["actor"]).sum()), int(service.sum())
    )
    people = np.isin(columns["actor"], sorted(number["actor"]))
    about = set(np.unique(columns["subject"][people]).tolist())
    subjects = frozenset(keys["subject"][at] for at in about if at in keys["subject"])
    return Imported(columns, number, tickets, left, subjects, names)


def _numbered(column: Any, keys: Mapping[int, str], names: dict[int, str], machines: Collection[str]) -> dict[int, int]:
    """Return lake's number → run's number of everybody who has a reference; the erased have none and get none."""
    known = {reference: at for at, reference in names.items()}
    found: dict[int, int] = {}
    for each in np.unique(column).tolist():
        reference = keys.get(each)
        if reference is None or reference in machines:
            continue
        at = known.setdefault(reference, -1 - len(known))
        names[at] = reference
        found[each] = at
    return found


def holds_imports(lake: Path) -> bool:
    """Return whether a lake is there at all."""
    return (lake / "LAKE.json").exists()


def holds_others(lake: Path) -> bool:
    """Return whether a lake holds accesses that are not whosaw's own trail."""
    if not holds_imports(lake):
        return False
    sources = read_manifest(lake).sources
    return any(each.kind == "accesses" and each.accepted and each.grade != "trail" for each in sources)


def _entry(actor: int, subject: int, at_us: int, *, sound: bool) -> Payload:
    return {
        "kind": "disclosure",
        "at": at_us,
        "actor": actor,
        "subject": subject,
        "door": "imported",
        "fields": ["imported=reveal"],
        "verified": "yes" if sound else "no",
    }
