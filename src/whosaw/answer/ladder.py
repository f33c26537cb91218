"""The steps there are, from the mildest on: whom each is about, what it needs, and how it is taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class StepRule:
    """What a kind of step needs.

    Attributes:
        about: ``actor``, ``seller`` or ``case``.
        approvals: how many different persons must approve it; two where it hurts someone.
        undo: how many must order its undoing; None where it cannot be undone.
        finding: whether the newest verdict must be a finding: for an actor one that names him alone.
        asked: whether every question that may clear the person must have been asked before.
        heard: whether the one it is about must have been heard before.
        works_here: whether it is about somebody's work or access here, and is idle against who has left.
        does: the effect behind it: a method of the doors or the marketplace, or ``""`` where people do it themselves
            and the case only keeps it.
    """

    about: Literal["actor", "seller", "case"]
    approvals: int
    undo: int | None
    finding: bool = False
    asked: bool = False
    heard: bool = False
    works_here: bool = False
    does: str = ""


RULES: dict[str, StepRule] = {
    "preserve": StepRule("case", 1, 2, does="preserve"),
    "talk_actor": StepRule("actor", 1, 1),
    "warn_actor": StepRule("actor", 2, 1, finding=True, asked=True, heard=True, works_here=True),
    # whoever signs in again is in again: it ends what may be running under his name elsewhere
    "revoke_sessions": StepRule("actor", 1, None, does="revoke_sessions"),
    "suspend_actor": StepRule("actor", 2, 1, finding=True, asked=True, works_here=True, does="suspend_actor"),
    "propose_dismissal": StepRule("actor", 2, 1, finding=True, asked=True, heard=True, works_here=True),
    "hr_file": StepRule("actor", 2, 1, finding=True, asked=True, does="hr_file"),
    "warn_seller": StepRule("seller", 1, 1, does="warn_seller"),
    "suspend_seller": StepRule("seller", 2, 1, finding=True, does="suspend_seller"),
    # takes back a reinstatement that somebody inside gave away: the trail's entry of it, and an exhibit, carry it
    "resuspend_seller": StepRule("seller", 2, 1, does="resuspend_seller"),
    "withhold_funds": StepRule("seller", 2, 1, finding=True, does="withhold_funds"),
    "terminate_seller": StepRule("seller", 2, 1, finding=True, heard=True, does="terminate_seller"),
    "hand_over": StepRule("case", 2, None, finding=True),
    "delete_reviews": StepRule("case", 2, 1, finding=True, does="delete_reviews"),
    # taking restored reviews away again hurts those who wrote them
    "restore_reviews": StepRule("case", 1, 2, does="restore_reviews"),
    "notify_subjects": StepRule("case", 1, None, finding=True, does="notify"),
}

EXCEPTIONS = {
    "legal_duty": "a law obliges to terminate at once",
    "imperative_reason": "an imperative reason of national law",
    "repeated_breach": "the seller broke the terms repeatedly",
}
"""Grounds to terminate a seller before thirty days are over (Regulation (EU) 2019/1150 art. 4(4))."""
