"""Flags as reviewers work on them: people of a function look, decide, and open cases; nobody decides about himself.

Nor does anybody who is flagged for the same party, or has a conflict of interest in an open case about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any, ClassVar

from whosaw.answer import Case
from whosaw.app import watchqueries as queries
from whosaw.app.casedesk import case_work
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.app.watchconflict import about_himself, conflicted, note_denied
from whosaw.app.watchentries import enter
from whosaw.app.watchreplay import NoSuchFlag
from whosaw.gate.approvers import Approvers
from whosaw.prove import Payload
from whosaw.watch.verdicts import Lesson, Outcome, Review, lessons, precision

_LEAST = 10


class ReviewRefused(AppError, PermissionError):
    """This person may not decide about this flag, or does not say enough."""

    code: ClassVar[str] = "app.review_refused"
    hint = "reviewers hold a function that approves [grants.unmask] or reviews [break_glass], and are not the person"


@dataclass(frozen=True, slots=True)
class Listed:
    """One flag as reviewers see it.

    Attributes:
        id: of the flag.
        day: up to the end of which it was weighed.
        actor: the person, by number.
        tier: `review`, `case` or `escalate`.
        beneficiary: whom it would profit, or empty.
        told: everything it says.
        verdicts: outcome and reviewer of each verdict, in order.
        earlier: the newest verdict on another flag about the same person and beneficiary; empty where there is none.
    """

    id: str
    day: date
    actor: int
    tier: str
    beneficiary: str
    seal: str
    told: Mapping[str, Any]
    verdicts: tuple[tuple[str, str], ...]
    earlier: str = ""

    @property
    def stands(self) -> str:
        """Return the verdict in force, empty where none is; `confirmed` takes two people."""
        said = [outcome for outcome, _ in self.verdicts]
        if not said:
            return ""
        if said[-1] == Outcome.CONFIRMED:
            return said[-1] if len({by for outcome, by in self.verdicts if outcome == Outcome.CONFIRMED}) > 1 else ""
        return said[-1]


def reviewing(services: Services) -> frozenset[str]:
    """Return the functions whose people review flags."""
    catalog = services.catalog
    unmask = catalog.grants["unmask"].approvers if "unmask" in catalog.grants else frozenset[str]()
    return unmask | (catalog.break_glass.reviewers if catalog.break_glass else frozenset())


async def may_review(services: Services, key: str) -> bool:
    """Return whether somebody holds such a function now."""
    held = await Approvers(services.db, services.directory, services.clock).functions(key)
    return bool(held & reviewing(services))


async def check_reviewer(services: Services, key: str) -> None:
    """Let nobody pass who holds no such function.

    Raises:
        ReviewRefused: he holds none.
    """
    if not await may_review(services, key):
        raise ReviewRefused("flags are for people whose function reviews them")


async def listed(services: Services, limit: int = 200) -> list[Listed]:
    """Return the newest flag of each person and beneficiary, the newest first, with what was said of earlier ones."""
    said: dict[str, list[tuple[str, str]]] = {}
    for flag, outcome, _, _, by, _ in await queries.verdicts(services.db):
        said.setdefault(flag, []).append((outcome, by))
    before: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for actor, whom, flag, outcome, at in await queries.judged(services.db):
        before.setdefault((actor, whom), []).append((flag, f"{outcome} on {at.date()}, flag {flag}"))
    found = [_listed(row, said) for row in await queries.flags(services.db, limit)]
    return [replace(each, earlier=_earlier(each.id, before.get((each.actor, each.beneficiary), ()))) for each in found]


def _earlier(identifier: str, before: Sequence[tuple[str, str]]) -> str:
    return next((said for flag, said in reversed(before) if flag != identifier), "")


def _listed(row: Sequence[Any], said: Mapping[str, Sequence[tuple[str, str]]]) -> Listed:
    identifier, day, actor, tier, beneficiary, seal, _, told = row
    return Listed(identifier, day, actor, tier, beneficiary or "", seal, told, tuple(said.get(identifier, ())))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer said about a flag, by what kind of record it is explained, why, who and when.

    All but outcome and time are empty for whoever may not read them.
    """

    outcome: str
    record: str
    note: str
    by: str
    at: datetime


def may_read(by: Sequence[str], viewer: str) -> int:
    """Return of how many of a flag's verdicts, the first ones, somebody reads the words and the names.

    Up to his own: who has a conflict of interest cannot give one, and no page tells anybody that he has one.

    Args:
        by: who gave each, in order.
        viewer: staff key.
    """
    return list(by).index(viewer) + 1 if viewer in by else 0


async def flag_of(services: Services, identifier: str, viewer: str) -> tuple[Listed, tuple[Verdict, ...]] | None:
    """Return one flag, the newest of its person or not, and its verdicts in order; None where there is none."""
    row = await queries.flag(services.db, identifier)
    if row is None:
        return None
    told = [each for each in await queries.verdicts(services.db) if each[0] == identifier]
    listing = _listed(row, {identifier: [(outcome, by) for _, outcome, _, _, by, _ in told]})
    before = [
        (flag, f"{outcome} on {at.date()}, flag {flag}")
        for actor, whom, flag, outcome, at in await queries.judged(services.db)
        if (actor, whom) == (listing.actor, listing.beneficiary)
    ]
    read = may_read([by for _, _, _, _, by, _ in told], viewer)
    verdicts = tuple(
        Verdict(outcome, record, note, by, at) if place < read else Verdict(outcome, "", "", "", at)
        for place, (_, outcome, record, note, by, at) in enumerate(told)
    )
    return replace(listing, earlier=_earlier(identifier, before)), verdicts


