"""Tickets and the work on them: who takes one, hands it over, asks, closes it and looks again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.market import work
from whosaw.market.shifts import Desks, Roster
from whosaw.market.timeline import DAY_US, HOUR_US, MINUTE_US, Float, Int64, Timeline
from whosaw.market.values import (
    FRAUD_DESK,
    NONE,
    QUALITY,
    REVIEW_CARE,
    SELLER_SUPPORT,
    SUPPORT,
    SYSTEM,
    Customers,
    Orders,
    Reviews,
    Tickets,
)
from whosaw.market.work import Asks

ASKS_PER_TICKET = 1.8  # what `work_on` yields on average; sets how many tickets a world needs
VERIFIED_AFTER_CLOSING_US = 3 * DAY_US

_ROLE_SHARES = (0.72, 0.05, 0.10, 0.13, 0.0)
_WITHOUT_SELLER = 0.25  # of support's tickets: the account, the password, a gift card
_HANDED_OVER = 0.08
_TOUCHES = 4
_FIELD_SHARES = {
    SUPPORT: (0.36, 0.27, 0.06, 0.16, 0.07, 0.05, 0.03),
    REVIEW_CARE: (0.40, 0.0, 0.14, 0.0, 0.0, 0.46, 0.0),
    FRAUD_DESK: (0.20, 0.15, 0.08, 0.12, 0.35, 0.05, 0.05),
    SELLER_SUPPORT: (0.22, 0.16, 0.05, 0.40, 0.10, 0.05, 0.02),
    QUALITY: (0.30, 0.10, 0.0, 0.10, 0.10, 0.40, 0.0),
}


@dataclass(frozen=True, slots=True)
class Workplace:
    """What every part of the work draws on; `manager` is the account manager of each seller."""

    time: Timeline
    roster: Roster
    desks: Desks
    customers: Customers
    orders: Orders
    manager: Int64


def customer_tickets(rng: np.random.Generator, place: Workplace, reviews: Reviews, count: int) -> Tickets:
    """Draw `count` tickets that customers open about an order or a review of theirs, not yet worked on.

    A ticket concerns an order of the last 45 days; customers write in proportion to their propensity. Seller support
    takes a seller's tickets to the same account manager each time. One in fifty is written down by a colleague on the
    telephone.
    """
    time = place.time
    opened = np.sort(rng.integers(time.start_us, time.end_us - 2 * HOUR_US, count))
    topic = rng.choice(5, count, p=_ROLE_SHARES).astype(np.int64)
    weight = np.cumsum(place.customers.propensity[place.orders.customer])
    order = _recent(rng, place.orders.at_us, weight, opened)
    customer, seller = place.orders.customer[order], place.orders.seller[order]
    about_review = np.flatnonzero(topic == REVIEW_CARE)
    weight = np.cumsum(place.customers.propensity[reviews.customer] * np.where(reviews.stars <= 2, 4.0, 1.0))
    review = _recent(rng, reviews.at_us, weight, opened[about_review])
    customer[about_review], seller[about_review] = reviews.customer[review], reviews.seller[review]
    seller[(topic == SUPPORT) & (rng.random(count) < _WITHOUT_SELLER)] = NONE
    first = assign(rng, place, topic, customer, seller)
    phoned = place.desks.draw(rng, np.full(count, SUPPORT), place.customers.region[customer])
    by_phone = (rng.random(count) < 0.02) & (phoned != first)
    return fresh(customer, seller, np.where(by_phone, phoned, NONE), topic, first, opened)


def fresh(customer: Int64, seller: Int64, opened_by: Int64, topic: Int64, first: Int64, opened_us: Int64) -> Tickets:
    """Return tickets nobody has worked on."""
    never = np.full(len(customer), NONE)
    return Tickets(customer, seller, opened_by, topic, first, first.copy(), opened_us, never, never.copy())


def assign(rng: np.random.Generator, place: Workplace, topic: Int64, customer: Int64, seller: Int64) -> Int64:
    """Return who takes each ticket: a colleague of the customer's region, or the seller's account manager."""
    taken = place.desks.draw(rng, topic, place.customers.region[customer])
    managed = np.flatnonzero((topic == SELLER_SUPPORT) & (seller >= 0))
    taken[managed] = place.manager[seller[managed]]
    return taken


def repeats(rng: np.random.Generator, place: Workplace, done: Tickets) -> Tickets:
    """Draw the tickets of customers who write again some days after a ticket was closed."""
    chance = np.minimum(0.12 * place.customers.propensity[done.customer], 0.6)
    again = done.take(np.flatnonzero((done.closed_us >= 0) & (rng.random(len(done)) < chance)))
    opened = again.closed_us + (rng.uniform(0.2, 6.0, len(again)) * DAY_US).astype(np.int64)
    other = assign(rng, place, again.topic, again.customer, again.seller)
    first = np.where(rng.random(len(again)) < 0.6, again.assignee, other)
    drawn = fresh(again.customer, again.seller, np.full(len(again), NONE), again.topic, first, opened)
    return drawn.take(np.flatnonzero(opened < place.time.end_us - 2 * HOUR_US))


def quality_tickets(rng: np.random.Generator, place: Workplace, done: Tickets, count: int) -> Tickets:
    """Draw `count` tickets by which the company's software has closed tickets read again by the quality staff."""
    closed = np.flatnonzero((done.closed_us >= 0) & (done.closed_us < place.time.end_us - DAY_US))
    sample = done.take(rng.choice(closed, min(count, len(closed)), replace=False))
    opened = sample.closed_us + (rng.uniform(0.05, 1.0, len(sample)) * DAY_US).astype(np.int64)
    topic = np.full(len(sample), QUALITY)
    first = assign(rng, place, topic, sample.customer, sample.seller)
    return fresh(sample.customer, sample.seller, np.full(len(sample), SYSTEM), topic, first, opened)


