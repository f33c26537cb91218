"""Answers to persons who ask what stands about them, each exact up to a place in the trail that it states.

To read a long trail takes seconds, and the company works on meanwhile. So the entry that records the answer comes
first: what stands before it is in the answer, what comes after is not, and the answer says which entry that is. What
an inquiry holds back is looked at again when the answer is made; where it changed, the answer is made anew.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import ClassVar

from whosaw.answer import StepRefused, UnknownCase
from whosaw.answer.access import AccessAnswer, Request, answer_access
from whosaw.answer.covert import HeldBack
from whosaw.answer.employeeaccess import EmployeeAnswer, answer_employee
from whosaw.app.casedesk import CaseWork
from whosaw.app.caserecipients import label_of
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.gate.queries import suspended_since
from whosaw.record import entries_by_subject, trail_size
from whosaw.store.numbers import keys_of


class HeldUnknown(AppError, LookupError):
    """What is to be held back from an answer is not there: nothing would be held back."""

    code: ClassVar[str] = "app.held_unknown"
    hint = "entries of a customer: `whosaw who CUSTOMER --json`; cases: `whosaw case list`"


_ENTRIES = "from customers entries are held back, by their indices: `whosaw who CUSTOMER --json`"
_CASES = "`whosaw case list` lists the cases you may see; who works on another holds it back by `whosaw access hold`"


def indices_of(text: str) -> frozenset[int]:
    """Return the indices of entries that a list names, separated by commas.

    Raises:
        HeldUnknown: a part of it is no index.
    """
    parts = _parts(text)
    for part in sorted(parts):
        if not (part.isascii() and part.isdecimal()):
            raise HeldUnknown(f"`{part}` is no index of an entry", hint=_ENTRIES)
    return frozenset(map(int, parts))


async def to_subject(
    services: Services, desk: CaseWork, subject: int, request: Request, *, held: str, by: str
) -> AccessAnswer:
    """Answer whoever's data it is; recorded before it is made.

    Args:
        services: the house.
        desk: where cases are worked on.
        subject: his number.
        request: what he asked.
        held: indices of entries that are held back beside those that an inquiry holds, separated by commas.
        by: who answers.

    Raises:
        HeldUnknown: one of these is no entry about him.
        ValueError: nobody checked who asks.
    """
    named = indices_of(held)
    before = await trail_size(services.db)
    left_out = await _held_from(services, desk, subject, named, before)
    if strange := named - left_out.entries:
        raise HeldUnknown(f"entry {min(strange)} is not about this person", hint=_ENTRIES)
    request = replace(request, labels={name: label_of(each) for name, each in services.catalog.fields.items()})
    while True:
        noted = left_out
        more: dict[str, int | str] = {"subject": subject, "change": "held" if noted.entries else "whole"}
        before = await desk.notes.add("access", "access.answer", by=by, text=request.reference, more=more)
        at = services.clock.now()
        made = await answer_access(services.db, subject, request, at=at, before=before, held=noted.entries)
        left_out = await _held_from(services, desk, subject, named, before)
        if left_out == noted:
            break
    await desk.covert.note_answer(request.reference, ("subject", subject), noted.remembered, before)
    return made


async def to_staff(
    services: Services, desk: CaseWork, who: str, request: Request, *, held: str, by: str
) -> EmployeeAnswer:
    """Answer a member of staff; recorded before it is handed over.

    Args:
        services: the house.
        desk: where cases are worked on.
        who: his staff key.
        request: what he asked.
        held: cases that are held back beside those that are covert, separated by commas.
        by: who answers.

    Raises:
        HeldUnknown: one of these is no case, or none that whoever answers may see.
        ValueError: nobody checked who asks.
    """
    named = _parts(held)
    for case in sorted(named):
        await _check_case(desk, case, by)
    number = await desk.notes.number(who)
    since = await suspended_since(services.db, who)
    whole = await answer_employee(services.db, services.clock, who, request, suspended_since=since)
    left_out: frozenset[str] | None = None
    entry = 0
    while (now := whole.held_back_by(named | await _untold(desk, whole))) != left_out:
        left_out = now
        more: dict[str, int | str] = {"target": number, "change": "held" if left_out else "whole"}
        entry = await desk.notes.add("access", "access.answer", by=by, text=request.reference, more=more)
    await desk.covert.note_answer(request.reference, ("actor", number), HeldBack(cases=now), entry)
    return whole.without(now)


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Which entries an answer leaves out, and what is remembered of that until he may be told."""

    entries: frozenset[int]
    remembered: HeldBack


async def _held_from(services: Services, desk: CaseWork, subject: int, named: frozenset[int], before: int) -> _LeftOut:
    """Return what is held back of the entries about a subject that stand before one.

    What was looked up for a case that is covert to the staff is held back by itself: it was done after the hold, or
    nobody listed it, and would tell a member of staff who is a customer too that somebody looks into him. So is what
    was looked up for a case whose records are not kept yet.
    """
    standing = await desk.covert.held()
    listed, looks = set[int](), dict[int, int]()
    async for entry in entries_by_subject(services.db, subject, before=before):
        if entry.index in named or entry.index in standing.entries:
            listed.add(entry.index)
        elif entry.payload.get("kind") == "disclosure" and isinstance(purpose := entry.payload.get("purpose"), int):
            looks[entry.index] = purpose
    untold = await _untold_purposes(services, desk, set(looks.values()), standing.cases)
    covert = {index for index, purpose in looks.items() if purpose in untold}
    cases = frozenset(untold[looks[index]] for index in covert)
    return _LeftOut(frozenset(listed | covert), HeldBack(frozenset(listed), cases))


async def _untold_purposes(
    services: Services, desk: CaseWork, purposes: AbstractSet[int], covert: frozenset[str]
) -> dict[int, str]:
    """Return those of these purposes' numbers that are a case of which nobody hears now, with that case."""
    keys = await keys_of(services.db, "purpose", sorted(purposes))
    named = {number: key.partition(":")[2].casefold() for number, key in keys.items() if key.startswith("case:")}
    if not named:
        return {}
    known = {each.id.casefold(): each.id for each in await desk.cases.list()}
    meant = {number: known[name] for number, name in named.items() if name in known}
    early = {case for case in set(meant.values()) - covert if not await desk.desk.may_be_told(case)}
    return {number: case for number, case in meant.items() if case in covert | early}


async def _untold(desk: CaseWork, whole: EmployeeAnswer) -> frozenset[str]:
    """Return the cases of which staff hear nothing now.

    Beside those that are covert it is each in which he appears whose records are not kept yet: whoever heard of it
    could have something erased before they are.
    """
    early = [case for case in whole.about_cases() if not await desk.desk.may_be_told(case)]
    return (await desk.covert.held()).cases | frozenset(early)


async def _check_case(desk: CaseWork, case: str, by: str) -> None:
    try:
        await desk.desk.check(case, by)
    except (StepRefused, UnknownCase) as cause:  # which of the two tells nobody anything
        raise HeldUnknown(f"there is no case `{case}` that you may see", hint=_CASES) from cause


def _parts(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
