"""Time and memory of a month: 10 million accesses of 2,000 employees, from templates to flags.

python bench/watch/speed.py [accesses]
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np

from whosaw.watch.excuses import excuse
from whosaw.watch.flags import raise_flags
from whosaw.watch.matching import Matcher
from whosaw.watch.observed import Observed
from whosaw.watch.rows import DAY_US, HOUR_US, NONE, Accesses, Acts, Items, Work
from whosaw.watch.running import run
from whosaw.watch.settings import WatchSettings
from whosaw.watch.strength import learn_strength
from whosaw.watch.templates import Template, Via

PEOPLE, SELLERS = 2_000, 5_000


def month(accesses: int, seed: int = 1) -> tuple[Work, Accesses, np.ndarray]:
    """Draw a month of work: four accesses a ticket, 1 % of the accesses without any."""
    rng = np.random.default_rng(seed)
    tickets, subjects = accesses // 4, max(accesses // 5, 1_000)
    subject, actor = rng.integers(0, subjects, tickets), rng.integers(0, PEOPLE, tickets)
    opened = np.sort(rng.integers(0, 30 * DAY_US, tickets))
    closed = opened + rng.integers(HOUR_US, 2 * DAY_US, tickets)
    nobody = np.full(tickets, NONE)
    items = Items(np.zeros(tickets, np.int64), subject, opened, closed, actor, actor % 20, nobody)
    row = np.repeat(np.arange(tickets), 4)
    at = opened[row] + ((closed - opened)[row] * rng.random(row.size)).astype(np.int64)
    stray = rng.random(row.size) < 0.01
    who = np.where(stray, rng.integers(0, subjects, row.size), subject[row])
    acts = Acts(np.zeros(tickets, np.int64), actor, subject, at[::4])
    order = np.argsort(at, kind="stable")
    looks = Accesses(actor[row][order], who[order], at[order])
    return Work(("ticket",), items, acts, team=np.arange(PEOPLE) % 20), looks, rng.integers(0, SELLERS, subjects)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    work, accesses, seller = month(count)
    start = time.perf_counter()
    matcher = Matcher(work, (Template("ticket", Via.ASSIGNED), Template("handled before", Via.HANDLED)))
    strength = learn_strength(matcher, accesses, work.known_since_us(seller.size))
    told = excuse(matcher, strength, accesses)
    explained = time.perf_counter()
    observed = Observed(
        accesses,
        told.unexplained,
        np.arange(len(accesses)),
        seller[accesses.subject],
        np.arange(PEOPLE) % 20,
        SELLERS,
        seller.size,
    )
    flags = raise_flags(run(observed, WatchSettings()), observed)
    end = time.perf_counter()
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{len(accesses):,} accesses, {PEOPLE:,} people, {SELLERS:,} sellers: {told.explained.mean():.4f} explained")
    print(f"explanations {explained - start:.0f} s, evidence {end - explained:.0f} s, together {end - start:.0f} s")
    print(f"peak memory {peak_gb:.1f} GB, drawing the month included; {len(flags)} flags")


if __name__ == "__main__":
    main()
