"""A step of a case as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from whosaw.answer.ladder import RULES

Kind = Literal[
    "preserve",
    "talk_actor",
    "warn_actor",
    "revoke_sessions",
    "suspend_actor",
    "propose_dismissal",
    "hr_file",
    "warn_seller",
    "suspend_seller",
    "resuspend_seller",
    "withhold_funds",
    "terminate_seller",
    "hand_over",
    "delete_reviews",
    "restore_reviews",
    "notify_subjects",
]
KEPT = "kept"
"""In the outcome of a `preserve`: whose records it keeps, by number. No bundle holds it."""

State = Literal["planned", "doing", "done", "undoing", "undone"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done in a case.

    Attributes:
        id: ``CASE-1/2``.
        case: the case.
        kind: what is done.
        target: to whom: an actor, a seller, or the case itself.
        params: ``statement`` for a seller's suspension, ``entry`` for one that takes a reinstatement back,
            ``reviews`` and ``note`` for a restoration or deletion, ``exception`` for a termination before its time,
            else empty.
        reason: why, in a sentence that goes to the doors.
        state: ``doing`` and ``undoing`` mean that a run was cut; running it again finishes it.
        planned_by: who planned it.
        carried_by: who carried it out.
        entry: index of the trail entry that announces the effect.
        outcome: what the effect returned.
        undo_reason: why it was undone.
        undo_entry: index of the trail entry that announces the undoing.
        approved_by: who approved it, in order.
    """

    id: str
    case: str
    kind: Kind
    target: str
    params: Mapping[str, Any]
    reason: str
    state: State
    planned_by: str
    carried_by: str | None
    entry: int | None
    outcome: Mapping[str, Any] | None
    undo_reason: str | None
    undo_entry: int | None
    approved_by: tuple[str, ...]

    @property
    def approved(self) -> bool:
        """Whether as many persons approved it as its kind needs."""
        return len(self.approved_by) >= RULES[self.kind].approvals

    @property
    def told(self) -> dict[str, Any] | None:
        """What the effect returned, as a line or a bundle tells it: how many it keeps, and not whom."""
        return None if self.outcome is None else {name: each for name, each in self.outcome.items() if name != KEPT}


def step_of(row: tuple[Any, ...]) -> Step:
    """Return the step that a row of `queries` holds."""
    cells: list[Any] = [tuple(each) if isinstance(each, list) else each for each in row]
    return Step(*cells)
