"""``whosaw case retention``: closed cases whose time is over, and their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.text import Text

from whosaw.answer import StepRefused, UnknownCase
from whosaw.answer.retention import KEPT_BY, Over, Pruned
from whosaw.app.casedesk import CaseWork, case_work
from whosaw.app.casesettings import CaseSettings
from whosaw.app.commands.acting import look, may_see, whose_token
from whosaw.app.commands.case import say
from whosaw.app.commands.hidden import hidden
from whosaw.app.commands.opened import Flag, with_services
from whosaw.app.commands.output import console, table
from whosaw.app.services import Services


def retention(case: str = "", /, *, apply: Flag = False) -> int:
    """List closed cases whose time is over (WHOSAW_CASE_KEEP_DAYS) and what still needs them; end those nothing needs.

    Cases that one may not see are left out; nobody ends one in which he has a conflict of interest.

    Args:
        case: CASE-1 alone; none means every such case.
        apply: take away what they hold; their number and dates stay. Without it nothing is changed.
    """
    keep = timedelta(days=CaseSettings.read().case_keep_days)

    async def do(services: Services) -> tuple[Sequence[Over], list[Pruned]]:
        work = case_work(services)
        desk = work.retention
        if not apply:
            await look(services, "look.case", case or "retention")
            return [each for each in await _seen(services, await desk.over(keep)) if case in ("", each.case)], []
        by = await whose_token(services)
        over = await desk.over(keep)
        free = [each.case for each in over if not each.kept_by and await _free_of(work, each.case, by)]
        known = case in {each.case for each in over}  # of any other, that its time is not over tells that it is there
        if case and not (await _free_of(work, case, by) and (known or await may_see(services, case))):
            raise UnknownCase(f"there is no case `{case}` that you may see", hint="`whosaw case list` lists them")
        wanted = [case] if case else free
        pruned = [await desk.prune(each, keep, by=by) for each in wanted]
        return await _seen(services, await desk.over(keep)), pruned

    over, pruned = with_services(do)
    for done in pruned:
        say(f"{done.case}: {done.rows} rows and {done.files} files are gone")
    lines = table("case", "closed", "kept, because")
    for each in over:
        why = "; ".join(KEPT_BY[word] for word in each.kept_by)
        lines.add_row(*map(Text, (each.case, f"{each.closed_at:%Y-%m-%d}", why)))
    console().print(lines if over else "no closed case is older than it may be")
    return 0


async def _seen(services: Services, found: Sequence[Over]) -> Sequence[Over]:
    unseen = await hidden(services, (each.case for each in found))
    return [each for each in found if each.case not in unseen]


async def _free_of(work: CaseWork, case: str, by: str) -> bool:
    """Return whether a case is there in which a person has no conflict; whoever worked on it may be long gone."""
    try:
        await work.conflicts.check(case, by)
    except (StepRefused, UnknownCase):
        return False
    return True
