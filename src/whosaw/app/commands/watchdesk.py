"""``whosaw watch daily|flags|verdict|case|prompts|answer|live|release``: flags, questions, and who is held up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from whosaw.answer import Case
from whosaw.app import watchdesk, watchlive, watchprompts
from whosaw.app.commands.acting import look, whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.watchday import Noted, note_watch
from whosaw.app.watchdesk import Listed, Verdict
from whosaw.app.watchlive import Held
from whosaw.app.watchprompts import Prompt
from whosaw.terms.odds import in_odds, in_times

_Seen = tuple[str, Listed, Sequence[Verdict]]
"""Who looks at a flag, the flag, and its verdicts as he may read them, where it is shown whole."""


def daily(*, as_json: AsJson = False) -> int:
    """Weigh the record up to the end of yesterday now, where no server did; store flags and raise alerts.

    Args:
        as_json: print JSON.
    """
    noted = with_services(note_watch)
    if as_json:
        print_json(None if noted is None else _noted(noted))
    elif noted is None:
        console().print("nothing to do: yesterday was weighed, or the record holds no access before today")
    else:
        console().print(
            f"{noted.day}: {noted.accesses} accesses of {noted.people} people; flags: {noted.flags}, "
            f"of them cases: {noted.cases}; people asked about an access: {noted.asked}"
        )
        if noted.drawn:
            console().print(f"{noted.drawn} decisions are made once more, by somebody who does not know the first")
        if noted.erased:
            console().print(f"{noted.erased} imported accesses concern people erased since, and are not weighed")
        if noted.sets_unread:
            console().print(f"{noted.sets_unread} exports are not weighed: their sets of subjects are gone or altered")
    return 0


def _noted(noted: Noted) -> dict[str, Any]:
    names = ("accesses", "people", "flags", "cases", "asked", "erased", "sets_unread", "drawn")
    counts = {name: getattr(noted, name) for name in names}
    return {"day": noted.day.isoformat()} | counts


def flags(*, flag: str = "", as_json: AsJson = False) -> int:
    """List the flags that the server stored, with the measured false rates; the look is recorded.

    Args:
        flag: show one of them whole.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[list[_Seen], dict[str, Any]]:
        viewer = await whose_token(services)
        await watchdesk.check_reviewer(services, viewer)
        await look(services, "look.watch", f"flag:{flag[:32]}" if flag else "flags")
        day, measured = await watchdesk.rates(services)
        lessons, (confirmed, others) = await watchdesk.learned(services)
        besides = {
            "weighed_until": day.isoformat() if day else None,
            "measured": dict(measured),
            "templates_to_declare": [[each.record, each.flags] for each in lessons],
            "confirmed": confirmed,
            "not_confirmed": others,
        }
        if flag:
            one = await watchdesk.flag_of(services, flag, viewer)
            return [] if one is None else [(viewer, *one)], besides
        return [(viewer, each, ()) for each in await watchdesk.listed(services)], besides

    found, besides = with_services(work)
    if as_json:
        print_json({"flags": [_told(each, viewer, said) for viewer, each, said in found], **besides})
        return 0
    _print_measured(besides)
    for _, each, said in found:
        _print(each, said, whole=bool(flag))
    if not found:
        console().print("no flags" if not flag else "no such flag")
    return 0


def _told(each: Listed, viewer: str, said: Sequence[Verdict] = ()) -> dict[str, Any]:
    read = watchdesk.may_read([by for _, by in each.verdicts], viewer)
    verdicts = [[outcome, by if place < read else ""] for place, (outcome, by) in enumerate(each.verdicts)]
    told: dict[str, Any] = {
        "id": each.id,
        "day": each.day.isoformat(),
        "actor": f"actor #{each.actor}",
        "tier": each.tier,
    }
    told |= {"because": [one.note for one in said]} if said else {}
    return told | {
        "beneficiary": each.beneficiary,
        "seal": each.seal,
        "verdicts": verdicts,
        "stands": each.stands,
        "earlier": each.earlier,
        "told": dict(each.told) | {"actor": f"actor #{each.actor}"},
    }


