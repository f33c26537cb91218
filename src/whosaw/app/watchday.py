"""Watch on a server: once a day the record is weighed, and flags are stored, entered in the trail and alerted.

Each day has one run, whoever makes it. A flag names its person by number alone; who that is takes an unmasking. What is
stored suffices, with the trail and the company's work records, to recompute the flag.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from whosaw.app import watchqueries as queries
from whosaw.app.errors import AppError
from whosaw.app.looks import operator
from whosaw.app.people import everybody
from whosaw.app.services import Services
from whosaw.catalog import Watching
from whosaw.gate.approvalpeople import roles_of
from whosaw.prove import Payload
from whosaw.record import entries_between
from whosaw.store import NumberMap
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import assign, every_key, keys_of
from whosaw.terms import to_us

if TYPE_CHECKING:
    from whosaw.app.watching import Weighed
    from whosaw.watch.flags import Flag

ALERT_TEXTS = {
    "watch.case": "Accesses that no record explains favour one party, beyond what chance gives innocent people.",
    "watch.escalated": "Two kinds of evidence point at one person: people decide now.",
    "watch.signal_off": "A signal of watch finds something among people permuted at random, and is switched off.",
}

HISTORY_DAYS = 182
"""So far back a run reads: the month under test, the quarter in which ties become normal, and the weeks before."""


_DAY = timedelta(days=1)
_OF_STAFF = ("queue", "product", "shift", "region", "employer")
"""What is told of people besides the role, where the directory has it; the last two for rates by group alone."""
_WHEN_AND_WHO = ("kind", "at", "actor", "door")

Same = tuple[tuple[str, str], ...]
"""What an entry of a run says, whenever and by whomever it was made."""


class NoSuchFlag(AppError, LookupError):
    """No flag has this id."""

    code: ClassVar[str] = "app.no_such_flag"
    hint = "`whosaw watch flags` lists them"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a day's run stored, and how many people were asked about an access."""

    day: date
    accesses: int
    people: int
    flags: int
    cases: int
    asked: int


async def due(services: Services) -> bool:
    """Return whether yesterday was not weighed yet, and there is something to weigh."""
    midnight = _midnight(services)
    last, first = await queries.last_day(services.db), await queries.first_access_us(services.db)
    return first is not None and first < to_us(midnight) and (last is None or last < midnight.date() - _DAY)


def _midnight(services: Services) -> datetime:
    return datetime.combine(services.clock.now().date(), time(), UTC)


async def note_watch(services: Services) -> Noted | None:
    """Weigh the record up to the end of yesterday where that was not done yet, and return what was stored.

    Raises:
        RecordError: an entry could not be made durable.
        StoreError, CatalogError: a database does not answer.
        WatchError, LakeError: it could not be weighed.
    """
    from whosaw.app.watching import weigh
    from whosaw.app.watchobserved import NothingToWatch

    midnight = _midnight(services)
    day = midnight.date() - _DAY
    async with queries.alone(services.db) as connection:
        if connection is None or not await due(services):
            return None
        told = await _told(services, midnight)
        async with run_files(services, told) as (lake, files):
            try:
                weighed = await asyncio.to_thread(weigh, lake, files, await told_of(services, told), nightly=True)
            except NothingToWatch:
                return None
        told |= {"report": {name: weighed.report[name] for name in _KEPT}}
        # a run that was cut between its entries and its commit is made again: what it entered stands and is not doubled
        once = Once(services, await _entered(services, midnight))
        entry = await once.enter(_of_run(day, weighed))
        accesses, people = len(weighed.watched.observed.accesses), weighed.watched.observed.actors
        values = (day, services.clock.now(), entry, accesses, people, weighed.settings.digest())
        await queries.add_run(connection, values, told)
        flags = [each for each in weighed.flags if each.actor < len(weighed.watched.actors)]
        numbers = await _numbers(services, weighed)
        for flag in flags:
            person = numbers[0][weighed.watched.actors[flag.actor]]
            whom = weighed.watched.beneficiaries[flag.beneficiary] if flag.beneficiary >= 0 else None
            entry = await once.enter(_of_flag(day, flag, person))
            values_of = (flag.id, day, person, flag.tier, whom, flag.seal(), entry)
            await queries.add_flag(connection, values_of, _flag_told(flag, weighed, numbers))
            await _raise(services, day, flag, person)
        await _signals(services, day, weighed)
        asked = 0
        if services.catalog.watch is not None and services.catalog.watch.prompts:
            from whosaw.app.watchprompts import ask

            asked = await ask(services, weighed, told["until_us"], once)
    if asked:
        from whosaw.app.watchprompts import mail_prompts

        await mail_prompts(services)
    return Noted(day, accesses, people, len(flags), sum(flag.tier != "review" for flag in flags), asked)


