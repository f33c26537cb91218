"""How long one question takes as the log grows: 50 sightings, matched controls, the permutation test.

The log is random: actors by a lognormal activity, subjects even, one seller's customers 0.4 % of them (at least 2,000).
The index lies in memory. Run: `python bench/trace/speed.py --accesses 1000000 10000000`.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from whosaw.trace import NEVER, Accesses, Actors, Population, Settings, Sightings, build_index, rank
from whosaw.trace.settings import DAY_US


def main(arguments: list[str] | None = None) -> int:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accesses", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--actors", type=int, default=20_000)
    parser.add_argument("--sightings", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args(arguments)
    print(f"{chosen.sightings} sightings, {chosen.actors} actors, 499 redraws, {time.strftime('%d %B %Y')}\n")
    print(
        "| accesses | subjects | of the question | index s | first answer s | warm s, best of "
        f"{chosen.repeats} | processor s | peak memory GB |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in chosen.accesses:
        generator = np.random.default_rng(size)
        subjects, actors = size // 20, chosen.actors
        activity = generator.lognormal(0, 1, actors)
        actor = generator.choice(actors, size, p=activity / activity.sum())
        subject = generator.integers(0, subjects, size)
        at_us = generator.integers(0, 180 * DAY_US, size)
        log = Accesses(actor, subject, at_us, generator.random(size) < 0.05)
        customers = generator.choice(subjects, max(2_000, subjects // 250), replace=False)
        entered_us = np.full(subjects, NEVER)
        entered_us[customers] = generator.integers(0, 120 * DAY_US, customers.size)
        victims = generator.choice(customers, chosen.sightings, replace=False)
        sightings = Sightings(victims, entered_us[victims] + generator.integers(20, 60, victims.size) * DAY_US)
        start = time.perf_counter()
        index = build_index(log, Actors(actors, np.zeros(actors, np.bool_)), subjects)
        built = time.perf_counter() - start
        settings = Settings(draws=499, first_draws=499, outside_prior=0.5)
        times, spent = [], []
        for _ in range(chosen.repeats + 1):
            start, used = time.perf_counter(), time.process_time()
            rank(index, Population(entered_us), sightings, settings)
            times.append(time.perf_counter() - start)
            spent.append(time.process_time() - used)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"| {size:,} | {subjects:,} | {customers.size:,} | {built:.1f} | {times[0]:.2f} | {min(times[1:]):.2f} "
            f"| {min(spent[1:]):.2f} | {peak:.2f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
