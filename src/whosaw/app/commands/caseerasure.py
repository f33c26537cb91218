"""``whosaw access erasure``: what a person is told who asks to be erased, field by field."""

from __future__ import annotations

from pathlib import Path

from whosaw.answer.access import Request, sign_answer
from whosaw.answer.accesspdf import write_access_pdf
from whosaw.answer.erasureanswer import ErasureAnswer, ErasureRequests, erasure_text
from whosaw.answer.errors import StepRefused
from whosaw.answer.reportpdf import ReportImpossible
from whosaw.app.casedesk import case_work
from whosaw.app.caserecipients import label_of
from whosaw.app.casesettings import CaseSettings
from whosaw.app.commands.acting import whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.opened import Flag, UnknownPerson, person, with_services
from whosaw.app.erasurework import as_told, forget, hold_on, there_now
from whosaw.app.services import Services
from whosaw.record.erasure import Mandate
from whosaw.record.hold import Holds
from whosaw.store.numbers import find


def erasure(who: str, /, *, reference: str, identity: str, out: Path, lifting: Flag = False) -> int:
    """Answer a person who asks to be erased: each field erased, kept with ground and review, or not held. Recorded.

    The first call notes the request and its term, and erases what the record holds, unless a legal hold keeps it. The
    company's own systems erase their columns themselves; whosaw looks whether they did. Call it again, with the same
    reference, for how it stands then.

    Args:
        who: as C-000017 or customer:C-000017.
        reference: of the request; the answer names it, the record holds its hash.
        identity: how it was made sure who asks.
        out: a folder, made if absent.
        lifting: write instead that the restriction is about to be lifted, and note that the person was told.
    """
    space, key = person(who)
    if space != "subject":
        raise UnknownPerson("a member of staff is erased by `whosaw erase actor:…`", hint="name a subject")

    if len(identity.strip()) < 5:
        raise StepRefused("no_reason", "say how it was made sure who asks", hint="what is erased does not come back")

    async def work(services: Services) -> tuple[ErasureAnswer, bytes, str]:
        by = await whose_token(services)
        desk = case_work(services)
        requests = ErasureRequests(services.db, services.clock, desk.notes, CaseSettings.read().notices_zone)
        known = await requests.get(reference)
        number = await find(services.db, "subject", key)
        if number is None and known is not None:
            number = known.subject  # the record has forgotten the key by then; the request has the number
        if number is None:
            raise UnknownPerson("the record knows no subject of this key, and no request of this reference")
        asked = await requests.open(reference, number, await there_now(services, key, number), by=by)
        if lifting:
            holds, operator = Holds(services.db, services.appender, services.clock), await desk.notes.number(by)
        else:
            mandate = Mandate(await desk.notes.number(by), "asked for under article 17")
            await forget(services, number, mandate)
        there, hold = await there_now(services, key, number, asked.had), await hold_on(services, number)
        request = Request(reference, identity, services.catalog.company)
        told = await as_told(desk, hold) if hold is not None else None
        made = await requests.answer(asked, request, there, told, by=by, lifting=lifting)
        if lifting and hold is not None and hold.space == "subject":
            await holds.tell("subject", number, by=operator)
        labels = {name: label_of(field) for name, field in services.catalog.fields.items()}
        return made, sign_answer(made, services.keys.trail), erasure_text(made, labels)

    answer, note, text = with_services(work)
    files = {"erasure.json": answer.as_json(), "erasure.note": note, "erasure.txt": text.encode()}
    try:
        files["erasure.pdf"] = write_access_pdf(answer, text)
    except ReportImpossible as why:
        say(f"no PDF: {why}")
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, body in files.items():
        (out / name).write_bytes(body)
    counts = [f"{answer.count(each)} {each}" for each in ("erased", "kept", "absent", "due", "unknown")]
    say(f"{', '.join(counts)}; written: {out}")
    return 0
