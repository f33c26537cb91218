"""What a case must carry before a step may hurt someone, and who may not decide in it.

A step is checked when it is planned and again when it is carried out, against the newest verdict of the case: as
evidence comes, a finding may fall, and an approver may come under suspicion.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from whosaw.answer import queries, stepqueries
from whosaw.answer.case import Snapshot
from whosaw.answer.casequeries import police_holds
from whosaw.answer.conflicts import conflict
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.answer.exculpatory import check_exculpatory
from whosaw.answer.exhibitqueries import exhibits
from whosaw.answer.ladder import EXCEPTIONS, RULES
from whosaw.answer.law import rule_on
from whosaw.record import entries_at
from whosaw.store import Database


async def check_named(db: Database, case: str, kind: str, target: str) -> None:
    """Refuse a step that the case's newest verdict does not carry.

    An actor must stand alone as a finding. A seller must be the case's beneficiary, with a finding inside and at least
    one complaint that the sender's own domain signed: who benefits need not have ordered it.

    Raises:
        UnknownCase: there is no such case.
        StepRefused: with the reason ``closed``, ``no_finding``, ``not_the_beneficiary`` or ``unsigned``.
    """
    if kind not in RULES:
        raise StepRefused("unknown", f"there is no step of the kind `{kind}`", hint=f"one of {', '.join(RULES)}")
    rule = RULES[kind]
    row = await queries.case(db, case)
    if row is None:
        raise UnknownCase(f"there is no case `{case}`")
    _, beneficiary, state, *_ = row
    if state == "closed":
        raise StepRefused("closed", f"the case `{case}` is closed", hint="open a new one")
    named = await _named(db, case)
    if rule.finding and ((rule.about == "actor" and target not in named) or not named):
        whom = "this member of staff" if rule.about == "actor" else "anyone"  # by no key: a refusal unmasks nobody
        raise StepRefused(
            "no_finding",
            f"the case `{case}` has no finding that names {whom}",
            hint="a lead, or a group that the record cannot tell apart, is a reason to look further, not to act",
        )
    if rule.about == "seller":
        if target != beneficiary:
            raise StepRefused("not_the_beneficiary", f"the case `{case}` is not about `{target}`")
        if rule.finding and not await queries.verified_sightings(db, case):
            raise StepRefused("unsigned", "no complaint of this case carries the signature of who sent the message")


Gone = Callable[[str], Awaitable[str | None]]
"""Says in words since when a member of staff does not work here any more; None where he does."""


async def nobody_gone(actor: str) -> str | None:
    """Take everybody for working here: where there is no directory of staff."""
    del actor
    return None


async def check_works_here(gone: Gone, kind: str, target: str) -> None:
    """Refuse a measure of employment against somebody who has left; the case keeps him as a candidate all the same.

    Raises:
        StepRefused: with the reason ``gone``.
    """
    if RULES[kind].works_here and (since := await gone(target)) is not None:
        raise StepRefused(
            "gone",
            f"`{kind}` is for who works here: {since}, and every door refuses him since",
            hint="revoke_sessions, hr_file and hand_over are for whoever has left too",
        )


async def check_ready(
    db: Database, case: str, kind: str, target: str, *, params: Mapping[str, Any], at: datetime
) -> None:
    """Refuse to carry out a step before what must come first: questions, a hearing, a term of law.

    Raises:
        StepRefused: with the reason ``not_asked``, ``cleared``, ``not_heard``, ``not_suspended``, ``too_early``,
            ``not_reinstated``, ``no_exhibit``, or ``held`` where the police ask for letters to wait.
    """
    rule = RULES[kind]
    if rule.asked:
        await check_exculpatory(db, case, target)
    if rule.heard and not await queries.was_heard(db, case, target):
        raise StepRefused("not_heard", "the one it is about was not heard", hint="`whosaw case hear` notes a hearing")
    if kind == "notify_subjects" and (await police_holds(db, case))[0]:
        raise StepRefused(
            "held",
            "the police asked for the letters to wait",
            hint="`whosaw case clocks --lift` notes that they no longer do",
        )
    if kind == "resuspend_seller":
        await _check_reinstated(db, case, target, params)
    if kind == "terminate_seller":
        await _check_termination(db, case, target, params, at)


async def _check_reinstated(db: Database, case: str, seller: str, params: Mapping[str, Any]) -> None:
    index = params.get("entry")
    found = [each async for each in entries_at(db, [index])] if isinstance(index, int) else []
    payload = found[0].payload if found else {}
    if payload.get("kind") != "action" or payload.get("object") != seller or "reinstate" not in str(payload["action"]):
        raise StepRefused(
            "not_reinstated",
            f"the trail's entry that is named does not reinstate `{seller}`",
            hint="name the entry of the action: params `entry`",
        )
    if not await exhibits(db, case):
        raise StepRefused(
            "no_exhibit",
            "nothing in the case shows why the reinstatement was not in order",
            hint="`whosaw case exhibit`",
        )


async def _check_termination(db: Database, case: str, seller: str, params: Mapping[str, Any], at: datetime) -> None:
    exception = params.get("exception")
    if exception is not None:
        if exception not in EXCEPTIONS or not str(params.get("exception_why", "")).strip():
            raise StepRefused(
                "too_early", "an exception has a ground and a why", hint=f"one of {', '.join(EXCEPTIONS)}"
            )
        return
    since = await stepqueries.suspended_since(db, case, seller)
    if since is None:
        raise StepRefused("not_suspended", f"`{seller}` was not suspended with reasons", hint="suspend it first")
    law = rule_on("eu.p2b.art4", since.date())
    free_at = since + timedelta(days=law.days or 0)
    if at < free_at:
        raise StepRefused(
            "too_early",
            f"`{seller}` may not be terminated before {free_at:%Y-%m-%d %H:%M} UTC ({law.source})",
            hint="wait, or plan it with a recorded exception",
        )


async def check_person(db: Database, case: str, person: str) -> None:
    """Refuse a person whom the case itself suspects.

    Raises:
        StepRefused: with the reason ``conflict``, or ``nobody`` where no person is named.
    """
    if not person.strip():
        raise StepRefused("nobody", "a step is decided by a person with a name")
    history = await queries.verdicts(db, case)
    if history and person in Snapshot(*history[-1]).suspected():
        raise conflict()


async def _named(db: Database, case: str) -> set[str]:
    history = await queries.verdicts(db, case)
    return Snapshot(*history[-1]).named() if history else set()
