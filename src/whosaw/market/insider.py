"""The bribe: a moderator who looks up one seller's critics, deletes three of their reviews and sells their addresses.

The seller, its critics and their tickets are part of every world. Whether somebody is bribed decides only who gets the
tickets and what he does besides his work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whosaw.market import work
from whosaw.market.tickets import Workplace, assign, fresh
from whosaw.market.timeline import DAY_US, HOUR_US, MINUTE_US, Int64, Size, Timeline, stream
from whosaw.market.trade import Disappointment
from whosaw.market.values import NONE, REVIEW_CARE, Items, Orders, Reviews, Staff, Tickets
from whosaw.market.work import Actions, Asks

_CUSTOMERS_WANTED = (300, 520)  # of the beneficiary before the window: enough critics, and enough others beside them
_CRITICS = (50, 65)
_DISPUTED = 0.35  # share of the critics who write a ticket because the seller attacks their review
_INVENTED = 0.45  # share of his baseless look-ups that cite an item which does not exist
_DELETED_REVIEWS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """The days in the middle of a world when a seller attacks its critics: [`start_us`, `end_us`)."""

    start_us: int
    end_us: int

    @classmethod
    def draw(cls, seed: int, size: Size) -> Window:
        """Draw ten to fourteen days, at most half of the world's."""
        days = min(int(stream(seed, "window").integers(10, 15)), size.days // 2)
        start = Timeline.of(size).start_us + int((size.days - days) * 0.4) * DAY_US
        return cls(start, start + days * DAY_US)


@dataclass(frozen=True, slots=True, eq=False)
class Bribe:
    """What was sold: `customer` was looked up at `at_us`, n rows in order of time; `deleted` are reviews."""

    actor: int
    customer: Int64
    at_us: Int64
    deleted: Int64


def choose_beneficiary(seed: int, orders: Orders, window: Window) -> Disappointment:
    """Choose the seller whose goods disappoint: one with some hundreds of customers before `window`."""
    rng = stream(seed, "beneficiary")
    early = orders.at_us < window.start_us
    pairs = np.unique(np.stack([orders.seller[early], orders.customer[early]]), axis=1)
    customers = np.bincount(pairs[0])
    low, high = _CUSTOMERS_WANTED
    fitting = np.flatnonzero((customers >= low) & (customers <= high))
    nearest = np.argmin(np.abs(customers - (low + high) // 2))
    seller = int(rng.choice(fitting) if len(fitting) else nearest)
    critics = min(int(rng.integers(*_CRITICS)), int(customers[seller] * 0.45))
    return Disappointment(seller, critics, window.start_us)


def critics_of(seed: int, reviews: Reviews, sour: Disappointment) -> Int64:
    """Return one bad review for each critic of the seller (review indices), a few dozen at most."""
    rng = stream(seed, "critics")
    bad = np.flatnonzero((reviews.seller == sour.seller) & (reviews.stars <= 2) & (reviews.at_us < sour.before_us))
    _, first = np.unique(reviews.customer[bad], return_index=True)
    return np.sort(rng.permutation(bad[first])[: _CRITICS[1] - 1])


def choose_employee(seed: int, staff: Staff, place: Workplace, window: Window) -> int:
    """Choose a moderator of ordinary activity who is at work on at least five days of `window`."""
    rng = stream(seed, "bribed")
    first_day = (window.start_us - place.time.start_us) // DAY_US
    days = place.roster.works[:, first_day : first_day + (window.end_us - window.start_us) // DAY_US].sum(axis=1)
    moderators = np.flatnonzero((staff.role == REVIEW_CARE) & (days >= min(5, days.max())))
    oddity = np.abs(np.log(staff.activity[moderators] / np.median(staff.activity[moderators])))
    ordinary = moderators[np.argsort(oddity, kind="stable")][: max(1, round(0.7 * len(moderators)))]
    return int(rng.choice(ordinary))


def dispute_tickets(seed: int, place: Workplace, reviews: Reviews, critics: Int64, window: Window) -> Tickets:
    """Draw the tickets of critics who ask why their review is under attack, not yet worked on."""
    rng = stream(seed, "disputes")
    chosen = np.sort(rng.permutation(critics)[: round(_DISPUTED * len(critics))])
    opened = rng.integers(window.start_us, window.end_us - 3 * DAY_US, len(chosen))
    customer, seller = reviews.customer[chosen], reviews.seller[chosen]
    topic = np.full(len(chosen), REVIEW_CARE)
    first = assign(rng, place, topic, customer, seller)
    return fresh(customer, seller, np.full(len(chosen), NONE), topic, first, opened)


def take_disputes(rng: np.random.Generator, place: Workplace, actor: int, disputes: Tickets) -> tuple[Tickets, Asks]:
    """Let `actor` take the disputes over from their queue and look each customer's e-mail address up under them.

    Returns:
        The tickets, really assigned to him, and his asks; `reference` is the row in `disputes`.
    """
    count = len(disputes)
    him = np.full(count, actor)
    taken = place.roster.next_touch(rng, him, disputes.opened_us)
    looked = place.roster.soon(rng, him, taken)
    closed = looked + 10 * MINUTE_US + (rng.random(count) * 8 * HOUR_US).astype(np.int64)
    tickets = Tickets(
        customer=disputes.customer,
        seller=disputes.seller,
        opened_by=disputes.opened_by,
        topic=disputes.topic,
        first=disputes.first,
        assignee=him,
        opened_us=disputes.opened_us,
        handed_us=np.where(disputes.first == actor, NONE, taken),
        closed_us=np.where(closed < place.time.end_us, closed, NONE),
    )
    kind = np.full(count, work.TICKET)
    return tickets, Asks(looked, him, disputes.customer, np.full(count, work.EMAIL), kind, np.arange(count))


def look_up_critics(
    rng: np.random.Generator, place: Workplace, actor: int, items: Items, targets: tuple[Int64, Int64], window: Window
) -> Asks:
    """Let `actor` look the authors of reviews up under the review-care rule, without an item of his.

    Args:
        rng: the stream to draw from.
        place: the roster.
        actor: the bribed moderator.
        items: the moderation queue.
        targets: n reviews and their n authors.
        window: when he does it.

    Returns:
        Asks that cite an item of a colleague, about that review where there is one, or one that does not exist.
    """
    review, customer = targets
    count = len(review)
    him = np.full(count, actor)
    at_us = place.roster.next_touch(rng, him, rng.integers(window.start_us, window.end_us - DAY_US, count))
    colleagues = np.flatnonzero(items.assigned_to != actor)
    by_review = dict(zip(items.review[colleagues].tolist(), colleagues.tolist(), strict=True))
    opened = np.searchsorted(items.opened_us[colleagues], at_us)
    recent = colleagues[np.maximum((opened * (1.0 - 0.2 * rng.random(count))).astype(np.int64) - 1, 0)].tolist()
    existing = [by_review.get(wanted, other) for wanted, other in zip(review.tolist(), recent, strict=True)]
    invented = len(items.review) + rng.integers(0, max(10, len(items.review) // 4), count)
    cited = np.where(rng.random(count) < _INVENTED, invented, np.array(existing, np.int64))
    return Asks(at_us, him, customer, np.full(count, work.EMAIL), np.full(count, work.REVIEW_CARE), cited)


def delete_reviews(rng: np.random.Generator, place: Workplace, asks: Asks, review_of: Mapping[int, int]) -> Actions:
    """Delete three of the critics' reviews, minutes after their authors were looked up and under the same pretext.

    Args:
        rng: the stream to draw from.
        place: the roster.
        asks: the look-ups.
        review_of: the bad review of each critic that nobody else deletes.
    """
    able = np.flatnonzero(np.isin(asks.customer, list(review_of)))
    row = np.sort(rng.permutation(able)[:_DELETED_REVIEWS])
    review = np.array([review_of[customer] for customer in asks.customer[row].tolist()], np.int64)
    at_us = place.roster.soon(rng, asks.actor[row], asks.at_us[row])
    return Actions(at_us, asks.actor[row], review, asks.kind[row], asks.reference[row])


def sale(asks: Asks, deleted: Actions) -> Bribe:
    """Return what was sold: every customer looked up, in order of time."""
    order = np.argsort(asks.at_us, kind="stable")
    return Bribe(int(asks.actor[0]), asks.customer[order], asks.at_us[order], deleted.review)
