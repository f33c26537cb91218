"""Whose customers somebody was though nobody opened his record, and what decides who serves him.

The record knows whom somebody opened, and whom work was about. A question about a leak sets each complainer beside
others who could as well have complained, and among them are those whom nobody ever opened: only the company's orders
know them, `[trace.orders]` of the catalog or an imported log. A table of all customers would not do: it does not say
whose customer somebody is, and a seller writes to his own.

What is read becomes files of a trace, so that a verdict can be computed from them again. A customer who has no number
in the record stands in them as a number below 0 that leads to nobody, with his work; routes stand as numbers too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from whosaw.app import casecautionqueries as cautionqueries
from whosaw.app.casecaution import many
from whosaw.app.lacks import Lack, Sentence
from whosaw.app.services import Services
from whosaw.app.tracedeclared import ROWS_MOST, Declared, TraceRecordInvalid, as_csv, rows_of
from whosaw.app.watchimported import holds_imports
from whosaw.app.watchlake import work_about
from whosaw.catalog.statements import about_statement, presence_statement
from whosaw.gate.work import aware
from whosaw.lake import Worked
from whosaw.lake.opened import opened
from whosaw.store.numbers import assign, find_all
from whosaw.terms import from_us, to_us

CUSTOMERS, WORK, ROUTES = "customers.csv", "unopened.csv", "routes.csv"
"""The files: since when each is a customer; work about those without a number; what decides who serves each."""

UNKNOWN = "not known: customers whom nobody opened and no work is about; the catalog has no [trace.orders]"
_TOO_MANY = (
    "leave [trace.orders] out of the catalog and the orders out of the lake; whom nobody opened is not known then, "
    "as the verdict says (--less, where an earlier one knew them)"
)
_KEYS = 1_000
_ROUTED = 5_000
_BOUGHT = """
    SELECT subjects.key, min(at_us), min({'at_us': at_us, 'route': said}) FILTER (said IS NOT NULL) FROM orders
    JOIN numbers subjects ON subjects.space = 'subject' AND subjects.number = orders.subject
    JOIN numbers whom ON whom.space = 'beneficiary' AND whom.number = orders.beneficiary AND whom.key = ?
    LEFT JOIN (SELECT number, key AS said FROM numbers WHERE space = 'route') routes ON routes.number = orders.route
    WHERE at_us < ? GROUP BY subjects.key
"""
_OPENED = """
    SELECT DISTINCT key FROM accesses JOIN numbers ON space = 'subject' AND number = accesses.subject WHERE grade > 0
