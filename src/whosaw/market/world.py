"""A marketplace that does not exist, whole: the company's tables, the plan of work and the complaints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from whosaw.market import insider as bribery
from whosaw.market import work
from whosaw.market.complaints import Market, PlannedComplaint, draw_complaints
from whosaw.market.insider import Bribe, Window
from whosaw.market.lapses import ask_without_reason
from whosaw.market.moderation import ASKS_PER_ITEM, work_on_reviews
from whosaw.market.people import draw_customers, draw_sellers, draw_staff
from whosaw.market.shifts import Desks, Roster
from whosaw.market.tickets import ASKS_PER_TICKET, Workplace, customer_tickets, quality_tickets, repeats, work_on
from whosaw.market.timeline import Int64, Size, Timeline, stream
from whosaw.market.trade import Disappointment, draw_orders, draw_reviews
from whosaw.market.truth import Truth
from whosaw.market.values import (
    SELLER_SUPPORT,
    Customers,
    Items,
    Orders,
    Reviews,
    Sellers,
    Staff,
    Tickets,
    customer_key,
    review_key,
    seller_key,
    staff_key,
)
from whosaw.market.work import Actions, Asks, Plan, PlannedAction, planned_actions
from whosaw.terms import from_us

# how the asks of a world divide; what is left are lapses
_TICKET_SHARE = 0.79
_ITEM_SHARE = 0.11
_QUALITY_SHARE = 0.08
_REPEATS_PER_TICKET = 0.2
_CUT_OFF_DAYS = 1.6  # the last day cuts off what would have been done later; so much of the work is lost


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Everything anybody in the company could know, and what they are going to do; never who was bribed.

    Args:
        seed: the same seed and size give the same world, on every machine.
        size: how large it is.
        plan: every ask, in order of time.
        actions: every deletion of a review, in order of time.
        complaints: in order of arrival.
    """

    seed: int
    size: Size
    customers: Customers
    sellers: Sellers
    staff: Staff
    orders: Orders
    reviews: Reviews
    tickets: Tickets
    items: Items
    plan: Plan
    actions: Sequence[PlannedAction]
    complaints: Sequence[PlannedComplaint]

    @property
    def start(self) -> datetime:
        """The first moment of the first day."""
        return from_us(Timeline.of(self.size).start_us)

    @property
    def end(self) -> datetime:
        """The first moment after the last day."""
        return from_us(Timeline.of(self.size).end_us)


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """What is there before anybody works: people, orders, reviews, and the seller whose goods disappoint."""

    customers: Customers
    sellers: Sellers
    staff: Staff
    orders: Orders
    reviews: Reviews
    window: Window
    sour: Disappointment
    critics: Int64
    place: Workplace


def build_world(seed: int, size: Size | None = None, *, insider: bool = True) -> tuple[World, Truth]:
    """Build a world and the truth about it.

    Args:
        seed: ≥ 0; decides everything.
        size: how large; the default is 40,000 customers, 600 staff, 4,000 sellers and 60 days.
        insider: whether a moderator is bribed; without, people, orders and tickets are the same and the seller writes
            to customers of its own orders.

    Returns:
        The world, which holds no truth, and the truth.
    """
    size = size or Size()
    ground = _lay_ground(seed, size)
    draft, bribe = _let_work(seed, size, ground, insider)
    market = Market(ground.orders, ground.customers.propensity, ground.sour.seller, ground.window, ground.place.time)
    complaints, sources = draw_complaints(stream(seed, "complaints"), market, bribe)
    tickets, asks, actions = draft.finish()
    start_us = ground.place.time.start_us
    world = World(
        seed=seed,
        size=size,
        customers=ground.customers,
        sellers=ground.sellers,
        staff=ground.staff,
        orders=ground.orders,
        reviews=ground.reviews,
        tickets=tickets,
        items=draft.items,
        plan=Plan(asks, start_us),
        actions=planned_actions(actions, ground.reviews.seller, start_us),
        complaints=complaints,
    )
    truth = Truth(
        seed=seed,
        insider=insider,
        beneficiary=seller_key(ground.sour.seller),
        actors=(staff_key(bribe.actor),) if bribe else (),
        subjects=tuple(sorted(map(customer_key, bribe.customer.tolist()))) if bribe else (),
        deleted_reviews=tuple(sorted(map(review_key, bribe.deleted.tolist()))) if bribe else (),
        complaints=sources,
    )
    return world, truth


