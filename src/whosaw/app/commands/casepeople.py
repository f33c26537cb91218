"""``whosaw case unmask|entities|report|approaches``: who is behind a number, what belongs together, bribes offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from whosaw.answer import UnknownCase
from whosaw.answer.approach import Approach, ApproachUnfit, Message
from whosaw.answer.entities import Link, SourceKind, Word
from whosaw.answer.oversight import Overseen, every_unmasking
from whosaw.answer.unmasking import Unmasking
from whosaw.app.approachspool import ApproachSpool
from whosaw.app.casedesk import case_work
from whosaw.app.clocks import clock_of
from whosaw.app.commands.acting import act_in_case, look, look_at_case, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.overseeing import OversightRefused, overseen_by, oversees
from whosaw.app.services import Services
from whosaw.app.settings import Settings
from whosaw.doors.complaint import Told
from whosaw.doors.complaint.pictures import PictureUnfit, bare

Pair = Annotated[Sequence[int], Parameter(negative="")]


def unmask(
    case: str, /, *, actor: int | None = None, reason: str = "", approve: int | None = None, days: int | None = None,
    as_json: AsJson = False,
) -> int:  # fmt: skip
    """Show every unmasking of a case; ask who is behind a number; or approve somebody else's question.

    Args:
        case: CASE-1.
        actor: the number to ask about.
        reason: why the person must be known, in a sentence.
        approve: the number of an unmasking to approve; takes another function than the asker's.
        days: how long it is asked for, 7 if left out; or for how long it is approved, as asked if left out.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Sequence[Unmasking], dict[int, str]]:
        desk = case_work(services)
        if approve is not None:
            by = await act_in_case(services, case)
            if (
                await desk.unmaskings.get(approve)
            ).case != case:  # another case's are listed to nobody who asks for this
                raise UnknownCase(f"there is no unmasking {approve}")
            await desk.unmaskings.approve(approve, by=by, days=days)
        elif actor is not None:
            await desk.unmaskings.ask(
                case, actor, by=await act_in_case(services, case), reason=reason, days=7 if days is None else days
            )
        else:
            await look_at_case(services, case)
        found = await desk.unmaskings.list(case)
        return found, await desk.unmaskings.names(case, [each.actor for each in found])

    found, names = with_services(work)
    if as_json:
        print_json([asdict(each) | {"name": names[each.actor]} for each in found])
        return 0
    lines = table("unmasking", "who", "why", "asked by", "approved by", "until")
    for each in found:
        until = f"{each.expires_at:%Y-%m-%d %H:%M}" if each.expires_at else ""
        approved = each.approved_by or "nobody yet"
        lines.add_row(*map(Text, (str(each.id), names[each.actor], each.reason, each.asked_by, approved, until)))
    console().print(lines if found else "nobody was unmasked")
    return 0


def unmaskings(*, as_json: AsJson = False) -> int:
    """List every unmasking, of cases and by grant, for a works council or a privacy officer; the look is recorded.

    Under a token, what is of oneself or of a case in which one has a conflict of interest is left out.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Overseen]:
        await look(services, "look.case", "unmaskings")
        if services.settings.token is None:
            return await every_unmasking(services.db, services.clock)
        viewer = await whose_token(services)
        if not await oversees(services, viewer):
            raise OversightRefused("the list of unmaskings is for people whose function oversees them")
        return await overseen_by(services, viewer)

    found = with_services(work)
    if as_json:
        print_json([asdict(each) | {"opened": f"actor #{each.actor}"} for each in found])
        return 0
    lines = table("unmasking", "case", "opened", "why", "asked by", "asked", "approved by", "until", "state")
    for each in found:
        approved = ", ".join(_spoke(one.person, one.function) for one in each.approvals) or "nobody yet"
        asked = each.asked_by if each.way == "grant" else _spoke(each.asked_by, each.asked_as)
        lines.add_row(
            *map(Text, (f"{each.way} {each.id}", each.case, f"actor #{each.actor}", each.reason or "erased")),
            *map(Text, (asked or "erased", f"{each.asked_at:%Y-%m-%d %H:%M}", approved)),
            *map(Text, (f"{each.until:%Y-%m-%d %H:%M}" if each.until else "", each.state)),
        )
    console().print(lines if found else "nobody was unmasked")
    return 0


def _spoke(person: str, function: str | None) -> str:
    return f"{person or 'erased'} ({function or 'no function'})"


def entities(
    case: str, /, *, add: str = "", link: Pair = (), by: SourceKind = "officer", source: str = "",
    confidence: float = 0.5, as_json: AsJson = False,
) -> int:  # fmt: skip
    """Show the entities of a case and their links; note one, or a link; a link stands on two kinds of sources.

    Args:
        case: CASE-1.
        add: KIND:VALUE, as domain:lotus.example.
        link: two numbers of entities that belong together.
        by: what kind of source says so.
        source: which: the sighting, the register, the report.
        confidence: how sure it is, above 0 to 1.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[list[str], Sequence[Link]]:
        desk = case_work(services).entities
        word = Word(by, source, confidence)
        if add:
            kind, _, value = add.partition(":")
            await desk.add(case, kind, value, word=word, by=await act_in_case(services, case))
        elif link:
            one, other = link
            await desk.link(case, one, other, word=word, by=await act_in_case(services, case))
        else:
            await look_at_case(services, case)
        lines = []
        for each in await desk.list(case):
            words = ", ".join(f"{word.kind} {word.source}" for word in await desk.words(case, each.id))
            lines.append(f"{each.id:>4} {each.kind:<8} {each.value}  ({words})")
        return lines, await desk.links(case)

    lines, links = with_services(work)
    if as_json:
        print_json({"entities": lines, "links": [asdict(each) | {"stands": each.stands} for each in links]})
        return 0
    for line in lines:
        say(line)
    for each in links:
        words = ", ".join(f"{word.kind} {word.source}" for word in each.words)
        say(f"{each.one.value} - {each.other.value}: {'stands' if each.stands else 'needs a second source'} ({words})")
    return 0


