"""How much of the accesses in a case's window went through the doors, which is what the record can speak about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Covered:
    """What the database's own audit log says of the window, day by day.

    Attributes:
        days: of the window.
        measured: how many of them the audit log covers.
        accesses: to protected tables on those days, by the audit log.
        through: those made by a door.
    """

    days: int
    measured: int = 0
    accesses: int = 0
    through: int = 0

    @property
    def around(self) -> int:
        """How many accesses no door made."""
        return self.accesses - self.through

    @property
    def whole(self) -> bool:
        """Whether every day is measured, the log holds accesses, and none of them went around the doors."""
        return 0 < self.days <= self.measured and self.accesses > 0 and not self.around

    @property
    def why_not(self) -> str:
        """What keeps a sentence about everything else from being said, or nothing."""
        if self.around:
            return f"{self.around} of {self.accesses} accesses went around the doors, by the database's own audit log"
        if not self.measured:
            return "no audit log of the database says whether anything went around the doors"
        if self.measured < self.days:
            return f"the database's audit log covers {self.measured} of {self.days} days"
        return "" if self.accesses else "the database's audit log holds no access, so it cannot speak for the doors"

    @property
    def line(self) -> str:
        """One sentence for a reader: the share that went through the doors, and what is not known."""
        if not self.accesses:
            return f"How many accesses went around the doors is not known: {self.why_not}."
        said = (
            f"Of {self.accesses} accesses to protected tables in that time, {self.through / self.accesses:.2%} went "
            f"through the doors that write these records, by the database's own audit log"
        )
        return f"{said}." if self.measured >= self.days else f"{said}; it covers {self.measured} of {self.days} days."


UNMEASURED = Covered(0)
"""Nothing is known of what went around the doors."""
