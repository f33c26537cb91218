"""Does the company's own record bear out the reason? Work somebody made for himself never does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whosaw.catalog import Purpose


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One row of a purpose's query: the company's own record of the work."""

    assignee: str
    subject: str
    origin: str
    opened_at: datetime
    closed_at: datetime | None
    beneficiary: str | None

    def made_by(self, actor: str) -> bool:
        """Return whether `actor` opened it, in whatever spelling of case and space the company's table has his key.

        A table that says ``e-7``, or pads its keys with spaces, must not make somebody's own work look like another's.
        """
        return self.origin == actor or self.origin.strip().casefold() == actor.strip().casefold()


# which of several assignments answers: the one that came nearest to bearing the reason out
_NEARNESS = (
    "purpose.not_found",
    "purpose.not_assigned",
    "purpose.other_subject",
    "purpose.closed",
    "purpose.self_made",
    "purpose.verified",
)


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of the stated reason.

    Attributes:
        kind: the purpose's name, empty where none was stated or the catalog has no such purpose.
        reason: ``purpose.verified``, or which check it failed.
        observe: whether the purpose runs in observe mode.
        beneficiary: whom the work concerns, as ``seller:S-88``, or None.
    """

    kind: str
    reason: str
    observe: bool = False
    beneficiary: str | None = None

    @property
    def verified(self) -> bool:
        """Whether the work record bears the reason out."""
        return self.reason == "purpose.verified"


def verify(
    purpose: Purpose, items: Sequence[WorkItem], *, actor: str, subject: str | None, at: datetime
) -> Verification:
    """Judge the work behind a purpose.

    Args:
        purpose: the kind of work, from the catalog.
        items: the rows its query gave for the reference: none, one, or one per assignment of a work item that was
            handed over; one that bears the reason out is enough.
        actor: key of who asks.
        subject: key of whose data is asked, or None where the ask names an object rather than a subject.
        at: when.
    """
    reasons = [_reason(purpose, item, actor, subject, at) for item in items] or ["purpose.not_found"]
    beneficiary = next((item.beneficiary for item in items if item.beneficiary), None)
    return Verification(
        kind=purpose.name,
        reason=max(reasons, key=_NEARNESS.index),
        observe=purpose.mode == "observe",
        beneficiary=f"{purpose.beneficiary_kind}:{beneficiary}" if purpose.beneficiary_kind and beneficiary else None,
    )


def _reason(purpose: Purpose, item: WorkItem, actor: str, subject: str | None, at: datetime) -> str:
    if item.made_by(actor):
        return "purpose.self_made"
    if at < item.opened_at:
        return "purpose.not_found"
    if item.assignee != actor:
        return "purpose.not_assigned"
    if subject is not None and item.subject != subject:
        return "purpose.other_subject"
    if item.closed_at is not None and at > item.closed_at + timedelta(hours=purpose.grace_h):
        return "purpose.closed"
    return "purpose.verified"
