"""``whosaw grant glass|broken|review``: access taken against policy at once, and what two others say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.acting import look, whose_token
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.gate.glassask import Glass, GlassAsk, Review
from whosaw.terms import PurposeRef, SubjectRef

Classes = Annotated[list[str] | None, Parameter(name="--class", negative="")]


def break_(*, reason: str, subject: str | None = None, purpose: str | None = None, classes: Classes = None) -> int:
    """Take access against policy, now, under one's own token: recorded first, loud, and reviewed by two people.

    Args:
        reason: why, in at most 500 characters.
        subject: whose data, as customer:C-000017; default anybody's.
        purpose: the work it is for, as ticket:T-1009.
        classes: which classes, repeated; default all that the catalog lets it open.
    """

    async def work(services: Services) -> Glass:
        ask = GlassAsk(
            holder=await whose_token(services),
            reason=reason,
            subject=SubjectRef.parse(subject) if subject else None,
            purpose=PurposeRef.parse(purpose) if purpose else None,
            classes=frozenset(classes or ()),
        )
        return await services.glasses.break_(ask)

    glass = with_services(work)
    opened = ", ".join(sorted(glass.classes))
    console().print(
        Text(
            f"glass {glass.id} is broken: {opened} of {glass.subject or 'anybody'} until {glass.until_at:%H:%M} UTC\n"
            f"two people review it by {glass.review_by:%Y-%m-%d %H:%M} UTC; the alert is on its way"
        )
    )
    return 0


def close(glass: int, /) -> int:
    """End one's own access before its time, under one's own token; it is reviewed all the same.

    Args:
        glass: its number.
    """

    async def work(services: Services) -> Glass:
        return await services.glasses.close(glass, await whose_token(services))

    console().print(Text(f"glass {with_services(work).id} is closed"))
    return 0


def list_(*, unreviewed: Flag = False, as_json: AsJson = False) -> int:
    """List broken glass, the newest first; the look is recorded.

    Args:
        unreviewed: only what waits for a review.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Glass]:
        await look(services, "look.glass", "glass")
        return await services.glasses.latest(unreviewed=unreviewed)

    found = with_services(work)
    if as_json:
        print_json([_told(each) for each in found])
        return 0
    lines = table("glass", "who", "what", "about", "broken", "review by", "state", "given", "reason")
    for each in found:
        given = ", ".join(f"{'+' if one.approves else '-'}{one.approver or 'erased'}" for one in each.given)
        state = each.state + (f", raised again {each.escalations} times" if each.escalations else "")
        cells = (
            *(str(each.id), each.holder, ", ".join(sorted(each.classes)), each.subject or "anybody"),
            *(f"{each.broken_at:%Y-%m-%d %H:%M}", f"{each.review_by:%Y-%m-%d %H:%M}", state, given, each.reason or ""),
        )
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "no glass is broken")
    return 0


def review(
    glass: int,
    /,
    *,
    justified: Annotated[bool, Parameter(name="--justified", negative="--unjustified")],
    reason: str,
) -> int:
    """Say of somebody else's broken glass whether it was justified, under one's own token.

    Args:
        glass: its number.
        justified: whether it was; that it was not ends the access at once.
        reason: why.
    """

    async def work(services: Services) -> Glass:
        verdict: Review = Review(
            glass, await whose_token(services), "justified" if justified else "unjustified", reason=reason
        )
        return await services.glasses.review(verdict)

    done = with_services(work)
    console().print(Text(f"glass {done.id} is {done.state}: {len(done.given)} of 2 reviews"))
    return 0


def _told(glass: Glass) -> dict[str, object]:
    return {
        "glass": glass.id,
        "holder": glass.holder,
        "classes": sorted(glass.classes),
        "subject": glass.subject,
        "purpose": glass.purpose,
        "broken_at": glass.broken_at,
        "until_at": glass.until_at,
        "review_by": glass.review_by,
        "state": glass.state,
        "escalations": glass.escalations,
        "reason": glass.reason,
        "given": [
            {"reviewer": each.approver, "function": each.function, "justified": each.approves} for each in glass.given
        ],
        "entry": glass.entry,
    }
