"""The plan of work: who will ask for what, when and why, and who will act, in order of time.

The plan says what people do, never why they really do it: nothing in it marks a bribed employee's asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

import numpy as np

from whosaw.market.timeline import DAY_US, Int64, Timeline
from whosaw.market.values import customer_key, item_key, review_key, seller_key, staff_key, ticket_key
from whosaw.terms import from_us

FIELD_SETS = (
    ("customer.email", "customer.name"),
    ("customer.name", "customer.phone"),
    ("customer.email",),
    ("customer.address", "customer.name"),
    ("customer.address", "customer.email", "customer.name"),
    ("customer.name",),
    ("customer.phone",),
)
NAME_EMAIL, NAME_PHONE, EMAIL, NAME_ADDRESS, NAME_EMAIL_ADDRESS, NAME, PHONE = range(len(FIELD_SETS))

NO_PURPOSE, TICKET, REVIEW_CARE = range(3)


@dataclass(frozen=True, slots=True)
class PlannedAsk:
    """One ask: at `at` (aware UTC) `actor` wants `fields` of `subject` and names `purpose`, or none."""

    at: datetime
    actor: str
    subject: str
    fields: tuple[str, ...]
    purpose: str | None
    day: int


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One action: at `at` (aware UTC) `actor` does `action` to `object`, which serves `beneficiary`."""

    at: datetime
    actor: str
    action: str
    object: str
    beneficiary: str
    purpose: str | None
    day: int


@dataclass(frozen=True, slots=True, eq=False)
class Asks:
    """Asks as arrays, n rows; `reference` is the index of the ticket or item that `kind` speaks of."""

    at_us: Int64
    actor: Int64
    customer: Int64
    fields: Int64
    kind: Int64
    reference: Int64

    def __len__(self) -> int:
        return len(self.at_us)

    @classmethod
    def join(cls, parts: Iterable[Asks]) -> Asks:
        """Return the rows of all parts, one after another."""
        rows = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in rows]) for name in cls.__slots__))

    def take(self, chosen: np.ndarray[tuple[int], np.dtype[np.generic]]) -> Asks:
        """Return the rows `chosen`: indices or a mask."""
        return Asks(*(getattr(self, name)[chosen] for name in self.__slots__))

    def within(self, time: Timeline) -> Asks:
        """Return the rows inside the world's days."""
        return self.take((self.at_us >= time.start_us) & (self.at_us < time.end_us))


@dataclass(frozen=True, slots=True, eq=False)
class Actions:
    """Deletions of reviews as arrays, n rows; `kind` and `reference` as in `Asks`."""

    at_us: Int64
    actor: Int64
    review: Int64
    kind: Int64
    reference: Int64

    @classmethod
    def join(cls, parts: Iterable[Actions]) -> Actions:
        """Return the rows of all parts, one after another."""
        rows = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in rows]) for name in cls.__slots__))


class Plan(Sequence[PlannedAsk]):
    """The asks of a world in order of time; a `PlannedAsk` is made when it is looked at."""

    def __init__(self, asks: Asks, start_us: int) -> None:
        order = np.lexsort((asks.customer, asks.actor, asks.at_us))
        self.asks = asks.take(order)
        self._start_us = start_us

    def __len__(self) -> int:
        return len(self.asks)

    @overload
    def __getitem__(self, index: int) -> PlannedAsk: ...

    @overload
    def __getitem__(self, index: slice) -> list[PlannedAsk]: ...

    def __getitem__(self, index: int | slice) -> PlannedAsk | list[PlannedAsk]:
        """Return one ask, or a list of them for a slice."""
        if isinstance(index, slice):
            return list(self._read(self.asks.take(np.arange(len(self))[index])))
        position = range(len(self))[index]
        return next(self._read(self.asks.take(np.array([position]))))

    def __iter__(self) -> Iterator[PlannedAsk]:
        return self._read(self.asks)

    def _read(self, asks: Asks) -> Iterator[PlannedAsk]:
        columns = (getattr(asks, name).tolist() for name in Asks.__slots__)
        for at_us, actor, customer, fields, kind, reference in zip(*columns, strict=True):
            yield PlannedAsk(
                at=from_us(at_us),
                actor=staff_key(actor),
                subject=f"customer:{customer_key(customer)}",
                fields=FIELD_SETS[fields],
                purpose=purpose_text(kind, reference),
                day=(at_us - self._start_us) // DAY_US,
            )


def purpose_text(kind: int, reference: int) -> str | None:
    """Return a purpose as staff write it: ``ticket:T-001009``, ``review_care:M-000123`` or None."""
    if kind == TICKET:
        return f"ticket:{ticket_key(reference)}"
    return f"review_care:{item_key(reference)}" if kind == REVIEW_CARE else None


def planned_actions(actions: Actions, review_seller: Int64, start_us: int) -> tuple[PlannedAction, ...]:
    """Return the deletions of reviews in order of time."""
    rows = zip(*(getattr(actions, name).tolist() for name in Actions.__slots__), strict=True)
    return tuple(
        PlannedAction(
            at=from_us(at_us),
            actor=staff_key(actor),
            action="review.delete",
            object=f"review:{review_key(review)}",
            beneficiary=f"seller:{seller_key(int(review_seller[review]))}",
            purpose=purpose_text(kind, reference),
            day=(at_us - start_us) // DAY_US,
        )
        for at_us, actor, review, kind, reference in sorted(rows)
    )
