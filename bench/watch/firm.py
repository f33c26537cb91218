"""A firm of innocent people, drawn whole: staff, queues, sellers, explained work, harms, decisions, prints.

Nobody in it is bribed, and nobody in it is average: people differ for good in how often they forget to note a reason,
how kindly they decide, how often they pick a case themselves and how often a second decision differs; queues and months
differ; some look after one seller, in explained work and without a reason alike; now and then something happened and a
whole crowd looks; some live with a seller and share his devices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from whosaw.watch.clusters import cluster_weights, find_clusters
from whosaw.watch.observed import Decisions, Harms, Observed, Prints
from whosaw.watch.rows import DAY_US, HOUR_US, OPEN, Accesses, Float, Int64

WEEK_US = 7 * DAY_US
KINDS = 6
_HALF, _ALONE = 0.06, 1.0
_LIFE_US = 4 * HOUR_US


@dataclass(frozen=True)
class Size:
    """How large a firm is drawn; rates are per person and week."""

    people: int = 2_000
    sellers: int = 1_151
    customers: int = 60_000
    weeks: int = 156
    explained: float = 40.0
    unexplained: float = 2.8
    top: float = 0.022
    hidden: float = 0.0  # part of the people with a tie that shows in unexplained accesses alone


class Firm:
    """One drawn firm; `window` gives what a run of watch reads of it at some day's end."""

    def __init__(self, seed: int, size: Size = Size()) -> None:
        self.size, self.rng = size, np.random.default_rng(seed)
        self._staff()
        self._market()
        self._weeks()
        self.harms = self._harmed()
        self.decisions = self._decided()
        self.prints = self._left()
        clusters = find_clusters(self.prints.party, self.prints.party_print, self.prints.actor, self.prints.actor_print)
        self.weights = cluster_weights(clusters, size.sellers) if clusters else None

    def window(self, from_us: int, until_us: int) -> Observed:
        """Return the stretch [from, until) of the record."""
        low, high = np.searchsorted(self.at_us, [from_us, until_us])
        actor, subject = self.actor[low:high].astype(np.int64), self.subject[low:high].astype(np.int64)
        inside = (self.decisions.at_us >= from_us) & (self.decisions.at_us < until_us)
        made = Decisions(*(getattr(self.decisions, name)[inside] for name in Decisions.__slots__))
        harmed = (self.harms.at_us >= from_us) & (self.harms.at_us < until_us)
        return Observed(
            Accesses(actor, subject, self.at_us[low:high]),
            self.part[low:high].astype(np.float64),
            np.repeat(np.arange(actor.size), 2),
            self.bought[subject].ravel(),
            self.role,
            self.size.sellers,
            self.size.customers,
            shift=self.shift,
            queue=self.queue,
            product=self.product,
            harms=Harms(self.harms.subject[harmed], self.harms.at_us[harmed]),
            decisions=made,
            prints=self.prints,
            canary=self.canary,
            weights=self.weights,
        )

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return each person's group by attribute; no signal reads one, and groups differ in what their people do."""
        careless, busy = np.quantile(self.careless, 0.75), np.quantile(self.busy, 0.2)
        return {
            "region": tuple(f"site-{queue % 3}" for queue in self.queue.tolist()),
            # whose people forget to note reasons oftener than three quarters of the firm
            "employer": tuple(np.where(self.careless > careless, "vendor", "own").tolist()),
            "role": tuple(str(role) for role in self.role.tolist()),
            "part_time": tuple(np.where(self.busy < busy, "yes", "no").tolist()),
            "shift": tuple(np.where(self.shift == 2, "night", "day").tolist()),
        }

    def _staff(self) -> None:
        rng, n = self.rng, self.size.people
        self.role = rng.choice(6, n, p=[0.35, 0.25, 0.15, 0.1, 0.1, 0.05])
        self.queue = self.role * 4 + rng.integers(0, 4, n)
        self.product, self.shift = rng.integers(0, 10, n), rng.integers(0, 3, n)
        self.busy = rng.gamma(8.0, 1 / 8.0, n)
        self.careless = rng.lognormal(-0.125, 0.5, n) * rng.lognormal(-0.02, 0.2, 24)[self.queue]

    def _market(self) -> None:
        rng, size = self.rng, self.size
        rank = np.arange(size.sellers)
        shift = brentq(lambda c: 1 / c / (1 / (rank + c)).sum() - size.top, 0.5, 500)
        share = 1 / (rank + shift)
        first, second = (rng.choice(size.sellers, size.customers, p=share / share.sum()) for _ in range(2))
        self.bought = np.stack([first, np.where(first == second, (second + 1) % size.sellers, second)], axis=1)
        order = np.argsort(self.bought.ravel(), kind="stable")
        self._customers = order // 2
        self._begins = np.searchsorted(self.bought.ravel()[order], np.arange(size.sellers + 1))
        # each role meets its own mixture of sellers, and so of customers
        tilt = rng.lognormal(0.0, 0.4, (6, size.sellers))
        weight = tilt[:, self.bought].mean(axis=2)
        self._meets = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
        looks_after = rng.random(size.people)
        self.tie = np.where(looks_after < 0.3 + size.hidden, rng.choice(size.sellers, size.people), -1)
        self.hidden = looks_after >= 0.3
        self.canary = np.sort(rng.choice(size.customers, max(size.customers // 3_000, 1), replace=False))

    def _customer_of(self, seller: Int64) -> Int64:
        low, high = self._begins[seller], self._begins[seller + 1]
        return self._customers[
            np.minimum(low + (self.rng.random(seller.size) * (high - low)).astype(np.int64), self._customers.size - 1)
        ]

    def _weeks(self) -> None:
        parts = [self._week(week) for week in range(self.size.weeks)]
        actor, subject, at, part = (np.concatenate([each[of] for each in parts]) for of in range(4))
        order = np.argsort(at, kind="stable")
        self.actor, self.subject = actor[order].astype(np.int32), subject[order].astype(np.int32)
        self.at_us, self.part = at[order], part[order].astype(np.float32)

    def _week(self, week: int) -> tuple[Int64, Int64, Int64, Float]:
        rng, size = self.rng, self.size
        month = np.random.default_rng([week // 4, 7])  # the same season for everybody
        season = month.lognormal(0.0, 0.2)
        here = rng.random(size.people) > 0.1  # others are on leave
        lone = rng.poisson(size.unexplained * self.careless * season * here)
        told = rng.poisson(size.explained * self.busy * here)
        who = np.concatenate([np.repeat(np.arange(size.people), told), np.repeat(np.arange(size.people), lone)])
        part = np.concatenate([np.where(rng.random(told.sum()) < _HALF, 0.5, 0.0), np.ones(lone.sum())])
        whom = np.empty(who.size, np.int64)
        drawn = rng.random(who.size)
        for role in range(6):
            mine = self.role[who] == role
            whom[mine] = np.searchsorted(self._meets[role], drawn[mine])
        tied = (self.tie[who] >= 0) & (rng.random(who.size) < 0.1) & (~self.hidden[who] | (part >= _ALONE))
        whom[tied] = self._customer_of(self.tie[who[tied]])
        at = week * WEEK_US + rng.integers(0, WEEK_US, who.size)
        if rng.random() < 0.5:  # something happened at one seller: a crowd looks, most of it without a ticket
            crowd = rng.choice(size.people, max(size.people // 60, 8), replace=False)
            extra = self._customer_of(np.full(crowd.size, rng.integers(0, size.sellers)))
            who, whom = np.concatenate([who, crowd]), np.concatenate([whom, extra])
            part = np.concatenate([part, np.ones(crowd.size)])
            at = np.concatenate([at, week * WEEK_US + rng.integers(0, 2 * DAY_US, crowd.size)])
        return who, np.minimum(whom, size.customers - 1), at, part

    def _harmed(self) -> Harms:
        """Draw harms: of anybody, oftener at some sellers', and after any look, with a reason or without."""
        rng, size = self.rng, self.size
        fraud = rng.lognormal(-0.5, 1.0, size.sellers)[self.bought].mean(axis=1)
        some = rng.poisson(0.0005 * fraud[:, None] * np.ones(size.weeks))
        subject, week = np.nonzero(some)
        looked = np.flatnonzero(rng.random(self.actor.size) < 0.01)
        at = self.at_us[looked] + rng.integers(HOUR_US, 14 * DAY_US, looked.size)
        subject = np.concatenate([subject, self.subject[looked].astype(np.int64)])
        return Harms(subject, np.concatenate([week * WEEK_US + rng.integers(0, WEEK_US, week.size), at]))

    def _decided(self) -> Decisions:
        rng, size = self.rng, self.size
        deciders = rng.choice(size.people, size.people // 4, replace=False)
        each = rng.poisson(3.0 * size.weeks, deciders.size)
        person = np.repeat(np.arange(deciders.size), each)
        n = person.size
        at = rng.integers(0, size.weeks * WEEK_US, n)
        kind = (self.role[deciders][person] + rng.integers(0, 3, n)) % KINDS
        quarter = at // (13 * WEEK_US)
        drift = rng.normal(0.0, 0.15, (deciders.size, int(quarter.max()) + 1))
        lean = rng.normal(0.0, 0.4, deciders.size)[person] + drift[person, quarter]
        base = np.array([-1.5, -0.8, -0.2, 0.3, 0.9, 1.6])[kind]
        favourable = (rng.random(n) < 1 / (1 + np.exp(-base - lean))).astype(np.int64)
        differs = rng.beta(4.0, 36.0, deciders.size)[person]  # how often somebody else would decide otherwise
        second = np.where(rng.random(n) < 0.05, (rng.random(n) < differs).astype(np.int64), -1)
        own = np.minimum(0.05 * rng.lognormal(-0.125, 0.5, deciders.size), 0.6)[person]  # picks cases himself
        routed = (rng.random(n) >= own).astype(np.int64)
        appealed = np.where(rng.random(n) < 0.5, at - (rng.exponential(6.0, n) * HOUR_US).astype(np.int64), OPEN)
        whom = rng.integers(0, size.sellers, n)
        return Decisions(deciders[person], at, kind, favourable, whom, second, routed, appealed)

    def _left(self) -> Prints:
        """Draw prints: a device each, shared in some offices; addresses of providers that many share; families."""
        rng, size = self.rng, self.size
        pool = size.sellers * 3
        people, sellers = np.arange(size.people), np.arange(size.sellers)
        device = 1_000_000 + np.where(rng.random(size.people) < 0.1, self.queue, 1_000 + people)
        theirs = 2_000_000 + sellers
        again = rng.random(size.sellers) < 0.05  # a seller with a second shop
        theirs[again] = 2_000_000 + rng.choice(sellers, int(again.sum()))
        wed = rng.choice(size.people, 5, replace=False)
        spouse = rng.choice(size.sellers, 5, replace=False)
        # three of one queue share a desk phone, and two of them a device that changes hands with the shift
        desk = np.empty(size.people, np.int64)
        desk[np.argsort(self.queue, kind="stable")] = np.arange(size.people)
        mine = np.concatenate([people, people, wed, people, people])
        left = [
            device,
            rng.integers(0, pool, size.people),
            theirs[spouse],
            3_000_000 + desk // 3,
            4_000_000 + desk // 2,
        ]
        return Prints(
            mine,
            np.concatenate(left),
            np.concatenate([sellers, sellers, spouse]),
            np.concatenate([theirs, rng.integers(0, pool, size.sellers), device[wed]]),
        )
