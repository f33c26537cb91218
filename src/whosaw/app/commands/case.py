"""``whosaw case open|list|show|state|who-knew|people``: the desk of a case. Acts need one's own token."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter
from rich.text import Text

from whosaw.answer import Case, UnknownCase
from whosaw.answer.appeals import Appeal
from whosaw.answer.corrections import Fallen
from whosaw.answer.desk import Colleague, Knowledge
from whosaw.answer.freewords import without_keys
from whosaw.answer.ladder import RULES
from whosaw.answer.numbered import UNNUMBERED, by_number, customers_in, staff_in
from whosaw.answer.origin import origin_lines
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.commands.acting import act_in_case, look, look_at_case, may_see, who_looks, whose_token
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.services import Services
from whosaw.store.alerts import attention
from whosaw.store.database import Connection
from whosaw.store.numbers import find_all
from whosaw.terms import chance
from whosaw.trace.explained import by_what, explained_chance, in_words, rows_of

Words = Annotated[Sequence[str], Parameter(negative="")]


class CaseTimeUnreadable(AppError, ValueError):
    """A time on the command line is not one, or lacks its zone."""

    code: ClassVar[str] = "app.case_time"
    hint = "write it as 2026-04-02T08:00+02:00"


class VerdictUnreadable(AppError, ValueError):
    """The file is not what `whosaw trace --json` prints."""

    code: ClassVar[str] = "app.verdict_unreadable"
    hint = "whosaw trace … --json > verdict.json, then name that file"


def moment(text: str) -> datetime:
    """Return a time that was written with its zone.

    Raises:
        CaseTimeUnreadable: it is none.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as cause:
        raise CaseTimeUnreadable(f"`{text}` is no time") from cause
    if time.tzinfo is None:
        raise CaseTimeUnreadable(f"`{text}` says no zone")
    return time


def say(line: str) -> None:
    """Print one line; text from data is never read as markup."""
    console().print(Text(line))


def open_(beneficiary: str, /, *, reason: str) -> int:
    """Open a case about who profits, or return the open one that one may see; sightings about it join.

    Args:
        beneficiary: as the company writes it: seller:S-0088.
        reason: why, in a sentence.
    """

    async def work(services: Services) -> Case:
        opened = await case_work(services).desk.open(beneficiary, by=await whose_token(services), reason=reason)
        if not await may_see(services, opened.id):  # it is there already, and is nothing to him
            raise UnknownCase(
                f"there is no case about `{beneficiary}` that you may see", hint="tell the privacy office"
            )
        return opened

    made = with_services(work)
    say(f"{made.id} about {made.beneficiary}: {made.state}")
    return 0


def list_(*, as_json: AsJson = False) -> int:
    """List the cases that one may see, oldest first; the look is recorded.

    Args:
        as_json: print JSON.
    """

    async def work(services: Services) -> list[tuple[Case, int]]:
        await look(services, "look.case", "cases")
        desk = case_work(services)
        seen = [each for each in await desk.cases.list() if await may_see(services, each.id)]
        return [(each, len(await desk.book.list(case=each.id))) for each in seen]

    found = with_services(work)
    if as_json:
        print_json([asdict(case) | {"sightings": count} for case, count in found])
        return 0
    lines = table("case", "about", "state", "opened", "sightings")
    for case, count in found:
        cells = (case.id, case.beneficiary, case.state, f"{case.opened_at:%Y-%m-%d %H:%M}", str(count))
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "there is no case that you may see")
    return 0


def show(case: str, /, *, as_json: AsJson = False) -> int:
    """Show a case: state, verdict, steps, appeals. People stand as numbers unless unmasked; the look is recorded.

    An appeal stands in its writer's words: keys in them are replaced, a name that he wrote is not.

    Args:
        case: CASE-1.
        as_json: print JSON.
    """

    async def work(services: Services) -> dict[str, Any]:
        await look_at_case(services, case)
        return await told(case_work(services), case, to=await who_looks(services))

    seen = with_services(work)
    if as_json:
        print_json(seen)
        return 0
    say(f"{case} about {seen['beneficiary']}: {seen['state']}, {seen['sightings']} sightings")
    aware = seen["aware_since"]
    say(f"aware since {aware:%Y-%m-%d %H:%M}" if aware else "aware since when: nobody decided")
    waiting = seen["alerts"]
    if waiting["unread"]:
        say(f"{waiting['unread']} alerts nobody has read, the oldest since {waiting['oldest_at']:%Y-%m-%d %H:%M}")
    if seen["verdict"]:
        say_verdict(seen["verdict"])
    for fell in seen["fallen"]:
        say(fallen_line(case, fell))
    for move in seen["moves"]:
        say(f"{move['at']:%Y-%m-%d %H:%M}  {move['before']} -> {move['after']} by {move['by']}: {move['reason']}")
    for step in seen["steps"]:
        say(f"{step['id']:<10} {step['kind']:<17} {step['target']:<14} {step['state']}")
    for appeal in seen["appeals"]:
        stands = f"{appeal['outcome']} by {appeal['reviewer']}: {appeal['why']}" if appeal["outcome"] else "open"
        say(f"appeal {appeal['id']} against {appeal['step']}, {appeal['filed_at']:%Y-%m-%d}: {stands}")
        say(f"  it says: {appeal['text']}")
    return 0


