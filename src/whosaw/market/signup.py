"""The shop's own sign-up: persons who come later, real ones and such as do not exist, by one way and of one look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from whosaw.market.people import draw_customers
from whosaw.market.timeline import Size, stream
from whosaw.market.values import REGIONS, customer_key, order_key, seller_key

_AMOUNT_CENTS = (900, 12_000)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who signs up.

    Attributes:
        key: the key that the shop gives; the next ones after its customers.
        name, email, phone, address, region: as drawn for every customer; `email` may be replaced.
        seller: from whom the first order is.
        amount_cents: of that order.
    """

    key: str
    name: str
    email: str
    phone: str
    address: str
    region: str
    seller: str
    amount_cents: int


def draw_newcomers(seed: int, size: Size, count: int) -> list[Newcomer]:
    """Draw people who sign up after everybody else; from the same names, streets and numbers as all customers.

    Args:
        seed: of the world.
        size: of the world.
        count: how many, at least 1.
    """
    # another stream than that of the world's customers, and as many as a world must have at least
    drawn = draw_customers(seed + 1_000_003, Size(customers=max(2_000, count), staff=size.staff, days=size.days))
    rng = stream(seed, "newcomers")
    sellers, amounts = rng.integers(size.seller_count, size=count), rng.integers(*_AMOUNT_CENTS, size=count)
    return [
        Newcomer(
            customer_key(size.customers + at),
            *(drawn.name[at], drawn.email[at], drawn.phone[at], drawn.address[at]),
            REGIONS[int(drawn.region[at])],
            seller_key(int(sellers[at])),
            int(amounts[at]),
        )
        for at in range(count)
    ]


def sign_up(shop_url: str, newcomers: Sequence[Newcomer], at: datetime) -> None:
    """Put newcomers with their first order into the shop's tables, as its owner; all of them or none.

    Args:
        shop_url: the shop's database as its owner: whosaw's own roles cannot do this.
        newcomers: who.
        at: when their order is dated.
    """
    with psycopg.connect(shop_url) as connection:
        row = connection.execute("select count(*) from orders").fetchone()
        first = int(row[0]) if row else 0
        for place, each in enumerate(newcomers):
            connection.execute(
                "insert into customers (id, name, email, phone, address, region) values (%s, %s, %s, %s, %s, %s)",
                (each.key, each.name, each.email, each.phone, each.address, each.region),
            )
            connection.execute(
                "insert into orders (id, customer_id, seller_id, at, amount_cents) values (%s, %s, %s, %s, %s)",
                (order_key(first + place), each.key, each.seller, at, each.amount_cents),
            )
