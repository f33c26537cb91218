"""Two who share a device and divide one seller's look-ups between them: how many such pairs are found at f = 0.2.

The innocent firm of `firm.py`, with pairs planted in the last month under test: each of the two makes half of the looks
at one seller, nobody else's work explains them, and a device that few have is his and the other's. Beside it the same
looks where no print is known, so that each stands alone.

python bench/watch/pairs.py [seed] [pairs]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from firm import Firm, Size

from whosaw.watch.observed import Observed, Prints
from whosaw.watch.rows import DAY_US, Accesses
from whosaw.watch.running import run
from whosaw.watch.settings import WatchSettings

LOOKS = (6, 8, 10, 12)


def planted(
    world: Observed, firm: Firm, pairs: int, looks: int, rng: np.random.Generator
) -> tuple[Observed, np.ndarray]:
    """Return the world with `pairs` pairs that divide `looks` looks each, and who they are (pairs × 2)."""
    people = rng.choice(firm.size.people, (pairs, 2), replace=False)
    end = int(world.accesses.at_us.max())
    share = np.bincount(firm.bought.ravel(), minlength=firm.size.sellers)
    middling = np.flatnonzero((share >= 60) & (share <= np.quantile(share, 0.95)))
    actor, subject = [], []
    for two, seller in zip(people, rng.choice(middling, pairs), strict=True):
        whom = rng.choice(np.flatnonzero((firm.bought == seller).any(axis=1)), looks, replace=False)
        actor += [two[each % 2] for each in range(looks)]
        subject += whom.tolist()
    at = rng.integers(end - 28 * DAY_US, end, len(actor))
    seen = world.accesses
    order = np.argsort(np.append(seen.at_us, at), kind="stable")
    subjects = np.append(seen.subject, subject)[order]
    shared = int(world.prints.actor_print.max(initial=0)) + 1 + np.arange(pairs)
    left = replace(
        world.prints,
        actor=np.append(world.prints.actor, people.ravel()),
        actor_print=np.append(world.prints.actor_print, np.repeat(shared, 2)),
    )
    made = replace(
        world,
        accesses=Accesses(np.append(seen.actor, actor)[order], subjects, np.append(seen.at_us, at)[order]),
        unexplained=np.append(world.unexplained, np.ones(at.size))[order],
        link_access=np.repeat(np.arange(order.size), 2),
        link_beneficiary=firm.bought[subjects].ravel(),
        prints=left,
    )
    return made, people


def main() -> None:
    seed, pairs = (int(sys.argv[1]) if len(sys.argv) > 1 else 1), (int(sys.argv[2]) if len(sys.argv) > 2 else 40)
    firm = Firm(seed, replace(Size(), weeks=53))
    rng = np.random.default_rng(seed + 50)
    for looks in LOOKS:
        world, people = planted(firm.window(0, 371 * DAY_US), firm, pairs, looks, rng)
        told = {}
        for name, weighed in (("sharing a device", world), ("no print known", replace(world, prints=Prints()))):
            tier = np.array(run(weighed, WatchSettings()).tier)
            case = np.isin(tier, ("case", "escalate"))
            others = int(case.sum()) - int(case[people].sum())
            told[name] = (case[people].any(axis=1).mean(), case[people].all(axis=1).mean(), others)
        line = "; ".join(
            f"{name}: one of them {one:.2f}, both {both:.2f}, others accused {others}"
            for name, (one, both, others) in told.items()
        )
        print(f"{looks} looks of {pairs} pairs, {looks // 2} each: {line}", flush=True)


if __name__ == "__main__":
    main()
