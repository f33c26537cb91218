"""Gathers what decisions depend on: one query per table for a whole batch of asks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whosaw.catalog import Catalog, Source
from whosaw.catalog.statements import presence_statement
from whosaw.decide import ActorFacts, WorkItem
from whosaw.gate.approvalpeople import DirectoryRow, is_there, roles_of
from whosaw.gate.directory import staff_directory
from whosaw.gate.standing import Standing, standing
from whosaw.gate.together import together
from whosaw.gate.work import WorkFinder
from whosaw.store import Database
from whosaw.terms import PurposeRef, SubjectRef

_DIRECTORY_S = 5.0
_REMEMBERED_MOST = 200_000


@dataclass(frozen=True, slots=True)
class Person:
    """An actor: what the directory and the suspensions say, and what others granted him."""

    facts: ActorFacts
    standing: Standing


class FactFinder:
    """Reads the company's tables and where actors stand. Directory rows are remembered for seconds, standing never."""

    def __init__(self, db: Database, catalog: Catalog, sources: Mapping[str, Source]) -> None:
        self._db = db
        self._catalog = catalog
        self._sources = sources
        self._work = WorkFinder(catalog, sources)
        self._read = staff_directory(catalog, sources, db)
        self._directory: dict[str, tuple[float, DirectoryRow | None]] = {}

    async def actors(self, keys: Iterable[str], at: datetime) -> dict[str, ActorFacts]:
        """Return the facts of every actor; one whom the directory does not list has no roles."""
        return {key: person.facts for key, person in (await self.people(keys, at)).items()}

    async def people(self, keys: Iterable[str], at: datetime) -> dict[str, Person]:
        """Return facts and standing of every actor."""
        wanted = list(dict.fromkeys(keys))
        reads: list[Coroutine[Any, Any, Any]] = [standing(self._db, wanted, at, self._catalog.conduct)]
        if stale := self._stale(wanted):
            reads.append(self._refresh_directory(wanted, stale))
        stands = (await together(*reads))[0]
        return {key: Person(self._actor(key, stands[key], at), stands[key]) for key in wanted}

    async def listed(self, key: str) -> bool:
        """Return whether the staff directory has a row of this key, of somebody who has left too.

        Raises:
            CatalogError: the company's database does not answer.
        """
        if stale := self._stale([key]):
            await self._refresh_directory([key], stale)
        return self._directory[key][1] is not None

    async def regions(self, subjects: Iterable[SubjectRef]) -> dict[SubjectRef, str]:
        """Return the region of every subject that exists; others are absent."""
        by_kind: defaultdict[str, set[str]] = defaultdict(set)
        for subject in subjects:
            by_kind[subject.kind].add(subject.key)
        found: dict[SubjectRef, str] = {}
        for kind, keys in by_kind.items():
            declared = self._catalog.subjects[kind]
            rows = await self._sources[declared.source].rows(presence_statement(declared), keys=sorted(keys))
            found.update({SubjectRef(kind, str(row["key"])): str(row["region"] or "") for row in rows})
        return found

    async def work(self, purposes: Iterable[PurposeRef], at: datetime) -> dict[PurposeRef, Sequence[WorkItem]]:
        """Return the work items behind every purpose that has any, one per assignment; remembered for seconds."""
        return await self._work.work(purposes, at)

    def _stale(self, keys: Sequence[str]) -> list[str]:
        """Return whose rows are to be read again."""
        now = time.monotonic()
        return [key for key in keys if self._directory.get(key, (0.0, None))[0] < now]

    async def _refresh_directory(self, keys: Sequence[str], stale: Sequence[str]) -> None:
        now = time.monotonic()
        listed = await self._read(stale)
        if len(self._directory) + len(stale) > _REMEMBERED_MOST:
            self._directory = {key: entry for key, entry in self._directory.items() if key in keys}
        self._directory.update({key: (now + _DIRECTORY_S, listed.get(key)) for key in stale})

    def _actor(self, key: str, stands: Standing, at: datetime) -> ActorFacts:
        return actor_facts(self._directory[key][1], stands, at)


def actor_facts(row: DirectoryRow | None, stands: Standing, at: datetime) -> ActorFacts:
    """Return the facts of an actor from his row of the directory, or None where there is none, and his standing."""
    if row is None:
        return ActorFacts.unknown(suspended=stands.suspended)
    return ActorFacts(
        roles=roles_of(row),
        region=str(row["region"] or ""),
        ended=not is_there(row, at),
        suspended=stands.suspended,
        employer=str(row.get("employer") or ""),
        site=str(row.get("site") or ""),
        function=str(row.get("function") or ""),
        acknowledged=stands.acknowledged,
    )
