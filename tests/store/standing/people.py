"""Shorthands of this folder: who asks for what, and what the trail says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whosaw.gate.approvalpeople import ApprovalRefused
from whosaw.gate.grants import Word
from whosaw.gate.grantsask import Grant, GrantAsk
from whosaw.terms import PurposeRef, SubjectRef

if TYPE_CHECKING:
    from tests.store.standing.conftest import Desk

TICKET = PurposeRef("ticket", "T-1")
DIGEST = "ab" * 32


def wanted(holder: str = "E-1", **more: Any) -> GrantAsk:
    """Return a request for longer sight of contacts, for the ticket."""
    return GrantAsk(**{"holder": holder, "kind": "extended_contact", "reason": "calls back", "purpose": TICKET} | more)


def second(holder: str = "E-1", **more: Any) -> GrantAsk:
    """Return a request for a second person's word about an export."""
    about: dict[str, Any] = {"kind": "second_person", "purpose": None, "action": "export", "digest": DIGEST}
    return wanted(holder, **about | more)


def unmasking(holder: str = "E-1", **more: Any) -> GrantAsk:
    """Return a request to unmask E-2 in a case."""
    return wanted(holder, **{"kind": "unmask", "purpose": None, "target": "E-2", "case": "CASE-1"} | more)


async def refusal(desk: Desk, grant: Grant, by: str, *, approves: bool = True) -> str:
    """Return the rule that forbids `by` to decide; empty where he may, and has."""
    word = Word(grant.id, by, reason="no")
    try:
        await (desk.grants.approve(word) if approves else desk.grants.refuse(word))
    except ApprovalRefused as refused:
        return refused.reason
    return ""


def customer(key: str) -> SubjectRef:
    """Return a customer."""
    return SubjectRef("customer", key)
