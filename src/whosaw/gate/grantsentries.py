"""What the steps of a grant look like in the trail: integers and names of rules; what somebody stated, erasable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from whosaw.terms import to_us

Payload = dict[str, int | str | list[int | str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one grant; people by their numbers.

    Attributes:
        change: ``requested``, ``approved``, ``refused``, ``denied``, ``revoked``, ``expired`` or ``used``.
        actor: who did it.
        holder: whose grant it is.
        grant: its number.
        kind: of the grant.
        door: where.
    """

    change: str
    actor: int
    holder: int
    grant: int
    kind: str
    door: str

    def denied(self) -> Step:
        """Return the same step as an attempt that the rules forbade."""
        return replace(self, change="denied")


def grant_entry(step: Step, at: datetime, more: Mapping[str, object]) -> Payload:
    """Return the payload of one step; what is None or empty in `more` is left out."""
    entry: Payload = {
        "kind": "grant",
        "at": to_us(at),
        "actor": step.actor,
        "door": step.door,
        "change": step.change,
        "grant": step.grant,
        "grant_kind": step.kind,
        "holder": step.holder,
    }
    for name, value in more.items():
        if isinstance(value, list) and value:
            entry[name] = [str(each) for each in value]
        elif isinstance(value, int | str):
            entry[name] = value
    return entry