def report(
    *, offer: str = "", channel: str = "", handle: str = "", payout: str = "", screenshot: Path | None = None,
    code: str = "", text: str = "",
) -> int:  # fmt: skip
    """Report that somebody offered you money for data. Nothing about you is kept; a code lets you come back.

    The report waits for the next full hour, as one of the form does: its place in the trail would tell the minute.
    Place, time and device are taken out of a picture.

    Args:
        offer: what was offered, in your words.
        channel: where: telegram, phone, in person.
        handle: who offered it, as far as you know: a handle, number or address.
        payout: what was promised.
        screenshot: a picture of it.
        code: the code of an earlier report: read the answers to it.
        text: with a code: something to add.
    """
    if code:

        async def come_back(services: Services) -> Sequence[Message]:
            return await case_work(services).approaches.come_back(code, text=text)

        for each in with_services(come_back):
            say(f"{each.at:%Y-%m-%d} {'the desk' if each.from_desk else 'you'}: {each.text}")
        return 0
    told = Told(offer, channel, handle, payout)
    if wrong := told.wrong():
        raise ApproachUnfit("; ".join(f"{name}: {why}" for name, why in wrong.items()))
    settings = Settings()
    spool = ApproachSpool(settings.state / "approaches")
    if spool.full:
        raise ApproachUnfit("too many reports wait", hint="try again after the next full hour")
    given = spool.put(told, _bare(screenshot), clock_of(settings).now())
    say("thank you. The desk reads it after the next full hour.")
    say(f"Your code, shown once: {given}")
    return 0


def _bare(screenshot: Path | None) -> bytes | None:
    """Return a picture without what says where, when and with which device it was made."""
    if screenshot is None:
        return None
    try:
        return bare(screenshot.read_bytes())
    except OSError as cause:
        raise ApproachUnfit(f"cannot read `{screenshot}`: {cause.strerror}", hint="name a PNG or JPEG") from cause
    except PictureUnfit as cause:
        raise ApproachUnfit("the picture cannot be taken", hint=str(cause)) from cause


def reports(*, take: int | None = None, case: str = "", answer: str = "", as_json: AsJson = False) -> int:
    """List reports of approaches; take one up, or answer whoever made it. The look is recorded.

    Args:
        take: the number of a report.
        case: the case it belongs to.
        answer: write this to whoever made it.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Approach]:
        await look(services, "look.case", "approaches")
        desk = case_work(services).approaches
        await ApproachSpool(services.settings.state / "approaches").take_in(desk, services.clock.now())
        if take is not None:
            await whose_token(services)
            if case:
                await look_at_case(services, case)
            if answer:
                await desk.answer(take, answer)
            else:
                await desk.take(take, case or None)
        found = await desk.list()
        unseen = await hidden(services, (each.case for each in found))
        return [replace(each, case=None) if each.case in unseen else each for each in found]

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("report", "day", "channel", "handle", "offer", "payout", "state", "case")
    for each in found:
        cells = (str(each.id), f"{each.at:%Y-%m-%d}", each.channel, each.handle, each.offer, each.payout, each.state)
        lines.add_row(*map(Text, (*cells, each.case or "")))
    console().print(lines if found else "nobody has reported an approach")
    return 0