def _print_measured(besides: dict[str, Any]) -> None:
    out, measured = console(), besides["measured"]
    if besides["weighed_until"] is None:
        out.print("nothing was weighed yet: a running server does it each night, `whosaw watch daily` now")
        return
    out.print(
        f"weighed until {besides['weighed_until']}; at most {measured['false_cases_a_month']:g} innocent people "
        f"a month become a case; {besides['confirmed']} reviewed flags were confirmed, "
        f"{besides['not_confirmed']} were not"
    )
    if "selected" in measured:
        people = ", ".join(f"actor #{number}" for number in measured["selected"]) or "nobody"
        rate = f"of whom at most {measured['false_discovery']:.0%} are expected to be innocent"
        out.print(
            Text(f"selected among the month's evidence (e-BH): {people}{f', {rate}' if measured['selected'] else ''}")
        )
    for each in measured["health"] or ():
        state = "holds" if each["holds"] else "is switched off"
        line = (
            f"{each['name']}: of {each['people']} people permuted at random {each['tail']:.2%} reach 100 : 1; {state}"
        )
        out.print(Text(line, style="dim"))
    for sentence in measured.get("missing") or ():
        out.print(Text(f"missing: {sentence}", style="dim"))
    for record, count in besides["templates_to_declare"]:
        out.print(Text(f"{count} flags were explained by `{record}`: declare a template for it in [watch]"))


def _print(each: Listed, said: Sequence[Verdict], *, whole: bool) -> None:
    out, told = console(), each.told
    whom = f" for {each.beneficiary}" if each.beneficiary else ""
    out.print(Text(f"{each.tier} {each.id} {each.day} actor #{each.actor}{whom}: {told['sentence']}", style="bold"))
    verdict = each.stands or "not decided"
    if each.earlier:
        verdict = f"{verdict}; an earlier one: {each.earlier}"
    if told.get("selected"):
        verdict = f"selected by e-BH; {verdict}"
    out.print(Text(f"  month {told['evidence']}, weeks together {told['detector']}; {verdict}"))
    if not whole:
        return
    for part in told["signals"]:
        out.print(Text(f"  {part['name']}: {part['evidence']}; without it {part['without']}", style="dim"))
    out.print(Text(f"  without the row that counts most: {told['without_top_row']}", style="dim"))
    for story in told["stories"]:
        line = f"  perhaps {story['sentence']}: evidence {in_times(story['weakens'])} times less"
        out.print(Text(f"{line}; would be settled by {story['clears']}"))
    for one in said:
        by = f"by {one.by}: {one.note}" if one.by else "by a reviewer: his words are for whoever decided after him"
        record = f" by {one.record}" if one.record else ""
        out.print(Text(f"  {one.outcome}{record} on {one.at.date()} {by}"))
    out.print(Text(f"  seal {each.seal}; {in_odds(told['log_month'])}, {len(told['rows'])} accesses", style="dim"))