"""

_Said = dict[tuple[str, str], tuple[int, str]]
"""By subject and by what says so (`order`, or `other`): when a route was first said, and which."""


async def read_customers(services: Services, into: Declared, beneficiary: str, until: datetime) -> list[str]:
    """Read who is a customer of a beneficiary, and the routes of these; the files stand in `into` afterwards.

    Args:
        services: everything opened.
        into: takes what is read.
        beneficiary: whose customers.
        until: what was ordered or said from then on is left out.

    Returns:
        A sentence for each thing that is to be said of it.

    Raises:
        SourceUnreachable, SourceRefused, TimeUnreadable: a database says so.
        TraceRecordInvalid: a row means nothing, there are too many, or most customers are written otherwise.
        NotALake, LakeDamaged: the lake of the state folder cannot be read.
    """
    until_us, said = to_us(until), _Said()
    since = await _ordered(services, into, beneficiary, until_us, said)
    told: list[str] = []
    names = await _named(services, since, told)
    if since:
        into.rows["orders"] = len(names)
        into.files[CUSTOMERS], into.files[WORK] = await _customers(services, since, names, (beneficiary, until_us))
    elif "orders" not in into.tracing.records:  # else it is said with the other tables that no row was there
        told.append(UNKNOWN)
    if "routes" in into.tracing.records:
        by_work = await find_all(services.db, "subject", await _worked_for(services, beneficiary))
        names |= {key: key for key in by_work}
        await _routed(services, into, [*names], until_us, said)
    if said:
        header = ("subject", "said", "at", "route")
        into.files[ROUTES] = await asyncio.to_thread(lambda: as_csv(header, _numbered(said, names)))
    return told


async def _named(services: Services, since: Mapping[str, int], told: list[str]) -> dict[str, str]:
    """Return how each customer stands in the files; a sentence about those who are left out goes into `told`."""
    numbers = await find_all(services.db, "subject", since)
    bare = [key for key in since if key not in numbers]
    opened_there = await asyncio.to_thread(_opened_in, services.settings.state / "lake", bare)
    numbers |= await assign(services.db, "subject", sorted(opened_there))
    bare = [key for key in bare if key not in numbers]
    known, otherwise = await _in_tables(services, bare)
    strangers = [key for key in bare if key not in known]
    if strangers:  # who is written otherwise in both is one
        otherwise = max(otherwise, (await cautionqueries.spelled_otherwise(services.db, strangers))[1])
    if 2 * otherwise > len(since):
        raise TraceRecordInvalid(
            f"most of the customers of orders are written otherwise than in the record or a table: {otherwise:,}"
        )
    if otherwise:
        told.append(Sentence.of(Lack.ORDERS_MISSPELT, customers=many(otherwise, "customer")))
    if (nobodys := len(strangers) - otherwise) > 0:
        told.append(Sentence.of(Lack.ORDERS_OF_NOBODY, customers=many(nobodys, "customer")))
    nameless = sorted(known, key=lambda key: (since[key], key))
    return {key: key for key in numbers} | {key: f"#-{place}" for place, key in enumerate(nameless, 1)}


async def _customers(
    services: Services, since: Mapping[str, int], names: Mapping[str, str], of: tuple[str, int]
) -> tuple[str, str]:
    """Return the files of who is a customer (of whom, and until when), and of the work about those without a number."""
    beneficiary, until_us = of
    worked, ordered = await work_about(services, {key for key, name in names.items() if key != name}, until_us)
    first = {key: since[key] for key in names}
    for each in ordered:  # who has no number is a customer also by work about him
        if each.beneficiary == beneficiary and each.subject in first:
            first[each.subject] = min(first[each.subject], each.at_us)

    def written() -> tuple[str, str]:
        customers = ((names[key], _time(at_us)) for key, at_us in first.items())
        items = _items(worked, names, beneficiary)
        return as_csv(("subject", "since"), customers), as_csv(("subject", "at", "kind", "inside"), items)

    return await asyncio.to_thread(written)


async def _worked_for(services: Services, beneficiary: str) -> set[str]:
    """Return about whom there is work that concerns a beneficiary."""
    found: set[str] = set()
    kind, _, key = beneficiary.partition(":")
    for purpose in services.catalog.purposes.values():
        if purpose.beneficiary_kind == kind:
            statement = about_statement(purpose.query, ("subject",), "beneficiary", ROWS_MOST + 1)
            rows = await services.sources[purpose.source].rows(statement, keys=[key])
            if len(rows) > ROWS_MOST:
                raise TraceRecordInvalid(f"more than {ROWS_MOST:,} items of `{purpose.name}` are about one beneficiary")
            found |= {f"{purpose.subject_kind}:{row['subject']}" for row in rows}
    return found


async def _ordered(services: Services, into: Declared, beneficiary: str, until_us: int, said: _Said) -> dict[str, int]:
    """Return since when each is a customer, by the catalog's orders and those of the lake; routes go into `said`."""
    since: dict[str, int] = {}
    for row in await rows_of(services, into, "orders", ("beneficiary", [beneficiary])):
        at_us, whom = to_us(aware(row["since"])), str(row["subject"]).strip()
        if at_us < until_us:
            since[whom] = min(since.get(whom, at_us), at_us)
            _say(said, (whom, "order"), at_us, row.get("route"))
    for whom, at_us, route in await asyncio.to_thread(_bought, services.settings.state / "lake", beneficiary, until_us):
        since[whom] = min(since.get(whom, at_us), at_us)
        if route is not None:
            _say(said, (whom, "order"), *route)
    if len(since) > ROWS_MOST:
        raise TraceRecordInvalid(f"`{beneficiary}` has more than {ROWS_MOST:,} customers", hint=_TOO_MANY)
    return since


