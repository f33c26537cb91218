"""``whosaw watch wording|restore``: appeals that read like their approver, and bought deletions taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from whosaw.answer import Step
from whosaw.answer.ladder import RULES
from whosaw.app.casedesk import case_work
from whosaw.app.commands.acting import whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.watchingreviews import watch_reviews
from whosaw.app.watchrestoring import plan_restoration
from whosaw.app.watchwording import FEWEST, watch_wording


def wording(*, appeals: Path, written: Path, as_json: AsJson = False) -> int:
    """List appeals that read like whoever approved them; no word of any text is printed.

    Args:
        appeals: CSV with appeal,approver,at,text; `at` is when the appeal came.
        written: CSV with actor,at,text: what staff wrote.
        as_json: print JSON.
    """
    told = watch_wording(appeals, written)
    if as_json:
        print_json(told)
        return 0
    out, found = console(), told["like_the_approver"]
    out.print(
        f"{told['weighed']} of {told['appeals']} appeals weighed (an approver who wrote before, among {FEWEST} or more)"
    )
    out.print(f"{len(found)} read like their approver and like nobody else as much; chance makes {told['by_chance']:g}")
    rows = table("appeal", "approver", "share of its wording", "evidence")
    for each in found:
        rows.add_row(Text(each["appeal"]), each["approver"], f"{each['share']:.0%}", each["evidence"])
    if found:
        out.print(rows)
        out.print(Text("evidence is against chance and is no probability of guilt", style="dim"))
    return 0


def restore(
    case: str, /, *, reviews: Path, deletions: Path, people: int = 100, note: str = "", as_json: AsJson = False
) -> int:
    """Plan the restoration of every review whose deletion looks bought for whom a case is about.

    Nothing comes back before others approve the step, as `whosaw case approve` has it.

    Args:
        case: CASE-1.
        reviews: as for `watch reviews`.
        deletions: as for `watch reviews`.
        people: how many might have deleted reviews.
        note: what the writers of these reviews are told.
        as_json: print JSON.
    """

    async def work(services: Services) -> Step:
        by, about = await whose_token(services), case_work(services)
        opened = await about.cases.get(case)
        bought: list[dict[str, Any]] = watch_reviews(reviews, deletions, people)["bought_deletions"]
        return await plan_restoration(about.steps, opened, bought, by=by, note=note)

    made = with_services(work)
    approvals = RULES[made.kind].approvals
    if as_json:
        print_json({"step": made.id, "reviews": made.params["reviews"], "approvals": approvals, "reason": made.reason})
        return 0
    out = console()
    out.print(Text(f"{made.id}: {len(made.params['reviews'])} reviews to restore; {made.reason}"))
    out.print(Text(f"{approvals} approval{'s' if approvals > 1 else ''} needed: whosaw case approve {made.id}"))
    return 0
