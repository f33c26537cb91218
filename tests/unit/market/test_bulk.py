"""Disclosures in bulk: exactly as many as asked for, in order, and with the habits of a world."""

from __future__ import annotations

import numpy as np
import pytest

from whosaw.market.bulk import Company, disclosures
from whosaw.market.work import FIELD_SETS

COMPANY = Company(customers=5_000, staff=300, sellers=200)
PERIOD = (1_772_409_600_000_000, 1_775_001_600_000_000)


@pytest.mark.parametrize("count", [1, 2, 17, 20_000])
def test_there_are_exactly_as_many_within_their_bounds_and_in_order(count: int) -> None:
    made = disclosures(np.random.default_rng(1), COMPANY, count, (1_000, 2_000), PERIOD)
    assert len(made) == count
    assert all(len(getattr(made, name)) == count for name in type(made).__slots__)
    order = np.lexsort((made.at_us, made.customer))
    assert (order == np.arange(count)).all()
    for values, (low, high) in (
        (made.customer, (1_000, 2_000)),
        (made.at_us, PERIOD),
        (made.actor, (1, COMPANY.staff + 1)),
        (made.seller, (0, COMPANY.sellers + 1)),
        (made.fields, (0, len(FIELD_SETS))),
    ):
        assert low <= values.min() <= values.max() < high


def test_a_ticket_is_about_one_customer_and_seller_and_few_colleagues_touch_it() -> None:
    made = disclosures(np.random.default_rng(2), COMPANY, 20_000, (1, 5_001), PERIOD, first_ticket=7)
    assert made.ticket.min() == 7
    order = np.argsort(made.ticket, kind="stable")
    starts = np.flatnonzero(np.diff(made.ticket[order], prepend=-1))
    for name in ("customer", "seller"):
        of_ticket = getattr(made, name)[order]
        assert (np.maximum.reduceat(of_ticket, starts) == np.minimum.reduceat(of_ticket, starts)).all()
    sizes = np.diff(np.append(starts, len(made)))
    assert sizes.max() <= 4
    assert 1.5 < sizes.mean() < 2.0
    actors = made.actor[order]
    changed = np.maximum.reduceat(actors, starts) != np.minimum.reduceat(actors, starts)
    assert 0.005 < changed.mean() < 0.08


def test_a_desk_serves_one_region_and_the_same_seed_draws_the_same() -> None:
    made = disclosures(np.random.default_rng(3), COMPANY, 20_000, (1, 5_001), PERIOD)
    again = disclosures(np.random.default_rng(3), COMPANY, 20_000, (1, 5_001), PERIOD)
    assert all((getattr(made, name) == getattr(again, name)).all() for name in type(made).__slots__)
    regions = {(actor, region) for actor, region in zip(made.actor.tolist(), (made.customer % 3).tolist(), strict=True)}
    assert len(regions) == len({actor for actor, _ in regions})