def say_verdict(verdict: Mapping[str, Any]) -> None:
    """Print a verdict whose people stand as numbers: what it says, and what it did not weigh."""
    rows = rows_of(verdict)
    explained = f"; explained by {by_what(rows)} {chance(explained_chance(rows))}" if rows else ""
    say(f"verdict {verdict['verdict']}; nobody inside {chance(verdict['outside_probability'])}{explained}")
    for each in verdict["candidates"]:
        say(f"  {', '.join(each['actors'])}  {chance(each['probability'])}  {each['rung']}")
    if sentence := in_words(rows):
        say(f"  {sentence}")
    for line in origin_lines(verdict):
        say(f"  {line}")
    for each in verdict.get("missing") or ():
        say(f"  missing: {each}")


async def told(work: CaseWork, case: str, *, to: str) -> dict[str, Any]:
    """Return what may be shown of a case, with numbers for people who are not unmasked; who is shown it is kept."""
    file = await work.cases.get(case)
    history = await work.cases.verdicts(case)
    last: Mapping[str, Any] = history[-1].verdict if history else {}
    steps = await work.steps.list(case)
    about = {each.target for each in steps if RULES[each.kind].about == "actor"}
    keys = sorted(about.union(*(staff_in(each.verdict) for each in history)))
    customers = {key for each in history for key in customers_in(each.verdict)}
    numbers = await find_all(work.services.db, "actor", keys)
    names = await work.unmaskings.names(case, list(numbers.values()))
    suspected = history[-1].suspected() if history else set()
    await work.corrections.shown(case, to, [number for key, number in numbers.items() if key in suspected])
    shown = dict.fromkeys(keys, UNNUMBERED) | {key: names[number] for key, number in numbers.items()}
    return {
        **asdict(file),
        "sightings": len(await work.book.list(case=case)),
        "aware_since": await work.desk.aware_since(case),
        "alerts": asdict(await attention(work.services.db)),
        "fallen": [asdict(each) for each in await work.corrections.fallen(case)],
        "verdict": by_number(last, shown) if last else None,
        "moves": [asdict(each) for each in await work.desk.moves(case)],
        "steps": [asdict(each) | {"target": shown.get(each.target, each.target)} for each in steps],
        "appeals": [_without_keys(each, shown, customers) for each in await work.appeals.list(case)],
    }


def _without_keys(appeal: Appeal, shown: Mapping[str, str], customers: Collection[str]) -> dict[str, Any]:
    text, why = (without_keys(each or "", shown, customers) for each in (appeal.text, appeal.why))
    return asdict(appeal) | {"text": text, "why": appeal.why and why}


def fallen_line(case: str, fell: Mapping[str, Any]) -> str:
    """Return what must be put right about an accusation that fell, and how."""
    number, line = fell["actor"], f"actor #{fell['actor']} is no longer under suspicion"
    if fell["untold"]:
        who = "1 person knows" if fell["untold"] == 1 else f"{fell['untold']} people know"
        line += f"; {who} of it and must be told: whosaw case retract {case} {number} --text …"
    if fell["measures"]:
        line += f"; still in force against him: {', '.join(fell['measures'])} (whosaw case undo)"
    return line


def state(case: str, to: str, /, *, reason: str) -> int:
    """Bring a case into another state: suspected, investigating, contained, notified, closed; recorded.

    Args:
        case: CASE-1.
        to: the state; from closed only to investigating, which reopens it.
        reason: why.
    """

    async def work(services: Services) -> Case:
        by = await act_in_case(services, case)
        return await case_work(services).desk.move(case, to, by=by, reason=reason)

    say(f"{case} is {with_services(work).state}")
    return 0


