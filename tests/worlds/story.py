"""The attribution clauses of three told stories, as small worlds with a known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.staff import Bool, Float, Int

DAY_US = 86_400_000_000
PEOPLE = 1200


@dataclass(frozen=True)
class Told:
    """A story: accesses, subjects, complaints; times in microseconds.

    Args:
        actor, subject, at_us, irregular: the accesses.
        entered_us: per subject; `never` keeps it out of every comparison (a canary).
        work_subject, work_at_us: genuine tickets, all about the sellers of the question.
        complainer, contacted_us, trust: the complaints; `trust` = part that no known outside source explains.
        leakers: who leaked; empty in the control.
        bystander: somebody who must not be named.
        canary: the subject that turned up with `canary_us`; -1 where there is none.
    """

    actor: Int
    subject: Int
    at_us: Int
    irregular: Bool
    entered_us: Int
    work_subject: Int
    work_at_us: Int
    complainer: Int
    contacted_us: Int
    trust: Float
    leakers: tuple[int, ...]
    bystander: int
    canary: int = -1
    canary_us: int = 0


class _Desk:
    """Sixty days of tickets of `customers`, served by queues of twenty agents."""

    def __init__(self, generator: np.random.Generator, customers: int) -> None:
        self.generator, self.customers = generator, customers
        self.entered = np.sort(generator.uniform(0, 50, customers))
        tickets = generator.poisson(0.9, customers)
        self.work_subject = np.repeat(np.arange(customers), tickets)
        self.work_day = self.entered[self.work_subject] + generator.exponential(3, self.work_subject.size)
        queue = generator.integers(0, 6, self.work_subject.size)
        agent = queue * 20 + generator.integers(0, 20, queue.size)
        self.rows = [(agent, self.work_subject, self.work_day, np.zeros(agent.size, np.bool_))]
        again = generator.random(agent.size) < 0.5
        self.open(
            queue[again] * 20 + generator.integers(0, 20, int(again.sum())),
            self.work_subject[again],
            self.work_day[again] + generator.exponential(1, int(again.sum())),
            irregular=False,
        )
        stray = generator.poisson(0.02 * customers)
        self.open(
            generator.integers(0, PEOPLE, stray),
            generator.integers(0, customers, stray),
            generator.uniform(5, 60, stray),
            irregular=True,
        )

    def open(self, actor: Int, subject: Int, day: Float, *, irregular: bool) -> None:
        self.rows.append((np.asarray(actor), subject, day, np.full(subject.size, irregular)))

    def told(self, complainer: Int, contact: Float, trust: Float, leakers: tuple[int, ...], bystander: int) -> Told:
        actor, subject, day, irregular = (np.concatenate(column) for column in zip(*self.rows, strict=True))
        us = [(np.asarray(x) * DAY_US).astype(np.int64) for x in (day, self.entered, self.work_day, contact)]
        return Told(
            actor,
            subject,
            us[0],
            irregular,
            us[1],
            self.work_subject,
            us[2],
            complainer,
            us[3],
            trust,
            leakers,
            bystander,
        )


def article(seed: int, *, leakers: bool = True, complaints: int = 31) -> Told:
    """Somebody of a queue of fourteen looks up 240 critics of a seller; of 31 complaints 4 have another source.

    His team lead legitimately saw 11 of the 27 who were sold.
    """
    generator = np.random.default_rng((seed, 1, int(leakers)))
    desk = _Desk(generator, 3000)
    leaker, lead = 417, 102
    critics = generator.choice(np.flatnonzero(desk.entered < 30), 240, replace=False)
    day = np.maximum(desk.entered[critics] + 0.5, 30) + generator.uniform(0, 6, 240)
    sold = generator.permutation(27)
    complainer = np.append(critics[:27], generator.choice(np.setdiff1d(np.arange(3000), critics), 4, replace=False))
    if leakers:
        # one of the 27 was copied from a colleague's screen: he had not opened it himself
        desk.open(np.full(239, leaker), critics[1:], day[1:], irregular=True)
        desk.open(np.full(11, lead), critics[sold[:11]], day[sold[:11]] + 0.2, irregular=False)
        others = generator.choice(3000, 300, replace=False)
        desk.open(np.full(300, lead), others, desk.entered[others] + generator.uniform(0.1, 10, 300), irregular=False)
    contact = 40 + np.sort(generator.uniform(0, 9, 31))
    contact = np.maximum(contact, desk.entered[complainer] + 0.1)
    order = generator.permutation(31)[:complaints]
    return desk.told(complainer[order], contact[order], np.ones(order.size), (leaker,) if leakers else (), lead)


def ring(seed: int, *, leakers: bool = True) -> Told:
    """Three of different queues pass 80 disjoint customers each to a broker; 44 of 52 complaints are theirs.

    A fourth shares shifts with all three and sees a fifth of what they see.
    """
    generator = np.random.default_rng((seed, 2, int(leakers)))
    desk = _Desk(generator, 4000)
    people, fourth = (5, 25, 45), 65
    there = np.flatnonzero(desk.entered < 32)
    sold = generator.choice(there, 240, replace=False).reshape(3, 80)
    if leakers:
        for person, own in zip(people, sold, strict=True):
            day = np.maximum(desk.entered[own] + 0.5, 20) + generator.uniform(0, 14, 80)
            desk.open(np.full(80, person), own, day, irregular=True)
            seen = own[generator.random(80) < 0.2]
            desk.open(np.full(seen.size, fourth), seen, np.maximum(desk.entered[seen] + 0.6, 21) + 8, irregular=False)
    picked = np.concatenate([own[:n] for own, n in zip(sold, (16, 15, 13), strict=True)])
    foreign = generator.choice(np.setdiff1d(np.arange(4000), sold), 8, replace=False)
    complainer = np.concatenate([picked, foreign])
    contact = np.maximum(44 + generator.uniform(0, 12, 52), desk.entered[complainer] + 0.2)
    return desk.told(complainer, contact, np.ones(52), people if leakers else (), fourth)


def canary(seed: int, *, leakers: bool = True, planted: bool = True) -> Told:
    """19 complaints: 12 bought in the seller's own shop, 3 in a public dump; one agent saw 3 of the 4 others.

    And a canary that he alone had opened turned up too.
    """
    generator = np.random.default_rng((seed, 4, int(leakers), int(planted)))
    desk = _Desk(generator, 2000)
    suspect = 31
    there = np.flatnonzero(desk.entered < 35)
    complainer = generator.choice(there, 19, replace=False)
    contact = np.maximum(42 + generator.uniform(0, 12, 19), desk.entered[complainer] + 0.2)
    trust = np.where(np.arange(19) < 15, 0.05, 1.0)
    # genuine work of an agent on a fifth of the customers: three of four is unlikely by chance, and no more than that
    others = np.setdiff1d(there, complainer)
    met = generator.choice(others, int(0.22 * others.size), replace=False)
    if leakers:
        met = np.append(complainer[15:18], met)
    desk.open(np.full(met.size, suspect), met, desk.entered[met] + generator.uniform(0.1, 5, met.size), irregular=False)
    told = desk.told(complainer, contact, trust, (suspect,) if leakers else (), -1)
    if not planted:
        return told
    mark = told.entered_us.size
    never = np.iinfo(np.int64).max
    return Told(
        np.append(told.actor, suspect),
        np.append(told.subject, mark),
        np.append(told.at_us, 38 * DAY_US),
        np.append(told.irregular, False),
        np.append(told.entered_us, never),
        told.work_subject,
        told.work_at_us,
        told.complainer,
        told.contacted_us,
        told.trust,
        told.leakers,
        told.bystander,
        mark,
        50 * DAY_US,
    )
