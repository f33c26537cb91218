"""With whom the complainers of a case are compared, of whom `casetracecustomers` read; and whether it was changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np

from whosaw.app import casetracequeries as queries
from whosaw.app.casecaution import many
from whosaw.app.casetracecustomers import CUSTOMERS, ROUTES, WORK
from whosaw.app.casetracesame import Told, orders_differ, redated, routes_differ, told
from whosaw.app.lacks import Lack, Sentence, tail
from whosaw.app.routing import FEWEST
from whosaw.app.services import Services
from whosaw.app.tracedeclared import from_csv
from whosaw.app.watchlake import Others, work_about
from whosaw.lake import Order, Worked
from whosaw.store.numbers import keys_of
from whosaw.terms import from_us, to_us


def others_of(files: Mapping[str, str], beneficiary: str, contacted_us: Mapping[str, int]) -> Others:
    """Return the customers of files that `read_customers` made, as a run of the record takes them.

    Args:
        files: by name.
        beneficiary: whose customers they are.
        contacted_us: by customer, when he was contacted, at the earliest.
    """
    _, rows = from_csv(files.get(CUSTOMERS, ""))
    _, work = from_csv(files.get(WORK, ""))
    return Others(
        frozenset(row["subject"] for row in rows if not row["subject"].startswith("#-")),
        [
            Worked(
                row["subject"],
                to_us(datetime.fromisoformat(row["at"])),
                f"{row['subject']}/{place}",  # its own: what says the same of one customer is two items
                row["kind"],
                beneficiary=beneficiary if row["inside"] == "1" else None,
            )
            for place, row in enumerate(work)
        ],
        [Order(row["subject"], to_us(datetime.fromisoformat(row["since"])), beneficiary) for row in rows],
        partial(comparable, contacted_us),
    )


def comparable(contacted_us: Mapping[str, int], worked: Sequence[Worked], orders: Sequence[Order]) -> Sequence[Order]:
    """Return the orders of those with whom the complainers may be compared.

    Who complains had often caused work, and who works for a small seller has opened everybody who did. Where too few
    others caused any, he would be set beside customers of whom nobody ever had a reason to open one, and whoever works
    for them accused for his work. Then whoever caused none is left out, as if no order were known.

    Args:
        contacted_us: by customer, when he was contacted, at the earliest.
        worked: all that happened to work items.
        orders: since when somebody is a customer.
    """
    place = {name: at for at, name in enumerate(sorted({each.subject for each in orders}))}
    never = np.iinfo(np.int64).max
    entered, caused, asked = (np.full(len(place), never, np.int64) for _ in range(3))
    for column, rows in ((entered, orders), (caused, worked)):
        for each in rows:
            if (at := place.get(each.subject)) is not None:
                column[at] = min(column[at], each.at_us)
    for name, at_us in contacted_us.items():
        if name in place:
            asked[place[name]] = at_us
    for contact in asked[(caused < asked) & (asked < never)]:
        alike = (entered < contact) & (caused < contact) & (asked >= contact)
        if int(alike.sum()) <= FEWEST:
            return [each for each in orders if caused[place[each.subject]] < never]
    return orders


async def moved(services: Services, case: str, kept: Mapping[str, str], of: tuple[str, datetime]) -> list[Sentence]:
    """Return a sentence where what earlier verdicts read of customers is there no more as it was; of the erased none.

    What was ordered stays ordered, and what was said of somebody first stays the first. Who writes into these tables
    could otherwise take away or invent those with whom somebody is compared, and nobody would see it. It is compared
    with the newest verdict of which nothing such was said; and what was said of one is said of those after it.

    Args:
        services: everything opened.
        case: the case.
        kept: the files of the new verdict, as they are kept.
        of: its beneficiary, and until when it was read.

    Raises:
        CatalogError, StoreError: a database does not answer.
    """
    said: list[Sentence] = []
    for name, lacks in ((CUSTOMERS, (Lack.ORDERS_CHANGED, Lack.ORDERS_ADDED)), (ROUTES, (Lack.ROUTES_CHANGED,))):
        before = {lack: await queries.said_before(services.db, case, tail(lack)) for lack in lacks}
        content = await queries.newest_of(services.db, case, name, [tail(lack) for lack in lacks])
        counts = (0, 0) if content is None else await _differ(services, content, kept, name, of)
        for lack, count in zip(lacks, counts, strict=False):
            if count:
                said.append(Sentence.of(lack, customers=many(count, "customer")))
            elif before[lack]:
                said.append(Sentence.again(lack, before[lack]))
    return said


async def _differ(
    services: Services, content: str, kept: Mapping[str, str], name: str, of: tuple[str, datetime]
) -> tuple[int, int]:
    """Return how many customers of a file are not as they were, and how many came among them afterwards."""
    if content == kept.get(name):
        return 0, 0
    then, now = await asyncio.to_thread(lambda: (told(content), told(kept.get(name, ""))))
    other = {int(cell[1:]): cell for cell in await asyncio.to_thread(redated, then, now)}
    known = await keys_of(services.db, "subject", other)
    erased = {cell for number, cell in other.items() if number not in known}
    if name == ROUTES:
        return await asyncio.to_thread(routes_differ, then, now, erased), 0
    found = await asyncio.to_thread(orders_differ, then, now, erased)
    if not any(found):
        return found
    return await asyncio.to_thread(orders_differ, then, now, erased, await _by_work(services, then, now, of))


async def _by_work(services: Services, then: Told, now: Told, of: tuple[str, datetime]) -> dict[str, str]:
    """Return since when those whose number is new were customers by work: without one they counted as such by it."""
    beneficiary, until = of
    fresh = {int(cell[1:]): cell for cell, _ in now.numbered if (cell, "") not in then.numbered}
    keys = await keys_of(services.db, "subject", fresh)
    cells = {key: fresh[number] for number, key in keys.items()}
    since: dict[str, str] = {}
    for each in (await work_about(services, set(cells), to_us(until)))[1] if cells else ():
        if each.beneficiary == beneficiary and each.subject in cells:
            cell, at = cells[each.subject], from_us(each.at_us).astimezone(UTC).isoformat()
            since[cell] = min(since.get(cell, at), at)
    return since
