"""How strong an excuse is: how much oftener it holds for what really happened than for pairs drawn at random.

The random pairs are the fake log of Fabbri & LeFevre: the same actors at the same times, each with a subject drawn from
those already known then, half of them from the newest, where an open queue item excuses most. One number is fitted for
each cell of the features, by ridge logistic regression of real against fake; with equal numbers of both the log odds is
the log of the lift P(cell | real) / P(cell | fake).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.errors import TooLittleToLearn
from whosaw.watch.matching import Matcher, Matches
from whosaw.watch.rows import DAY_US, Accesses, Float, Int64
from whosaw.watch.templates import Template

FULL_LIFT = 20.0
HALF_LIFT = 5.0
FRESH_DAYS = 30
_RIDGE = 1.0
_SAMPLE = 30_000
_ROUNDS = 12
_FEWEST = 500


@dataclass(frozen=True, slots=True)
class TemplateStrength:
    """What one template is worth on one log.

    Args:
        name: the template.
        real: share of the real accesses that it explains.
        fake: share of random pairs it would explain.
        fresh: share of random pairs with a new subject.
        lift: real ÷ the larger of the two, one pair added so that none seen is not taken for none.
        grade: 1.0, 0.5 or 0.0 of an excuse when it stands alone.
    """

    name: str
    real: float
    fake: float
    fresh: float
    lift: float
    grade: float


@dataclass(frozen=True, slots=True)
class Strength:
    """What was learned on one stretch of the record.

    Args:
        weights: the log of the lift of each cell, all features after one another.
        base: the log odds where every cell is at 0.
        floor: accesses with a log lift below this are unexplained.
        templates: each template alone, for the report.
        learned_on: how many accesses.
    """

    weights: Float
    base: float
    floor: float
    templates: tuple[TemplateStrength, ...]
    learned_on: int

    def log_lift(self, codes: Int64, sizes: tuple[int, ...]) -> Float:
        """Return the log of the lift of n accesses.

        Args:
            codes: n × F cells.
            sizes: cells of each feature.
        """
        offset = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        found = np.full(codes.shape[0], self.base)
        for column in range(codes.shape[1]):
            found += self.weights[codes[:, column] + offset[column]]
        return found


def fake_log(
    accesses: Accesses, known_since_us: Int64, rng: np.random.Generator, *, fresh_days: int | None = None
) -> Accesses:
    """Return the same actors at the same times with subjects drawn at random.

    Args:
        accesses: the real ones.
        known_since_us: when each subject appeared.
        rng: the stream to draw from.
        fresh_days: draw only from subjects that appeared so few days before; absent: from all known by then.
    """
    order = np.argsort(known_since_us, kind="stable")
    since = known_since_us[order]
    high = np.maximum(np.searchsorted(since, accesses.at_us, side="right"), 1)
    low = np.zeros_like(high)
    if fresh_days is not None:
        low = np.minimum(np.searchsorted(since, accesses.at_us - fresh_days * DAY_US), high - 1)
    drawn = order[low + (rng.random(len(accesses)) * (high - low)).astype(np.int64)]
    return Accesses(accesses.actor, drawn, accesses.at_us, accesses.beneficiary)


def learn_strength(
    matcher: Matcher, accesses: Accesses, known_since_us: Int64, *, seed: int = 1, lost: float = 0.008
) -> Strength:
    """Measure what the templates are worth on `accesses`.

    Args:
        matcher: records and templates.
        accesses: what really happened; at least 500.
        known_since_us: when each subject appeared.
        seed: of the draws.
        lost: the share of real accesses that may stay unexplained for the sake of telling random pairs apart.

    Raises:
        TooLittleToLearn: there are fewer than 500 accesses.
    """
    if len(accesses) < _FEWEST:
        raise TooLittleToLearn(f"{len(accesses)} accesses are too few to measure excuses, {_FEWEST} are needed")
    rng = np.random.default_rng(seed)
    if len(accesses) > _SAMPLE:
        accesses = accesses.take(np.sort(rng.choice(len(accesses), _SAMPLE, replace=False)))
    real = matcher.match(accesses)
    fake = matcher.match(fake_log(accesses, known_since_us, rng))
    fresh = matcher.match(fake_log(accesses, known_since_us, rng, fresh_days=FRESH_DAYS))
    half = rng.random(len(accesses)) < 0.5
    mixed = np.where(half[:, None], fake.codes, fresh.codes)
    weights, base = _fit(real.codes, mixed, real.sizes)
    drawn = Strength(weights, base, 0.0, (), len(accesses))
    floor = float(np.quantile(drawn.log_lift(real.codes, real.sizes), lost))
    told = tuple(_alone(each, at, real, fake, fresh) for at, each in enumerate(matcher.templates))
    return Strength(weights, base, floor, told, len(accesses))


def grade_of(lift: float) -> float:
    """Return how much of an excuse a lift is worth."""
    return 1.0 if lift >= FULL_LIFT else 0.5 if lift >= HALF_LIFT else 0.0


def _alone(template: Template, at: int, real: Matches, fake: Matches, fresh: Matches) -> TemplateStrength:
    shares = [float(matches.fired[:, at].mean()) for matches in (real, fake, fresh)]
    count = real.fired.shape[0]
    most = max((float(matches.fired[:, at].sum()) + 1) / (count + 1) for matches in (fake, fresh))
    lift = shares[0] / most
    grade = grade_of(lift)
    return TemplateStrength(
        template.name, shares[0], shares[1], shares[2], lift, min(grade, 0.5) if template.own_text else grade
    )


def _fit(real: Int64, fake: Int64, sizes: tuple[int, ...]) -> tuple[Float, float]:
    offset = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    # equal rows are fitted as one that counts as often: a few thousand are left
    cells, place = np.unique(np.concatenate([real, fake]) + offset[None, :], axis=0, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    hits = np.bincount(place[: real.shape[0]], minlength=count.size)
    width = int(sum(sizes))
    table = np.zeros((cells.shape[0], width + 1))
    table[np.arange(cells.shape[0])[:, None], cells] = 1.0
    table[:, width] = 1.0
    penalty = np.full(width + 1, _RIDGE)
    penalty[width] = 1e-6
    weight = np.zeros(width + 1)
    for _ in range(_ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(table @ weight, -30, 30)))
        slope = table.T @ (hits - count * chance) - penalty * weight
        curve = (table * (count * chance * (1.0 - chance))[:, None]).T @ table + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weight += step
        if float(np.abs(step).max()) < 1e-6:
            break
    return weight[:width], float(weight[width])
