"""``whosaw access answer|hold|release|owed``: what a person is told who asks, and what a covert inquiry holds back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from rich.text import Text

from whosaw.answer.access import UNDECIDED, AccessAnswer, Request, answer_text, sign_answer
from whosaw.answer.accesspdf import write_access_pdf
from whosaw.answer.covert import CovertHold, Owed, Unkept
from whosaw.answer.employeeaccess import EmployeeAnswer, employee_text
from whosaw.answer.errors import StepRefused
from whosaw.answer.reportpdf import ReportImpossible
from whosaw.app.accessanswers import HeldUnknown, indices_of, to_staff, to_subject
from whosaw.app.casedesk import case_work
from whosaw.app.commands.acting import act_in_case, look, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import AsJson, Flag, number_of, person, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.record import trail_size

_EARLY = "nobody is told of {case} before its records are kept: `whosaw case plan {case} preserve --reason …`"


def access(
    who: str,
    /,
    *,
    reference: str,
    identity: str,
    out: Path,
    held: str = "",
    recipients: str = "",
    grounds: str = "",
    employee: Flag = False,
) -> int:
    """Answer a person who asks who looked at his data, or a member of staff who asks what stands about him. Recorded.

    What a covert inquiry holds back (`access hold`) is left out, and remembered: `access owed` says who must be
    answered again once it is released.

    Args:
        who: as C-000017 or customer:C-000017; with --employee the staff key.
        reference: of the request.
        identity: how it was made sure who asks.
        out: a folder, made if absent.
        held: what else is held back: indices of entries, with --employee cases, separated by commas.
        recipients: to whom the data went, where counsel lets it out.
        grounds: with --employee why he was unmasked and what is stored of him is kept, where counsel lets it out.
        employee: a member of staff asks: his entries, the cases he appears in, and what else stands about him.
    """

    async def work(services: Services) -> tuple[AccessAnswer | EmployeeAnswer, bytes]:
        by = await whose_token(services)
        desk = case_work(services)
        request = Request(reference, identity, services.catalog.company, recipients or UNDECIDED, grounds)
        made: AccessAnswer | EmployeeAnswer
        if employee:
            made = await to_staff(services, desk, who, request, held=held, by=by)
        else:
            subject = await number_of(services.db, person(who))
            made = await to_subject(services, desk, subject, request, held=held, by=by)
        return made, sign_answer(made, services.keys.trail)

    answer, note = with_services(work)
    files = {
        "answer.json": answer.as_json(),
        "answer.note": note,
        "answer.txt": (employee_text(answer) if isinstance(answer, EmployeeAnswer) else answer_text(answer)).encode(),
    }
    try:
        files["answer.pdf"] = write_access_pdf(answer)
    except ReportImpossible as why:
        say(f"no PDF: {why}")
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, body in files.items():
        (out / name).write_bytes(body)
    found = answer.entries if isinstance(answer, EmployeeAnswer) else answer.look_ups
    count = sum(found.values()) if isinstance(found, Mapping) else len(found)
    say(f"{count} {'entry' if count == 1 else 'entries'}; written: {out}")
    return 0


def hold(case: str, /, *, why: str, review: str, entries: str = "", from_staff: Flag = False) -> int:
    """Hold entries back from answers to customers, or a case from answers to staff, while an inquiry is covert.

    Args:
        case: CASE-1.
        why: why whoever asks may not be told yet.
        review: the day to look at it again, as 2026-10-01; within a year.
        entries: indices of entries, separated by commas.
        from_staff: the case itself is left out of answers to members of staff.
    """
    try:
        day = date.fromisoformat(review)
    except ValueError as cause:
        raise StepRefused("no_reason", "a day is written as 2026-10-01") from cause

    async def work(services: Services) -> CovertHold:
        by = await act_in_case(services, case)
        named = sorted(indices_of(entries))
        if named and named[-1] >= (size := await trail_size(services.db)):
            raise HeldUnknown(f"entry {named[-1]} is not there: the trail has {size}")
        covert = case_work(services).covert
        return await covert.hold(case, named, from_staff=from_staff, why=why, review_on=day, by=by)

    made = with_services(work)
    say(f"hold {made.id} of {made.case}, to be looked at on {made.review_on}")
    return 0


def release(number: int, /, *, why: str) -> int:
    """Release what an inquiry held back, and list who must be answered again.

    Args:
        number: of the hold.
        why: why it may be told now.
    """

    async def work(services: Services) -> tuple[Sequence[Owed], str]:
        by = await whose_token(services)
        desk = case_work(services)
        found = await _visible(services, await desk.covert.release(number, why=why, by=by))
        case = next(each.case for each in await desk.covert.list() if each.id == number)
        return found, "" if await desk.desk.may_be_told(case) else case

    found, early = with_services(work)
    if early:
        say(_EARLY.format(case=early))
    return _owed(found, as_json=False)


def owed(*, as_json: AsJson = False) -> int:
    """List holds, and who was answered while something was held and may be told the rest now. The look is recorded.

    Cases that keep somebody waiting because their records are not kept yet are named beside. What is of a case that one
    may not see is left out.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Sequence[CovertHold], Sequence[Owed], Sequence[Unkept]]:
        await look(services, "look.case", "access")
        covert = case_work(services).covert
        holds, waiting = await covert.list(), await covert.unkept()
        unseen = await hidden(services, [*(each.case for each in holds), *(each.case for each in waiting)])
        return (
            [each for each in holds if each.case not in unseen],
            await _visible(services, await covert.owed()),
            [each for each in waiting if each.case not in unseen],
        )

    holds, found, waiting = with_services(work)
    if as_json:
        kept = [asdict(each) for each in waiting]
        print_json({"holds": [asdict(each) for each in holds], "owed": [_told(each) for each in found], "unkept": kept})
        return 0
    for each in holds:
        state = f"released on {each.released_at:%Y-%m-%d}" if each.released_at else f"to {each.review_on}"
        what = [f"{len(each.entries)} entries"] if each.entries else []
        what += ["the case from staff"] if each.from_staff else []
        say(f"hold {each.id} of {each.case}: {' and '.join(what)}, {state}")
    for wait in waiting:
        say(f"{_EARLY.format(case=wait.case)}; waiting since {wait.since:%Y-%m-%d}: {wait.persons}")
    return _owed(found, as_json=as_json)


def _told(each: Owed) -> Mapping[str, object]:
    return asdict(each) | {"cases": sorted(each.cases)}


async def _visible(services: Services, found: Sequence[Owed]) -> Sequence[Owed]:
    unseen = await hidden(services, (case for each in found for case in each.cases))
    return [each for each in found if not unseen & each.cases]


def _owed(found: Sequence[Owed], *, as_json: bool) -> int:
    if as_json:
        print_json([_told(each) for each in found])
        return 0
    lines = table("request or case", "of", "answered")
    for each in found:
        whom = f"{'staff' if each.space == 'actor' else 'subject'} #{each.number}"
        day = f"{each.answered_at:%Y-%m-%d}"
        said = day if each.asked else f"did not ask; no longer covert since {day}"
        lines.add_row(*map(Text, (each.reference, whom, said)))
    console().print(lines if found else "nobody is owed another answer")
    return 0
