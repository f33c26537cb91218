"""Blind second decisions as a member of staff is told of them: his own that were decided again, and those he made.

Which decisions are decided again is drawn by chance. Neither who decided the other time nor about what stands in it:
the one is another member of staff, the other may be a customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from whosaw.answer import employeequeries as queries
from whosaw.store import Database
from whosaw.terms import from_us

Outcome = Literal["same", "other", "open", "none"]


@dataclass(frozen=True, slots=True)
class OwnDecision:
    """A decision of his that was drawn to be decided again by somebody else.

    Attributes:
        kind: which kind of decision.
        decided_at: when he decided.
        favoured: whether he decided in favour of who asked.
        asked_at, due_at: from when until when a second decision counts.
        outcome: of the second: ``same``, ``other``, ``open``, or ``none`` where nobody decided in time.
    """

    kind: str
    decided_at: str
    favoured: bool
    asked_at: str
    due_at: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class OwnSecond:
    """A decision of somebody else that he was asked to make again: what he decided and why, None where he has not."""

    kind: str
    asked_at: str
    due_at: str
    favoured: bool | None
    because: str
    answered_at: str


async def decisions_of(db: Database, actor: int, now: datetime) -> tuple[OwnDecision, ...]:
    """Return the decisions of the member of staff with this number that were drawn, oldest first."""
    return tuple(
        OwnDecision(
            kind=kind,
            decided_at=from_us(decided_us).isoformat(),
            favoured=favoured,
            asked_at=asked_at.isoformat(),
            due_at=due_at.isoformat(),
            outcome=_outcome(favoured, favours, (answered_at, due_at, now)),
        )
        for kind, decided_us, favoured, asked_at, due_at, favours, answered_at in await queries.decided(db, actor)
    )


async def seconds_of(db: Database, actor: int) -> tuple[OwnSecond, ...]:
    """Return what the member of staff with this number was asked to decide again, oldest first."""
    return tuple(
        OwnSecond(
            kind=kind,
            asked_at=asked_at.isoformat(),
            due_at=due_at.isoformat(),
            favoured=favours,
            because=because or "",
            answered_at=answered_at.isoformat() if answered_at is not None else "",
        )
        for kind, asked_at, due_at, favours, because, answered_at in await queries.seconds(db, actor)
    )


def _outcome(first: bool, second: bool | None, times: tuple[datetime | None, datetime, datetime]) -> Outcome:
    answered_at, due_at, now = times
    if answered_at is not None and answered_at <= due_at:
        return "same" if first == second else "other"
    return "open" if answered_at is None and now <= due_at else "none"


def decision_lines(decisions: Sequence[OwnDecision]) -> list[str]:
    """Return them as lines of a letter."""
    return [f"- {each.decided_at[:10]}, {each.kind}, {_side(each.favoured)}: {_told(each)}" for each in decisions]


def second_lines(seconds: Sequence[OwnSecond]) -> list[str]:
    """Return them as lines of a letter."""
    return [
        f"- {each.asked_at[:10]}, {each.kind}: "
        + ("you did not" if each.favoured is None else f"{_side(each.favoured)}, you wrote: {each.because}")
        for each in seconds
    ]


def _told(each: OwnDecision) -> str:
    return f"{_OUTCOMES[each.outcome]}, by {each.due_at[:10]}" if each.outcome == "open" else _OUTCOMES[each.outcome]


def _side(favoured: bool) -> str:
    return "in favour" if favoured else "not in favour"


_OUTCOMES = {
    "same": "somebody else decided the same",
    "other": "somebody else decided otherwise",
    "open": "to be decided by somebody else",
    "none": "nobody else decided it in time",
}
