"""Watch beside PyOD's isolation forest and a peer z-score on the same worlds: found at equal numbers of false cases.

A month of 2,000 employees, 300 explained and about 3 unexplained accesses each; twenty of them sell k look-ups each to
a seller of their own. Every method ranks the employees; its level is set so that it accuses 0, 1 or 10 innocent people
in that world, which no rival can know beforehand. The rivals get what the log says per person: accesses, unexplained
ones and their share, different sellers, and the most that one seller has of all and of the unexplained ones.

python bench/watch/rivals.py [worlds]
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sellers import EMPLOYEES, EXPLAINED, SELLERS, Ground, bought_from, ground

from whosaw.watch.scan import Touches, scan_beneficiaries

BRIBED = 20


def world(base: Ground, rng: np.random.Generator, look_ups: int) -> tuple[Touches, np.ndarray, np.ndarray]:
    """Return the unexplained accesses, per person and seller the explained ones, and who is bribed."""
    own = rng.poisson(3.0, EMPLOYEES)
    actor, sellers = np.repeat(np.arange(EMPLOYEES), own), bought_from(rng, base.truth, int(own.sum()))
    bribed = rng.choice(EMPLOYEES, BRIBED, replace=False)
    more = np.repeat(bribed, look_ups)
    extra = bought_from(rng, base.truth, more.size)
    extra[:, 0] = np.repeat(rng.choice(SELLERS, BRIBED, p=base.truth), look_ups)
    same = extra[:, 0] == extra[:, 1]
    extra[same, 1] = (extra[same, 1] + 1) % SELLERS
    actor, sellers = np.concatenate([actor, more]), np.concatenate([sellers, extra])
    zero = np.zeros(actor.size, np.int64)
    touches = Touches(actor, zero, zero, np.repeat(np.arange(actor.size), 2), sellers.ravel())
    activity = rng.poisson(EXPLAINED * rng.gamma(8, 1 / 8, EMPLOYEES))
    links = bought_from(rng, base.truth, int(activity.sum()))
    table = np.zeros((EMPLOYEES, SELLERS), np.int32)
    np.add.at(table, (np.repeat(np.arange(EMPLOYEES), 2 * activity), links.ravel()), 1)
    return touches, table, bribed


def features(touches: Touches, table: np.ndarray) -> np.ndarray:
    lone = np.zeros_like(table)
    np.add.at(lone, (touches.actor[touches.event], touches.beneficiary), 1)
    events = np.bincount(touches.actor, minlength=EMPLOYEES)
    total = table.sum(axis=1) // 2 + events
    both = table + lone
    return np.stack(
        [total, events, events / total, (both > 0).sum(axis=1), both.max(axis=1), lone.max(axis=1)], axis=1
    ).astype(float)


def scores(base: Ground, touches: Touches, table: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyod.models.iforest import IForest
    told = features(touches, table)
    forest = IForest(n_estimators=200, random_state=seed)
    forest.fit(told)
    standard = (told - told.mean(axis=0)) / told.std(axis=0)
    watch = np.zeros(EMPLOYEES)
    scan = scan_beneficiaries(touches, base.learned)
    watch[scan.actor] = scan.log_e
    return {
        "watch, beneficiary signal": watch,
        "PyOD isolation forest": forest.decision_scores_,
        "peer z-score, unexplained accesses": standard[:, 1],
        "peer z-score, most of one seller": standard[:, 5],
    }


def main() -> None:
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    base = ground(1, 3.0)
    print("look-ups sold | method | found at 0, 1, 10 innocents accused | at a level fixed beforehand: found, accused")
    for look_ups in (4, 5, 8):
        found: dict[str, list[list[float]]] = {}
        fixed = np.zeros(2)
        for seed in range(worlds):
            touches, table, bribed = world(base, np.random.default_rng(seed), look_ups)
            guilty = np.isin(np.arange(EMPLOYEES), bribed)
            for name, score in scores(base, touches, table, seed).items():
                innocent = np.sort(score[~guilty])[::-1]
                found.setdefault(name, []).append([float((score[guilty] > innocent[n]).mean()) for n in (0, 1, 10)])
                if name.startswith("watch"):
                    fixed += ((score[guilty] >= np.log(2_000)).sum(), (score[~guilty] >= np.log(2_000)).sum())
        for name, shares in found.items():
            mean = ", ".join(f"{share:.2f}" for share in np.mean(shares, axis=0))
            known = f"{fixed[0] / worlds / BRIBED:.2f}, {fixed[1] / worlds:.1f}" if name.startswith("watch") else "none"
            print(f"{look_ups} | {name} | {mean} | {known}")


if __name__ == "__main__":
    main()
