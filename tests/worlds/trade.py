"""The seller's customers and the genuine work on them: tickets, touches, quality checks, account managers, machines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from worlds.staff import Bool, Float, Int, Staff


@dataclass
class Rows:
    """Accesses as they accumulate: actor, customer, day, irregular."""

    parts: list[tuple[Int, Int, Float, Bool]] = field(default_factory=list)

    def add(self, actor: Int, customer: Int, day: Float, irregular: Bool | bool) -> None:
        flags = np.broadcast_to(np.asarray(irregular, np.bool_), actor.shape)
        self.parts.append((actor.astype(np.int64), customer.astype(np.int64), day.astype(np.float64), flags.copy()))

    def columns(self) -> tuple[Int, Int, Float, Bool]:
        actor, customer, day, irregular = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        return actor, customer, day, irregular


@dataclass(frozen=True)
class Trade:
    """n customers and m tickets.

    Args:
        ordered: day of the first order with this seller.
        propensity: how readily a customer writes, to the desk and to complain alike: the confounder.
        region: where the customer lives.
        ticket_customer, ticket_day, ticket_mine, ticket_queue, ticket_owner: the tickets; `mine` = about this seller.
        managers: account managers of the seller.
    """

    ordered: Float
    propensity: Float
    region: Int
    ticket_customer: Int
    ticket_day: Float
    ticket_mine: Bool
    ticket_queue: Int
    ticket_owner: Int
    managers: Int


def trade(
    generator: np.random.Generator, staff: Staff, customers: int, *, strange: bool, days: float, rows: Rows
) -> Trade:
    """Return the customers and write all genuine accesses to `rows`."""
    ordered = np.sort(_order_days(generator, customers, strange=strange, days=days))
    propensity = generator.gamma(1.2, 1 / 1.2, customers)
    region = generator.choice(4, customers, p=[0.4, 0.3, 0.2, 0.1])
    tickets = generator.poisson(1.1 * propensity), generator.poisson(0.6 * propensity)
    customer = np.concatenate([np.repeat(np.arange(customers), n) for n in tickets])
    mine = np.arange(customer.size) < tickets[0].sum()
    day = np.where(
        mine,
        ordered[customer] + generator.exponential(9 if not strange else 20, customer.size),
        generator.uniform(0, days, customer.size),
    )
    kept = day < days
    customer, mine, day = customer[kept], mine[kept], day[kept]
    queue = _queues(generator, staff, region[customer], mine, strange=strange)
    owner = assign(generator, staff, queue, day, skill=region[customer] if strange else None)
    rows.add(owner, customer, day, False)
    _touches(generator, staff, (owner, customer, day, queue), strange=strange, rows=rows)
    managers = generator.choice(np.flatnonzero(~staff.service), 2, replace=False)
    for manager in managers:
        viewed = np.flatnonzero(generator.random(customers) < generator.uniform(0.1, 0.5))
        rows.add(np.full(viewed.size, manager), viewed, ordered[viewed] + generator.exponential(4, viewed.size), False)
    for service in np.flatnonzero(staff.service):
        seen = np.flatnonzero(generator.random(customers) < 0.5)
        rows.add(np.full(seen.size, service), seen, ordered[seen] + 0.01, False)
    _curious(generator, staff, ordered, days, rows)
    return Trade(ordered, propensity, region, customer, day, mine, queue, owner, managers)


def assign(generator: np.random.Generator, staff: Staff, queue: Int, day: Float, skill: Int | None) -> Int:
    """Return who takes each ticket: somebody of its queue on duty in its half-day, by activity (and skill)."""
    owner = np.full(queue.size, -1)
    half = np.where((day % 1) < 0.45, 0, np.where((day % 1) < 0.85, 1, 2))
    week = (day // 14).astype(np.int64)
    key = (queue * 3 + half) * 64 + week
    people = np.flatnonzero(~staff.service)
    shifts = [people[staff.half[people] == value] for value in range(3)]
    desks: dict[tuple[int, int], Int] = {}
    for at in _alike(key):
        shift, desk = int(half[at[0]]), int(queue[at[0]])
        if (desk, shift) not in desks:
            desks[desk, shift] = shifts[shift][staff.queue[shifts[shift]] == desk]
        span = float(day[at].min()), float(day[at].max())
        pool = _on_duty(staff, desks[desk, shift], span)
        if pool.size == 0:
            pool = _on_duty(staff, shifts[shift], span)
        # people are away for whole fortnights: who is busy changes
        here = pool[(pool * 7919 + week[at[0]] * 104729) % 10 < 8]
        pool = here if here.size else pool
        if skill is None:
            owner[at] = _drawn(generator, pool, staff.activity[pool], at.size)
            continue
        for some in _alike(skill[at]):
            weight = staff.activity[pool] * np.where(staff.region[pool] == skill[at[some[0]]], 12.0, 1.0)
            owner[at[some]] = _drawn(generator, pool, weight, some.size)
    return owner


def _on_duty(staff: Staff, pool: Int, span: tuple[float, float]) -> Int:
    """Return who of a pool works there from one day to the other."""
    return np.asarray(pool[(staff.since[pool] <= span[0]) & (staff.until[pool] >= span[1])])


def _alike(key: Int) -> list[Int]:
    """Return the positions of each value, by rising value."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    cuts = [0, *(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1).tolist(), key.size]
    return [order[cuts[at] : cuts[at + 1]] for at in range(len(cuts) - 1)] if key.size else []


