"""What the console's pages say of flags, and the verdicts that reviewers give there: as `whosaw watch verdict` does."""

from __future__ import annotations

from whosaw.app import watchdesk
from whosaw.app.services import Services
from whosaw.app.watchdesk import Listed
from whosaw.app.watchreplay import NoSuchFlag
from whosaw.doors.console.watchreads import FlagLine, FlagPage, StoryLine, VerdictLine
from whosaw.terms import from_us
from whosaw.terms.odds import in_times
from whosaw.watch.verdicts import Outcome


def flag_line(each: Listed) -> FlagLine:
    """Return a flag as the pages show it; people stand by number."""
    told = each.told
    return FlagLine(
        *(each.id, each.day, each.actor, each.tier, each.beneficiary),
        *(told["sentence"], told["evidence"], told["detector"], each.stands),
        tuple((part["name"], part["evidence"], part["without"]) for part in told["signals"]),
        told["without_top_row"],
        tuple(StoryLine(said["sentence"], in_times(said["weakens"]), said["clears"]) for said in told["stories"]),
        bool(told.get("selected")),
        each.earlier,
    )


async def flag_page(services: Services, identifier: str, viewer: str) -> FlagPage | None:
    """Return one flag whole, None where there is none of that id."""
    found = await watchdesk.flag_of(services, identifier, viewer)
    if found is None:
        return None
    listed, verdicts = found
    accesses = sorted((int(at), int(subject)) for at, subject in listed.told["rows"])
    return FlagPage(
        flag_line(listed),
        listed.seal,
        tuple((from_us(at), subject) for at, subject in accesses),
        tuple(VerdictLine(each.outcome, each.record or "", each.note, each.by, each.at) for each in verdicts),
        viewer in {each.by for each in verdicts},
    )


async def judge(services: Services, identifier: str, said: tuple[str, str, str], viewer: str) -> str | None:
    """Record a verdict: outcome, kind of record, why; return why not, empty where recorded, None without a flag."""
    outcome, record, because = said
    if outcome not in tuple(Outcome):
        return "choose a verdict: cleared, explained or confirmed"
    try:
        await watchdesk.decide(services, identifier, outcome, by=viewer, note=because, record=record)
    except NoSuchFlag:
        return None
    except watchdesk.ReviewRefused as refused:
        return str(refused)
    return ""
