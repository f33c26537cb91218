"""How much of a real bank's accesses is explained, and how many random look-ups would be: learned on the first half.

python bench/watch/explaining.py
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from logs import BankLog, bank_log

from whosaw.watch.excuses import HALF, Excuses, excuse
from whosaw.watch.matching import Matcher
from whosaw.watch.rows import DAY_US, HOUR_US, Accesses, Timeline
from whosaw.watch.strength import FRESH_DAYS, Strength, fake_log, learn_strength
from whosaw.watch.templates import read_templates

DRAWN = 8_000


@dataclass(frozen=True)
class Explaining:
    """Shares of the second half: real accesses, first looks of a visit, random and fresh random look-ups."""

    real: Excuses
    visits: Excuses
    snoops: Excuses
    fresh: Excuses
    strength: Strength


def templates_of(log: BankLog):
    kinds = [kind for kind in log.work.kinds if kind.startswith("W_")]
    return read_templates(
        {
            "open item": {"via": "open", "kinds": kinds},
            "queue": {"via": "serves", "kinds": kinds, "within_h": 336},
            "handled before": {"via": "handled"},
        },
        log.work.kinds,
    )


def measure(log: BankLog, seed: int = 1) -> Explaining:
    matcher = Matcher(log.work, templates_of(log))
    since = log.work.known_since_us(log.cases)
    first = log.accesses.at_us <= log.halfway_us
    # the first fortnight has no past to say who serves which queue
    learnt = first & (log.accesses.at_us > log.accesses.at_us[0] + 14 * DAY_US)
    strength = learn_strength(matcher, log.accesses.take(learnt), since, seed=seed)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(~first)
    real = log.accesses.take(rng.choice(rows, DRAWN, replace=False))
    visit = log.accesses.take(rng.choice(rows[_begins_visit(log)[rows]], DRAWN, replace=False))
    fakes = fake_log(real, since, rng)
    fresh = fake_log(real, since, rng, fresh_days=FRESH_DAYS)
    return Explaining(*(excuse(matcher, strength, each) for each in (real, visit, fakes, fresh)), strength)


def _begins_visit(log: BankLog) -> np.ndarray:
    looks: Accesses = log.accesses
    key = looks.actor * log.cases + looks.subject
    return Timeline(key, looks.at_us).since(key, looks.at_us) > HOUR_US // 2


def main() -> None:
    print("seed | real | first look of a visit | random snoop | fresh-case snoop   (in brackets: by half only)")
    for seed in range(1, 4):
        found = measure(bank_log(), seed)
        shares = [
            f"{each.explained.mean():.4f} ({(each.excuse == HALF).mean():.4f})"
            for each in (found.real, found.visits, found.snoops, found.fresh)
        ]
        print(seed, *shares, sep=" | ")
    for each in found.strength.templates:
        shares = f"real {each.real:.3f}, random {each.fake:.3f}, fresh {each.fresh:.3f}"
        print(f"{each.name}: {shares}, lift {each.lift:.1f}, grade {each.grade}")


if __name__ == "__main__":
    main()