def _lay_ground(seed: int, size: Size) -> _Ground:
    customers, sellers, staff = draw_customers(seed, size), draw_sellers(seed, size), draw_staff(seed, size)
    orders = draw_orders(seed, size, customers, sellers)
    window = Window.draw(seed, size)
    sour = bribery.choose_beneficiary(seed, orders, window)
    reviews = draw_reviews(seed, size, sellers, orders, sour)
    time = Timeline.of(size)
    desks = Desks(staff)
    managers = desks.draw(stream(seed, "managers"), np.full(size.seller_count, SELLER_SUPPORT), sellers.region)
    place = Workplace(time, Roster(stream(seed, "roster"), staff, time), desks, customers, orders, managers)
    critics = bribery.critics_of(seed, reviews, sour)
    return _Ground(customers, sellers, staff, orders, reviews, window, sour, critics, place)


class _Draft:
    """Tickets and asks as they are drawn; `finish` puts the tickets in order and lets the asks follow."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self._tickets: list[Tickets] = []
        self._asks: list[Asks] = []
        self._actions: list[Actions] = []

    @property
    def tickets(self) -> Tickets:
        return Tickets.join(self._tickets)

    @property
    def actions(self) -> Actions:
        return Actions.join(self._actions)

    def add(self, tickets: Tickets, asks: Asks) -> Int64:
        """Add tickets and the asks under them, whose references are rows of `tickets`; return the tickets' rows."""
        offset = sum(len(part) for part in self._tickets)
        self._tickets.append(tickets)
        self.add_asks(Asks(asks.at_us, asks.actor, asks.customer, asks.fields, asks.kind, asks.reference + offset))
        return np.arange(offset, offset + len(tickets))

    def add_asks(self, asks: Asks) -> None:
        self._asks.append(asks)

    def add_actions(self, actions: Actions) -> None:
        self._actions.append(actions)

    def ticket_asks(self) -> Asks:
        asks = Asks.join(self._asks)
        return asks.take(asks.kind == work.TICKET)

    def finish(self) -> tuple[Tickets, Asks, Actions]:
        tickets, asks, actions = self.tickets, Asks.join(self._asks), self.actions
        order = np.argsort(tickets.opened_us, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        for part in (asks, actions):
            under = part.kind == work.TICKET
            part.reference[under] = place[part.reference[under]]
        return tickets.take(order), asks, actions


def _let_work(seed: int, size: Size, ground: _Ground, insider: bool) -> tuple[_Draft, Bribe | None]:
    place, reviews = ground.place, ground.reviews
    wanted = round(size.target_asks * (1 + _CUT_OFF_DAYS / size.days))
    rng = stream(seed, "moderation")
    item_count = round(_ITEM_SHARE * wanted / ASKS_PER_ITEM)
    items, asks, deleted = work_on_reviews(rng, place, reviews, item_count, ground.staff.sloppiness)
    draft = _Draft(items)
    draft.add_asks(asks)
    draft.add_actions(deleted)
    rng = stream(seed, "tickets")
    count = round(_TICKET_SHARE * wanted / ASKS_PER_TICKET / (1 + _REPEATS_PER_TICKET))
    draft.add(*work_on(rng, place, customer_tickets(rng, place, reviews, count)))
    draft.add(*work_on(rng, place, repeats(rng, place, draft.tickets)))
    quality = quality_tickets(rng, place, draft.tickets, round(_QUALITY_SHARE * wanted / ASKS_PER_TICKET))
    draft.add(*work_on(rng, place, quality))
    rng = stream(seed, "lapses")
    made, asks = ask_without_reason(rng, place, draft.tickets, draft.ticket_asks(), ground.staff.sloppiness)
    draft.add_asks(asks)
    draft.add(made, asks.take(np.zeros(len(asks), np.bool_)))
    disputes = bribery.dispute_tickets(seed, place, reviews, ground.critics, ground.window)
    if not insider:
        draft.add(*work_on(stream(seed, "disputes at work"), place, disputes))
        return draft, None
    return draft, _take_bribe(seed, ground, draft, disputes)


def _take_bribe(seed: int, ground: _Ground, draft: _Draft, disputes: Tickets) -> Bribe:
    rng = stream(seed, "bribe")
    place, reviews = ground.place, ground.reviews
    actor = bribery.choose_employee(seed, ground.staff, place, ground.window)
    taken, cited = bribery.take_disputes(rng, place, actor, disputes)
    rows = draft.add(taken, cited)
    cited = Asks(cited.at_us, cited.actor, cited.customer, cited.fields, cited.kind, rows)
    others = ground.critics[~np.isin(reviews.customer[ground.critics], disputes.customer)]
    targets = (others, reviews.customer[others])
    baseless = bribery.look_up_critics(rng, place, actor, draft.items, targets, ground.window)
    draft.add_asks(baseless)
    looked_up = Asks.join([cited, baseless])
    standing = ground.critics[~np.isin(ground.critics, draft.actions.review)]
    review_of = dict(zip(reviews.customer[standing].tolist(), standing.tolist(), strict=True))
    deleted = bribery.delete_reviews(rng, place, looked_up, review_of)
    draft.add_actions(deleted)
    return bribery.sale(looked_up, deleted)
