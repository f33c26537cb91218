"""What is said when somebody breaks the glass, and what broken glass is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from whosaw.catalog import Catalog
from whosaw.catalog.model import BreakGlass
from whosaw.gate.approval import Given, Pending
from whosaw.gate.errors import GateError
from whosaw.gate.grantsask import REASON_MOST
from whosaw.terms import PurposeRef, SubjectRef

State = Literal["unreviewed", "justified", "unjustified", "disputed"]
Verdict = Literal["justified", "unjustified"]


class GlassInvalid(GateError, ValueError):
    """What is said cannot be: the catalog does not have it, or the reason is missing."""

    code: ClassVar[str] = "gate.glass_invalid"
    hint = "[break_glass] in the catalog says which classes; the reason is 1 to 500 characters"


class GlassRefused(GateError, PermissionError):
    """This person may not break the glass."""

    code: ClassVar[str] = "gate.glass_refused"
    hint = "[break_glass] in the catalog names the roles; who is suspended or has not acknowledged the code may not"


class NoSuchGlass(GateError, LookupError):
    """No glass has this number."""

    code: ClassVar[str] = "gate.no_such_glass"
    hint = "`whosaw grant glass` shows what was broken"


@dataclass(frozen=True, slots=True)
class GlassAsk:
    """Somebody takes access against policy, now.

    Attributes:
        holder: who.
        reason: why, in his words; kept in the erasable payload of the entry alone.
        subject: whose data, or None for anybody's.
        purpose: the work it is for, or None.
        classes: which of the catalog's; empty for all of them.
        door: where.
        ask: random, so that a repetition is the same.
    """

    holder: str
    reason: str = field(repr=False)
    subject: SubjectRef | None = None
    purpose: PurposeRef | None = None
    classes: frozenset[str] = frozenset()
    door: str = "console"
    ask: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer says of one glass: which, who, was it justified, where, and in words why."""

    glass: int
    by: str
    verdict: Verdict
    reason: str = field(default="", repr=False)
    door: str = "console"


@dataclass(frozen=True, slots=True)
class Glass:
    """Broken glass as it stands.

    Attributes:
        holder: who broke it; empty where he was erased.
        until_at: when the access ends, or ended because its holder closed it.
        state: what the reviews came to.
        escalations: how often it was escalated.
        entry: index of its entry.
        reason: as it was stated; None where it was erased.
        given: the reviews so far; one that approves says justified.
        holder_number: his number.
    """

    id: int
    holder: str
    classes: frozenset[str]
    subject: str | None
    purpose: str | None
    broken_at: datetime
    until_at: datetime
    review_by: datetime
    state: State
    escalations: int
    entry: int
    reason: str | None = field(repr=False)
    given: tuple[Given, ...]
    holder_number: int

    def pending(self, declared: BreakGlass) -> Pending:
        """Return what the rules of approval need to know of its review."""
        undecided = self.state == "unreviewed"
        return Pending(self.holder, frozenset(), declared.reviewers, False, undecided, None, self.given)


def glass_of(row: tuple[object, ...]) -> Glass:
    """Return the glass that a row of `glassqueries` holds."""
    cells = list(row)
    cells[1] = cells[1] or ""
    cells[2] = frozenset(cells[2])  # type: ignore[call-overload]
    cells[12] = tuple(Given(*each) for each in cells[12] or ())  # type: ignore[attr-defined]
    return Glass(*cells)  # type: ignore[arg-type]


def declared_glass(catalog: Catalog) -> BreakGlass:
    """Return what the catalog says of breaking the glass.

    Raises:
        GlassInvalid: nothing.
    """
    if catalog.break_glass is None:
        raise GlassInvalid("the catalog has no [break_glass]: nobody may break it")
    return catalog.break_glass


def check_ask(catalog: Catalog, ask: GlassAsk) -> BreakGlass:
    """Return what the catalog says, where the ask makes sense.

    Raises:
        GlassInvalid: it does not; the message says why.
    """
    declared = declared_glass(catalog)
    check_reason(ask.reason)
    stray = sorted(ask.classes - declared.classes)
    if stray:
        raise GlassInvalid(f"classes: breaking the glass does not open `{stray[0][:40]}`")
    if ask.subject is not None and ask.subject.kind not in catalog.subjects:
        raise GlassInvalid(f"subject: unknown kind `{ask.subject.kind[:40]}`")
    if ask.purpose is not None and ask.purpose.kind not in catalog.purposes:
        raise GlassInvalid(f"purpose: unknown kind `{ask.purpose.kind[:40]}`")
    return declared


def check_reason(reason: str) -> None:
    """Refuse what is no reason.

    Raises:
        GlassInvalid: it is empty, longer than 500 characters, or holds a NUL.
    """
    if not reason.strip() or len(reason) > REASON_MOST or "\x00" in reason:
        raise GlassInvalid(f"reason: say why, in 1 to {REASON_MOST} characters")
