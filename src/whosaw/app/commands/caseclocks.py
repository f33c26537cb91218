"""``whosaw case clocks|calendar``: what must be done until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.text import Text

from whosaw.answer.clocks import CaseClock, write_calendar
from whosaw.answer.law import every_rule
from whosaw.app.casedesk import case_work
from whosaw.app.casesettings import CaseSettings
from whosaw.app.commands.acting import act_in_case, look, look_at_case
from whosaw.app.commands.case import moment, say
from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services


def clocks(
    case: str = "",
    /,
    *,
    start: str = "",
    at: str = "",
    zone: str = "",
    met: str = "",
    note: str = "",
    hold: str = "",
    authority: str = "",
    lift: str = "",
    remind: Flag = False,
    rules: Flag = False,
    as_json: AsJson = False,
) -> int:
    """Show the clocks of a case or of all that one may see; start some, note that one is met, remind of what is due.

    Args:
        case: CASE-1; none means every case.
        start: the event: awareness, discovery, residents_notified, "seller_reasons seller:S-88", access_request.
        at: when it happened, as 2026-04-02T08:00+02:00; now where left out.
        zone: the place whose days count, as Europe/Berlin.
        met: the rule whose work is done.
        note: in words; needed where it is late, or held.
        hold: the rule whose term stands still because the police ask for it; letters wait as long.
        authority: who asks, and under which reference.
        lift: the rule whose term runs on.
        remind: raise an alert for each clock that is half over, on its last day, or overdue.
        rules: list the rules of law with their dates and sources.
        as_json: print JSON.
    """
    if rules:
        return _rules(as_json=as_json)

    async def work(services: Services) -> tuple[datetime, Sequence[CaseClock]]:
        desk = case_work(services)
        if start:
            by = await act_in_case(services, case)
            when = moment(at) if at else services.clock.now()
            place = zone or CaseSettings.read().notices_zone
            await desk.clocks.start(case, start, at=when, zone=place, by=by)
        elif met:
            by = await act_in_case(services, case)
            await desk.clocks.meet(case, met, by=by, note=note)
        elif hold or lift:
            by = await act_in_case(services, case)
            if hold:
                await desk.clocks.hold(case, hold, authority=authority, why=note, by=by)
            else:
                await desk.clocks.lift(case, lift, note=note, by=by)
        elif remind:
            await desk.clocks.remind()
        else:
            await (look_at_case(services, case) if case else look(services, "look.case", "clocks"))
        return services.clock.now(), await _visible(services, case)

    now, found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("case", "rule", "from", "ends (there)", "zone", "")
    for each in found:
        ends = f"{each.local_due():%Y-%m-%d %H:%M}"
        cells = (each.case, each.rule, f"{each.started_at:%Y-%m-%d %H:%M}", ends, each.zone, each.standing(now))
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "no clock runs")
    return 0


def calendar(case: str = "", /, *, out: Path) -> int:
    """Write the clocks of a case, or of all that one may see, as a calendar (iCalendar) for any calendar program.

    Args:
        case: CASE-1; none means every case.
        out: the file, written over.
    """

    async def work(services: Services) -> bytes:
        await (look_at_case(services, case) if case else look(services, "look.case", "clocks"))
        return write_calendar(await _visible(services, case), made_at=services.clock.now())

    out.write_bytes(with_services(work))
    say(f"written: {out}")
    return 0


async def _visible(services: Services, case: str) -> Sequence[CaseClock]:
    found = await case_work(services).clocks.list(case or None)
    unseen = await hidden(services, (each.case for each in found))
    return [each for each in found if each.case not in unseen]


def _rules(*, as_json: bool) -> int:
    if as_json:
        print_json([asdict(each) for each in every_rule()])
        return 0
    lines = table("rule", "where", "from", "to", "term", "what", "source", "checked")
    for each in every_rule():
        term = f"{each.hours} h" if each.hours else f"{each.days} d" if each.days else "-"
        to = str(each.valid_to or "")
        cells = (each.id, each.jurisdiction, str(each.valid_from), to, term, each.what, each.source, each.checked)
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines)
    return 0
