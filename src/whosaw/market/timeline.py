"""When a world plays: its days, its half-day shifts, and one random stream per part of it.

Times are int64 microseconds since 1970 (UTC), as everywhere in the record.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from whosaw.market.errors import BadSize
from whosaw.terms import to_us

Int64 = NDArray[np.int64]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
SLOT_US = 6 * HOUR_US

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
HISTORY_DAYS = 60  # orders reach this far back before the first day


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is.

    Args:
        customers: ≥ 2,000, so that some seller has enough critics.
        staff: ≥ 40, so that every queue has somebody in every region.
        days: 14 … 180 simulated days.
        sellers: ≥ 100; a tenth of the customers where left out.
    """

    MIN_CUSTOMERS: ClassVar[int] = 2_000
    MIN_STAFF: ClassVar[int] = 40
    MIN_SELLERS: ClassVar[int] = 100

    customers: int = 40_000
    staff: int = 600
    days: int = 60
    sellers: int | None = None

    def __post_init__(self) -> None:
        for name, least in (("customers", self.MIN_CUSTOMERS), ("staff", self.MIN_STAFF)):
            if getattr(self, name) < least:
                raise BadSize(f"`{getattr(self, name)}` {name} are too few", hint=f"ask for at least {least:,} {name}")
        if not 14 <= self.days <= 180:
            raise BadSize(f"`{self.days}` days cannot hold the story", hint="ask for 14 to 180 days")
        if self.seller_count < self.MIN_SELLERS:
            raise BadSize(f"`{self.sellers}` sellers are too few", hint=f"ask for at least {self.MIN_SELLERS} sellers")

    @property
    def seller_count(self) -> int:
        """How many sellers there are."""
        return self.customers // 10 if self.sellers is None else self.sellers

    @property
    def target_asks(self) -> int:
        """About how many asks the plan of work holds: 2.1 for every member of staff and day."""
        return round(2.1 * self.staff * self.days)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The span of a world: `days` days from `start_us`, with orders since `opening_us`."""

    start_us: int
    days: int

    @classmethod
    def of(cls, size: Size) -> Timeline:
        """Return the span of a world of `size`."""
        return cls(to_us(START), size.days)

    @property
    def opening_us(self) -> int:
        """The first moment an order can have."""
        return self.start_us - HISTORY_DAYS * DAY_US

    @property
    def end_us(self) -> int:
        """The first moment after the last day."""
        return self.start_us + self.days * DAY_US


def stream(seed: int, part: str) -> np.random.Generator:
    """Return the random stream of one part of a world, so that a change in one part leaves the others alone."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])
