"""What a case must carry before a step may hurt someone, and who may not decide in it.

A step is checked when it is planned and again when it is carried out, against the newest verdict of the case: as
evidence comes, a finding may fall, and an approver may come under suspicion.
"""

from __future__ import annotations

from whosaw.answer import queries
from whosaw.answer.case import Snapshot
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.store import Database

APPROVALS = {
    "suspend_actor": 2,
    "suspend_seller": 2,
    "withhold_funds": 2,
    "restore_reviews": 1,
    "notify_subjects": 1,
}
"""How many different persons must approve a step of each kind; two where it hurts someone."""

UNDO_APPROVALS = {"suspend_actor": 1, "suspend_seller": 1, "withhold_funds": 1, "restore_reviews": 2}
"""How many must order its undoing; taking restored reviews away again hurts those who wrote them."""


async def check_named(db: Database, case: str, kind: str, target: str) -> None:
    """Refuse a step that the case's newest verdict does not carry.

    An actor must stand alone as a finding. A seller must be the case's beneficiary, with a finding inside and at least
    one complaint that the sender's own domain signed: who benefits need not have ordered it.

    Raises:
        UnknownCase: there is no such case.
        StepRefused: with the reason ``closed``, ``no_finding``, ``not_the_beneficiary`` or ``unsigned``.
    """
    if kind not in APPROVALS:
        raise StepRefused("unknown", f"there is no step of the kind `{kind}`", hint=f"one of {', '.join(APPROVALS)}")
    row = await queries.case(db, case)
    if row is None:
        raise UnknownCase(f"there is no case `{case}`")
    _, beneficiary, state, *_ = row
    if state != "open":
        raise StepRefused("closed", f"the case `{case}` is closed", hint="open a new one")
    if kind == "restore_reviews":
        return
    named = await _named(db, case)
    if (kind == "suspend_actor" and target not in named) or not named:
        raise StepRefused(
            "no_finding",
            f"the case `{case}` has no finding that names {f'`{target}`' if kind == 'suspend_actor' else 'anyone'}",
            hint="a lead, or a group that the record cannot tell apart, is a reason to look further, not to act",
        )
    if kind in {"suspend_seller", "withhold_funds"}:
        if target != beneficiary:
            raise StepRefused("not_the_beneficiary", f"the case `{case}` is not about `{target}`")
        if not await queries.verified_sightings(db, case):
            raise StepRefused("unsigned", "no complaint of this case carries the signature of who sent the message")


async def check_person(db: Database, case: str, person: str) -> None:
    """Refuse a person whom the case itself suspects.

    Raises:
        StepRefused: with the reason ``conflict``, or ``nobody`` where no person is named.
    """
    if not person.strip():
        raise StepRefused("nobody", "a step is decided by a person with a name")
    history = await queries.verdicts(db, case)
    if history and person in Snapshot(*history[-1]).suspected():
        raise StepRefused(
            "conflict", "a person under suspicion decides nothing in this case", hint="ask another person"
        )


async def _named(db: Database, case: str) -> set[str]:
    history = await queries.verdicts(db, case)
    return Snapshot(*history[-1]).named() if history else set()