async def _routed(services: Services, into: Declared, keys: Sequence[str], until_us: int, said: _Said) -> None:
    """Read the routes of some customers; what a row says counts like what a ticket says."""
    given = 0
    for at in range(0, len(keys), _ROUTED):
        for row in await rows_of(services, into, "routes", ("subject", keys[at : at + _ROUTED])):
            at_us, given = to_us(aware(row["since"])), given + 1
            if at_us < until_us:
                _say(said, (str(row["subject"]).strip(), "other"), at_us, row["route"])
    if "routes" in into.rows:
        into.rows["routes"] = given


def _say(said: _Said, of: tuple[str, str], at_us: int, route: object) -> None:
    """Note a route where none was said of somebody before."""
    text = "" if route is None else " ".join(str(route).split())
    if text:
        said[of] = min(said.get(of, (at_us, text)), (at_us, text))


def _numbered(said: _Said, names: Mapping[str, str]) -> Iterable[tuple[str, ...]]:
    """Return the routes as numbers, in the order of their names."""
    places = {route: place for place, route in enumerate(sorted({route for _, route in said.values()}))}
    for (whom, by), (at_us, route) in said.items():
        if whom in names:
            yield names[whom], by, _time(at_us), str(places[route])


def _items(worked: Sequence[Worked], names: Mapping[str, str], beneficiary: str) -> list[tuple[str, ...]]:
    """Return the work items behind what happened to them: when, as what, and whether it concerns the beneficiary."""
    rows = sorted((each for each in worked if each.subject in names), key=lambda each: (each.subject, each.ticket))
    items: list[tuple[str, ...]] = []
    for (whom, _), of in groupby(rows, key=lambda each: (each.subject, each.ticket)):
        mine = list(of)
        at_us, kind = min((each.at_us, each.activity) for each in mine)
        inside = any(each.beneficiary == beneficiary for each in mine)
        items.append((names[whom], _time(at_us), kind, str(int(inside))))
    return items


async def _in_tables(services: Services, keys: Collection[str]) -> tuple[set[str], int]:
    """Return who of these the company's own tables of subjects have, and how many these have under another spelling.

    Whoever is written otherwise is not among the first: he would be two, one of whom nobody opened.
    """
    found: set[str] = set()
    otherwise = 0
    for kind in services.catalog.subjects.values():
        mine = [key.partition(":")[2] for key in keys if key.startswith(f"{kind.name}:")]
        for at in range(0, len(mine), _KEYS):
            asked = mine[at : at + _KEYS]
            rows = await services.sources[kind.source].rows(presence_statement(kind), keys=asked)
            there = {str(row["key"]) for row in rows}
            otherwise += len(there - set(asked))
            found |= {f"{kind.name}:{key}" for key in there & set(asked)}
    return found, otherwise


def _bought(lake: Path, beneficiary: str, until_us: int) -> list[tuple[str, int, tuple[int, str] | None]]:
    """Return who ordered by the logs of a lake, when first, and the first route that an order says; no one erased."""
    if not holds_imports(lake):
        return []
    with opened(lake) as held:
        found = held.rows(_BOUGHT, [beneficiary, until_us])
    return [(str(key), int(at), said and (int(said["at_us"]), str(said["route"]))) for key, at, said in found]


def _opened_in(lake: Path, keys: Collection[str]) -> set[str]:
    """Return who of these was opened by imported accesses of a lake."""
    if not keys or not holds_imports(lake):
        return set()
    with opened(lake) as held:
        return {str(key) for (key,) in held.rows(_OPENED)} & set(keys)


def _time(at_us: int) -> str:
    return from_us(at_us).astimezone(UTC).isoformat()
