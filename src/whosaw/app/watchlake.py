"""The server's own record as a lake for one run: who was shown whom, and the company's work about these subjects.

It is made for the run in a private folder and removed after it: whatever is erased meanwhile is in no copy of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from whosaw.app.people import everybody
from whosaw.app.services import Services
from whosaw.app.watchimported import LeftOut, Owned, holds_imports, read_imported
from whosaw.catalog.statements import work_about_statement
from whosaw.gate.work import work_item
from whosaw.lake import Order, TrailNames, Worked, export_orders, export_trail, export_worked
from whosaw.lake.manifest import read_manifest
from whosaw.prove import ExposureInvalid, check_exposure
from whosaw.prove.exposure import claimed_exposure
from whosaw.record import entries_between, exposurequeries
from whosaw.store.numbers import every_key
from whosaw.terms import to_us

_BATCH = 200_000
_SUBJECTS = 1_000

Payload = Mapping[str, int | str | list[int | str]]


@dataclass(frozen=True, slots=True)
class Others:
    """People of whom the record may say nothing, for a run that asks about them too.

    Args:
        subjects: references of those whose work the company is asked for, as of everybody who was shown.
        worked: work about others of them, who stand in no table under these names.
        orders: since when they are customers, of whom.
        chosen: returns the orders that are to count; it takes all work and all orders.
    """

    subjects: frozenset[str] = frozenset()
    worked: Sequence[Worked] = field(default=())
    orders: Sequence[Order] = field(default=())
    chosen: Callable[[Sequence[Worked], Sequence[Order]], Sequence[Order]] = lambda _, orders: orders


@asynccontextmanager
async def run_lake(
    services: Services,
    since_us: int,
    until_us: int,
    *,
    before: int | None = None,
    still_open: bool = True,
    others: Others | None = None,
) -> AsyncIterator[tuple[Path, LeftOut]]:
    """Yield a folder with a lake of what was shown from `since_us` on and before `until_us`, imported accesses too.

    Of the trail it holds the entries below index `before` alone, where that is given: a door whose clock is behind may
    still add entries of a time that is over.

    Work that is not done by then is open until then; where not `still_open`, as in runs of before, it is as if closed
    when it was opened.

    Beside it stands which accesses are not in it. What a machine opened that opens everything (an import says so, and
    no such person is in the directory) is nobody's, and its sets, which may hold everybody each day, are not read.

    Args:
        services: everything opened.
        since_us: the first moment.
        until_us: the first moment after the run.
        before: the index of the first entry after it.
        still_open: see above.
        others: customers whom nobody need have been shown, for a question who leaked. Then no work says a route: who
            has a work item now need not have had it before a complaint.

    Raises:
        StoreError, CatalogError: a database does not answer.
        LakeUnwritable: there is no room for it.
    """
    with TemporaryDirectory(prefix="whosaw-watch-") as folder:
        lake = Path(folder) / "lake"
        known = {"actor": await every_key(services.db, "actor"), "subject": await every_key(services.db, "subject")}
        names = TrailNames(known["actor"], known["subject"], await every_key(services.db, "purpose"))
        origin = services.keys.origin
        subjects: set[int] = set()
        batch: list[tuple[int, Payload]] = []
        many: list[Payload] = []
        kept = services.settings.state / "lake"
        imports = holds_imports(kept)
        named = (await asyncio.to_thread(read_manifest, kept)).service() if imports else set()
        if named:  # a mapping of some log may not hide from watch who works here
            named -= set(await everybody(services))
        machines = {number for number, key in known["actor"].items() if key in named}
        by_machines = 0
        async for entry in entries_between(services.db, since_us, until_us, before=before):
            if entry.payload.get("kind") != "disclosure":
                continue
            if entry.payload.get("actor") in machines:
                by_machines += 1
                continue
            if "exposure" in entry.payload:
                many.append(entry.payload)
                continue
            batch.append((entry.index, entry.payload))
            if isinstance(subject := entry.payload.get("subject"), int):
                subjects.add(subject)
            if len(batch) >= _BATCH:
                await asyncio.to_thread(export_trail, batch, lake, names, origin)
                batch = []
        await asyncio.to_thread(export_trail, batch, lake, names, origin)
        sets = _Sets(services)
        async for each in sets.batches(many):
            subjects |= {int(str(payload["subject"])) for _, payload in each}
            await asyncio.to_thread(export_trail, each, lake, names, f"{origin} in sets")
        about = {names.subjects.get(number, "") for number in subjects}
        imported = None
        if imports:
            imported = await asyncio.to_thread(read_imported, kept, since_us, until_us, known)
            about |= imported.subjects
        worked, orders = await work_about(
            services, about | (others or Others()).subjects, until_us, still_open=still_open
        )
        for entries in imported.entries(_owned(worked)) if imported is not None else ():
            await asyncio.to_thread(export_trail, entries, lake, names, "imported")
        less = await asyncio.to_thread(_export_work, lake, worked, orders, others)
        left_out = imported.left_out if imported is not None else LeftOut()
        left_out = replace(left_out, machines=left_out.machines + by_machines, sets_unread=sets.unread)
        yield lake, replace(left_out, customers=less)


def _export_work(lake: Path, worked: list[Worked], orders: list[Order], others: Others | None) -> int:
    """Bring work and orders into a run's lake, those about others too; return how many orders were not to count."""
    if others is None:
        export_worked(worked, lake)
        export_orders(orders, lake)
        return 0
    worked = [*(replace(each, route=None) for each in worked), *others.worked]
    orders = [*orders, *others.orders]
    chosen = others.chosen(worked, orders)
    export_worked(worked, lake)
    export_orders(chosen, lake)
    return len(orders) - len(chosen)


