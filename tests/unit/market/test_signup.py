"""People who sign up later look like everybody, whoever they are."""

from __future__ import annotations

import re

from whosaw.market import Size, build_world, draw_newcomers
from whosaw.market.values import customer_key

SIZE = Size(customers=2_000, staff=40, days=14)


def test_newcomers_come_after_everybody_and_look_like_everybody() -> None:
    world, _ = build_world(3, SIZE)
    fresh = draw_newcomers(3, SIZE, 60)
    assert [each.key for each in fresh] == [customer_key(2_000 + at) for at in range(60)]
    assert fresh == draw_newcomers(3, SIZE, 60) != draw_newcomers(4, SIZE, 60)
    people = world.customers
    first, last = ({name.split()[at] for name in people.name} for at in (0, -1))
    domains = {address.partition("@")[2] for address in people.email}
    shapes = {re.sub(r"[0-9]", "9", phone) for phone in people.phone}
    for each in fresh:
        assert each.name.split()[0] in first and each.name.split()[-1] in last
        assert each.email.partition("@")[2] in domains and re.sub(r"[0-9]", "9", each.phone) in shapes
        assert each.seller.startswith("S-") and 900 <= each.amount_cents < 12_000
    assert len({each.region for each in fresh}) > 1
