"""Who complains that a seller wrote to them, when they were written to and when they say so.

Customers complain in proportion to their propensity, the same that makes them write to support; nobody is chosen
because he would be easy to trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from whosaw.market.insider import Bribe, Window
from whosaw.market.timeline import DAY_US, HOUR_US, Float, Int64, Timeline
from whosaw.market.values import Orders, customer_key, seller_key
from whosaw.terms import from_us

_COMPLAINTS = (12, 17)
_FROM_ORDERS = 0.15  # share of the complaints whose address the seller had from its own orders
_LETTERS_PER_COMPLAINT = 4


@dataclass(frozen=True, slots=True)
class PlannedComplaint:
    """A complaint that comes in at `at`: `seller` wrote to `customer` at `contacted_at` (aware UTC; bare keys)."""

    at: datetime
    contacted_at: datetime
    customer: str
    seller: str


@dataclass(frozen=True, slots=True, eq=False)
class Letters:
    """Letters of the seller, n rows: who got one and when."""

    customer: Int64
    contacted_us: Int64


@dataclass(frozen=True, slots=True)
class Market:
    """What complaints are drawn from: the orders, how readily each customer complains, the seller and its window."""

    orders: Orders
    propensity: Float
    seller: int
    window: Window
    time: Timeline


def draw_complaints(
    rng: np.random.Generator, market: Market, bribe: Bribe | None
) -> tuple[tuple[PlannedComplaint, ...], dict[str, str]]:
    """Draw twelve to sixteen complaints.

    Returns:
        The complaints in order of arrival, and for each customer key where the seller had the address from: ``leak`` or
        ``own_orders``.
    """
    count = int(rng.integers(*_COMPLAINTS))
    own = count if bribe is None else round(_FROM_ORDERS * count)
    sold = _letters_to_sold(rng, market, bribe) if bribe else Letters(np.empty(0, np.int64), np.empty(0, np.int64))
    known = _letters_to_known(rng, market, own, sold)
    drawn = [(_complain(rng, market, sold, count - own), "leak"), (_complain(rng, market, known, own), "own_orders")]
    rows = []
    for letters, source in drawn:
        reported = _report(rng, market.time, letters.contacted_us)
        columns = (reported, letters.contacted_us, letters.customer)
        rows += [(*row, source) for row in zip(*(column.tolist() for column in columns), strict=True)]
    rows.sort()
    complaints = tuple(
        PlannedComplaint(from_us(at), from_us(contacted), customer_key(customer), seller_key(market.seller))
        for at, contacted, customer, _ in rows
    )
    return complaints, {customer_key(customer): source for _, _, customer, source in rows}


def _letters_to_sold(rng: np.random.Generator, market: Market, bribe: Bribe) -> Letters:
    wait = np.clip(rng.gamma(2.0, 18.0, len(bribe.customer)), 3.0, 120.0) * HOUR_US
    contacted = np.minimum(bribe.at_us + wait.astype(np.int64), market.time.end_us - DAY_US)
    after = contacted > bribe.at_us
    return Letters(bribe.customer[after], contacted[after])


def _letters_to_known(rng: np.random.Generator, market: Market, count: int, sold: Letters) -> Letters:
    """Write to customers of the seller, uniformly, each of whom had ordered before and was not in what was sold."""
    letters = _LETTERS_PER_COMPLAINT * count
    low = market.window.start_us + DAY_US
    high = min(market.window.end_us + 3 * DAY_US, market.time.end_us - DAY_US)
    early = (market.orders.seller == market.seller) & (market.orders.at_us < low)
    able = np.setdiff1d(market.orders.customer[early], sold.customer)
    customer = rng.choice(able, min(letters, len(able)), replace=False)
    return Letters(customer, rng.integers(low, high, len(customer)))


def _complain(rng: np.random.Generator, market: Market, letters: Letters, count: int) -> Letters:
    weight = market.propensity[letters.customer]
    if count == 0:
        return Letters(letters.customer[:0], letters.contacted_us[:0])
    chosen = rng.choice(len(weight), count, replace=False, p=weight / weight.sum())
    return Letters(letters.customer[chosen], letters.contacted_us[chosen])


def _report(rng: np.random.Generator, time: Timeline, contacted_us: Int64) -> Int64:
    wait = (2.0 + rng.exponential(36.0, len(contacted_us))) * HOUR_US
    latest = time.end_us - (rng.uniform(1.0, 12.0, len(contacted_us)) * HOUR_US).astype(np.int64)
    return np.asarray(np.minimum(contacted_us + wait.astype(np.int64), latest), np.int64)