def work_on(rng: np.random.Generator, place: Workplace, new: Tickets) -> tuple[Tickets, Asks]:
    """Let the staff work on `new` tickets; return them with their hand-overs and closings, and the asks.

    `reference` of the asks is the row in `new`.
    """
    count = len(new)
    touches = 1 + np.searchsorted((0.52, 0.80, 0.94), rng.random(count), side="right")
    touch = np.empty((count, _TOUCHES), np.int64)
    assignee, handed = _hand_over(rng, place, new)
    before = (handed >= 0) & (rng.random(count) < 1 / 3)  # the first colleague looked before handing the ticket on
    touch[:, 0] = place.roster.next_touch(rng, new.first, new.opened_us)
    handed = np.where(before, touch[:, 0] + (rng.random(count) * 3 * HOUR_US).astype(np.int64) + MINUTE_US, handed)
    touches = np.maximum(touches, 1 + before)
    late = np.flatnonzero((handed >= 0) & ~before)
    touch[late, 0] = place.roster.next_touch(rng, assignee[late], handed[late])
    for nth in range(1, _TOUCHES):
        after = np.maximum(touch[:, nth - 1], np.where(before, handed, 0))
        after = after + (rng.exponential(20.0, count) * HOUR_US).astype(np.int64) + 5 * MINUTE_US
        touch[:, nth] = place.roster.next_touch(rng, assignee, after)
    last = touch[np.arange(count), touches - 1]
    closed = last + 5 * MINUTE_US + (rng.random(count) * 6 * HOUR_US).astype(np.int64)
    closed += np.where(rng.random(count) < 0.1, (rng.random(count) * 2 * DAY_US).astype(np.int64), 0)
    rows, nth_touch = np.nonzero(np.arange(_TOUCHES) < touches[:, None])
    actor = np.where(before[rows] & (nth_touch == 0), new.first[rows], assignee[rows])
    asks = ticket_asks(rng, new, rows, actor, touch[rows, nth_touch])
    again = _look_again(rng, place, assignee, closed)
    asks = Asks.join([asks, ticket_asks(rng, new, again[0], assignee[again[0]], again[1])])
    closed = np.where(closed < place.time.end_us, closed, NONE)
    handed = np.where(handed < place.time.end_us, handed, NONE)
    assignee = np.where(handed >= 0, assignee, new.first)
    done = Tickets(
        new.customer, new.seller, new.opened_by, new.topic, new.first, assignee, new.opened_us, handed, closed
    )
    return done, asks.within(place.time)


def ticket_asks(rng: np.random.Generator, tickets: Tickets, rows: Int64, actor: Int64, at_us: Int64) -> Asks:
    """Return one ask under its ticket for each of `rows`, for the fields that the ticket's topic needs."""
    fields = draw_fields(rng, tickets.topic[rows])
    return Asks(at_us, actor, tickets.customer[rows], fields, np.full(len(rows), work.TICKET), rows)


def draw_fields(rng: np.random.Generator, topic: Int64) -> Int64:
    """Return for each row the index of the field set that work on `topic` asks for."""
    cumulative = np.cumsum([_FIELD_SHARES[role] for role in range(len(_FIELD_SHARES))], axis=1)
    drawn = (rng.random(len(topic))[:, None] > cumulative[topic]).sum(axis=1)
    return np.asarray(np.minimum(drawn, len(work.FIELD_SETS) - 1), np.int64)


def _hand_over(rng: np.random.Generator, place: Workplace, new: Tickets) -> tuple[Int64, Int64]:
    colleague = place.desks.draw(rng, new.topic, place.customers.region[new.customer])
    # a ticket somebody wrote down never goes to the person who wrote it
    moved = (rng.random(len(new)) < _HANDED_OVER) & (colleague != new.first) & (colleague != new.opened_by)
    handed = place.roster.next_touch(rng, new.first, new.opened_us)
    return np.where(moved, colleague, new.first), np.where(moved, handed, NONE)


def _look_again(rng: np.random.Generator, place: Workplace, assignee: Int64, closed_us: Int64) -> tuple[Int64, Int64]:
    rows = np.flatnonzero(rng.random(len(closed_us)) < 0.08)
    later = closed_us[rows] + (rng.random(len(rows)) * 2 * DAY_US).astype(np.int64)
    at_us = place.roster.next_touch(rng, assignee[rows], later)
    kept = at_us < closed_us[rows] + VERIFIED_AFTER_CLOSING_US - HOUR_US
    return rows[kept], at_us[kept]


def _recent(rng: np.random.Generator, at_us: Int64, cumulative: Float, before_us: Int64) -> Int64:
    """Draw for each `before_us` one row of the last 45 days before it, by the weights summed up in `cumulative`."""
    edge = np.concatenate([[0.0], cumulative])
    low = edge[np.searchsorted(at_us, before_us - 45 * DAY_US)]
    high = edge[np.searchsorted(at_us, before_us)]
    position = np.searchsorted(cumulative, low + rng.random(len(before_us)) * (high - low), side="right")
    return np.asarray(np.minimum(position, len(at_us) - 1), np.int64)
