"""What was bought and what was written about it: orders and reviews."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.market.names import REVIEW_TEXTS
from whosaw.market.timeline import DAY_US, HOUR_US, Bool, Int64, Size, Timeline, stream
from whosaw.market.values import Customers, Orders, Reviews, Sellers

_ORDERS_PER_CUSTOMER = 3
_REVIEWED = 0.35
_TEXTS = max(len(texts) for texts in REVIEW_TEXTS.values())


@dataclass(frozen=True, slots=True)
class Disappointment:
    """A seller whose goods disappoint: by `before_us` at least `critics` customers gave it one or two stars."""

    seller: int
    critics: int
    before_us: int


def draw_orders(seed: int, size: Size, customers: Customers, sellers: Sellers) -> Orders:
    """Draw three orders a customer on average, by how much a customer buys and how popular a seller is."""
    rng = stream(seed, "orders")
    time = Timeline.of(size)
    count = _ORDERS_PER_CUSTOMER * size.customers
    return Orders(
        customer=_weighted(rng, customers.buying, count),
        seller=_weighted(rng, sellers.popularity, count),
        at_us=np.sort(rng.integers(time.opening_us, time.end_us, count)),
        amount_cents=np.round(rng.lognormal(7.9, 0.9, count)).astype(np.int64) + 99,
    )


def draw_reviews(seed: int, size: Size, sellers: Sellers, orders: Orders, sour: Disappointment) -> Reviews:
    """Draw reviews of about a third of the orders, and those that make `sour` true."""
    rng = stream(seed, "reviews")
    time = Timeline.of(size)
    count = len(orders.at_us)
    stars = _draw_stars(rng, sellers.bad_share[orders.seller])
    at_us = orders.at_us + 2 * DAY_US + (rng.gamma(2.0, 3.0, count) * DAY_US).astype(np.int64)
    written = (rng.random(count) < _REVIEWED) & (at_us < time.end_us)
    more = _missing_critics(rng, orders, sour, written & (stars <= 2) & (at_us < sour.before_us))
    written[more], stars[more] = True, 1 + (rng.random(len(more)) < 0.4)
    room = sour.before_us - orders.at_us[more]
    at_us[more] = orders.at_us[more] + (room * rng.uniform(0.3, 0.95, len(more))).astype(np.int64)
    chosen = np.flatnonzero(written)
    chosen = chosen[np.argsort(at_us[chosen], kind="stable")]
    return Reviews(
        order=chosen,
        customer=orders.customer[chosen],
        seller=orders.seller[chosen],
        stars=stars[chosen],
        text=rng.integers(_TEXTS, size=len(chosen)),
        at_us=at_us[chosen],
    )


def _draw_stars(rng: np.random.Generator, bad_share: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Int64:
    bad = rng.random(len(bad_share)) < bad_share
    low = rng.choice((1, 2), len(bad), p=(0.6, 0.4))
    high = rng.choice((3, 4, 5), len(bad), p=(0.1, 0.3, 0.6))
    return np.where(bad, low, high).astype(np.int64)


def _missing_critics(rng: np.random.Generator, orders: Orders, sour: Disappointment, bad: Bool) -> Int64:
    """Return orders of that seller, one a customer, that turn customers into critics until there are enough."""
    of_seller = orders.seller == sour.seller
    critics = np.unique(orders.customer[of_seller & bad])
    able = np.flatnonzero(of_seller & (orders.at_us < sour.before_us - 12 * HOUR_US))
    able = able[~np.isin(orders.customer[able], critics)]
    _, first = np.unique(orders.customer[able], return_index=True)
    return rng.permutation(able[first])[: max(0, sour.critics - len(critics))]


def _weighted(rng: np.random.Generator, weight: np.ndarray[tuple[int], np.dtype[np.float64]], count: int) -> Int64:
    cumulative = np.cumsum(weight)
    position = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    return np.asarray(np.minimum(position, len(weight) - 1), np.int64)
