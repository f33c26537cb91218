"""``whosaw watch``: explanations first, then evidence, and flags that whoever is accused can recompute."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.acting import look, whose_token
from whosaw.app.commands.opened import with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.watchdesk import may_review
from whosaw.app.watching import WatchFiles, replay_flag, replayed_beside, watch_actors
from whosaw.app.watchingreviews import read_prints, sellers_of, watch_reviews
from whosaw.app.watchreplay import by_number, replay_stored
from whosaw.app.watchsightings import MailPrints, Row, declared_prints, mail_prints
from whosaw.store.numbers import find_all
from whosaw.terms import to_us
from whosaw.terms.odds import in_times
from whosaw.watch.rows import OPEN

_Json = Annotated[bool, Parameter(name="--json", negative="")]
_Words = Annotated[tuple[str, ...], Parameter(negative="")]


def actors(
    *,
    lake: Path,
    staff: Path | None = None,
    managers: Path | None = None,
    harms: Path | None = None,
    decisions: Path | None = None,
    prints: Path | None = None,
    canaries: Path | None = None,
    config: Path | None = None,
    nightly: Annotated[bool, Parameter(negative="")] = False,
    until: date | None = None,
    suggest: Annotated[bool, Parameter(negative="")] = False,
    as_json: _Json = False,
) -> int:
    """Say whose accesses no record explains and favour somebody, and how many innocent people it would accuse.

    Args:
        lake: folder of the lake.
        staff: CSV with actor,role and, where known, queue,product,shift; region,employer,part_time for rates alone.
        managers: CSV with actor,beneficiary: declared account management.
        harms: CSV with subject,at: somebody was contacted, a review changed, money refunded.
        decisions: CSV with actor,at,kind,favourable and, where known, beneficiary,second,routed,appealed_at.
        prints: CSV with side,name,print.
        canaries: CSV with subject: persons who do not exist.
        config: TOML with a table [watch].
        nightly: permute people first, and switch off every signal that finds something among them.
        until: the last day to read (UTC); everything where absent.
        suggest: offer templates that the work records suggest; none is used before a person declares it.
        as_json: print JSON.
    """
    files = WatchFiles(staff, managers, harms, decisions, prints, canaries, config)
    told = watch_actors(lake, files, nightly=nightly, until_us=_end(until), suggest=suggest)
    if as_json:
        print_json(told)
        return 0
    _print_actors(told, suggest=suggest)
    return 0


def replay(
    flag: str,
    /,
    *,
    lake: Path | None = None,
    staff: Path | None = None,
    managers: Path | None = None,
    harms: Path | None = None,
    decisions: Path | None = None,
    prints: Path | None = None,
    canaries: Path | None = None,
    config: Path | None = None,
    off: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    seal: str | None = None,
    until: date | None = None,
    as_json: _Json = False,
) -> int:
    """Recompute a flag from the record; its seal is equal if and only if every bit of it is.

    Args:
        flag: id of the flag.
        lake: folder of the lake; without one the flag is sought among those that the server stored, and recomputed from
            its trail, the company's work records and what the run was told; then customers stand by number and nobody
            is named who would profit, unless the token in WHOSAW_TOKEN is a reviewer's.
        staff: as for `watch actors`.
        managers: as for `watch actors`.
        harms: as for `watch actors`.
        decisions: as for `watch actors`.
        prints: as for `watch actors`.
        canaries: as for `watch actors`.
        config: as for `watch actors`.
        off: signals that were switched off when the flag was made.
        seal: the seal it had; exit code 1 where it differs.
        until: the day it was made for; accesses and work records after it are left out.
        as_json: print JSON.
    """
    if lake is None:
        told, seal = with_services(lambda services: _stored(services, flag))
    else:
        files = WatchFiles(staff, managers, harms, decisions, prints, canaries, config)
        again = partial(replay_flag, lake, files, flag, off, _end(until))
        told = again() if seal is None else replayed_beside(seal, again)
    same = seal is None or seal == told["seal"]
    if as_json:
        print_json(told | {"same": same})
    else:
        print_flag(told)
        why = f": {told['other_version']}" if told.get("other_version") else ""
        console().print(f"seal {told['seal']}" + ("" if same else f", which is not the one given{why}"))
    return 0 if same else 1


async def _stored(services: Services, flag: str) -> tuple[dict[str, Any], str]:
    await look(services, "look.watch", f"flag:{flag[:32]}")
    told, seal = await replay_stored(services, flag)
    token = services.settings.token
    if token is not None and await may_review(services, await whose_token(services)):
        return told, seal
    return await by_number(services, told), seal


def _end(until: date | None) -> int:
    """Return the end of a day in microseconds, no end where there is none."""
    return OPEN if until is None else to_us(datetime.combine(until + timedelta(days=1), time(), UTC))


def reviews(*, reviews: Path, deletions: Path | None = None, people: int = 100, as_json: _Json = False) -> int:
    """Say which reviewers act together, which reviews to look at first, and which deletions look bought.

    Args:
        reviews: CSV with review,author,target and, where known, at,stars.
        deletions: CSV with review,actor,at.
        people: how many might have deleted reviews.
        as_json: print JSON.
    """
    told = watch_reviews(reviews, deletions, people)
    if as_json:
        print_json(told)
        return 0
    out = console()
    out.print(f"groups of reviewers who act together: {len(told['rings'])}; targets with bursts: {len(told['bursts'])}")
    for ring in told["rings"][:20]:
        chance = f"chance about 10^{ring['log10_chance']:.0f}"
        out.print(Text(f"{len(ring['authors'])} reviewers, {len(ring['targets'])} targets, {chance}"))
    for each in told["rating_shifts"][:20]:
        line = f"{each['target']}: stars {each['before']} before, {each['during']} {each['from'][:10]}"
        out.print(Text(f"{line} to {each['until'][:10]}, chance about 10^{each['log10_chance']:.0f}"))
    for each in told["bought_deletions"]:
        line = f"{each['actor']} deleted {len(each['restore'])} sound bad reviews of {each['target']}"
        out.print(Text(f"{line}: evidence {each['evidence']} against chance, which is no probability of guilt"))
    return 0


def sellers(
    *,
    prints: Path | None = None,
    mails: Annotated[bool, Parameter(negative="")] = False,
    common: _Words = (),
    as_json: _Json = False,
) -> int:
    """Say which sellers are joined by what they left behind, and where employees left the same.

    Without a file the mails that this whosaw holds are read, beside what the company's own query of prints answers: who
    signed them, which hosts their links lead to, and which are made from one template. No word of them is kept.

    Args:
        prints: CSV with side,name,print: payout accounts, mail domains, tracking hosts, devices.
        mails: read the mails beside the file.
        common: further domains and hosts that say nothing.
        as_json: print JSON.
    """
    rows = read_prints(prints) if prints is not None else []
    told: dict[str, Any] = {}
    known: dict[str, int] = {}
    if prints is None or mails:
        held, declared, known = with_services(lambda services: _left_behind(services, common, rows))
        rows = [*rows, *declared, *held.rows]
        told = {"mails": held.mails, "mails_gone": held.gone}
    told |= sellers_of(rows, known)
    if as_json:
        print_json(told)
        return 0
    lines = table("sellers", "joined by", "employees with the same")
    for each in told["clusters"]:
        cells = (", ".join(each["sellers"]), ", ".join(each["prints"]), ", ".join(each["actors"]))
        lines.add_row(*map(Text, cells))
    console().print(lines if told["clusters"] else "nothing joins two sellers")
    if told.get("mails_gone"):
        console().print(f"{told['mails_gone']} mails are not there any more")
    return 0


async def _left_behind(
    services: Services, common: _Words, rows: Sequence[Row]
) -> tuple[MailPrints, Sequence[Row], dict[str, int]]:
    await look(services, "look.watch", "sellers")
    declared = await declared_prints(services)
    people = {name for side, name, _ in (*rows, *declared) if side == "actor"}
    return await mail_prints(services, common), declared, await find_all(services.db, "actor", people)


def _print_actors(told: Mapping[str, Any], *, suggest: bool) -> None:
    out = console()
    out.print(
        f"{told['accesses']} accesses of {told['people']} people, {told['explained_share']:.1%} of them explained"
    )
    out.print(
        f"at most {told['false_cases_a_month']:g} innocent people a month become a case "
        f"(detector from {told['case_detector']:,.0f} on, or one month's evidence {told['case_month']})"
    )
    for each in told["health"] or ():
        state = "holds" if each["holds"] else "is switched off"
        means = f"mean evidence {each['bounded_mean']:.3f}, at 100 : 1 or more {each['tail']:.4f}"
        out.print(Text(f"nightly check, {each['name']}: {means} of {each['people']} permuted people; {state}"))
    for each in told["rates_by_group"] or ():
        if each["above"]:
            rate = f"{each['reached']} of {each['people']} permuted people reach the review tier"
            out.print(Text(f"{each['attribute']} {each['group']}: {rate}, above 1.5 times the stated rate"))
    for each in told["teams"]:
        by = ", ".join(f"{name} {count / each['accesses']:.1%}" for name, count in each["by_template"].items())
        line = f"team {each['team'] or 'without a name'}: {each['explained'] / each['accesses']:.1%} explained"
        out.print(Text(f"{line}{f', by {by}' if by else ''}", style="dim"))
    for each in told["suggested_templates"]:
        line = f"a template `{each['name']}` (via {each['via']}) would explain {each['explains_more']:.1%} more"
        out.print(Text(f"{line}, {each['lift']:,.0f} times likelier than at random; if it is a reason, declare it:"))
        kinds = f"\nkinds = {json.dumps(each['kinds'])}" if each["kinds"] else ""
        said = f"[[watch.template]]\nname = {json.dumps(each['name'])}\nvia = {json.dumps(each['via'])}{kinds}"
        out.print(Text(said, style="dim"))
    if suggest and not told["suggested_templates"]:
        out.print("no template is suggested: the lake's work records show no further reason that fits")
    if not told["flags"]:
        out.print("no flags")
    for flag in told["flags"]:
        print_flag(flag)
    for sentence in told["missing"]:
        out.print(Text(f"missing: {sentence}", style="dim"))
    out.print(Text(told["grade"], style="dim"))


def print_flag(flag: Mapping[str, Any]) -> None:
    """Print a flag with its parts, the innocent stories and its rows."""
    out = console()
    out.print(Text(f"{flag['tier']} {flag['id']}, {flag['actor']}: {flag['sentence']}", style="bold"))
    for part in flag["signals"]:
        out.print(Text(f"  {part['name']}: {part['evidence']}; without it {part['without']}", style="dim"))
    for story in flag["stories"]:
        line = f"  perhaps {story['sentence']}: evidence {in_times(story['weakens'])} times less"
        out.print(Text(f"{line}; would be settled by {story['clears']}"))
    for access in flag["accesses"][:20]:
        out.print(Text(f"  {access['at']} {access['subject']}", style="dim"))
