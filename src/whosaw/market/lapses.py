"""What ordinary staff do without a reason that can be checked: no malice, but nothing that verifies.

Some people do most of it (`sloppiness`), which is why an odd record alone never points at a leak.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whosaw.market import work
from whosaw.market.tickets import Workplace, draw_fields, fresh
from whosaw.market.timeline import DAY_US, MINUTE_US, Float, Int64
from whosaw.market.values import NONE, Tickets
from whosaw.market.work import Asks

# shares of all asks
_NO_PURPOSE = 0.008
_COLLEAGUES_TICKET = 0.008
_OTHER_CUSTOMER = 0.006
_SELF_MADE = 0.004
_CLOSED_LONG_AGO = 0.004


def ask_without_reason(
    rng: np.random.Generator, place: Workplace, tickets: Tickets, asks: Asks, sloppiness: Float
) -> tuple[Tickets, Asks]:
    """Draw the asks that will not verify, each at a time when its actor is at work anyway.

    Args:
        rng: the stream to draw from.
        place: roster and orders.
        tickets: the tickets so far; `asks` refer to their rows.
        asks: the asks under tickets so far.
        sloppiness: one weight for each member of staff.

    Returns:
        New tickets that staff made for themselves (their rows follow those of `tickets`), and the asks.
    """
    weight = sloppiness[asks.actor]
    chosen = [
        asks.take(rng.choice(len(asks), max(1, round(share * len(asks))), p=weight / weight.sum()))
        for share in (_NO_PURPOSE, _COLLEAGUES_TICKET, _OTHER_CUSTOMER, _SELF_MADE)
    ]
    made, under_made = _self_made(rng, place, chosen[3], tickets)
    parts = [
        _no_purpose(rng, place, chosen[0]),
        _colleagues_ticket(rng, place, chosen[1], tickets),
        _other_customer(rng, place, chosen[2]),
        under_made,
        _long_closed(rng, place, tickets, sloppiness, round(_CLOSED_LONG_AGO * len(asks))),
    ]
    return made, Asks.join(parts).within(place.time)


def _no_purpose(rng: np.random.Generator, place: Workplace, base: Asks) -> Asks:
    none = np.full(len(base), NONE)
    at_us = place.roster.soon(rng, base.actor, base.at_us)
    return Asks(at_us, base.actor, _anybody(rng, place, len(base)), base.fields, none * 0 + work.NO_PURPOSE, none)


def _colleagues_ticket(rng: np.random.Generator, place: Workplace, base: Asks, tickets: Tickets) -> Asks:
    at_us = place.roster.soon(rng, base.actor, base.at_us)
    by_time = np.argsort(tickets.opened_us, kind="stable")
    opened = np.searchsorted(tickets.opened_us[by_time], at_us)
    row = by_time[np.maximum((opened * (1.0 - 0.1 * rng.random(len(base)))).astype(np.int64) - 1, 0)]
    others = (tickets.assignee[row] != base.actor) & (tickets.first[row] != base.actor)
    asks = Asks(at_us, base.actor, tickets.customer[row], base.fields, np.full(len(row), work.TICKET), row)
    return asks.take(others)


def _other_customer(rng: np.random.Generator, place: Workplace, base: Asks) -> Asks:
    at_us = place.roster.soon(rng, base.actor, base.at_us)
    return Asks(at_us, base.actor, _anybody(rng, place, len(base)), base.fields, base.kind, base.reference)


def _self_made(rng: np.random.Generator, place: Workplace, base: Asks, tickets: Tickets) -> tuple[Tickets, Asks]:
    order = rng.integers(len(place.orders.customer), size=len(base))
    customer, seller = place.orders.customer[order], place.orders.seller[order]
    opened = base.at_us - rng.integers(1, 30, len(base)) * MINUTE_US
    topic = tickets.topic[base.reference]
    made = fresh(customer, seller, base.actor, topic, base.actor, opened)
    closed = base.at_us + rng.integers(5, 200, len(base)) * MINUTE_US
    made = replace(made, closed_us=np.where(closed < place.time.end_us, closed, NONE))
    row = np.arange(len(base)) + len(tickets)
    return made, Asks(base.at_us, base.actor, customer, base.fields, np.full(len(base), work.TICKET), row)


def _long_closed(rng: np.random.Generator, place: Workplace, tickets: Tickets, sloppiness: Float, count: int) -> Asks:
    closed = np.flatnonzero(tickets.closed_us >= 0)
    weight = sloppiness[tickets.assignee[closed]]
    row = rng.choice(closed, max(1, count), p=weight / weight.sum())
    later = tickets.closed_us[row] + (rng.uniform(4.0, 20.0, len(row)) * DAY_US).astype(np.int64)
    actor = tickets.assignee[row]
    at_us = place.roster.next_touch(rng, actor, later)
    fields = draw_fields(rng, tickets.topic[row])
    return Asks(at_us, actor, tickets.customer[row], fields, np.full(len(row), work.TICKET), row)


def _anybody(rng: np.random.Generator, place: Workplace, count: int) -> Int64:
    return np.asarray(place.orders.customer[rng.integers(len(place.orders.customer), size=count)], np.int64)
