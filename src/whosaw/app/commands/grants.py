"""``whosaw grant …``: access that others approve, for a time; and access taken against policy, which others review.

Whoever asks, approves, refuses or reviews does it under his own token; the operator of the machine may look, and end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.acting import look, who_looks, whose_token
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.settings import Settings
from whosaw.catalog import load
from whosaw.gate.grants import Word
from whosaw.gate.grantsask import Grant, GrantAsk
from whosaw.terms import PurposeRef, SubjectRef

Classes = Annotated[list[str] | None, Parameter(name="--class", negative="")]
_OPEN: tuple[Literal["requested", "in_force"], ...] = ("requested", "in_force")
_ALL: tuple[Literal["requested", "in_force", "refused", "revoked", "expired", "used"], ...] = (
    *_OPEN,
    *("refused", "revoked", "expired", "used"),
)


def kinds(*, as_json: AsJson = False) -> int:
    """List the kinds of grant that the catalog declares, and who may approve them.

    Args:
        as_json: print JSON.
    """
    declared = load(Settings().catalog_path).grants.values()
    rows = [
        {
            "kind": each.name,
            "opens": sorted(each.classes),
            "approvers": sorted(each.approvers),
            "approvals": each.approvals,
            "hours_most": each.hours_most,
        }
        for each in declared
    ]
    if as_json:
        print_json(rows)
        return 0
    lines = table("kind", "opens", "approved by", "approvals", "for at most")
    for each in declared:
        opens = ", ".join(sorted(each.classes)) or "see docs/grants.md"
        cells = (each.name, opens, ", ".join(sorted(each.approvers)), str(each.approvals), f"{each.hours_most:g} h")
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if rows else "the catalog declares no kind of grant")
    return 0


def request(
    kind: str,
    /,
    *,
    reason: str,
    purpose: str | None = None,
    subject: str | None = None,
    classes: Classes = None,
    minutes: int | None = None,
    action: str | None = None,
    digest: str | None = None,
    target: str | None = None,
    case: str | None = None,
) -> int:
    """Ask for a grant, under one's own token; somebody else must approve it.

    Args:
        kind: as `whosaw grant kinds` lists it.
        reason: why, in at most 500 characters.
        purpose: the work it is for, as ticket:T-1009; a kind that opens classes needs one.
        subject: the one it is bound to, as customer:C-000017; default any.
        classes: which classes of the kind, repeated; default all of them.
        minutes: for how long from the approval on; default as long as the kind allows.
        action: second_person: the action it is the word for, as review.delete, export or suspension.lift.
        digest: second_person: the digest of the one ask it is for, as the refusal named it.
        target: unmask: the actor; suspension.lift: whose suspension.
        case: the case it is asked for in, as CASE-1; unmask needs one.
    """

    async def work(services: Services) -> Grant:
        ask = GrantAsk(
            holder=await whose_token(services),
            kind=kind,
            reason=reason,
            minutes=minutes,
            classes=frozenset(classes or ()),
            subject=SubjectRef.parse(subject) if subject else None,
            purpose=PurposeRef.parse(purpose) if purpose else None,
            action=action,
            digest=digest,
            target=target,
            case=case,
        )
        return await services.grants.request(ask)

    made = with_services(work)
    needed = f"{made.approvals} approval{'s of different functions' if made.approvals > 1 else ''}"
    console().print(Text(f"grant {made.id} is requested: {needed} needed by {_moment(made.decide_by)}"))
    return 0


def approve(grant: int, /) -> int:
    """Approve a request of somebody else, under one's own token.

    Args:
        grant: its number.
    """
    done = with_services(lambda services: _say(services, grant, "approve", ""))
    console().print(Text(_standing(done)))
    return 0


def refuse(grant: int, /, *, reason: str) -> int:
    """Refuse a request of somebody else, under one's own token; one refusal ends it.

    Args:
        grant: its number.
        reason: why.
    """
    console().print(Text(_standing(with_services(lambda services: _say(services, grant, "refuse", reason)))))
    return 0


def revoke(grant: int, /, *, reason: str) -> int:
    """End a grant or a request: one's own, or as an approver; without a token, as the operator of this machine.

    Args:
        grant: its number.
        reason: why.
    """

    async def work(services: Services) -> Grant:
        word = Word(grant, await who_looks(services), reason=reason)
        return await services.grants.revoke(word, ordered=services.settings.token is None)

    console().print(Text(_standing(with_services(work))))
    return 0


def list_(*, everything: Annotated[Flag, Parameter(name="--all")] = False, as_json: AsJson = False) -> int:
    """List requests and grants in force, the newest first; the look is recorded.

    Args:
        everything: what is over too.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Grant]:
        await look(services, "look.grants", "grants")
        return await services.grants.latest(_ALL if everything else _OPEN)

    found = with_services(work)
    if as_json:
        print_json([_told(each) for each in found])
        return 0
    lines = table("grant", "kind", "whose", "state", "for", "until", "given", "reason")
    for each in found:
        about = " ".join(filter(None, (each.purpose, each.subject, each.action, each.target, each.case)))
        until = each.until_at or each.decide_by
        given = ", ".join(
            f"{'+' if one.approves else '-'}{one.approver or 'erased'} ({one.function})" for one in each.given
        )
        cells = (str(each.id), each.kind, each.holder, each.state, about, _moment(until), given, each.reason or "")
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "no grant is asked for or in force")
    return 0


async def _say(services: Services, grant: int, verb: Literal["approve", "refuse"], reason: str) -> Grant:
    word = Word(grant, await whose_token(services), reason=reason)
    grants = services.grants
    return await (grants.approve(word) if verb == "approve" else grants.refuse(word))


def _standing(grant: Grant) -> str:
    if grant.state == "in_force" and grant.until_at is not None:
        return f"grant {grant.id} is in force until {_moment(grant.until_at)}"
    if grant.state == "requested":
        approved = sum(each.approves for each in grant.given)
        return f"grant {grant.id} has {approved} of {grant.approvals} approvals"
    return f"grant {grant.id} is {grant.state}"


def _told(grant: Grant) -> dict[str, object]:
    return {
        "grant": grant.id,
        "kind": grant.kind,
        "holder": grant.holder,
        "state": grant.state,
        "classes": sorted(grant.classes),
        "action": grant.action,
        "digest": grant.digest,
        "subject": grant.subject,
        "purpose": grant.purpose,
        "target": grant.target,
        "case": grant.case,
        "requested_at": grant.requested_at,
        "decide_by": grant.decide_by,
        "from_at": grant.from_at,
        "until_at": grant.until_at,
        "reason": grant.reason,
        "given": [
            {"approver": each.approver, "function": each.function, "approves": each.approves} for each in grant.given
        ],
        "entry": grant.entry,
    }


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
