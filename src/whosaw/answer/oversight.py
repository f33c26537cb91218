"""Every unmasking as a works council or a privacy officer reads it: those of cases and those by grant, in one list.

A case's own unmasking takes two functions of the case. A grant of the kind ``unmask`` opens a person too, by the
catalog's approvers. Who oversees both must not have to know of two ways. Whoever is unmasked stays a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from whosaw.answer import casequeries
from whosaw.answer.unmasking import Unmasking
from whosaw.gate.grantsqueries import unmask_grants
from whosaw.store import Database
from whosaw.terms import Clock

State = Literal["asked", "open", "over", "refused"]


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved, and as what: a function of the case, or one of the staff directory; None where he had none."""

    person: str
    function: str | None


@dataclass(frozen=True, slots=True)
class Overseen:
    """One unmasking.

    Attributes:
        way: ``case``: asked for and approved in the case; ``grant``: a grant of the kind ``unmask``.
        id: its number among those of its way.
        case: the case; a grant may name one that whosaw does not lead.
        actor: the number of whoever is unmasked.
        reason: why he must be known; None where it was erased.
        asked_by: who asked; empty where he was erased.
        asked_as: his function in the case when he asked; None where he had none, and for a grant.
        asked_at: when.
        approvals: who approved so far.
        until: from when on the number stands masked again; None while nothing is open.
        state: ``asked``, ``open``, ``over``, or ``refused`` by whoever was to approve.
    """

    way: Literal["case", "grant"]
    id: int
    case: str
    actor: int
    reason: str | None
    asked_by: str
    asked_as: str | None
    asked_at: datetime
    approvals: tuple[Approval, ...]
    until: datetime | None
    state: State


async def every_unmasking(db: Database, clock: Clock) -> Sequence[Overseen]:
    """Return every unmasking of every case and every grant to unmask, newest first, also those nobody approved."""
    now = clock.now()
    found = [_of_case(row, now) for row in await casequeries.every_unmasking(db)]
    found += [_of_grant(row, now) for row in await unmask_grants(db)]
    return sorted(found, key=lambda each: (each.asked_at, each.way, each.id), reverse=True)


def _of_case(row: tuple[Any, ...], now: datetime) -> Overseen:
    *cells, asked_as, approved_as = row
    it = Unmasking(*cells)
    approvals = (Approval(it.approved_by, approved_as),) if it.approved_by is not None else ()
    state: State = "asked" if not approvals else "open" if it.holds(now) else "over"
    said = (it.reason, it.asked_by, asked_as, it.asked_at)
    return Overseen("case", it.id, it.case, it.actor, *said, approvals, it.expires_at, state)


def _of_grant(row: tuple[Any, ...], now: datetime) -> Overseen:
    identifier, case, actor, reason, holder, asked_at, given, from_at, until, held, ended_at = row
    approvals = tuple(Approval(person, function) for person, function in given or ())
    if held == "refused":
        state: State = "refused"
    elif held == "requested":
        state = "asked"
    else:
        state = "open" if held == "in_force" and until is not None and now < until else "over"
    # what was ended early was open until then, and what nobody approved in time never was
    ends = until if ended_at is None or until is None else min(until, ended_at)
    said = (reason, holder or "", None, asked_at)
    return Overseen("grant", identifier, case, actor, *said, approvals, ends if from_at is not None else None, state)
