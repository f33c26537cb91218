"""Power and false alarms of the beneficiary scan, with the null estimated from the log and, beside it, the true one.

Shares of 1,151 sellers fall like Zipf and Mandelbrot's law with the largest at 2.2 % (the skew of a Brazilian
marketplace); each customer has bought from two of them. The null is learned from the explained accesses of 2,000
employees in that month, none of which the scan is told the truth about.

python bench/watch/sellers.py
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from whosaw.watch.detector import threshold
from whosaw.watch.nulls import HABIT_LONG_DAYS, affinity, habits
from whosaw.watch.rows import Float, Int64
from whosaw.watch.scan import Shares, Touches, detect_beneficiaries, learn_shares, scan_beneficiaries

SELLERS, TOP = 1_151, 0.022
EMPLOYEES, EXPLAINED = 2_000, 300
CASE = 2_000.0
EARLIER_WEEKS = 40
_NOBODY = np.empty(0, np.int64)


def true_shares() -> Float:
    rank = np.arange(SELLERS)
    shift = brentq(lambda c: 1 / c / (1 / (rank + c)).sum() - TOP, 0.5, 200)
    raw = 1 / (rank + shift)
    return raw / raw.sum()


def bought_from(rng: np.random.Generator, share: Float, events: int) -> Int64:
    """Return events × 2 different sellers of each event's customer."""
    first, second = (rng.choice(SELLERS, events, p=share) for _ in range(2))
    return np.stack([first, np.where(first == second, (second + 1) % SELLERS, second)], axis=1)


@dataclass
class Ground:
    truth: Float
    learned: Shares
    told: Shares


def ground(seed: int, unexplained: float = 3.0) -> Ground:
    """Learn the shares from one month's log of 2,000 innocent employees."""
    rng, share = np.random.default_rng(seed), true_shares()
    links = bought_from(rng, share, EMPLOYEES * EXPLAINED).ravel()
    zero = np.zeros(links.size, np.int64)
    who = np.repeat(np.arange(EMPLOYEES), 2 * EXPLAINED)
    peers = rng.poisson(unexplained, EMPLOYEES)
    lone = bought_from(rng, share, int(peers.sum())).ravel()
    learned = learn_shares(
        (zero, links, who),
        (np.zeros(lone.size, np.int64), lone, np.repeat(np.arange(EMPLOYEES), 2 * peers)),
        (1, SELLERS),
        EMPLOYEES * EXPLAINED,
    )
    exact = share + share * (1 - share)  # the first or the second of two draws
    return Ground(
        share, Shares(learned, _NOBODY, _NOBODY, np.empty(0)), Shares(exact[None, :], _NOBODY, _NOBODY, np.empty(0))
    )


def months(
    rng: np.random.Generator, share: Float, count: int, unexplained: float, bribed: int, hidden: Int64 | None = None
) -> Touches:
    """Return `count` employee-months; each actor is one of them, and sells `bribed` look-ups to a seller of its own."""
    own = rng.poisson(unexplained, count)
    actor = np.repeat(np.arange(count), own)
    sellers = bought_from(rng, share, actor.size)
    if hidden is not None:
        tied = rng.random(actor.size) < 0.1
        sellers[tied, 0] = hidden[actor[tied]]
        same = sellers[:, 0] == sellers[:, 1]
        sellers[same, 1] = (sellers[same, 1] + 1) % SELLERS
    if bribed:
        payer = rng.choice(SELLERS, count, p=share)  # who has many customers has more to ask about
        more = np.repeat(np.arange(count), bribed)
        extra = bought_from(rng, share, more.size)
        extra[:, 0] = payer[more]
        same = extra[:, 0] == extra[:, 1]
        extra[same, 1] = (extra[same, 1] + 1) % SELLERS
        actor, sellers = np.concatenate([actor, more]), np.concatenate([sellers, extra])
    zero = np.zeros(actor.size, np.int64)
    event = np.repeat(np.arange(actor.size), 2)
    return Touches(actor, zero, zero, event, sellers.ravel())


def power(
    base: Ground, rng: np.random.Generator, unexplained: float, bribed: int, trials: int = 8_000
) -> tuple[float, float]:
    """Return the share found at e ≥ 2,000 with the learned null, and with the true one."""
    touches = months(rng, base.truth, trials, unexplained, bribed)
    found = [scan_beneficiaries(touches, shares).log_e >= np.log(CASE) for shares in (base.learned, base.told)]
    return float(found[0].sum()) / trials, float(found[1].sum()) / trials


def innocent(base: Ground, rng: np.random.Generator, unexplained: float, count: int = 20_000) -> tuple[int, float]:
    """Return false employee-months at e ≥ 2,000 and the mean e."""
    log_e = scan_beneficiaries(months(rng, base.truth, count, unexplained, 0), base.learned).log_e
    return int((log_e >= np.log(CASE)).sum()), float(np.exp(log_e).sum() + (count - log_e.size)) / count


def hidden_ties(
    base: Ground, rng: np.random.Generator, count: int = 20_000, unexplained: float = 12.0
) -> tuple[int, int, int]:
    """Return false months when a tenth of everybody's accesses comes from an honest tie that nobody declared.

    First with shares that know nothing of it; then with the affinity of the 90 days before, learned from explained
    accesses, which such a tie makes too; then where it makes none, with what was unexplained 12 to 52 weeks before.
    """
    tie = rng.choice(SELLERS, count, p=base.truth)
    touches = months(rng, base.truth, count, unexplained, 0, tie)
    plain = scan_beneficiaries(touches, base.learned).log_e
    before = 3 * EXPLAINED
    actor = np.repeat(np.arange(count), before)
    tied = rng.random(actor.size) < 0.1
    keys = SELLERS + 1
    asked = np.arange(count) * keys + tie
    pair, share = affinity(actor, np.where(tied, tie[actor], SELLERS), keys, also=asked)
    known = Shares(base.learned.by_role, np.arange(count), tie, share[np.searchsorted(pair, asked)])
    adjusted = scan_beneficiaries(touches, known).log_e
    habit = scan_beneficiaries(touches, _with_habits(base, rng, count, unexplained, tie)).log_e
    return (
        int((plain >= np.log(CASE)).sum()),
        int((adjusted >= np.log(CASE)).sum()),
        int((habit >= np.log(CASE)).sum()),
    )


