"""With whom the complainers of a case are compared, of whom `casetracecustomers` read; and whether it was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

import numpy as np

from whosaw.app import casetracequeries as queries
from whosaw.app.casecaution import many
from whosaw.app.casetracecustomers import CUSTOMERS, ROUTES, WORK
from whosaw.app.lacks import Lack, Sentence
from whosaw.app.routing import FEWEST
from whosaw.app.services import Services
from whosaw.app.tracedeclared import from_csv
from whosaw.app.watchlake import Others
from whosaw.lake import Order, Worked
from whosaw.store.numbers import keys_of
from whosaw.terms import to_us


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


async def moved(services: Services, case: str, kept: Mapping[str, str]) -> list[Sentence]:
    """Return a sentence where what earlier verdicts read of customers is gone, or dated otherwise; of the erased none.

    What was ordered stays ordered, and what was said of somebody first stays the first. Who writes into these tables
    could otherwise take away those with whom somebody is compared, and nobody would see it.

    Args:
        services: everything opened.
        case: the case.
        kept: the files of the new verdict, as they are kept.

    Raises:
        StoreError: whosaw's own database does not answer.
    """
    told: list[Sentence] = []
    for name, lack in ((CUSTOMERS, Lack.ORDERS_CHANGED), (ROUTES, Lack.ROUTES_CHANGED)):
        then: dict[tuple[str, str], set[str]] = {}
        for content in await queries.contents_of(services.db, case, name):
            for of, at in _told_at(content).items():
                then.setdefault(of, set()).add(at)
        now = _told_at(kept.get(name, ""))
        gone = {int(of[0][1:]) for of, at in then.items() if at != {now.get(of)}}
        if count := len(await keys_of(services.db, "subject", gone)):
            told.append(Sentence.of(lack, customers=many(count, "customer")))
    return told


def _told_at(content: str) -> dict[tuple[str, str], str]:
    """Return by number, and by what says so, when it was said of whoever has a number; all times are of one form."""
    rows = from_csv(content)[1]
    told = {(row["subject"], row.get("said", "")): row.get("since") or row["at"] for row in rows}
    return {of: at for of, at in told.items() if not of[0].startswith("#-")}
