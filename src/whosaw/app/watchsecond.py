"""Blind second decisions: a small share of what people decide by themselves is decided once more, by somebody else.

Each night a part of the day's discretionary decisions is drawn from the trail. Who decides again is of the same
function and took no part; he is shown the object and the choice, neither what was decided nor by whom. How often second
decisions differ from somebody's own is what the signal `decisions` weighs; one difference says nothing about anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from whosaw.app import watchsecondqueries as queries
from whosaw.app.errors import AppError
from whosaw.app.people import everybody
from whosaw.app.services import Services
from whosaw.app.watchentries import Once, enter
from whosaw.app.watchtookpart import TookPart
from whosaw.gate.approvalpeople import DirectoryRow, functions_of, is_there, roles_of
from whosaw.record import Entry, entries_between
from whosaw.store.numbers import assign, find, keys_of
from whosaw.terms import from_us, to_us
from whosaw.watch.drawing import is_drawn, night_seed, second_of, stands_for
from whosaw.watch.settings import canonical, read_settings

DUE_DAYS = 7
PART_DAYS = 30
"""So far back whoever touched the same object took part."""
_DAY_US = 86_400_000_000
_LEAST, _MOST = 10, 1_000

_Case = tuple[int, str, str]
"""What one person decides once: he, about which object, in which kind of decision."""


class SecondRefused(AppError, ValueError):
    """There is no such decision for this person to make, or he says too little."""

    code: ClassVar[str] = "app.second_refused"
    hint = "`whosaw watch second` lists one's own; a decision has its why in 10 to 1,000 characters, and is made once"


@dataclass(frozen=True, slots=True)
class Second:
    """A decision to make without knowing what was decided first.

    Attributes:
        id: its number.
        kind: which kind of decision.
        object: about what.
        asked_at, due_at: from when until when an answer counts.
        favours: what he decided, None where he has not.
        because: why.
        answered_at: when.
    """

    id: int
    kind: str
    object: str
    asked_at: datetime
    due_at: datetime
    favours: bool | None
    because: str | None
    answered_at: datetime | None


async def draw(services: Services, span: tuple[int, int], once: Once, run: Mapping[str, Any]) -> int:
    """Draw from the decisions since the last run, and ask whoever decides again; return how many were drawn.

    A decision for which nobody is left who took no part is not drawn. A run that was cut draws the same again.

    Args:
        services: the house.
        span: from when and before when, in microseconds: days on which no server ran are drawn with the next one.
        once: enters nothing twice.
        run: what the entry of this night's run says.

    Raises:
        RecordError: it could not be recorded, and is not asked.
    """
    watching = services.catalog.watch
    if watching is None or watching.second is None:
        return 0
    second, (since_us, until_us) = watching.second, span
    seed = night_seed(read_settings(watching.settings).seed, canonical(dict(run)))
    sides = _sides(second.kinds)
    made: list[Entry] = []
    took_part = TookPart()
    async for entry in entries_between(services.db, since_us - PART_DAYS * _DAY_US, until_us):
        said = entry.payload
        took_part.see(said)
        if said.get("kind") == "action" and said.get("action") in sides and _at(said) >= since_us:
            made.append(entry)
    found = [each for each in _of_each_ask(made, sides, seed) if _is_drawn(seed, each, second.share)]
    if not found:
        return 0
    now, staff = services.clock.now(), await everybody(services)
    there = {key: row for key, row in staff.items() if is_there(row, now)}
    numbers = await assign(services.db, "actor", sorted(there))
    keys = {number: key for key, number in numbers.items()}
    drawn = 0
    for entry in found:
        said = entry.payload
        first, about = int(said["actor"]), str(said["object"])  # type: ignore[arg-type]
        own = staff.get(keys.get(first, ""))
        others = {numbers[key] for key, row in there.items() if _alike(row, own)} - took_part.of(about) - {first}
        person = second_of(seed, entry.index, others)
        if person is None:
            continue
        kind, favours = sides[str(said["action"])]
        asked = await once.enter({"change": "drawn", "of": entry.index, "target": person})
        values = (entry.index, kind, about, str(said.get("beneficiary") or ""), first, favours, _at(said), person)
        drawn += await queries.add(services.db, (*values, now, now + timedelta(days=DUE_DAYS), asked))
    return drawn


def _sides(kinds: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> dict[str, tuple[str, bool]]:
    """Return by action which kind of decision it is, and whether it favours who asked."""
    found: dict[str, tuple[str, bool]] = {}
    for kind, (favourable, other) in kinds.items():
        found |= dict.fromkeys(favourable, (kind, True)) | dict.fromkeys(other, (kind, False))
    return found


def _of_each_ask(made: Sequence[Entry], sides: Mapping[str, tuple[str, bool]], seed: bytes) -> list[Entry]:
    """Return of what one person decided in one instant a single entry of each kind, and of a case the last one alone.

    However many objects one click names, it was one decision; a second one of each would count it so many times.
    """
    last = {_case(entry.payload, sides): entry for entry in made}
    asks: dict[tuple[int, int, str], list[int]] = {}
    for (actor, _, kind), entry in last.items():
        asks.setdefault((actor, _at(entry.payload), kind), []).append(entry.index)
    standing = {stands_for(seed, entries) for entries in asks.values()}
    return [entry for entry in made if entry.index in standing]


def _is_drawn(seed: bytes, entry: Entry, share: float) -> bool:
    return is_drawn(seed, entry.index, canonical(dict(entry.payload)), share)


def _case(said: Mapping[str, Any], sides: Mapping[str, tuple[str, bool]]) -> _Case:
    return int(said["actor"]), str(said["object"]), sides[str(said["action"])][0]


def _at(said: Mapping[str, Any]) -> int:
    return int(said["at"])


def _alike(row: DirectoryRow, own: DirectoryRow | None) -> bool:
    """Return whether two are of one function, or where the first has none, of one role."""
    mine = functions_of(own)
    return bool(functions_of(row) & mine) if mine else bool(roles_of(row) & roles_of(own))


async def to_decide(services: Services, key: str) -> list[Second]:
    """Return what somebody is asked to decide a second time, the newest first."""
    number = await find(services.db, "actor", key)
    return [] if number is None else [Second(*row) for row in await queries.to_person(services.db, number)]


async def decide_again(services: Services, identifier: int, *, favours: bool, because: str, by: str) -> Second:
    """Record what somebody decides without knowing the first decision.

    Raises:
        SecondRefused: it is not his to decide, was decided, or says too little.
        RecordError: it could not be recorded, and is not stored.
    """
    number = await find(services.db, "actor", by)
    row = None if number is None else await queries.one(services.db, identifier, number)
    if row is None or number is None:
        raise SecondRefused(f"nobody asks this person to decide {identifier}")
    said = " ".join(because.split())
    if not _LEAST <= len(said) <= _MOST:
        raise SecondRefused(f"{len(said)} characters are no reason")
    if Second(*row).answered_at is not None:
        raise SecondRefused(f"{identifier} was decided")
    digest = sha256(f"{favours} {said}".encode()).hexdigest()
    entry = await enter(services, {"change": "second", "second": identifier, "sha256": digest}, by=by)
    if not await queries.answer(services.db, identifier, (favours, said, services.clock.now(), entry)):
        raise SecondRefused(f"{identifier} was decided")
    return Second(*(await queries.one(services.db, identifier, number) or ()))


async def decisions_of(services: Services, told: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the trail's own discretionary decisions of a run as rows of `decisions`, with what second ones said.

    Whoever decided twice about one object, or whose tool asked twice, decided once: what he decided last.
    """
    kinds = told.get("second") or {}
    sides = _sides(kinds)
    if not sides:
        return []
    differ = await queries.answers_before(services.db, datetime.fromisoformat(told["answers_before"]))
    standing: dict[_Case, tuple[int, bool, str, str]] = {}
    async for entry in entries_between(services.db, int(told["since_us"]), int(told["until_us"])):
        said = entry.payload
        if said.get("kind") == "action" and said.get("action") in sides:
            case, favours = _case(said, sides), sides[str(said["action"])][1]
            before = standing.pop(case, None)  # a tool that asks twice, or who thought again: what he decided last
            again = str(int(differ[entry.index])) if entry.index in differ else before[3] if before else ""
            standing[case] = (_at(said), favours, str(said.get("beneficiary") or ""), again)
    keys = await keys_of(services.db, "actor", sorted({case[0] for case in standing}))
    return [
        (keys.get(actor, f"#{actor}"), from_us(at).isoformat(), kind, str(int(favours)), whom, again)
        for (actor, _, kind), (at, favours, whom, again) in standing.items()
    ]


async def looks_to_decide(services: Services, before: datetime) -> list[tuple[str, str, int, int]]:
    """Return whom somebody had to look at in order to decide again, from when until when: until he had decided."""
    rows = await queries.looking(services.db, before)
    actors = await keys_of(services.db, "actor", sorted({row[0] for row in rows}))
    subjects = await keys_of(services.db, "subject", sorted({row[1] for row in rows}))
    return [
        (actors.get(actor, f"#{actor}"), subjects.get(subject, f"#{subject}"), to_us(asked), to_us(until))
        for actor, subject, asked, until in rows
    ]


async def prune_seconds(services: Services, days: int) -> int:
    """Let drawn decisions die that are older than a flag can rest on; their entries stay in the trail."""
    return await queries.prune(services.db, services.clock.now() - timedelta(days=days))