def _drawn(generator: np.random.Generator, pool: Int, weight: Float, count: int) -> Int:
    """Return what `generator.choice` would, without the checks that most of its time goes into."""
    steps = (weight / weight.sum()).cumsum()
    return np.asarray(pool[(steps / steps[-1]).searchsorted(generator.random(count), "right")])


def _order_days(generator: np.random.Generator, customers: int, *, strange: bool, days: float) -> Float:
    if not strange:
        return generator.uniform(0, days * 0.9, customers)
    # seasons and two sales weeks
    base = generator.uniform(0, days * 0.9, 3 * customers)
    wave = 0.55 + 0.45 * np.sin(base / days * 4 * np.pi)
    drawn = base[generator.random(base.size) < wave][: customers // 2]
    sales = np.concatenate([generator.normal(0.3 * days, 3, customers), generator.normal(0.65 * days, 3, customers)])
    found = np.concatenate([drawn, generator.choice(sales, customers - drawn.size, replace=False)])
    return np.clip(found, 0, days * 0.95)


def _queues(generator: np.random.Generator, staff: Staff, region: Int, mine: Bool, *, strange: bool) -> Int:
    """A seller's goods decide the queue of most tickets; in the other philosophy region and topic do."""
    home = generator.integers(0, staff.queues, 3)
    usual = generator.choice(home, mine.size, p=[0.6, 0.25, 0.15])
    if strange:
        usual = home[region % 3]
    return np.where(mine, usual, generator.integers(0, staff.queues, mine.size))


def _touches(
    generator: np.random.Generator,
    staff: Staff,
    tickets: tuple[Int, Int, Float, Int],
    *,
    strange: bool,
    rows: Rows,
) -> None:
    """Sticky follow-ups, hand-offs, escalations, quality checks, fraud desk."""
    owner, customer, day, queue = tickets
    again = np.flatnonzero(generator.random(owner.size) < 0.6)
    later = day[again] + generator.exponential(1.5, again.size)
    handed = generator.random(again.size) < (0.3 if not strange else 0.6)
    actor = owner[again].copy()
    actor[handed] = assign(generator, staff, queue[again][handed], later[handed], None)
    rows.add(actor, customer[again], later, False)
    for role, share in ((1, 0.08), (2, 0.05), (3, 0.03)):
        some = np.flatnonzero(generator.random(owner.size) < share)
        people = np.flatnonzero((staff.role == role) & ~staff.service)
        weight = staff.activity[people]
        who = generator.choice(people, some.size, p=weight / weight.sum())
        rows.add(who, customer[some], day[some] + generator.exponential(2, some.size), False)


def _curious(generator: np.random.Generator, staff: Staff, ordered: Float, days: float, rows: Rows) -> None:
    """The usual noise: look-ups without a reason, most by few people."""
    count = generator.poisson(0.04 * ordered.size)
    weight = generator.pareto(1.2, staff.count) * ~staff.service
    who = generator.choice(staff.count, count, p=weight / weight.sum())
    customer = generator.integers(0, ordered.size, count)
    rows.add(who, customer, ordered[customer] + generator.uniform(0, 40, count), True)
