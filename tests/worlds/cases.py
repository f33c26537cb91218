"""One case: a seller, its customers, the staff's work on them, and what turned up outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.leaks import Leak, busiest, complain, decoy, echo, look_up, pass_on, twin
from worlds.staff import Bool, Float, Int, Staff, hire
from worlds.trade import Rows, Trade, trade

DAYS = 180.0
DAY_US = 86_400_000_000

INSIDER = ("lookup", "legit", "am", "mixed", "slow", "slow-small", "lookup-pair", "legit-pair", "lookup-ring")
OUTSIDE = ("own", "breach", "star")


@dataclass(frozen=True)
class Spec:
    """What kind of case.

    Args:
        mode: one of `INSIDER` or `OUTSIDE`.
        complaints: K.
        noise: share of complaints from elsewhere.
        decoy: add an innocent with as many look-ups without reason.
        twin: share of the leaker's accesses at which an innocent colleague is present; 0 for nobody.
        strange: routing by skill, seasons, Pareto activity, long hand-overs.
        people: staff.
    """

    mode: str
    complaints: int = 10
    noise: float = 0.15
    decoy: bool = False
    twin: float = 0.0
    strange: bool = False
    people: int = 2500


@dataclass(frozen=True)
class Case:
    """A case as arrays: times in microseconds, actors and customers as indices.

    Args:
        actor, customer, at_us, irregular: the accesses.
        ordered_us: per customer.
        ticket_customer, ticket_at_us, ticket_mine, ticket_kind: the genuine work; kind = queue.
        region: per customer, what skill-based routing goes by.
        complainer, contact_us, stray: the complaints.
        leakers: who leaked; empty where nobody inside did.
        leaked: the customers who got out through them, and when each was opened for it (microseconds).
        bystander: the decoy or the twin; -1 where there is none.
        staff: the people.
    """

    actor: Int
    customer: Int
    at_us: Int
    irregular: Bool
    ordered_us: Int
    ticket_customer: Int
    ticket_at_us: Int
    ticket_mine: Bool
    ticket_kind: Int
    region: Int
    complainer: Int
    contact_us: Int
    stray: Bool
    leakers: tuple[int, ...]
    leaked: dict[int, int]
    bystander: int
    staff: Staff


def make_case(spec: Spec, seed: int) -> Case:
    """Return the case of a seed; the same seed is the same case everywhere."""
    key = (seed, spec.complaints, int(spec.noise * 100), int(spec.decoy), int(spec.twin * 100), int(spec.strange))
    generator = np.random.default_rng((*key, (*INSIDER, *OUTSIDE).index(spec.mode)))
    staff = hire(generator, spec.people, pareto=spec.strange, days=DAYS)
    rows = Rows()
    made = trade(generator, staff, _customers(generator, spec.mode), strange=spec.strange, days=DAYS, rows=rows)
    bystander = -1
    leaks: list[Leak] = []
    if spec.mode in INSIDER:
        leaks = _leak(generator, rows, made, staff, spec)
        if spec.decoy:
            bystander = decoy(generator, rows, made, staff, leaks)
        elif spec.twin:
            bystander = twin(generator, rows, staff, leaks[0][0], spec.twin)
        customer, contact, stray = complain(generator, made, leaks, spec.complaints, spec.noise)
    else:
        customer, contact = _outside(generator, rows, made, staff, spec)
        stray = np.ones(customer.size, np.bool_)
    echo(generator, rows, staff, customer, contact)
    actor, opened, day, irregular = rows.columns()
    return Case(
        actor=actor,
        customer=opened,
        at_us=_us(day),
        irregular=irregular,
        ordered_us=_us(made.ordered),
        ticket_customer=made.ticket_customer,
        ticket_at_us=_us(made.ticket_day),
        ticket_mine=made.ticket_mine,
        ticket_kind=made.ticket_queue,
        region=made.region,
        complainer=customer,
        contact_us=_us(contact),
        stray=stray,
        leakers=tuple(leak[0] for leak in leaks),
        leaked={int(c): int(d * DAY_US) for leak in leaks for c, d in zip(leak[1], leak[2], strict=True)},
        bystander=bystander,
        staff=staff,
    )


def _customers(generator: np.random.Generator, mode: str) -> int:
    """About nine times what is looked up; who leaks only what he meets is seen at larger sellers."""
    low, high = (1500, 5000) if "legit" in mode or mode in {"am", "star", "breach"} else (500, 2200)
    return int(generator.integers(low, high))


def _leak(generator: np.random.Generator, rows: Rows, made: Trade, staff: Staff, spec: Spec) -> list[Leak]:
    people = np.flatnonzero(~staff.service & (staff.since < 40) & (staff.until > 170))
    least = max(12, int(1.6 * spec.complaints))
    several = 3 if spec.mode.endswith("ring") else 2 if spec.mode.endswith("pair") else 1
    leaks: list[Leak] = []
    kind = spec.mode.split("-", maxsplit=1)[0]
    for _ in range(several):
        if kind == "legit":
            leaker = busiest(generator, rows, staff, least if several == 1 else max(10, least // 2))
            leaks.append(pass_on(rows, leaker, (30.0, 165.0)))
        elif kind == "am":
            start = float(generator.uniform(40, 110))
            leaks.append(pass_on(rows, int(made.managers[0]), (start, start + 45)))
        elif kind == "mixed":
            leaker = busiest(generator, rows, staff, least // 2)
            met = pass_on(rows, leaker, (60.0, 150.0))
            sought = look_up(generator, rows, made, leaker, (20, 150), 40)
            leaks.append((leaker, np.append(met[1], sought[1]), np.append(met[2], sought[2])))
        else:
            size = (15, 60) if spec.mode == "slow-small" else (40, 300)
            span = 110.0 if kind == "slow" else float(generator.uniform(15, 50))
            low = max(size[0], int(1.15 * spec.complaints / several))
            size = (low, max(low + 1, size[1]))
            leaks.append(look_up(generator, rows, made, int(generator.choice(people)), size, span))
    return leaks


def _outside(generator: np.random.Generator, rows: Rows, made: Trade, staff: Staff, spec: Spec) -> tuple[Int, Float]:
    """The seller's own orders, or a window of ten days that leaked elsewhere, in which one agent may be a star."""
    start = float(generator.uniform(40, 130))
    pool = np.arange(made.ordered.size)
    if spec.mode != "own":
        pool = np.flatnonzero((made.ordered >= start) & (made.ordered < start + 10))
    if spec.mode == "star":
        star = int(generator.choice(np.flatnonzero(~staff.service)))
        window = (made.ticket_day >= start) & (made.ticket_day < start + 14) & made.ticket_mine
        taken = np.flatnonzero(window & (generator.random(window.size) < 0.35))
        rows.add(np.full(taken.size, star), made.ticket_customer[taken], made.ticket_day[taken] + 0.03, False)
    weight = made.propensity[pool]
    picked = generator.choice(pool, min(spec.complaints, pool.size), replace=False, p=weight / weight.sum())
    late = generator.exponential(12, picked.size) + 1
    return picked, np.maximum(made.ordered[picked], start + 10 if spec.mode != "own" else 0.0) + late


def _us(day: Float) -> Int:
    return np.asarray((day * DAY_US).astype(np.int64))
