"""Gathers what decisions depend on: one query per table for a whole batch of asks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

from whosaw.catalog import Catalog, Source
from whosaw.catalog.source import Row
from whosaw.catalog.statements import actor_statement, presence_statement, work_statement
from whosaw.decide import ActorFacts, WorkItem
from whosaw.gate.queries import suspended
from whosaw.gate.together import together
from whosaw.store import Database
from whosaw.terms import PurposeRef, SubjectRef

_DIRECTORY_S = 5.0


class FactFinder:
    """Reads the company's tables and the suspensions. Directory rows are remembered for seconds, suspensions never."""

    def __init__(self, db: Database, catalog: Catalog, sources: Mapping[str, Source]) -> None:
        self._db = db
        self._catalog = catalog
        self._sources = sources
        self._directory: dict[str, tuple[float, Row | None]] = {}

    async def actors(self, keys: Iterable[str], at: datetime) -> dict[str, ActorFacts]:
        """Return the facts of every actor; one whom the directory does not list has no roles."""
        wanted = list(dict.fromkeys(keys))
        stopped, _ = await together(suspended(self._db, wanted), self._refresh_directory(wanted))
        return {key: self._actor(key, key in stopped, at) for key in wanted}

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

    async def work(self, purposes: Iterable[PurposeRef]) -> dict[PurposeRef, list[WorkItem]]:
        """Return the work items behind every purpose that has any, one per assignment."""
        by_kind: defaultdict[str, set[str]] = defaultdict(set)
        for purpose in purposes:
            by_kind[purpose.kind].add(purpose.reference)
        found: defaultdict[PurposeRef, list[WorkItem]] = defaultdict(list)
        for kind, references in by_kind.items():
            declared = self._catalog.purposes[kind]
            rows = await self._sources[declared.source].rows(work_statement(declared), references=sorted(references))
            for row in rows:
                found[PurposeRef(kind, str(row["reference"]))].append(_work_item(row))
        return found

    async def _refresh_directory(self, keys: Sequence[str]) -> None:
        now = time.monotonic()
        stale = [key for key in keys if self._directory.get(key, (0.0, None))[0] < now]
        if not stale:
            return
        actors = self._catalog.actors
        rows = await self._sources[actors.source].rows(actor_statement(actors), keys=stale)
        listed = {str(row["key"]): row for row in rows}
        self._directory.update({key: (now + _DIRECTORY_S, listed.get(key)) for key in stale})

    def _actor(self, key: str, stopped: bool, at: datetime) -> ActorFacts:
        row = self._directory[key][1]
        if row is None:
            return ActorFacts.unknown(suspended=stopped)
        roles = row["roles"]
        names = roles.split(",") if isinstance(roles, str) else list(roles or ())
        return ActorFacts(
            roles=frozenset(name.strip() for name in names if name.strip()),
            region=str(row["region"] or ""),
            ended=_has_ended(row["ended"], at),
            suspended=stopped,
        )


def _work_item(row: Row) -> WorkItem:
    return WorkItem(
        assignee=str(row["assignee"] or ""),
        subject=str(row["subject"]),
        origin=str(row["origin"] or ""),
        opened_at=_aware(row["opened_at"]),
        closed_at=None if row["closed_at"] is None else _aware(row["closed_at"]),
        beneficiary=None if row.get("beneficiary") is None else str(row["beneficiary"]),
    )


def _has_ended(ended: object, at: datetime) -> bool:
    if ended is None or isinstance(ended, bool):
        return bool(ended)
    if isinstance(ended, datetime):
        return _aware(ended) <= at
    if isinstance(ended, date):
        return ended <= at.date()
    return True  # something stands there that cannot be read: default deny


def _aware(at: datetime) -> datetime:
    """Return `at` in UTC; a company table without zones is read as UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
