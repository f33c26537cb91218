"""The company's tables as arrays: one frozen value a table, one row an index.

A key such as ``C-000017`` is the row's index plus one; references to people and things hold indices. Times are int64
microseconds since 1970; `NONE` stands where a table has null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from whosaw.market.timeline import Bool, Float, Int64

NONE = -1
SYSTEM = -2  # in `opened_by`: the company's own software

REGIONS = ("US", "EU", "CN")
ROLES = ("support", "review_care", "fraud_desk", "seller_support", "quality")
SUPPORT, REVIEW_CARE, FRAUD_DESK, SELLER_SUPPORT, QUALITY = range(len(ROLES))
TOPICS = ("order", "review", "payment", "seller", "quality")  # one for each role that takes the ticket


def _key(prefix: str, digits: int, index: int) -> str:
    return f"{prefix}-{index + 1:0{digits}d}"


def customer_key(index: int) -> str:
    """Return the key of a customer's row: ``C-000017``."""
    return _key("C", 6, index)


def seller_key(index: int) -> str:
    """Return the key of a seller's row: ``S-0088``."""
    return _key("S", 4, index)


def order_key(index: int) -> str:
    """Return the key of an order's row: ``O-0000123``."""
    return _key("O", 7, index)


def review_key(index: int) -> str:
    """Return the key of a review's row: ``R-000123``."""
    return _key("R", 6, index)


def staff_key(index: int) -> str:
    """Return the key of a staff row: ``E-0417``."""
    return _key("E", 4, index)


def ticket_key(index: int) -> str:
    """Return the key of a ticket's row: ``T-001009``."""
    return _key("T", 6, index)


def item_key(index: int) -> str:
    """Return the key of a moderation item's row: ``M-001009``."""
    return _key("M", 6, index)


@dataclass(frozen=True, slots=True, eq=False)
class Customers:
    """The customers, n rows; `buying` and `propensity` drive what they do and lie in no table."""

    name: Sequence[str]
    email: Sequence[str]
    phone: Sequence[str]
    address: Sequence[str]
    region: Int64
    buying: Float
    propensity: Float


@dataclass(frozen=True, slots=True, eq=False)
class Sellers:
    """The sellers; `popularity` sums to one, `bad_share` is the share of their reviews with one or two stars."""

    name: Sequence[str]
    mail_domain: Sequence[str]
    region: Int64
    balance_cents: Int64
    popularity: Float
    bad_share: Float


@dataclass(frozen=True, slots=True, eq=False)
class Staff:
    """The staff; `slot` is the quarter of the UTC day they work, `off` marks the two weekdays they do not."""

    name: Sequence[str]
    role: Int64
    region: Int64
    queue: Sequence[str]
    vendor: Sequence[str]
    slot: Int64
    off: Bool
    activity: Float
    sloppiness: Float


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """The orders, in order of time."""

    customer: Int64
    seller: Int64
    at_us: Int64
    amount_cents: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Reviews:
    """The reviews, in order of time; `order` leads to the customer and the seller."""

    order: Int64
    customer: Int64
    seller: Int64
    stars: Int64
    text: Int64
    at_us: Int64


@dataclass(frozen=True, slots=True, eq=False)
class Tickets:
    """The tickets, in order of opening.

    `opened_by` is `NONE` for the customer, `SYSTEM`, or a staff index. `first` took the ticket, `assignee` has it since
    `handed_us` (`NONE`: never handed over, then `first == assignee`). `topic` is the role that works on it.
    """

    customer: Int64
    seller: Int64
    opened_by: Int64
    topic: Int64
    first: Int64
    assignee: Int64
    opened_us: Int64
    handed_us: Int64
    closed_us: Int64

    def __len__(self) -> int:
        return len(self.customer)

    @classmethod
    def join(cls, parts: Iterable[Tickets]) -> Tickets:
        """Return the rows of all parts, one after another."""
        rows = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in rows]) for name in cls.__slots__))

    def take(self, chosen: Int64) -> Tickets:
        """Return the rows `chosen`, in that order."""
        return Tickets(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The moderation queue, in order of opening; every item is opened by the company's software."""

    review: Int64
    assigned_to: Int64
    opened_us: Int64
    done_us: Int64
