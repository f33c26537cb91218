"""What a step does to the world, as the answer sees it; the company's systems and the gate stand behind these.

Every call may come twice for one step, after a crash between the effect and our note of it: an effect that is already
there must be left as it is. What is returned is what this one call changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Doors(Protocol):
    """Every way in that an employee has."""

    async def suspend_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        """Refuse `actor` at every door from now on."""

    async def restore_actor(self, actor: str, reason: str, by: Sequence[str]) -> None:
        """Let `actor` in again as before."""


class Marketplace(Protocol):
    """The company's own system of sellers, payouts and reviews; sellers and reviews by the company's references.

    `case` is the step that orders it, as ``CASE-1/3``: a measure that was undone and is ordered again is another.
    """

    async def suspend_seller(self, seller: str, statement: Mapping[str, Any], case: str) -> bool:
        """Suspend a seller and hand over the statement of reasons; return whether it was not before."""
        ...

    async def unsuspend_seller(self, seller: str, case: str) -> bool:
        """Lift the suspension; return whether there was one."""
        ...

    async def withhold_funds(self, seller: str, case: str) -> int:
        """Hold back the seller's balance; return the cents that this call held back."""
        ...

    async def release_funds(self, seller: str, case: str) -> int:
        """Give back what was held back; return the cents."""
        ...

    async def restore_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        """Put deleted reviews back with dates and votes, tell their writers `note`; return those that were deleted."""
        ...

    async def delete_reviews(self, reviews: Sequence[str], case: str, *, note: str = "") -> list[str]:
        """Delete reviews, tell their writers `note`; return those that stood."""
        ...


class Notify(Protocol):
    """Sends a case's letters; `answer.notices` does it exactly once per person."""

    async def __call__(self, case: str) -> Mapping[str, int]:
        """Queue and send the letters of `case`; return how many stand in which state."""
        ...


class Other(Protocol):
    """What stands behind a step of another kind: a legal hold, a warning or termination of a seller."""

    async def do(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Bring it about, once per step (`case` is its id) and target; return what this call changed."""
        ...

    async def undo(self, case: str, target: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take it back; return what this call changed."""
        ...


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything a step may touch."""

    doors: Doors
    marketplace: Marketplace
    notify: Notify
    others: Mapping[str, Other] = field(default_factory=dict)
