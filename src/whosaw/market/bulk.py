"""Disclosures of a marketplace in bulk: what a year of tickets at a large company leaves in the record, in minutes.

The same habits as in a world (`whosaw.market.tickets`): a ticket is about one customer and often one seller, the desk
of the customer's region takes it, one colleague looks at the customer one to four times, a few tickets are handed over,
and each desk asks for the fields that its work needs. Left out: who they are, shifts, and everything that is not an
ask. Customers come in ranges, so that a lake of any size is made in the memory of one piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.market.tickets import ASKS_PER_TICKET, draw_fields
from whosaw.market.timeline import HOUR_US, Bool, Int64
from whosaw.market.values import SUPPORT

_REGIONS = 3
_TOPICS = (0.72, 0.05, 0.10, 0.13)  # support, review care, fraud desk, seller support
_TOUCHES = (0.52, 0.80, 0.94)
_HANDED_OVER = 0.08
_WITHOUT_SELLER = 0.25
_VERIFIED = 0.97


@dataclass(frozen=True, slots=True)
class Company:
    """How large the company is: its customers, members of staff and sellers are numbered from 1."""

    customers: int
    staff: int
    sellers: int


@dataclass(frozen=True, slots=True, eq=False)
class Disclosures:
    """Disclosures as arrays, n rows sorted by customer and time; `seller` is 0 where a ticket concerns none.

    Args:
        fields: index of a field set in `whosaw.market.work.FIELD_SETS`.
        ticket: number of the ticket.
    """

    at_us: Int64
    actor: Int64
    customer: Int64
    seller: Int64
    fields: Int64
    ticket: Int64
    verified: Bool

    def __len__(self) -> int:
        return len(self.at_us)


def disclosures(
    rng: np.random.Generator,
    company: Company,
    count: int,
    customers: tuple[int, int],
    period_us: tuple[int, int],
    first_ticket: int = 1,
) -> Disclosures:
    """Draw exactly `count` disclosures about the customers from the first number on and below the second.

    Args:
        rng: what is drawn from.
        company: how large it is.
        count: rows, at least one.
        customers: half-open range of numbers.
        period_us: half-open range of times.
        first_ticket: number of the first ticket.
    """
    touches = np.empty(0, np.int64)
    while touches.sum() < count:
        more = max(16, int((count - touches.sum()) / ASKS_PER_TICKET * 1.1))
        touches = np.concatenate([touches, 1 + np.searchsorted(_TOUCHES, rng.random(more), side="right")])
    tickets = int(np.searchsorted(np.cumsum(touches), count)) + 1
    # some customers write more than others, and a few sellers have most of the orders
    about = customers[0] + ((customers[1] - customers[0]) * rng.random(tickets) ** 1.4).astype(np.int64)
    topic = rng.choice(len(_TOPICS), tickets, p=_TOPICS).astype(np.int64)
    seller = 1 + (company.sellers * rng.random(tickets) ** 2.5).astype(np.int64)
    seller[(topic == SUPPORT) & (rng.random(tickets) < _WITHOUT_SELLER)] = 0
    first = _of_desk(rng, company, topic, about)
    handed = np.where(rng.random(tickets) < _HANDED_OVER, _of_desk(rng, company, topic, about), first)
    opened = rng.integers(*period_us, tickets)
    row = np.repeat(np.arange(tickets), touches[:tickets])[:count]
    nth = np.arange(count) - np.searchsorted(row, row)
    at_us = opened[row] + (nth * rng.exponential(20.0, count) * HOUR_US).astype(np.int64)
    at_us = np.minimum(at_us, period_us[1] - 1)
    order = np.lexsort((at_us, about[row]))
    row, nth = row[order], nth[order]
    return Disclosures(
        at_us=at_us[order],
        actor=np.where(nth == 0, first[row], handed[row]),
        customer=about[row],
        seller=seller[row],
        fields=draw_fields(rng, topic[row]),
        ticket=first_ticket + row,
        verified=rng.random(count) < _VERIFIED,
    )


def _of_desk(rng: np.random.Generator, company: Company, topic: Int64, customer: Int64) -> Int64:
    """Return for each ticket a colleague of the desk that does such work in the customer's region."""
    edges = np.concatenate([[0.0], np.cumsum(_TOPICS)])
    share = (edges[topic] + (edges[topic + 1] - edges[topic]) * rng.random(len(topic))) / edges[-1]
    region = customer % _REGIONS
    place = ((region + share) / _REGIONS * company.staff).astype(np.int64)
    return np.asarray(1 + np.minimum(place, company.staff - 1), np.int64)