_KEPT = (
    "explained_share",
    "teams",
    "templates",
    "weights",
    "off",
    "health",
    "rates_by_group",
    "false_cases_a_month",
    "missing",
)


async def _told(services: Services, until: datetime) -> dict[str, Any]:
    """Return what this run is told, as it is stored: a later replay is told the same."""
    watching = services.catalog.watch or Watching()
    rows = await everybody(services)
    numbers = await assign(services.db, "actor", rows)
    staff = {
        str(numbers[key]): [min(roles_of(row), default=""), *(str(row.get(word) or "") for word in _OF_STAFF)]
        for key, row in rows.items()
    }
    return {
        "templates": {name: dict(said) for name, said in watching.templates.items()},
        "settings": {name: list(said) if isinstance(said, tuple) else said for name, said in watching.settings.items()},
        "since_us": to_us(until - timedelta(days=HISTORY_DAYS)),
        "until_us": to_us(until),
        "answers_before": until.isoformat(),
        "staff": dict(sorted(staff.items())),
    }


async def told_of(services: Services, told: Mapping[str, Any]) -> Any:
    """Return what a stored run was told, for the run itself and for its replay."""
    from whosaw.app.watchwork import Told

    rows = await queries.answers_before(services.db, datetime.fromisoformat(told["answers_before"]))
    actors = await keys_of(services.db, "actor", [row[0] for row in rows])
    subjects = await keys_of(services.db, "subject", [row[1] for row in rows])
    answers = [
        (actors.get(actor, f"#{actor}"), subjects.get(subject, f"#{subject}"), int(at)) for actor, subject, at in rows
    ]
    return Told(Watching(told["templates"], told["settings"]), int(told["until_us"]), answers)


@asynccontextmanager
async def run_files(services: Services, told: Mapping[str, Any]) -> AsyncIterator[tuple[Path, Any]]:
    """Yield the lake of a run and the files beside it."""
    from whosaw.app.watchlake import run_lake
    from whosaw.app.watchobserved import WatchFiles
    from whosaw.app.watchrecords import write_canaries, write_csv, write_records

    since_us, until_us = int(told["since_us"]), int(told["until_us"])
    keys = await every_key(services.db, "actor")
    async with run_lake(services, since_us, until_us) as lake:
        staff = lake.parent / "staff.csv"
        named = ((keys.get(int(number), f"#{number}"), *words) for number, words in _staff_of(told).items())
        write_csv(staff, ("actor", "role", *_OF_STAFF), sorted(named))
        records = await write_records(services, lake.parent, until_us)
        canaries = await write_canaries(services, lake.parent, until_us)
        yield lake, WatchFiles(actors=staff, canaries=canaries, **records)


