"""What leaves the house, and how: look-ups, genuine tickets, an account manager's views, slowly, or by several."""

from __future__ import annotations

import numpy as np

from worlds.staff import Bool, Float, Int, Staff
from worlds.trade import Rows, Trade

Leak = tuple[int, Int, Float]
"""A leaker, the customers he passed on, and the day he opened each."""


def look_up(
    generator: np.random.Generator, rows: Rows, made: Trade, leaker: int, size: tuple[int, int], span: float
) -> Leak:
    """Extra look-ups of customers who had ordered, within `span` days; none has a reason that holds."""
    start = generator.uniform(40, max(41.0, 150 - span))
    there = np.flatnonzero(made.ordered < start + span * 0.7)
    count = min(int(generator.integers(*size)), int(0.8 * there.size))
    sold = generator.choice(there, count, replace=False)
    day = np.maximum(made.ordered[sold] + 0.1, start) + generator.uniform(0, span * 0.3, count)
    rows.add(np.full(count, leaker), sold, day, True)
    return leaker, sold, day


def pass_on(rows: Rows, leaker: int, span: tuple[float, float]) -> Leak:
    """Only customers whom he met in genuine work, between two days."""
    actor, customer, day, _ = rows.columns()
    mine = (actor == leaker) & (day >= span[0]) & (day < span[1])
    sold, first = np.unique(customer[mine], return_index=True)
    return leaker, sold, day[mine][first]


def busiest(generator: np.random.Generator, rows: Rows, staff: Staff, least: int) -> int:
    """Return somebody who met at least `least` customers in genuine work; the busiest where nobody did."""
    actor, customer, _, _ = rows.columns()
    pairs = np.unique(actor * 10_000_000 + customer) // 10_000_000
    met = np.bincount(pairs, minlength=staff.count) * ~staff.service
    fitting = np.flatnonzero(met >= least)
    return int(generator.choice(fitting)) if fitting.size else int(met.argmax())


def decoy(generator: np.random.Generator, rows: Rows, made: Trade, staff: Staff, leaks: list[Leak]) -> int:
    """An innocent who makes as many look-ups without reason as the leaker, of other customers at random."""
    leaker, sold, day = leaks[0]
    innocent = int(generator.choice(np.flatnonzero(~staff.service & (np.arange(staff.count) != leaker))))
    customer = generator.choice(made.ordered.size, min(sold.size, made.ordered.size), replace=False)
    when = np.maximum(made.ordered[customer] + 0.1, generator.permutation(day)[: customer.size])
    rows.add(np.full(customer.size, innocent), customer, when, True)
    return innocent


def twin(generator: np.random.Generator, rows: Rows, staff: Staff, leaker: int, share: float) -> int:
    """An innocent colleague present in `share` of everything the leaker did."""
    actor, customer, day, irregular = rows.columns()
    mine = np.flatnonzero((actor == leaker) & (generator.random(actor.size) < share))
    innocent = int(generator.choice(np.flatnonzero(~staff.service & (np.arange(staff.count) != leaker))))
    rows.add(np.full(mine.size, innocent), customer[mine], day[mine] + 0.02, irregular[mine])
    return innocent


def complain(
    generator: np.random.Generator, made: Trade, leaks: list[Leak], complaints: int, noise: float
) -> tuple[Int, Float, Bool]:
    """Return complainers, days of contact, and which are stray: by propensity, from the leaks or from elsewhere."""
    sold = np.concatenate([leak[1] for leak in leaks])
    day = np.concatenate([leak[2] for leak in leaks])
    order = np.lexsort((day, sold))
    sold, day = sold[order], day[order]
    first = np.flatnonzero(np.diff(sold, prepend=-1))
    sold, day = sold[first], day[first]
    stray = int(generator.binomial(complaints, noise))
    own = min(complaints - stray, sold.size)
    weight = made.propensity[sold]
    picked = generator.choice(sold.size, own, replace=False, p=weight / weight.sum())
    others = np.setdiff1d(np.arange(made.ordered.size), sold)
    weight = made.propensity[others]
    stray = min(complaints - own, others.size)
    strange = generator.choice(others, stray, replace=False, p=weight / weight.sum())
    # the buyer writes some days after he was given a record; strays fall in the same season
    written = day[picked] + 1 + generator.exponential(6, own)
    season = generator.choice(day, stray) + 1 + generator.exponential(6, stray)
    customer = np.concatenate([sold[picked], strange])
    contact = np.concatenate([written, np.maximum(season, made.ordered[strange] + 0.5)])
    return customer, contact, np.arange(customer.size) >= own


def echo(generator: np.random.Generator, rows: Rows, staff: Staff, customer: Int, contact: Float) -> None:
    """A complaint makes people open the record: an intake agent nearly always, others too."""
    intake = int(generator.choice(np.flatnonzero(~staff.service)))
    rows.add(np.full(customer.size, intake), customer, contact + generator.exponential(2, customer.size) + 0.01, False)
    rows.add(
        generator.choice(np.flatnonzero(~staff.service), customer.size),
        customer,
        contact + generator.exponential(3, customer.size) + 0.01,
        True,
    )
