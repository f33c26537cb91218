"""Ties of a help desk: how many innocent pairs are flagged, and how often moved cases are found, beside a naive test.

The second half of a real log: 7,429 pairs of 19 agents and 391 customers. The naive test is the same bet with a Poisson
null from the margins alone. In each trial five cases of one customer (who has as many) go to one agent at work then.

python bench/watch/desk.py [trials]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import beta

sys.path.insert(0, str(Path(__file__).resolve().parent))

from logs import HelpDesk, help_desk

from whosaw.watch.evidence import RATIOS, log_mean
from whosaw.watch.pairs import weigh_pairs
from whosaw.watch.rows import Float, Int64

LEVEL = float(np.log(1e4))
MOVED = 5


@dataclass(frozen=True)
class Desk:
    pairs: int
    innocent: int
    naive: int
    strongest: tuple[float, ...]
    trials: int
    top5: int
    found: int


def naive(desk: HelpDesk) -> Float:
    """Return the bets against a Poisson count from the margins."""
    table = np.zeros((desk.customers, desk.actors))
    np.add.at(table, (desk.customer, desk.actor), 1.0)
    mean = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return log_mean(np.stack([table * np.log(ratio) - mean * (ratio - 1.0) for ratio in RATIOS]))


def measure(trials: int = 200, seed: int = 1) -> Desk:
    log = help_desk()
    before, desk = log.half(second=False), log.half(second=True)
    earlier = before.settled()

    def weighed(actor: Int64 | None = None) -> Float:
        return weigh_pairs(desk.settled(actor), desk.actors, desk.customers, earlier=earlier)

    plain = weighed()
    rng = np.random.default_rng(seed)
    able = np.flatnonzero(np.bincount(desk.customer, minlength=desk.customers) >= MOVED)
    agents = np.unique(desk.actor)
    top = found = 0
    for _ in range(trials):
        customer, agent = rng.choice(able), rng.choice(agents)
        moved = desk.actor.copy()
        moved[rng.choice(np.flatnonzero(desk.customer == customer), MOVED, replace=False)] = agent
        log_e = weighed(moved)
        top += bool((log_e > log_e[customer, agent]).sum() < 5)
        found += bool(log_e[customer, agent] >= LEVEL)
    return Desk(
        pairs=np.unique(log.actor).size * np.unique(log.customer).size,
        innocent=int((plain >= LEVEL).sum()),
        naive=int((naive(desk) >= LEVEL).sum()),
        strongest=tuple(np.exp(np.sort(plain.ravel())[-5:]).tolist()),
        trials=trials,
        top5=top,
        found=found,
    )


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share."""
    low = beta.ppf(0.025, hits, of - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, of - hits) if hits < of else 1.0
    return float(low), float(high)


def main() -> None:
    desk = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    low, high = interval(desk.top5, desk.trials)
    print(f"innocent pairs at e >= 10,000: {desk.innocent} of {desk.pairs} (naive: {desk.naive})")
    print("strongest innocent pairs: " + ", ".join(f"{value:,.0f}" for value in desk.strongest))
    print(f"five moved cases in the top 5: {desk.top5} of {desk.trials} ({low:.2f} to {high:.2f})")
    print(f"five moved cases at e >= 10,000: {desk.found} of {desk.trials}")


if __name__ == "__main__":
    main()
