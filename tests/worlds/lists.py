"""Worlds in which a list of customers turns up outside: taken by somebody inside, or come by another way.

In each of them colleagues ask for customers in bulk for their work (a region, a week), so that whoever took a list is
never the only one who asked for anything. Staff, work and look-ups are those of the other worlds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from worlds.cases import DAY_US, DAYS, Case
from worlds.leaks import busiest, complain, echo, look_up, pass_on
from worlds.staff import Float, Int, Staff, hire
from worlds.trade import Rows, Trade, trade

TAKEN = ("query", "one by one", "tickets", "export", "seeded export", "reviewed")
"""Somebody inside passed a list on; in the last a team lead had asked for four fifths of it for a review."""
OUTSIDE = (
    "breach",
    "same question",
    "many had it",
    "dump",
    "own orders",
    "team lead",
    "star agent",
    "heir",
    "heir, told",
    "stolen export",
    "stolen seeded export",
    "framed",
    "framed, with complaints",
    "team lead, told",
)
"""Nobody inside did. Of what ends in *told* the company says which duty it was."""
OF_NO_QUESTION = ("dump", "own orders", "heir", "heir, told", "framed", "framed, with complaints")
"""Their lists are no answer to a question of work."""

SEEDS = 5
SECOND = 1 / 86_400


@dataclass(frozen=True)
class Asked:
    """Customers whom one account asked for in one go.

    Args:
        actor, day: who, and when.
        customers: in the order of the answer.
        seeds: invented persons among its rows.
    """

    actor: int
    day: float
    customers: Int
    seeds: int = 0


@dataclass(frozen=True)
class World:
    """A world and what is needed to write a list of it.

    Args:
        case: accesses, work, complaints (in random order: the first k are k complaints of it), and the truth.
        source: customers from whom a list is drawn.
        found_us: when it turns up.
        asked: everything that was asked for in bulk, exports on record among it.
        exports: whether the exports were kept.
        origin: place in `asked` of the one that the list is of; -1 where it is of none.
        heir, before, since_us: who took over whose customers, and when; -1 where nobody did, or nobody says so. Of a
            review there is nobody before.
        reviewed: the customers of the review.
        regional: the list is of one region.
    """

    case: Case
    source: Int
    found_us: int
    asked: tuple[Asked, ...]
    exports: bool
    origin: int = -1
    heir: int = -1
    before: int = -1
    since_us: int = 0
    regional: bool = False
    reviewed: Int = field(default_factory=lambda: np.empty(0, np.int64))


@dataclass
class _Making:
    """A world as it grows."""

    generator: np.random.Generator
    staff: Staff
    made: Trade
    rows: Rows
    asked: list[Asked] = field(default_factory=list)

    def people(self) -> Int:
        return np.flatnonzero(~self.staff.service & (self.staff.since < 40) & (self.staff.until > 170))

    def ask(self, actor: int, customers: Int, day: float, *, irregular: bool = False, seeds: int = 0) -> int:
        """Let an account ask for customers, ten a second; return its place among all that was asked."""
        at = day + np.arange(customers.size) * SECOND / 10
        self.rows.add(np.full(customers.size, actor), customers, at, irregular)
        self.asked.append(Asked(actor, day, customers, seeds))
        return len(self.asked) - 1

    def question(self, least: int = 40) -> tuple[Int, float, bool]:
        """Return the customers of ten days, or of one region in four weeks; the day after; whether of a region."""
        ordered, generator = self.made.ordered, self.generator
        for _ in range(50):
            start, regional = float(generator.uniform(15, 110)), generator.random() < 0.5
            end = start + (28 if regional else 10)
            fits = (ordered >= start) & (ordered < end)
            if regional:
                fits &= self.made.region == generator.choice(4, p=[0.4, 0.3, 0.2, 0.1])
            if fits.sum() >= least:
                return np.flatnonzero(fits), end, regional
        return np.flatnonzero((ordered >= 20) & (ordered < 60)), 60.0, False

    def one(self) -> int:
        return int(self.generator.choice(self.people()))

    def busy(self, until: float) -> tuple[int, Int]:
        """Return somebody who had met thirty customers in genuine work by a day (or most of all), and whom."""
        actor, customer, day, _ = self.rows.columns()
        early = (day < until) & np.isin(actor, self.people())
        met = np.bincount(np.unique(actor[early] * 10_000_000 + customer[early]) // 10_000_000, minlength=1)
        fitting = np.flatnonzero(met >= 30)
        who = int(self.generator.choice(fitting)) if fitting.size else int(met.argmax())
        return who, pass_on(self.rows, who, (0.0, until))[1]


def make_world(kind: str, seed: int, complaints: int = 10) -> World:
    """Return the world of a seed: every second one in a foreign world, every third in a house of 300 people.

    Args:
        kind: one of `TAKEN` or `OUTSIDE`.
        seed: the same seed is the same world everywhere.
        complaints: at most.
    """
    named = kind.removesuffix(", told")  # the same world, of which more is known
    generator = np.random.default_rng((seed, 7, complaints, (*TAKEN, *OUTSIDE).index(named)))
    strange, small = seed % 2 == 1, seed % 3 == 2
    staff = hire(generator, 300 if small else 2500, pareto=strange, days=DAYS)
    if small:
        staff = replace(staff, queue=staff.queue % 4, queues=4)
    low, high = (500, 2200) if kind in {"query", "one by one", "export", "seeded export", "reviewed"} else (1500, 5000)
    rows = Rows()
    made = trade(generator, staff, int(generator.integers(low, high)), strange=strange, days=DAYS, rows=rows)
    making = _Making(generator, staff, made, rows)
    _usual(making)
    return _taken(making, kind, complaints) if kind in TAKEN else _outside(making, kind, complaints)


def write_list(world: World, share: float, foreign: float, seed: int) -> Int:
    """Return the rows of a list, shuffled: customers, -1 for a stranger, -2 - n for the n-th invented person.

    Args:
        world: whose.
        share: of the source that is on the list; each invented person of its export with the same probability.
        foreign: share of the list's rows that come from elsewhere: half of them other customers, half strangers.
        seed: of the draw.
    """
    generator = np.random.default_rng((seed, 11, int(share * 100), int(foreign * 100), world.source.size))
    own = generator.choice(world.source, max(1, round(share * world.source.size)), replace=False)
    seeds = world.asked[world.origin].seeds if world.origin >= 0 else 0
    invented = -2 - np.flatnonzero(generator.random(seeds) < share)
    more = round(own.size * foreign / (1.0 - foreign))
    there = np.flatnonzero(world.case.ordered_us < world.found_us)
    others = np.setdiff1d(there, world.source)
    other = generator.choice(others, min(more // 2, others.size), replace=False)
    return generator.permutation(np.concatenate([own, invented, other, np.full(more - other.size, -1)]))


def _usual(making: _Making) -> None:
    """Ten colleagues ask for customers of some days, or of a region, as work wants it."""
    for actor in making.generator.choice(making.people(), 10, replace=False).tolist():
        customers, day, _ = making.question(20)
        making.ask(actor, customers, day + float(making.generator.uniform(0, 5)))


def _taken(making: _Making, kind: str, complaints: int) -> World:
    """Somebody passed on what he took: by one question, looked up over weeks, or met in his work."""
    generator, made, staff, rows = making.generator, making.made, making.staff, making.rows
    origin = -1
    if kind == "tickets":
        leaker = busiest(generator, rows, staff, 30)
        leak = pass_on(rows, leaker, (30.0, 150.0))
    elif kind == "one by one":
        leaker = making.one()
        leak = look_up(generator, rows, made, leaker, (40, 300), float(generator.uniform(15, 50)))
    else:
        leaker, day = making.one(), float(generator.uniform(40, 130))
        there = np.flatnonzero(made.ordered < day)
        sold = generator.choice(there, min(int(generator.integers(40, 300)), int(0.8 * there.size)), replace=False)
        seeds = SEEDS if kind == "seeded export" else 0
        origin = making.ask(leaker, sold, day, irregular=True, seeds=seeds)
        leak = leaker, sold, np.full(sold.size, day)
        if kind == "reviewed":
            lead = int(generator.choice(np.setdiff1d(making.people(), [leaker])))
            others = generator.choice(there, min(100, there.size), replace=False)
            making.ask(lead, np.union1d(sold[generator.random(sold.size) < 0.8], others), day + 0.2)
    customer, contact, stray = complain(generator, made, [leak], complaints, 0.15)
    order = generator.permutation(customer.size)
    echo(generator, rows, staff, customer, contact)
    found = float(leak[2].max()) + float(generator.uniform(3, 30))
    case = _case(making, customer[order], contact[order], stray[order], [leak])
    return World(case, leak[1], int(found * DAY_US), tuple(making.asked), "export" in kind, origin)


def _outside(making: _Making, kind: str, complaints: int) -> World:
    """The list came by another way; customers of it complain all the same."""
    generator, made, rows = making.generator, making.made, making.rows
    pool, day, regional = making.question()
    origin, heir, before, since, reviewed = -1, -1, -1, 110.5, pool[:0]
    complaining = pool
    if kind == "same question":
        making.ask(making.one(), pool, day + float(generator.uniform(0, 3)))
    elif kind == "many had it":
        for actor in generator.choice(making.people(), int(generator.integers(5, 13)), replace=False).tolist():
            part = pool[generator.random(pool.size) < generator.uniform(0.8, 1.0)]
            making.ask(actor, part, day + float(generator.uniform(0, 3)))
    elif kind == "dump":
        pool = complaining = np.flatnonzero((generator.random(made.ordered.size) < 0.6) & (made.ordered < 120))
        day = 120.0
    elif kind == "own orders":
        pool = complaining = np.flatnonzero(made.ordered < 120)
        day = 120.0
    elif kind.startswith("team lead"):
        others = generator.choice(np.flatnonzero(made.ordered < day), 100, replace=False)
        seen = pool[generator.random(pool.size) < 0.8]
        heir, reviewed, since = making.one(), np.union1d(seen, others), day
        making.ask(heir, reviewed, day + float(generator.uniform(0, 3)))
    elif kind == "star agent":
        star, part = making.one(), float(generator.uniform(0.35, 0.7))
        asked = np.flatnonzero(np.isin(made.ticket_customer, pool) & (made.ticket_day < day + 10) & made.ticket_mine)
        taken = asked[generator.random(asked.size) < part]
        rows.add(np.full(taken.size, star), made.ticket_customer[taken], made.ticket_day[taken] + 0.03, False)
        making.ask(star, np.unique(made.ticket_customer[taken]), day + 11)
        day += 11
    elif kind.startswith("heir"):
        before, pool = making.busy(110.0)
        complaining = pool
        heir = int(generator.choice(np.setdiff1d(making.people(), [before])))
        making.ask(heir, pool, 111.0)
        day = 112.0
    elif kind.startswith("stolen"):
        origin = making.ask(making.one(), pool, day + 0.5, seeds=SEEDS if "seeded" in kind else 0)
    elif kind.startswith("framed"):
        # the shop knows who signed the answers to its customers; he asks for those he serves now and then
        victim, pool = making.busy(120.0)
        day = 121.0
        making.ask(victim, pool, day)
        complaining = pool if "complaints" in kind else np.flatnonzero(made.ordered < 120)
    weight = made.propensity[complaining]
    customer = generator.choice(complaining, min(complaints, complaining.size), replace=False, p=weight / weight.sum())
    contact = np.maximum(made.ordered[customer], day + 1) + 1 + generator.exponential(12, customer.size)
    echo(generator, rows, making.staff, customer, contact)
    case = _case(making, customer, contact, np.ones(customer.size, np.bool_), [])
    told = kind.endswith("told")
    return World(
        case,
        pool,
        int((day + 1 + float(generator.uniform(3, 30))) * DAY_US),
        tuple(making.asked),
        "export" in kind,
        origin,
        heir if told else -1,
        before if told else -1,
        int(since * DAY_US) if told else 0,
        regional and kind not in OF_NO_QUESTION,
        reviewed if told else reviewed[:0],
    )


def _case(
    making: _Making, customer: Int, contact: Float, stray: np.ndarray, leaks: list[tuple[int, Int, Float]]
) -> Case:
    actor, opened, day, irregular = making.rows.columns()
    made = making.made
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
        bystander=-1,
        staff=making.staff,
    )


def _us(day: Float) -> Int:
    return np.asarray((day * DAY_US).astype(np.int64))
