"""A stored flag recomputed from the record, by whoever is accused or whoever doubts it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from whosaw.app import watchqueries as queries
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.app.watchrun import run_files, told_of
from whosaw.store.numbers import find_all


class NoSuchFlag(AppError, LookupError):
    """No flag has this id."""

    code: ClassVar[str] = "app.no_such_flag"
    hint = "`whosaw watch flags` lists them"


async def by_number(services: Services, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recomputed flag as whoever reviews no flags may read it: customers by number, and nobody who profits."""
    numbers = await find_all(services.db, "subject", {each["subject"] for each in told["accesses"]})
    accesses = [
        {**each, "subject": f"subject #{numbers.get(each['subject'], each['subject'].partition('#')[2] or '?')}"}
        for each in told["accesses"]
    ]
    return {name: said for name, said in told.items() if name != "beneficiary"} | {"accesses": accesses}


async def replay_stored(services: Services, identifier: str) -> tuple[dict[str, Any], str]:
    """Recompute a stored flag from the record; return what it says now and the seal it was stored with.

    Raises:
        NoSuchFlag: nothing of this id is stored.
        FlagNotFound: the record does not make it any more.
    """
    from whosaw.app.watching import replayed, replayed_beside

    row = await queries.flag(services.db, identifier)
    run = await queries.run_of(services.db, row[1]) if row is not None else None
    if row is None or run is None:
        raise NoSuchFlag(f"there is no flag `{identifier[:64]}`")
    told: dict[str, Any] = run[6]
    async with run_files(services, told) as (lake, files, _):
        again = partial(replayed, lake, files, await told_of(services, told), identifier, told["report"]["off"])
        found = await asyncio.to_thread(replayed_beside, row[5], again)
    return found, row[5]
