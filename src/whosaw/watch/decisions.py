"""Signal S4: somebody's discretionary decisions favour too often, beside others who decide like cases.

Deciders differ honestly, far more than chance alone would have them. So each is held against his own past, and the
yardstick is how much deciders of the same log still vary (an empirical null), not a binomial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import t as student

from whosaw.watch.evidence import log_of_p
from whosaw.watch.nulls import Strata, leave_one_out_rates
from whosaw.watch.rows import Bool, Float, Int64

FEWEST = 25
FEWEST_DECIDERS = 8
_FLOOR = 0.002  # a kind of case that never went one way so far may yet


@dataclass(frozen=True, slots=True)
class Deciders:
    """Evidence of deciders with enough decisions.

    Args:
        actor: d of them, rising.
        favoured, expected: d counts.
        z: d standardised differences, by each one's binomial variance.
        log_e: d values.
        scale: how many times wider honest deciders vary than the binomial says.
    """

    actor: Int64
    favoured: Int64
    expected: Float
    z: Float
    log_e: Float
    scale: float


def weigh_deciders(
    actor: Int64, favourable: Int64, strata: Strata, under_test: Bool | None = None, *, fewest: int = FEWEST
) -> Deciders:
    """Return the evidence of each decider with at least `fewest` decisions under test.

    Args:
        actor: n deciders.
        favourable: n flags.
        strata: of the decisions, widest first.
        under_test: n flags; the other decisions are the past, from which each one's own leaning is learned. Only a
            leaning to favour counts: whoever was strict is not expected to stay so. Absent: all, with no past.
        fewest: decisions below which nothing is said.
    """
    tested = np.ones(actor.size, np.bool_) if under_test is None else under_test
    flags = favourable.astype(np.float64)
    rate, _ = leave_one_out_rates(flags, np.ones(flags.size), actor, strata, pseudo=10.0)
    who, of = np.unique(actor, return_inverse=True)
    past = logit(np.clip(rate, _FLOOR, 1 - _FLOOR))
    lean = np.array([_lean(past[rows], flags[rows]) for rows in ((of == each) & ~tested for each in range(who.size))])
    chance = np.clip(expit(past + np.maximum(lean, 0.0)[of]), _FLOOR, 1 - _FLOOR)
    of = of[tested]
    count = np.bincount(of, minlength=who.size)
    seen = np.bincount(of, flags[tested], who.size)
    expected = np.bincount(of, chance[tested], who.size)
    variance = np.bincount(of, (chance * (1.0 - chance))[tested], who.size)
    able = count >= fewest
    z = ((seen - expected) / np.sqrt(np.maximum(variance, 0.05)))[able]
    favoured = seen[able].astype(np.int64)
    log_e, scale = _beside_others(z)
    return Deciders(who[able], favoured, np.asarray(expected[able]), z, log_e, scale)


def _lean(log_odds: Float, flags: Float) -> float:
    """Return somebody's own leaning in log odds, shrunk to none."""
    lean = 0.0
    for _ in range(20 if flags.size else 0):
        chance = expit(log_odds + lean)
        slope = float((flags - chance).sum()) - lean
        lean += float(np.clip(slope / (float((chance * (1.0 - chance)).sum()) + 1.0), -1.0, 1.0))
    return lean


def _beside_others(z: Float) -> tuple[Float, float]:
    """Return the log evidence of each difference beside those of all others, and how wide these are."""
    if z.size < FEWEST_DECIDERS:
        return np.zeros(z.size), float("nan")
    tail = np.empty(z.size)
    for at in range(z.size):
        others = np.delete(z, at)
        # never narrower than the binomial: agreement of the others is no evidence against one
        width = max(1.0, float(others.std(ddof=1))) * np.sqrt(1.0 + 1.0 / others.size)
        tail[at] = student.sf((z[at] - float(others.mean())) / width, others.size - 1)
    return log_of_p(tail), max(1.0, float(z.std(ddof=1)))