async def rates(services: Services) -> tuple[date | None, Mapping[str, Any]]:
    """Return the day of the newest run and what it measured; nothing where there was none."""
    day = await queries.last_day(services.db)
    run = await queries.run_of(services.db, day) if day is not None else None
    return day, (run[6]["report"] if run is not None else {})


async def learned(services: Services) -> tuple[list[Lesson], tuple[int, int]]:
    """Return kinds of record that explained flags again and again, and how many flags were confirmed and were not.

    One person's looks for one beneficiary, flagged night after night, teach once.
    """
    found = await queries.verdicts(services.db)
    matter = {flag: f"{actor} {whom}" for actor, whom, flag, _, _ in await queries.judged(services.db)}
    explained = [
        Review(matter[flag], Outcome.EXPLAINED, (by,), record)
        for flag, outcome, record, _, by, _ in found
        if outcome == "explained"
    ]
    standing: dict[str, Review] = {}
    people: dict[str, set[str]] = {}
    for flag, outcome, record, _, by, _ in found:
        if outcome == Outcome.CONFIRMED:
            people.setdefault(flag, set()).add(by)
            if len(people[flag]) > 1:
                standing[flag] = Review(flag, Outcome.CONFIRMED, tuple(sorted(people[flag])))
        else:
            standing[flag] = Review(flag, Outcome(outcome), (by,), record)
    return list(lessons(explained)), precision(standing.values())


async def decide(services: Services, identifier: str, outcome: str, *, by: str, note: str, record: str = "") -> Listed:
    """Record a reviewer's verdict; it changes what counts as a reason for everybody and silences nobody.

    Args:
        services: everything opened.
        identifier: of the flag.
        outcome: `cleared`, `explained` or `confirmed`.
        by: who.
        note: why, in a sentence.
        record: the kind of record that explains it.

    Raises:
        NoSuchFlag: there is none.
        ReviewRefused: he may not, has decided before, or says too little.
        RecordError: it could not be recorded.
    """
    row = await _flag(services, identifier, by)
    if outcome not in tuple(Outcome):
        raise ReviewRefused(f"`{outcome[:20]}` is no verdict", hint=f"one of {', '.join(Outcome)}")
    if len(note.strip()) < _LEAST:
        raise ReviewRefused("a verdict needs its why", hint="say it in a sentence with --note")
    if outcome == Outcome.EXPLAINED and not record.strip():
        raise ReviewRefused(
            "`explained` needs the kind of record that explains it",
            hint="name it with --record: call, hand-over, audit",
        )
    said: Payload = {"change": outcome, "flag": identifier, "sha256": sha256(note.encode()).hexdigest()}
    async with queries.judging(services.db, identifier, by) as (connection, decided):
        if decided:
            raise ReviewRefused("this person has decided about this flag", hint="have another reviewer look at it")
        await _check_conflict(services, row, by)
        entry = await enter(services, said, by=by)
        values = (identifier, outcome, record.strip(), note, by, services.clock.now(), entry)
        await queries.add_verdict(connection, values)
    mine = [(flag, (word, who)) for flag, word, _, _, who, _ in await queries.verdicts(services.db)]
    return _listed(row, {identifier: [said for flag, said in mine if flag == identifier]})


async def open_case(services: Services, identifier: str, *, by: str, reason: str) -> Case:
    """Open the case about whom the flagged accesses would profit, or join the open one.

    Raises:
        NoSuchFlag: there is none.
        ReviewRefused: he may not, or the flag names nobody who profits.
        RecordError: it could not be recorded.
    """
    row = await _flag(services, identifier, by)
    if not row[4]:
        raise ReviewRefused("the flag names nobody who profits", hint="open the case by hand: whosaw case open")
    if len(reason.strip()) < _LEAST:
        raise ReviewRefused("a case needs its why", hint="say it in a sentence with --reason")
    await _check_conflict(services, row, by)
    case = await case_work(services).desk.open(row[4], by=by, reason=reason)
    await enter(services, {"change": "case", "flag": identifier, "case": case.id}, by=by)
    return case


async def _flag(services: Services, identifier: str, by: str) -> Sequence[Any]:
    await check_reviewer(services, by)
    row = await queries.flag(services.db, identifier)
    if row is None:
        raise NoSuchFlag(f"there is no flag `{identifier[:64]}`")
    return row


async def _check_conflict(services: Services, row: Sequence[Any], by: str) -> None:
    """Refuse whoever may not decide about a flag, after all else that may be wrong with what he says.

    Asked for nothing it would tell a reviewer whether a case suspects him: so only what would count gets that far, and
    whoever is refused is on record.
    """
    if await about_himself(services, row[2], by) or await conflicted(services, row[4] or "", by):
        await note_denied(services, row[0], by)
        # one refusal for each: which one it is would tell somebody that the flag is about him
        raise ReviewRefused(
            "nobody decides about himself or with a conflict of interest", hint="have another reviewer look at it"
        )