def _with_habits(
    base: Ground, rng: np.random.Generator, count: int, unexplained: float, tie: Int64 | None = None
) -> Shares:
    """Return the learned shares with what forty earlier weeks made normal for each of `count` people."""
    before = months(rng, base.truth, count, unexplained * EARLIER_WEEKS / 4.3, 0, tie)
    events = np.bincount(before.actor, minlength=count)
    pair, share = habits(
        before.actor[before.event], before.beneficiary, events, SELLERS, min(1.0, 7 * EARLIER_WEEKS / HABIT_LONG_DAYS)
    )
    return Shares(base.learned.by_role, pair // SELLERS, pair % SELLERS, share)


def power_beside_habits(
    base: Ground, rng: np.random.Generator, unexplained: float, bribed: int, trials: int = 8_000
) -> float:
    """Return the share found of bribes that began after the weeks from which habits are learned."""
    touches = months(rng, base.truth, trials, unexplained, bribed)
    found = scan_beneficiaries(touches, _with_habits(base, rng, trials, unexplained)).log_e
    return float((found >= np.log(CASE)).sum()) / trials


def slow(
    base: Ground, rng: np.random.Generator, people: int = 600, weeks: int = 20, rate: float = 2.8
) -> dict[int, float]:
    """Return the share found by each week for a bribe of one look-up a week from week 0 on, B = 8,600."""
    weekly = rng.poisson(rate, (weeks, people))
    parts = []
    payer = rng.choice(SELLERS, people, p=base.truth)
    for week in range(weeks):
        actor = np.repeat(np.arange(people), weekly[week])
        sellers = bought_from(rng, base.truth, actor.size)
        bribe = bought_from(rng, base.truth, people)
        bribe[:, 0] = payer
        same = bribe[:, 0] == bribe[:, 1]
        bribe[same, 1] = (bribe[same, 1] + 1) % SELLERS
        parts.append((np.concatenate([actor, np.arange(people)]), np.concatenate([sellers, bribe]), week))
    actor = np.concatenate([part[0] for part in parts])
    sellers = np.concatenate([part[1] for part in parts])
    week_of = np.concatenate([np.full(part[0].size, part[2]) for part in parts])
    touches = Touches(
        actor, week_of, np.zeros(actor.size, np.int64), np.repeat(np.arange(actor.size), 2), sellers.ravel()
    )
    value = detect_beneficiaries(touches, base.learned, weeks, people)
    over = np.maximum.accumulate(value, axis=0) >= np.log(threshold(EMPLOYEES, 1.0))
    return {week: float(over[week - 1].mean()) for week in (4, 8, 12, 20)}


def innocent_worlds(
    base: Ground, rng: np.random.Generator, people: int = 2_000, weeks: int = 104, rate: float = 2.8
) -> tuple[int, float]:
    """Return the cases of innocent people over two years at f = 0.2, and the mean of M at the end ÷ weeks."""
    own = rng.poisson(rate, (weeks, people))
    week_of = np.repeat(np.repeat(np.arange(weeks), people), own.ravel())
    actor = np.repeat(np.tile(np.arange(people), weeks), own.ravel())
    sellers = bought_from(rng, base.truth, actor.size)
    touches = Touches(
        actor, week_of, np.zeros(actor.size, np.int64), np.repeat(np.arange(actor.size), 2), sellers.ravel()
    )
    value = detect_beneficiaries(touches, base.learned, weeks, people)
    over = value >= np.log(threshold(people, 0.2))
    return int(over.any(axis=0).sum()), float(np.exp(value[-1]).mean()) / weeks


def main() -> None:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    rng = np.random.default_rng(seed + 100)
    for unexplained, sizes in ((3.0, (3, 4, 5, 8)), (12.0, (5, 8)), (40.0, (8,))):
        base = ground(seed, unexplained)
        false, mean = innocent(base, rng, unexplained)
        print(f"{unexplained:g} unexplained a month: {false} false of 20,000 innocent months, mean e {mean:.3f}")
        for bribed in sizes:
            learned, told = power(base, rng, unexplained, bribed)
            print(f"  k={bribed}: found {learned:.3f}; told the true shares {told:.3f}; gap {told - learned:+.3f}")
            print(
                f"    with the habits of forty weeks before {power_beside_habits(base, rng, unexplained, bribed):.3f}"
            )
    base = ground(seed, 12.0)
    plain, known, habit = hidden_ties(base, rng)
    print(f"hidden honest ties, 12 a month, of 20,000: {plain} false knowing nothing; {known} where they show in work;")
    print(f"  {habit} where they show in earlier unexplained accesses alone")
    print("slow bribe, 1 a week:", {week: round(share, 3) for week, share in slow(base, rng).items()})
    cases, level = innocent_worlds(base, rng)
    print(f"innocent worlds, 2,000 people, 24 months, f = 0.2: {cases} cases (allowed 4.8); mean M / weeks {level:.3f}")


if __name__ == "__main__":
    main()
