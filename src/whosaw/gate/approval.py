"""Who may approve what. Pure: the same facts give the same answer, and each rule can be tried alone.

The rules, in the order in which they are tried:

1. what is decided or has expired is decided no more;
2. who is suspended, has left or is not in the directory decides nothing;
3. nobody decides about himself: neither his own request nor one that concerns him;
4. nobody decides twice;
5. his function must be one that may; where several approvals are needed, each comes from another function;
6. whoever was made or changed in the directory within 24 hours, or of whom that is not known, approves nothing;
7. two people do not approve each other: not within 30 days; nor do three in a ring: not within 7.

A refusal needs rules 1 to 5 alone, and of rule 5 no other function: saying no hurts nobody.

A review of broken glass is due within hours and cannot be asked for anew: there a ring bars nobody without whom too few
are left who may say that it was justified (`without_ring`). Two people never review each other, however few are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Reason = Literal[
    "approval.decided",
    "approval.expired",
    "approval.suspended",
    "approval.own",
    "approval.twice",
    "approval.wrong_function",
    "approval.same_function",
    "approval.changed_lately",
    "approval.circular",
]

SETTLED = timedelta(hours=24)
CIRCLE = timedelta(days=30)
RING = timedelta(days=7)  # shorter: among many who approve much, somebody always closes a wide ring by chance

HINTS: dict[Reason, str] = {
    "approval.decided": "it was decided already; ask anew where it is still needed",
    "approval.expired": "nobody decided it in time; it must be asked for anew",
    "approval.suspended": "somebody who works here and is not suspended must decide",
    "approval.own": "another person must decide",
    "approval.twice": "one person counts once",
    "approval.wrong_function": "a person of one of the functions that the catalog names must decide",
    "approval.same_function": "the further approvals must come from other functions",
    "approval.changed_lately": "who was made or changed in the directory less than 24 hours ago cannot approve; the "
    "directory must say when that was (`changed_at` among the attributes of [actors])",
    "approval.circular": "two people do not approve each other within 30 days, nor three in a ring within 7; somebody "
    "else must decide",
}


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody who wants to decide.

    Attributes:
        key: in the directory.
        functions: his, from the directory or from a change that two signed.
        listed: whether the directory has him and he has not left.
        suspended: whether he is.
        changed_at: when he, or what makes him an approver, was last made or changed; None where nobody knows.
        approved_by_holder_at: when he last had something approved by the very person whose request this is, or None.
        ring_since: since when only his approval is missing in a ring of three: somebody approved something of his, and
            has had something approved by the person whose request this is; None where there is no such ring.
    """

    key: str
    functions: frozenset[str]
    listed: bool
    suspended: bool
    changed_at: datetime | None
    approved_by_holder_at: datetime | None = None
    ring_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A verdict given already: by whom, in which function, and whether it approves."""

    approver: str
    function: str
    approves: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be decided.

    Attributes:
        holder: who asked and would get it.
        concerns: others whom it is about: the actor to be unmasked, or whose suspension would be lifted.
        functions: that may decide.
        distinct: whether each approval must come from another function.
        open: whether it is still undecided.
        decide_by: until when it may be decided; None for ever.
        given: what was decided so far.
    """

    holder: str
    concerns: frozenset[str]
    functions: frozenset[str]
    distinct: bool
    open: bool
    decide_by: datetime | None
    given: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether somebody may decide: in which function, or for which reason not."""

    function: str | None
    reason: Reason | None


def rule(pending: Pending, approver: Approver, at: datetime, *, approves: bool) -> Ruling:
    """Return whether `approver` may approve, or with `approves` false may refuse, at `at`.

    Args:
        pending: what is to be decided.
        approver: who wants to.
        at: aware.
        approves: a refusal is held to fewer rules.
    """
    reason = _barred(pending, approver, at)
    if reason is not None:
        return Ruling(None, reason)
    fitting = approver.functions & pending.functions
    if not fitting:
        return Ruling(None, "approval.wrong_function")
    if not approves:
        return Ruling(min(fitting), None)
    taken = {each.function for each in pending.given if each.approves} if pending.distinct else set()
    reason = _unfit(approver, at) if fitting - taken else "approval.same_function"
    return Ruling(None, reason) if reason is not None else Ruling(min(fitting - taken), None)


def without_ring(
    pending: Pending, approver: Approver, others: Sequence[Approver], at: datetime, *, needed: int
) -> bool:
    """Return whether a ring of three, and nothing else, keeps somebody from approving without whom too few can.

    Args:
        pending: what is to be decided.
        approver: whom the ring bars.
        others: everybody else who might have a function that may.
        at: aware.
        needed: how many approvals are missing.
    """
    if rule(pending, replace(approver, ring_since=None), at, approves=True).reason is not None:
        return False
    return sum(rule(pending, each, at, approves=True).reason is None for each in others) < needed


def _unfit(approver: Approver, at: datetime) -> Reason | None:
    """Return why this person may not say yes, though he may say no."""
    if approver.changed_at is None or at - approver.changed_at < SETTLED:
        return "approval.changed_lately"
    if approver.approved_by_holder_at is not None and at - approver.approved_by_holder_at < CIRCLE:
        return "approval.circular"
    if approver.ring_since is not None and at - approver.ring_since < RING:
        return "approval.circular"
    return None


def _barred(pending: Pending, approver: Approver, at: datetime) -> Reason | None:
    """Return why this person may say neither yes nor no."""
    if not pending.open:
        return "approval.decided"
    if pending.decide_by is not None and at >= pending.decide_by:
        return "approval.expired"
    if approver.suspended or not approver.listed:
        return "approval.suspended"
    if approver.key == pending.holder or approver.key in pending.concerns:
        return "approval.own"
    if any(each.approver == approver.key for each in pending.given):
        return "approval.twice"
    return None
