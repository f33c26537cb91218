"""Do a real bank's deciders get flagged, and are twenty bribed approvals found? Beside a binomial test.

Decisions of the second half of the time are under test, those of the first half are each one's past. In a trial twenty
refusals or cancellations of one decider (who has as many) become approvals.

python bench/watch/deciding.py [trials]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).resolve().parent))

from logs import bank_decisions

from whosaw.watch.decisions import weigh_deciders
from whosaw.watch.nulls import Strata

LEVEL = 100.0
BRIBED = 20


@dataclass(frozen=True)
class Deciding:
    decisions: int
    deciders: int
    tested: int
    flagged: int
    strongest: float
    scale: float
    naive: int
    able: int
    trials: int
    found: int
    found_case: int


def measure(trials: int = 200, seed: int = 1) -> Deciding:
    made = bank_decisions()
    strata = Strata({"kind": made.last_work})
    late = made.at_us > int(np.median(made.at_us))
    plain = weigh_deciders(made.actor, made.approved, strata, late)
    rng = np.random.default_rng(seed)
    able = [who for who in plain.actor if ((made.actor == who) & late & (made.approved == 0)).sum() >= BRIBED]
    values = []
    for trial in range(trials):
        who = able[trial % len(able)]  # each in turn: who is hard to find stays so in every trial
        rows = np.flatnonzero((made.actor == who) & late & (made.approved == 0))
        approved = made.approved.copy()
        approved[rng.choice(rows, BRIBED, replace=False)] = 1
        found = weigh_deciders(made.actor, approved, strata, late)
        values.append(float(np.exp(found.log_e[found.actor == who][0])))
    count = np.bincount(made.actor)
    return Deciding(
        decisions=made.actor.size,
        deciders=int((count >= 50).sum()),
        tested=plain.actor.size,
        flagged=int((plain.log_e >= np.log(LEVEL)).sum()),
        strongest=float(np.exp(plain.log_e.max())),
        scale=plain.scale,
        naive=_naive(made.actor, made.approved),
        able=len(able),
        trials=trials,
        found=int((np.array(values) >= LEVEL).sum()),
        found_case=int((np.array(values) >= 1_000).sum()),
    )


def _naive(actor: np.ndarray, approved: np.ndarray) -> int:
    """Return deciders with at least 50 decisions at p < 0.001 by a binomial with the overall rate."""
    count, favoured = np.bincount(actor), np.bincount(actor, approved)
    p = binom.sf(favoured - 1, count, approved.mean())
    return int((p[count >= 50] < 1e-3).sum())


def main() -> None:
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    print(f"{found.decisions} decisions, {found.deciders} deciders with at least 50, {found.tested} tested")
    print(f"flagged at e >= {LEVEL:g}: {found.flagged} (strongest {found.strongest:.1f})")
    print(f"flagged by a binomial at p < 0.001: {found.naive}")
    print(f"honest deciders vary {found.scale:.2f} times as much as the binomial says")
    shares = f"{found.found} of {found.trials} trials, each of {found.able} deciders in turn"
    print(f"twenty bribed decisions found: {shares}; at e >= 1,000: {found.found_case}")


if __name__ == "__main__":
    main()
