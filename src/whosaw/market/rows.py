"""A world's arrays as the lines that PostgreSQL's COPY reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from whosaw.market.names import REVIEW_TEXTS
from whosaw.market.timeline import Int64
from whosaw.market.values import (
    NONE,
    REGIONS,
    ROLES,
    SYSTEM,
    TOPICS,
    Tickets,
    customer_key,
    item_key,
    order_key,
    review_key,
    seller_key,
    staff_key,
    ticket_key,
)
from whosaw.market.world import World

NULL = "\\N"
_BLOCK_ROWS = 5_000
_SHIFTS = ("00-06", "06-12", "12-18", "18-24")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def table_rows(world: World) -> dict[str, Iterator[bytes]]:
    """Return for each table that has rows blocks of COPY text, in the order of the table's columns."""
    return {table: _blocks(columns) for table, columns in _columns(world)}


def _columns(world: World) -> Iterator[tuple[str, list[Sequence[str]]]]:
    people, shops, staff, orders, reviews = world.customers, world.sellers, world.staff, world.orders, world.reviews
    customers = [customer_key(index) for index in range(len(people.name))]
    sellers = [seller_key(index) for index in range(len(shops.name))]
    region = list(REGIONS)
    yield (
        "customers",
        [
            customers,
            _text(people.name),
            people.email,
            people.phone,
            _text(people.address),
            _pick(region, people.region),
        ],
    )
    yield (
        "sellers",
        [sellers, _text(shops.name), shops.mail_domain, _pick(region, shops.region), _digits(shops.balance_cents)],
    )
    keys = [staff_key(index) for index in range(len(staff.name))]
    work = [_pick(list(ROLES), staff.role), staff.queue, _pick(region, staff.region), _pick(list(_SHIFTS), staff.slot)]
    yield "staff", [keys, _text(staff.name), *work, staff.vendor]
    bought = [order_key(index) for index in range(len(orders.at_us))]
    pair = [_pick(customers, orders.customer), _pick(sellers, orders.seller)]
    yield "orders", [bought, *pair, _times(orders.at_us), _digits(orders.amount_cents)]
    written = [review_key(index) for index in range(len(reviews.at_us))]
    body = [
        REVIEW_TEXTS[stars][text % len(REVIEW_TEXTS[stars])]
        for stars, text in zip(reviews.stars.tolist(), reviews.text.tolist(), strict=True)
    ]
    pair = [_pick(bought, reviews.order), _pick(customers, reviews.customer), _pick(sellers, reviews.seller)]
    null = [NULL] * len(written)
    votes = (reviews.text * 7 + reviews.stars * 3 + reviews.customer) % 23  # how many found it helpful
    content = [_digits(reviews.stars), _text(body), _times(reviews.at_us), _digits(votes)]
    yield "reviews", [written, *pair, *content, null, null]
    yield "tickets", _ticket_columns(world.tickets, customers, sellers, staff.queue)
    yield "ticket_assignments", _assignment_columns(world.tickets)
    items = world.items
    opened = [item_key(index) for index in range(len(items.review))]
    pair = [_pick(written, items.review), _pick(keys, items.assigned_to)]
    times = [_times(items.opened_us), _times(items.done_us)]
    yield "moderation_items", [opened, *pair, ["system:moderation"] * len(opened), *times]


def _ticket_columns(
    tickets: Tickets, customers: Sequence[str], sellers: Sequence[str], queue: Sequence[str]
) -> list[Sequence[str]]:
    customer = _pick(customers, tickets.customer)
    opened_by = [
        staff_key(by) if by >= 0 else "system:quality" if by == SYSTEM else f"customer:{who}"
        for by, who in zip(tickets.opened_by.tolist(), customer, strict=True)
    ]
    return [
        [ticket_key(index) for index in range(len(tickets))],
        customer,
        [sellers[seller] if seller >= 0 else NULL for seller in tickets.seller.tolist()],
        opened_by,
        [staff_key(index) for index in tickets.assignee.tolist()],
        _pick(queue, tickets.assignee),
        _pick(list(TOPICS), tickets.topic),
        _times(tickets.opened_us),
        _times(tickets.closed_us),
    ]


def _assignment_columns(tickets: Tickets) -> list[Sequence[str]]:
    """Return one row for the colleague who took a ticket and one for each hand-over."""
    moved = np.flatnonzero(tickets.handed_us >= 0)
    row = np.concatenate([np.arange(len(tickets)), moved])
    return [
        [ticket_key(index) for index in row.tolist()],
        [staff_key(index) for index in np.concatenate([tickets.first, tickets.assignee[moved]]).tolist()],
        _times(np.concatenate([tickets.opened_us, tickets.handed_us[moved]])),
        _times(np.concatenate([tickets.handed_us, np.full(len(moved), NONE)])),
    ]


def _blocks(columns: Sequence[Sequence[str]]) -> Iterator[bytes]:
    for first in range(0, len(columns[0]), _BLOCK_ROWS):
        block = (column[first : first + _BLOCK_ROWS] for column in columns)
        yield "".join([f"{line}\n" for line in map("\t".join, zip(*block, strict=True))]).encode()


def _pick(words: Sequence[str], index: Int64) -> list[str]:
    return [words[position] for position in index.tolist()]


def _text(words: Iterable[str]) -> list[str]:
    return [word.translate(_ESCAPES) for word in words]


def _digits(numbers: Int64) -> list[str]:
    return [str(number) for number in numbers.tolist()]


def _times(at_us: Int64) -> list[str]:
    written = np.datetime_as_string(at_us.astype("datetime64[us]"), timezone="UTC")
    return [NULL if at < 0 else text for at, text in zip(at_us.tolist(), written.tolist(), strict=True)]