def verdict(case: str, file: Path, /) -> int:
    """Add what `whosaw trace --json` said to the case's history.

    Args:
        case: CASE-1.
        file: what it printed.
    """
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        complaints = int(said["complaints"]["used"])
        said["verdict"], said["candidates"], said["scope"], said["outside_probability"]
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise VerdictUnreadable(f"`{file}` is no verdict") from cause

    async def work(services: Services) -> tuple[int, Sequence[Fallen], Sequence[str]]:
        from whosaw.app.casecaution import weighs_less  # it needs what traces; most of what a case asks does not
        from whosaw.app.tracedeclared import NAMES

        desk = case_work(services)
        by = await act_in_case(services, case)
        less = weighs_less([each.verdict for each in await desk.cases.verdicts(case)], NAMES, said)

        async def announce(_: Connection, seq: int) -> None:
            await desk.notes.add(case, "case.verdict", by=by, text=json.dumps(said, sort_keys=True), more={"seq": seq})

        added = await desk.cases.add_verdict(case, said, complaints=complaints, beside=announce)
        return added.seq, await desk.corrections.fallen(case), less

    seq, fallen, less = with_services(work)
    say(f"verdict {seq} of {case}: {said['verdict']}")
    if less:
        say(f"an earlier one weighed {' and '.join(less)}, which this one does not: whom it cleared may be named again")
    for each in fallen:
        say(fallen_line(case, asdict(each)))
    return 0


def who_knew(
    case: str,
    /,
    *,
    person: str = "",
    what: str = "",
    at: str = "",
    aware_since: str = "",
    not_aware: Flag = False,
    why: str = "",
    as_json: AsJson = False,
) -> int:
    """Show who knew what when; note that somebody learned something; or decide since when the company is aware.

    Args:
        case: CASE-1.
        person: who came to know `what`, at `at`.
        what: what he came to know.
        at: when, as 2026-04-02T08:00+02:00.
        aware_since: decide that the company is aware since this minute; starts the clocks of law.
        not_aware: decide that it is not aware yet.
        why: why, for either decision.
        as_json: print JSON.
    """

    async def work(services: Services) -> list[Knowledge]:
        desk = case_work(services)
        if aware_since or not_aware:
            by = await act_in_case(services, case)
            since = moment(aware_since) if aware_since else None
            await desk.desk.decide_awareness(case, since=since, why=why, by=by)
            if since is not None:
                from whosaw.app.casesettings import CaseSettings

                zone = CaseSettings.read().notices_zone
                await desk.clocks.start(case, "awareness", at=since, zone=zone, by=by)
        elif person:
            by = await act_in_case(services, case)
            known_at = moment(at) if at else services.clock.now()
            await desk.desk.learn(case, person=person, what=what, known_at=known_at, by=by)
        else:
            await look_at_case(services, case)
        return list(await desk.desk.who_knew(case))

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("known", "who", "", "what", "noted", "by", "entry")
    for each in found:
        known, noted = f"{each.known_at:%Y-%m-%d %H:%M}", f"{each.noted_at:%Y-%m-%d %H:%M}"
        lines.add_row(*map(Text, (known, each.person, each.kind, each.what, noted, each.noted_by, str(each.entry))))
    console().print(lines if found else "nobody has noted anything")
    return 0


def people(
    case: str, /, *, name: str = "", function: str = "", end: str = "", why: str = "", as_json: AsJson = False
) -> int:
    """Show who works on a case; name somebody, or end somebody's part.

    Args:
        case: CASE-1.
        name: the staff key of whom to name.
        function: as what: privacy, security, legal, hr, works_council.
        end: the staff key of whose part to end.
        why: why it ends.
        as_json: print JSON.
    """

    async def work(services: Services) -> list[Colleague]:
        desk = case_work(services).desk
        if name:
            await desk.name(case, name, function, by=await act_in_case(services, case))
        elif end:
            await desk.dismiss(case, end, by=await act_in_case(services, case), why=why)
        else:
            await look_at_case(services, case)
        return list(await desk.people(case))

    found = with_services(work)
    if as_json:
        print_json([asdict(each) for each in found])
        return 0
    lines = table("who", "function", "named by", "since", "until")
    for each in found:
        until = f"{each.ended_at:%Y-%m-%d %H:%M} ({each.ended_why})" if each.ended_at else ""
        cells = (each.person, each.function, each.named_by, f"{each.named_at:%Y-%m-%d %H:%M}", until)
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "nobody was named yet: whoever has no conflict may work on it")
    return 0
