"""What is asked for when somebody asks for a grant, what a grant is, and which asks make no sense."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from whosaw.catalog import Catalog
from whosaw.catalog.model import GrantKind
from whosaw.gate.approval import Given, Pending
from whosaw.gate.errors import GateError
from whosaw.gate.standing import EXPORT, LIFT_SUSPENSION, SECOND_PERSON
from whosaw.terms import PurposeRef, SubjectRef

State = Literal["requested", "in_force", "refused", "revoked", "expired", "used"]

UNMASK = "unmask"
REASON_MOST = 500
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class GrantInvalid(GateError, ValueError):
    """What is asked for cannot be granted to anybody: the catalog does not have it, or something is missing."""

    code: ClassVar[str] = "gate.grant_invalid"
    hint = "[grants] in the catalog says which kinds there are, what they open and for how long"


class NoSuchGrant(GateError, LookupError):
    """No grant has this number."""

    code: ClassVar[str] = "gate.no_such_grant"
    hint = "`whosaw grant list` shows the grants"


@dataclass(frozen=True, slots=True)
class GrantAsk:
    """A request for a grant.

    Attributes:
        holder: who asks, and would get it.
        kind: as the catalog names it.
        reason: why, in his words, at most 500 characters; kept in the erasable payload of its entry alone.
        minutes: for how long from the approval on; None for the longest that the kind allows.
        classes: which classes of the kind; empty for all of them.
        subject: the one it is bound to, or None for any.
        purpose: the one it is bound to; a kind that opens classes needs one.
        action: for a second person's word: the action.
        digest: for a second person's word about an action: SHA-256 in hex of the one ask it is for.
        target: the actor to be unmasked, or whose suspension would be lifted.
        case: the case it is asked for in; unmasking needs one.
        door: where it was asked.
        ask: random, so that a repetition is the same request.
    """

    holder: str
    kind: str
    reason: str = field(repr=False)
    minutes: int | None = None
    classes: frozenset[str] = frozenset()
    subject: SubjectRef | None = None
    purpose: PurposeRef | None = None
    action: str | None = None
    digest: str | None = None
    target: str | None = None
    case: str | None = None
    door: str = "console"
    ask: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as it stands.

    Attributes:
        holder: whose it is; empty where he was erased, as subject, purpose and target are None then.
        approvals: how many it needs.
        entry: index of the entry of its request.
        reason: as it was stated; None where it was erased.
        given: the verdicts so far.
        holder_number: his number.
    """

    id: int
    kind: str
    holder: str
    state: State
    classes: frozenset[str]
    action: str | None
    digest: str | None
    subject: str | None
    purpose: str | None
    target: str | None
    case: str | None
    minutes: int
    approvals: int
    requested_at: datetime
    decide_by: datetime
    from_at: datetime | None
    until_at: datetime | None
    entry: int
    reason: str | None = field(repr=False)
    given: tuple[Given, ...]
    holder_number: int

    def pending(self, declared: GrantKind) -> Pending:
        """Return what the rules of approval need to know of it."""
        concerns = frozenset({self.target} if self.target else ())
        undecided = self.state == "requested"
        distinct = self.approvals > 1
        return Pending(self.holder, concerns, declared.approvers, distinct, undecided, self.decide_by, self.given)


def grant_of(row: tuple[object, ...]) -> Grant:
    """Return the grant that a row of `grantsqueries` holds."""
    cells = list(row)
    cells[2] = cells[2] or ""
    cells[4] = frozenset(cells[4])  # type: ignore[call-overload]
    cells[19] = tuple(Given(*each) for each in cells[19] or ())  # type: ignore[attr-defined]
    return Grant(*cells)  # type: ignore[arg-type]


def declared_kind(catalog: Catalog, kind: str) -> GrantKind:
    """Return what the catalog says of a kind.

    Raises:
        GrantInvalid: it does not have it.
    """
    declared = catalog.grants.get(kind)
    if declared is None:
        known = ", ".join(catalog.grants) or "none"
        raise GrantInvalid(f"unknown kind of grant `{kind[:40]}`", hint=f"[grants] in the catalog has: {known}")
    return declared


def check_ask(catalog: Catalog, ask: GrantAsk) -> GrantKind:
    """Return the declared kind of a request that makes sense.

    Raises:
        GrantInvalid: it does not; the message says why.
    """
    declared = declared_kind(catalog, ask.kind)
    for wrong, message in _complaints(catalog, ask, declared).items():
        if message:
            raise GrantInvalid(f"{wrong}: {message}")
    return declared


def _complaints(catalog: Catalog, ask: GrantAsk, declared: GrantKind) -> Mapping[str, str]:
    most = int(declared.hours_most * 60)
    stray = sorted(ask.classes - declared.classes)
    lifts = ask.action == LIFT_SUSPENSION
    known_action = ask.action in (LIFT_SUSPENSION, EXPORT) or ask.action in catalog.actions
    second = ask.kind == SECOND_PERSON
    return {
        "reason": "" if _stated(ask.reason) else f"say why, in 1 to {REASON_MOST} characters",
        "minutes": "" if ask.minutes is None or 1 <= ask.minutes <= most else f"from 1 to {most} for this kind",
        "classes": f"this kind does not open `{stray[0][:40]}`" if stray else "",
        "purpose": _about_purpose(catalog, ask, declared),
        "subject": "unknown kind" if ask.subject is not None and ask.subject.kind not in catalog.subjects else "",
        "action": "" if (known_action if second else ask.action is None) else "name one of the catalog, for this kind",
        "digest": _about_digest(ask, needed=second and not lifts),
        "target": _about_target(ask, needed=ask.kind == UNMASK or lifts),
        "case": "" if (_WORD.fullmatch(ask.case) if ask.case else ask.kind != UNMASK) else "a reference, as CASE-1",
    }


def _stated(reason: str) -> bool:
    return bool(reason.strip()) and len(reason) <= REASON_MOST and "\x00" not in reason


def _about_purpose(catalog: Catalog, ask: GrantAsk, declared: GrantKind) -> str:
    if ask.purpose is None:
        return "a kind that opens classes is bound to one" if declared.classes else ""
    return "" if ask.purpose.kind in catalog.purposes else "unknown kind"


def _about_digest(ask: GrantAsk, *, needed: bool) -> str:
    if needed:
        return (
            "" if ask.digest and _DIGEST.fullmatch(ask.digest) else "of exactly the ask it is for, as the refusal said"
        )
    return "" if ask.digest is None else "only a second person's word about one ask has one"


def _about_target(ask: GrantAsk, *, needed: bool) -> str:
    if needed != (ask.target is not None):
        return "name the actor whom it concerns" if needed else "this kind concerns nobody else"
    return "nobody asks this for himself" if ask.target == ask.holder else ""