def verdict(flag: str, outcome: str, /, *, note: str, record: str = "", as_json: AsJson = False) -> int:
    """Decide about a flag under one's own token: cleared, explained or confirmed; recorded, and nobody is silenced.

    Args:
        flag: id of the flag.
        outcome: cleared, explained (with --record) or confirmed (takes two people).
        note: why, in a sentence.
        record: the kind of record that explains it; three such flags suggest a template.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[str, Listed]:
        by = await whose_token(services)
        return by, await watchdesk.decide(services, flag, outcome, by=by, note=note, record=record)

    by, done = with_services(work)
    if as_json:
        print_json(_told(done, by))
        return 0
    console().print(Text(f"{done.id}: {done.stands or 'confirmed by one; a second reviewer decides'}"))
    return 0


def case(flag: str, /, *, reason: str, as_json: AsJson = False) -> int:
    """Open the case about whom the flagged accesses would profit, under one's own token.

    Args:
        flag: id of the flag.
        reason: why, in a sentence.
        as_json: print JSON.
    """

    async def work(services: Services) -> Case:
        return await watchdesk.open_case(services, flag, by=await whose_token(services), reason=reason)

    made = with_services(work)
    if as_json:
        print_json({"case": made.id, "beneficiary": made.beneficiary, "state": made.state, "flag": flag})
        return 0
    console().print(Text(f"{made.id} about {made.beneficiary}: {made.state}"))
    return 0


def prompts(*, as_json: AsJson = False) -> int:
    """List the questions to oneself about single accesses that nothing explains.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[list[Prompt], dict[int, str]]:
        found = await watchprompts.prompts_to(services, await whose_token(services))
        return found, await watchprompts.subjects_of(services, found)

    found, names = with_services(work)
    rows = [
        {
            "prompt": each.id,
            "opened": names.get(each.subject, f"#{each.subject}"),
            "shown": each.shown,
            "at": each.looked_at.isoformat(),
            "answer_by": each.due_at.isoformat(),
            "answer": each.answer,
        }
        for each in found
    ]
    if as_json:
        print_json(rows)
        return 0
    lines = table("prompt", "opened", "people", "at", "answer by", "answer")
    for row in rows:
        lines.add_row(*(Text(str(cell if cell is not None else "")) for cell in row.values()))
    console().print(lines if rows else "nobody asks you anything")
    return 0


def answer(prompt: int, /, *, because: str, as_json: AsJson = False) -> int:
    """Say why one opened a record; recorded. One's own words are half an excuse at most.

    Args:
        prompt: number of the question.
        because: why, in a sentence.
        as_json: print JSON.
    """

    async def work(services: Services) -> Prompt:
        return await watchprompts.answer(services, prompt, because, by=await whose_token(services))

    done = with_services(work)
    late = done.answered_at is not None and done.answered_at > done.due_at
    if as_json:
        print_json({"prompt": done.id, "answer": done.answer, "counts": not late})
        return 0
    console().print("recorded, after the day in which it counts" if late else "recorded")
    return 0


def live(*, as_json: AsJson = False) -> int:
    """List what the gate noticed while people asked, and whom it holds up; the look is recorded.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> list[dict[str, Any]]:
        await watchdesk.check_reviewer(services, await whose_token(services))
        await look(services, "look.watch", "live")
        now = services.clock.now()
        return [_held(each, holds=each.until_at > now) for each in await watchlive.held(services)]

    rows = with_services(work)
    if as_json:
        print_json(rows)
        return 0
    lines = table("number", "actor", "sign", "step", "since", "until", "state")
    for row in rows:
        lines.add_row(
            *(Text(str(row[name])) for name in ("number", "actor", "sign", "step", "since", "until", "state"))
        )
    console().print(lines if rows else "nobody is held up")
    return 0


def _held(each: Held, *, holds: bool) -> dict[str, Any]:
    state = f"released by {each.released_by}" if each.released_by else "holds" if holds else "over"
    return {
        "number": each.id,
        "actor": f"actor #{each.actor}",
        "sign": each.sign,
        "step": each.step,
        "since": each.begun_at.isoformat(),
        "until": each.until_at.isoformat(),
        "state": state if each.enforced else f"{state} (observed)",
        "entry": each.entry,
    }


def release(number: int, /, *, because: str, as_json: AsJson = False) -> int:
    """Let somebody go on whose asks were held up, under one's own token; recorded.

    Args:
        number: of what holds him up, as `watch live` says.
        because: why, in a sentence.
        as_json: print JSON.
    """

    async def work(services: Services) -> Held:
        return await watchlive.release(services, number, by=await whose_token(services), note=because)

    done = with_services(work)
    if as_json:
        print_json(_held(done, holds=False))
        return 0
    console().print(Text(f"actor #{done.actor} goes on"))
    return 0
