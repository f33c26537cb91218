"""Unmasking as the console shows it: of one case to whoever works on it, and all of it to whoever oversees."""

from __future__ import annotations

from whosaw.answer import StepRefused, UnknownCase
from whosaw.answer.ladder import RULES
from whosaw.answer.oversight import Overseen, every_unmasking
from whosaw.answer.unmasking import LONGEST, Unmasking
from whosaw.app import queries
from whosaw.app.casedesk import case_work
from whosaw.app.overseeing import overseen_by
from whosaw.app.services import Services
from whosaw.doors.console.unmaskreads import SpokeLine, UnmaskLine, UnmaskPage
from whosaw.store.numbers import find_all


async def overseen(services: Services, viewer: str) -> tuple[UnmaskLine, ...]:
    """Return every unmasking that the viewer may read; who is unmasked stands as a number."""
    return tuple(_line(each, f"actor #{each.actor}") for each in await overseen_by(services, viewer))


async def page_of(services: Services, case: str, viewer: str) -> UnmaskPage:
    """Return the unmaskings of a case, for somebody who may see it."""
    work = case_work(services)
    history = await work.cases.verdicts(case)
    candidates = history[-1].verdict.get("candidates", ()) if history else ()
    keys = {actor for one in candidates[:5] for actor in one["actors"]}
    rows = await queries.case_steps(services.db, case)
    keys |= {row.target for row in rows if row.kind in RULES and RULES[row.kind].about == "actor"}
    numbers = sorted((await find_all(services.db, "actor", sorted(keys))).values())
    days = {each.id: each for each in await work.unmaskings.list(case)}
    asked = [each for each in await every_unmasking(services.db, services.clock) if each.id in days]
    mine = [each for each in asked if each.way == "case" and each.case == case]
    names = await work.unmaskings.names(case, sorted({each.actor for each in mine}), to=viewer)
    function = (await work.desk.functions(case)).get(viewer, "")
    lines = tuple(_line(each, names[each.actor], days[each.id], viewer) for each in mine)
    return UnmaskPage(case, tuple(numbers), function, lines, LONGEST.days)


async def ask(services: Services, case: str, asked: tuple[int, str, int], viewer: str) -> str:
    """Ask who somebody of the case is; return why not, empty where it was asked."""
    actor, reason, days = asked
    if actor not in (await page_of(services, case, viewer)).numbers:
        return "the case is not about this number"
    try:
        await case_work(services).unmaskings.ask(case, actor, by=viewer, reason=reason, days=days)
    except StepRefused as refused:
        return str(refused)
    return ""


async def approve(services: Services, case: str, number: int, viewer: str) -> str:
    """Approve an unmasking of this case; return why not, empty where it was approved."""
    work = case_work(services).unmaskings
    try:
        if (await work.get(number)).case != case:
            return f"the case has no unmasking {number}"
        await work.approve(number, by=viewer)
    except UnknownCase:
        return f"the case has no unmasking {number}"
    except StepRefused as refused:
        return str(refused)
    return ""


def _line(each: Overseen, who: str, asked: Unmasking | None = None, viewer: str = "") -> UnmaskLine:
    return UnmaskLine(
        number=each.id,
        case=each.case,
        who=who,
        reason=each.reason or "",
        asked=SpokeLine(each.asked_by, each.asked_as or ""),
        asked_at=each.asked_at,
        approved=tuple(SpokeLine(one.person, one.function or "") for one in each.approvals),
        days=asked.days if asked is not None else 0,
        until=each.until,
        state=each.state,
        mine=each.asked_by == viewer,
        way=each.way,
    )
