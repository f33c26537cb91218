"""What else may explain a sighting, asked by the server itself once the sighting stands in a case.

Each source is asked about each sighting until it finds something, once a day while the case is open, and earlier cases
where one has told its customer meanwhile; what a source was not asked, or could not be, stays marked as not checked. A
person's word about an alternative is never written over, and what is found here accuses and clears nobody: a trace
weighs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from whosaw.answer import Sighting
from whosaw.answer.alternatives import Alternative, CheckKind, Checks, DumpList, from_dump
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.caseintake import case_addresses, own_orders, still_known
from whosaw.app.casesettings import CaseSettings
from whosaw.app.services import Services
from whosaw.catalog.source import SourceUnreachable
from whosaw.terms import WhosawError

BY = "service:case"


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources that the operator named: the company's orders (as `own_orders` reads it), a public dump."""

    orders: str = ""
    dump: DumpList | None = None

    @classmethod
    def of(cls, settings: CaseSettings) -> Sources:
        """Return those that the settings name."""
        folder = settings.case_dump
        dump = DumpList(folder, settings.case_dump_name or folder.name) if folder is not None else None
        return cls(settings.case_orders, dump)

    @property
    def kinds(self) -> tuple[CheckKind, ...]:
        """What can be checked: earlier cases always."""
        named: dict[CheckKind, bool] = {"own_order": bool(self.orders), "dump": self.dump is not None}
        return ("earlier_case", *(kind for kind, there in named.items() if there))


@dataclass
class AlternativeChecks:
    """Asks the sources about the sightings of every open case; `round` is done again and again."""

    services: Services
    sources: Sources
    work: CaseWork = field(init=False)

    def __post_init__(self) -> None:
        """Use the desk of the same services."""
        self.work = case_work(self.services)

    async def round(self) -> int:
        """Check what was not checked yet; return how many sightings were; none where another process is at it.

        Raises:
            WhosawError: a source cannot be asked, or not about one case. The others were, and the next round tries
                again.
        """
        async with Checks.alone(self.services.db) as mine:
            if not mine:
                return 0
            done, failed = set[int](), list[WhosawError]()
            for kind in self.sources.kinds:
                for case, numbers in (await self._checks.waiting(kind)).items():
                    try:
                        await self._check(kind, case, numbers)
                        done |= numbers
                    except SourceUnreachable as problem:
                        failed.append(problem)
                        break  # it would be waited for again with every case
                    except WhosawError as problem:
                        failed.append(problem)
        if failed:
            raise failed[0]
        return len(done)

    @property
    def _checks(self) -> Checks:
        return Checks(self.services.db, self.services.clock)

    async def _check(self, kind: CheckKind, case: str, numbers: AbstractSet[int]) -> None:
        seen = [each for each in await self.work.book.list(case=case) if each.id in numbers]
        addresses = await case_addresses(self.services, seen) if kind == "dump" else {}
        possible: Container[int] | None = addresses if kind == "dump" else None
        if kind == "own_order":
            possible = await still_known(self.services, seen)
        found = await self._ask(kind, case, seen, addresses)
        known = {(each.sighting, each.kind, each.source) for each in await self.work.alternatives.list(case)}
        fresh = [each for each in found if (each.sighting, each.kind, each.source) not in known]
        await self.work.notes.add(case, "case.alternatives", by=BY, more={"rows": len(seen)})
        await self.work.alternatives.note(fresh, by=BY)
        await self._checks.note(kind, numbers, found, possible)

    async def _ask(
        self, kind: CheckKind, case: str, seen: Sequence[Sighting], addresses: dict[int, str]
    ) -> Sequence[Alternative]:
        if kind == "own_order":
            return await self.work.alternatives.from_orders(seen, own_orders(self.services, self.sources.orders))
        if kind == "dump" and self.sources.dump is not None:
            return await asyncio.to_thread(from_dump, addresses, self.sources.dump)
        asked = {each.id for each in seen}
        return [each for each in await self.work.alternatives.from_earlier_cases(case) if each.sighting in asked]
