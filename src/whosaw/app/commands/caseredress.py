"""``whosaw case appeal|retract|corrections``, ``seller statement``, ``access answer``: what those hit are owed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from rich.text import Text

from whosaw.answer.access import UNDECIDED, AccessAnswer, Request, answer_access, answer_text, sign_answer
from whosaw.answer.accesspdf import write_access_pdf
from whosaw.answer.appeals import Appeal
from whosaw.answer.corrections import Correction
from whosaw.answer.dsa import database_record, seller_letter
from whosaw.answer.employeeaccess import EmployeeAnswer, answer_employee, employee_text
from whosaw.answer.reportpdf import ReportImpossible
from whosaw.app.casedesk import case_work
from whosaw.app.casenotices import CaseNotices, label_of
from whosaw.app.commands.acting import look, who_looks, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import AsJson, Flag, number_of, person, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.evidence import numbers_of
from whosaw.app.services import Services
from whosaw.gate.queries import suspended_since


def appeal(
    step: str = "",
    /,
    *,
    text: str = "",
    decide: int | None = None,
    outcome: Literal["upheld", "undone"] = "upheld",
    why: str = "",
) -> int:
    """File an appeal against a measure, or decide one; where it is undone, everything against its target comes back.

    Args:
        step: CASE-1/2.
        text: what the one it is about says.
        decide: the number of an appeal; by somebody who had no hand in any measure against the same target.
        outcome: upheld means that the measure stands.
        why: why, in a sentence.
    """

    async def file(services: Services) -> Appeal:
        return await case_work(services).appeals.file(step, text, by=await who_looks(services))

    async def settle(services: Services) -> list[str]:
        by = await whose_token(services)
        undone = await case_work(services).appeals.decide(decide or 0, outcome, by=by, why=why)
        return [f"{each.id} {each.kind}: {each.state}" for each in undone]

    if decide is None:
        say(f"appeal {with_services(file).id} against {step}")
        return 0
    for line in with_services(settle) or ["the measure stands"]:
        say(line)
    return 0


def correct(case: str, actor: int, /, *, text: str) -> int:
    """Tell everybody who was shown an accusation that it fell.

    Args:
        case: CASE-1.
        actor: the number of the one who was accused.
        text: what was wrong, in a sentence.
    """

    async def work(services: Services) -> int:
        desk = case_work(services)
        by = await whose_token(services)
        await desk.desk.check(case, by)
        return await desk.corrections.correct(case, actor, by=by, text=text)

    say(f"{with_services(work)} people are told")
    return 0


def corrections(*, as_json: AsJson = False) -> int:
    """Read one's own corrections: accusations that one was shown, and that fell.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Correction]:
        who = await whose_token(services)
        found = await case_work(services).corrections.unread(who)
        await case_work(services).corrections.read(who)
        return found

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("case", "about", "what was wrong", "since")
    for each in found:
        lines.add_row(*map(Text, (each.case, f"actor #{each.actor}", each.text, f"{each.made_at:%Y-%m-%d %H:%M}")))
    console().print(lines if found else "nothing that you were shown has fallen")
    return 0


def statement(case: str, seller: str, /, *, out: Path) -> int:
    """Write the statement of reasons for suspending a seller: as the DSA database takes it, and as the seller's letter.

    Args:
        case: CASE-1.
        seller: seller:S-88.
        out: a folder, made if absent.
    """

    async def work(services: Services) -> tuple[str, str]:
        await look(services, "look.case", case)
        notices = CaseNotices(services)
        made = await notices.statement(case, seller)
        return json.dumps(database_record(made), indent=2), seller_letter(made, notices.company())

    record, letter = with_services(work)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    (out / "dsa.json").write_text(record + "\n", encoding="utf-8")
    (out / "seller.txt").write_text(letter, encoding="utf-8")
    say(f"written: {out / 'dsa.json'}, {out / 'seller.txt'}")
    return 0


def access(
    who: str,
    /,
    *,
    reference: str,
    identity: str,
    out: Path,
    held: str = "",
    recipients: str = "",
    employee: Flag = False,
) -> int:
    """Answer a person who asks who looked at his data, or a member of staff who asks what stands about him. Recorded.

    Args:
        who: as C-000017 or customer:C-000017; with --employee the staff key.
        reference: of the request.
        identity: how it was made sure who asks.
        out: a folder, made if absent.
        held: what a covert inquiry holds back: indices of entries, with --employee cases, separated by commas.
        recipients: to whom the data went, where counsel lets it out.
        employee: a member of staff asks: his entries and the cases he appears in.
    """

    async def work(services: Services) -> tuple[AccessAnswer | EmployeeAnswer, bytes]:
        by = await whose_token(services)
        request = Request(reference, identity, services.catalog.company, recipients or UNDECIDED)
        change = "held" if held else "whole"
        notes = case_work(services).notes
        made: AccessAnswer | EmployeeAnswer
        if employee:
            more: dict[str, int | str] = {"target": await notes.number(who), "change": change}
            await notes.add("access", "access.answer", by=by, text=reference, more=more)
            since = await suspended_since(services.db, who)
            cases = frozenset(part.strip() for part in held.split(",") if part.strip())
            made = await answer_employee(services.db, services.clock, who, request, suspended_since=since, held=cases)
        else:
            number = await number_of(services.db, person(who))
            more = {"subject": number, "change": change}
            await notes.add("access", "access.answer", by=by, text=reference, more=more)
            made = await answer_access(
                services.db,
                number,
                request,
                at=services.clock.now(),
                held=numbers_of(held),
                labels={name: label_of(field) for name, field in services.catalog.fields.items()},
            )
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
    say(f"{sum(found.values()) if isinstance(found, Mapping) else len(found)} entries; written: {out}")
    return 0
