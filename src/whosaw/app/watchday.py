"""Watch on a server: once a day the record is weighed, and flags are stored, entered in the trail and alerted.

Each day has one run, whoever makes it. A flag names its person by number alone; who that is takes an unmasking. What is
stored suffices, with the trail and the company's work records, to recompute the flag.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from whosaw.app import watchqueries as queries
from whosaw.app.services import Services
from whosaw.app.watchalerts import tell_flag, tell_signals
from whosaw.app.watchentries import Once, entered, of_flag, of_run
from whosaw.app.watchqueue import by_number, named
from whosaw.app.watchrun import run_files, told_now, told_of
from whosaw.app.watchsecond import draw
from whosaw.terms import to_us

if TYPE_CHECKING:
    from whosaw.app.watching import Weighed
    from whosaw.watch.flags import Flag

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Noted:
    """What a day's run stored, how many people were asked about an access, and what could not be weighed.

    Args:
        day: up to the end of which the record was weighed.
        accesses, people, flags, cases: counts.
        asked: people who are asked about an access.
        erased: imported accesses of people erased since.
        sets_unread: entries about many at once whose set of subjects is not there, or is not theirs.
        drawn: decisions that somebody else decides once more.
    """

    day: date
    accesses: int
    people: int
    flags: int
    cases: int
    asked: int
    erased: int
    sets_unread: int = 0
    drawn: int = 0


async def due(services: Services) -> bool:
    """Return whether yesterday was not weighed yet, and there is something to weigh."""
    midnight = _midnight(services)
    last, first = await queries.last_day(services.db), await queries.first_access_us(services.db)
    return first is not None and first < to_us(midnight) and (last is None or last < midnight.date() - _DAY)


def drawn_from_us(last: date | None, day: date) -> int:
    """Return from when on decisions of a run are drawn: since the last one, whatever days no server ran.

    Args:
        last: day of the run before, None for the first.
        day: of this one.
    """
    return to_us(datetime.combine(day if last is None else last + _DAY, time(), UTC))


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
        last = await queries.last_day(services.db)
        told = await told_now(services, midnight)
        async with run_files(services, told) as (lake, files, left_out):
            try:
                weighed = await asyncio.to_thread(weigh, lake, files, await told_of(services, told), nightly=True)
            except NothingToWatch:
                return None
        kept = {name: weighed.report[name] for name in _KEPT}
        kept |= await by_number(services, weighed)
        told |= {"report": kept | {"left_out": asdict(left_out)}}
        # a run that was cut between its entries and its commit is made again: what it entered stands and is not doubled
        once = Once(services, await entered(services, midnight))
        run = of_run(day, weighed, left_out)
        entry = await once.enter(run)
        accesses, people = len(weighed.watched.observed.accesses), weighed.watched.observed.actors
        values = (day, services.clock.now(), entry, accesses, people, weighed.settings.digest())
        await queries.add_run(connection, values, told)
        flags = [each for each in weighed.flags if each.actor < len(weighed.watched.actors)]
        numbers = await _numbers(services, weighed)
        for flag in flags:
            person = numbers[0][weighed.watched.actors[flag.actor]]
            whom = weighed.watched.beneficiaries[flag.beneficiary] if flag.beneficiary >= 0 else None
            entry = await once.enter(of_flag(day, flag, person))
            values_of = (flag.id, day, person, flag.tier, whom, flag.seal(), entry)
            await queries.add_flag(connection, values_of, _flag_told(flag, weighed, numbers))
            await tell_flag(services, day, flag, person)
        await tell_signals(services, day, weighed)
        drawn = await draw(services, (drawn_from_us(last, day), told["until_us"]), once, run)
        asked = 0
        if services.catalog.watch is not None and services.catalog.watch.prompts:
            from whosaw.app.watchprompts import ask

            asked = await ask(services, weighed, told["until_us"], once)
    if asked:
        from whosaw.app.watchprompts import mail_prompts

        await mail_prompts(services)
    from whosaw.app.watchexplaining import prune_explanations

    await prune_explanations(services)
    cases = sum(flag.tier != "review" for flag in flags)
    erased = left_out.erased_subject + left_out.erased_actor
    return Noted(day, accesses, people, len(flags), cases, asked, erased, left_out.sets_unread, drawn)


_KEPT = (
    "explained_share",
    "teams",
    "templates",
    "weights",
    "off",
    "health",
    "rates_by_group",
    "false_cases_a_month",
    "false_discovery",
    "missing",
)


async def _numbers(services: Services, weighed: Weighed) -> tuple[dict[str, int], dict[str, int]]:
    people = {weighed.watched.actors[flag.actor] for flag in weighed.flags}
    seen = {
        weighed.watched.subjects[int(weighed.watched.observed.accesses.subject[row])]
        for flag in weighed.flags
        for row in flag.rows
    }
    return await named(services, "actor", people), await named(services, "subject", seen)


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
