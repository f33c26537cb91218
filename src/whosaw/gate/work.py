"""The work behind purposes, as the company's own tables say, remembered for seconds.

What is remembered is the row, never the verdict: who asks, about whom and when is judged anew with every ask, and
whether he is suspended is read anew as well. A reference that was not found is not remembered: the work may begin any
moment.
"""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from whosaw.catalog import Catalog, Source
from whosaw.catalog.keyed import Row
from whosaw.catalog.statements import work_statement
from whosaw.decide import WorkItem
from whosaw.terms import PurposeRef

REMEMBERED_S = 2.0
_REMEMBERED_MOST = 20_000
_NEVER = datetime.max.replace(tzinfo=UTC)
_Known = tuple[float, datetime, tuple[WorkItem, ...]]


class WorkFinder:
    """Reads work items; use it from one event loop."""

    def __init__(self, catalog: Catalog, sources: Mapping[str, Source], remembered_s: float = REMEMBERED_S) -> None:
        self._catalog = catalog
        self._sources = sources
        self._remembered_s = remembered_s
        # reference → (when it was read by the monotonic clock and by the clock of the ask, its items); bounded, and the
        # oldest goes first
        self._known: OrderedDict[PurposeRef, _Known] = OrderedDict()

    async def work(self, purposes: Iterable[PurposeRef], at: datetime) -> dict[PurposeRef, Sequence[WorkItem]]:
        """Return the items behind every purpose that has any."""
        found: dict[PurposeRef, Sequence[WorkItem]] = {}
        missing: defaultdict[str, set[str]] = defaultdict(set)
        for purpose in purposes:
            known = self._known.get(purpose)
            if known is not None and self._fresh(known, at):
                found[purpose] = known[2]
            else:
                missing[purpose.kind].add(purpose.reference)
        for kind, references in missing.items():
            now = time.monotonic()  # before the tables are read: what is remembered is at least as fresh as it says
            read = await self._read(kind, references)
            found.update(read)
            for purpose, items in read.items():
                self._remember(purpose, (now, at, tuple(items)))
        return found

    async def _read(self, kind: str, references: Iterable[str]) -> dict[PurposeRef, list[WorkItem]]:
        declared = self._catalog.purposes[kind]
        statement = work_statement(declared)
        rows = await self._sources[declared.source].rows(statement, lenient=True, references=sorted(references))
        read: defaultdict[PurposeRef, list[WorkItem]] = defaultdict(list)
        for row in rows:
            read[PurposeRef(kind, str(row["reference"]))].append(work_item(row))
        return read

    def _fresh(self, known: _Known, at: datetime) -> bool:
        # by both clocks: the one of the asks may be a simulated one, which leaps
        return time.monotonic() - known[0] <= self._remembered_s and timedelta(0) <= at - known[1] <= timedelta(
            seconds=self._remembered_s
        )

    def _remember(self, purpose: PurposeRef, known: _Known) -> None:
        self._known.pop(purpose, None)
        self._known[purpose] = known
        while len(self._known) > _REMEMBERED_MOST:
            self._known.popitem(last=False)


def work_item(row: Row) -> WorkItem:
    """Return one row of a purpose's query as a value; work of which nobody says when it was opened is not open yet."""
    return WorkItem(
        assignee=str(row["assignee"] or ""),
        subject=str(row["subject"]),
        origin=str(row["origin"] or ""),
        opened_at=_NEVER if row["opened_at"] is None else aware(row["opened_at"]),
        closed_at=None if row["closed_at"] is None else aware(row["closed_at"]),
        beneficiary=None if row.get("beneficiary") is None else str(row["beneficiary"]),
    )


def aware(at: datetime) -> datetime:
    """Return `at` in UTC; a company table without zones is read as UTC."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
