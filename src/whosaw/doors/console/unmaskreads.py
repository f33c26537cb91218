"""What the pages of unmasking show, as values. Whoever may be unmasked stands by number, who asks by staff key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class SpokeLine:
    """Who asked or approved, and in which function; empty where he had none."""

    person: str
    function: str


@dataclass(frozen=True, slots=True)
class UnmaskLine:
    """One unmasking.

    Args:
        number: of it, among those of its way.
        case: the case that it is about.
        who: the number of whoever is unmasked; his key for whom asked or approved, while it holds.
        reason: why he must be known; empty where it was erased.
        asked: who asked.
        asked_at: when.
        approved: who approved so far.
        days: for how long it was asked; 0 where that is not known.
        until: from when on the number stands masked again, or None.
        state: ``asked``, ``open``, ``over`` or ``refused``.
        mine: whether the viewer asked.
        way: ``case``, or ``grant`` for a grant of the kind unmask.
    """

    number: int
    case: str
    who: str
    reason: str
    asked: SpokeLine
    asked_at: datetime
    approved: tuple[SpokeLine, ...]
    days: int
    until: datetime | None
    state: Literal["asked", "open", "over", "refused"]
    mine: bool = False
    way: Literal["case", "grant"] = "case"


@dataclass(frozen=True, slots=True)
class UnmaskPage:
    """The unmaskings of a case.

    Args:
        case: its id.
        numbers: of the people whom the case is about, rising: these may be asked about.
        function: of the viewer in the case; without one he neither asks nor approves.
        lines: newest first.
        longest_days: for how long at most may be asked.
    """

    case: str
    numbers: tuple[int, ...]
    function: str
    lines: tuple[UnmaskLine, ...]
    longest_days: int