def _staff_of(told: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return role and what else a run was told of each person, by number; runs of before knew the role alone."""
    if "staff" in told:
        return dict(told["staff"])
    return {number: [role, *("" for _ in _OF_STAFF)] for number, role in told["roles"].items()}


async def replay_stored(services: Services, identifier: str) -> tuple[dict[str, Any], str]:
    """Recompute a stored flag from the record; return what it says now and the seal it was stored with.

    Raises:
        NoSuchFlag: nothing of this id is stored.
        FlagNotFound: the record does not make it any more.
    """
    from whosaw.app.watching import replayed

    row = await queries.flag(services.db, identifier)
    run = await queries.run_of(services.db, row[1]) if row is not None else None
    if row is None or run is None:
        raise NoSuchFlag(f"there is no flag `{identifier[:64]}`")
    told: dict[str, Any] = run[6]
    async with run_files(services, told) as (lake, files):
        found = await asyncio.to_thread(
            replayed, lake, files, await told_of(services, told), identifier, told["report"]["off"]
        )
    return found, row[5]


async def _numbers(services: Services, weighed: Weighed) -> tuple[dict[str, int], dict[str, int]]:
    people = {weighed.watched.actors[flag.actor] for flag in weighed.flags}
    seen = {
        weighed.watched.subjects[int(weighed.watched.observed.accesses.subject[row])]
        for flag in weighed.flags
        for row in flag.rows
    }
    return await _named(services, "actor", people), await _named(services, "subject", seen)


async def _named(services: Services, space: Any, names: set[str]) -> dict[str, int]:
    """Return the number of each name; of one that was erased, the number that it is written as."""
    erased = {name: int(name[1:]) for name in names if name.startswith("#")}
    return await assign(services.db, space, sorted(names - erased.keys())) | erased


def _flag_told(flag: Flag, weighed: Weighed, numbers: tuple[dict[str, int], dict[str, int]]) -> dict[str, Any]:
    watched = weighed.watched
    told = flag.told()
    told["actor"] = numbers[0][watched.actors[flag.actor]]
    told["beneficiary"] = watched.beneficiaries[flag.beneficiary] if flag.beneficiary >= 0 else None
    accesses = watched.observed.accesses
    told["rows"] = [
        [int(accesses.at_us[row]), numbers[1][watched.subjects[int(accesses.subject[row])]]] for row in flag.rows
    ]
    return told


def _of_run(day: date, weighed: Weighed) -> Payload:
    return {
        "change": "run",
        "day": day.isoformat(),
        "accesses": len(weighed.watched.observed.accesses),
        "people": weighed.watched.observed.actors,
        "flags": len(weighed.flags),
        "settings": weighed.settings.digest(),
        "rows": weighed.found.rows_digest,
    }


def _of_flag(day: date, flag: Flag, person: int) -> Payload:
    return {
        "change": "flagged",
        "day": day.isoformat(),
        "flag": flag.id,
        "target": person,
        "tier": flag.tier,
        "seal": flag.seal(),
    }


class Once:
    """Enters what a run says, each once however often the run is cut and made again."""

    def __init__(self, services: Services, entered: Mapping[Same, list[int]]) -> None:
        self._services = services
        self._entered = {same: list(indices) for same, indices in entered.items()}

    async def enter(self, said: Payload) -> int:
        """Return the index of the entry that says this, made now or by an earlier attempt.

        Raises:
            RecordError: it could not be made durable.
        """
        before = self._entered.get(_same(said))
        return before.pop(0) if before else await _enter(self._services, said)


async def _entered(services: Services, since: datetime) -> dict[Same, list[int]]:
    """Return the entries of runs from `since` on, by what they say."""
    found: dict[Same, list[int]] = {}
    until_us = to_us(services.clock.now()) + 1
    async for entry in entries_between(services.db, to_us(since), until_us):
        if entry.payload.get("kind") == "watch" and entry.payload.get("change") in ("run", "flagged", "asked"):
            found.setdefault(_same(entry.payload), []).append(entry.index)
    return found


def _same(said: Mapping[str, Any]) -> Same:
    return tuple(sorted((name, str(value)) for name, value in said.items() if name not in _WHEN_AND_WHO))


async def _enter(services: Services, said: Payload, by: str = "") -> int:
    (actor,) = await NumberMap(services.db).numbers("actor", [by or operator()])
    entry: Payload = {"kind": "watch", "at": to_us(services.clock.now()), "actor": actor, "door": "console", **said}
    return (await services.appender.append(entry)).index


async def enter(services: Services, said: Payload, *, by: str) -> int:
    """Append what somebody did about flags or prompts; return the entry's index.

    Raises:
        RecordError: it could not be made durable.
    """
    return await _enter(services, said, by)


async def _raise(services: Services, day: date, flag: Flag, person: int) -> None:
    if flag.tier == "review":
        return
    escalated = flag.tier == "escalate"
    about: dict[str, int | str] = {"flag": flag.id, "person": person, "day": day.isoformat()}
    # the same evidence stands for weeks: it is one alert a month
    once: dict[str, int | str] = {"person": person, "month": f"{day:%Y-%m}"}
    code = "watch.escalated" if escalated else "watch.case"
    severity = "critical" if escalated else "high"
    at = services.clock.now()
    await raise_alert(services.db, "watch.flag", severity, code, about, at=at, once=once)  # type: ignore[arg-type]


async def _signals(services: Services, day: date, weighed: Weighed) -> None:
    for each in weighed.report["health"] or ():
        if not each["holds"]:
            about: dict[str, int | str] = {"signal": each["name"], "day": day.isoformat()}
            once: dict[str, int | str] = {"signal": each["name"], "month": f"{day:%Y-%m}"}
            at = services.clock.now()
            await raise_alert(services.db, "watch.health", "medium", "watch.signal_off", about, at=at, once=once)