class _Sets:
    """Entries about many at once, as many accesses: an export is weighed as if each person in it had been asked for."""

    def __init__(self, services: Services) -> None:
        self._db = services.db
        self.unread = 0

    async def batches(self, many: Sequence[Payload]) -> AsyncIterator[list[tuple[int, Payload]]]:
        """Yield what the entries say of each subject of their sets, numbered in their order."""
        batch: list[tuple[int, Payload]] = []
        at = 0
        for payload in many:
            for subject in await self._numbers(payload):
                batch.append((at, {**payload, "subject": subject}))
                at += 1
                if len(batch) >= _BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch

    async def _numbers(self, payload: Payload) -> Sequence[int]:
        try:
            claimed = claimed_exposure(payload)
            sealed = await exposurequeries.sealed(self._db, claimed[0]) if claimed is not None else None
            if sealed is not None:
                return check_exposure(payload, sealed)
        except ExposureInvalid:
            pass  # `trail fsck` says what is wrong with it; the rest of the record is weighed all the same
        self.unread += 1
        return ()


def _owned(worked: Sequence[Worked]) -> dict[str, Owned]:
    """Return the work items by each way a log may write them: ``ticket:T-1`` and ``T-1``."""
    about: dict[str, str] = {}
    assigned: dict[str, set[str]] = {}
    for row, before in zip(worked, (None, *worked), strict=False):
        opened = before is None or before.ticket != row.ticket
        about[row.ticket] = row.subject
        mine = assigned.setdefault(row.ticket, set())
        if not opened and row.actor is not None:  # the first row of an item says who made it, and that is no work
            mine.add(row.actor)
    found = {ticket: Owned(subject, frozenset(assigned[ticket])) for ticket, subject in about.items()}
    bare: dict[str, list[str]] = {}
    for ticket in found:
        bare.setdefault(ticket.partition(":")[2], []).append(ticket)
    # two kinds of work may count from 1 alike: what could be either is neither
    return found | {name: found[same[0]] for name, same in bare.items() if len(same) == 1}


async def work_about(
    services: Services, subjects: Collection[str], until_us: int, *, still_open: bool = True
) -> tuple[list[Worked], list[Order]]:
    """Return what happened to work items about `subjects`, and whom each of these would concern.

    Args:
        services: everything opened.
        subjects: references.
        until_us: work opened from then on is left out.
        still_open: whether what is not done by then is open until then.

    Raises:
        StoreError, CatalogError: a database does not answer.
    """
    worked: list[Worked] = []
    orders: list[Order] = []
    staff = set((await every_key(services.db, "actor")).values())
    spelled = {key.strip().casefold(): key for key in sorted(staff)}  # work of his own in another spelling is his own
    for purpose in services.catalog.purposes.values():
        kind = purpose.subject_kind
        keys = sorted(each.partition(":")[2] for each in subjects if each.startswith(f"{kind}:"))
        for at in range(0, len(keys), _SUBJECTS):
            statement = work_about_statement(purpose)
            for row in await services.sources[purpose.source].rows(statement, subjects=keys[at : at + _SUBJECTS]):
                item = work_item(row)
                opened = to_us(item.opened_at)
                if opened >= until_us:
                    continue
                whom = f"{purpose.beneficiary_kind}:{item.beneficiary}" if item.beneficiary else None
                said = (f"{purpose.name}:{row['reference']}", purpose.name)
                about = f"{kind}:{item.subject}"
                origin = item.origin if item.origin in staff else spelled.get(item.origin.strip().casefold())
                given = item.assignee
                if still_open and given and given not in staff:
                    given = spelled.get(given.strip().casefold(), given)
                # an assignee who is nobody of the staff is the team that it waits with
                route = given if given and given not in staff else None
                worked.append(Worked(about, opened, *said, origin, whom, route))
                closed = until_us if item.closed_at is None else to_us(item.closed_at)
                ended = min(closed, until_us - 1) if still_open else closed if closed < until_us else opened
                if given:
                    # who made it stands alone at its beginning: else nobody knows that it is his own
                    after = max(ended, opened + 1) if still_open else ended
                    worked.append(Worked(about, after, *said, given, whom))
                if still_open and closed >= until_us:
                    worked.append(Worked(about, max(ended, opened), *said, None, whom))
                if whom:
                    orders.append(Order(about, opened, whom, said[0]))
    return worked, orders
