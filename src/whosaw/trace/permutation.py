"""Max-T permutation test: how often would some actor look this strong if the complainers were redrawn?

Each is redrawn from its risk set. The test controls the family-wise rate over all actors at the looks fixed in advance.
It says that an actor is associated with the complaints, not that no other explains them as well: the rival rule has to
follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.evidence import Evidence, Float, log_absent, log_mean, log_over_lambda, log_single
from whosaw.trace.index import Index
from whosaw.trace.inputs import Int64
from whosaw.trace.risk import RiskSet
from whosaw.trace.settings import LAMBDAS, Settings

_LAMBDA = np.array(LAMBDAS)


def p_values(index: Index, evidence: Evidence, weight: Float, settings: Settings) -> tuple[Float, int]:
    """Return one p-value per actor of the evidence, and the number of redraws made.

    Args:
        index: the log.
        evidence: K matched complaints, those of the look.
        weight: weights of all actors.
        settings: redraws and seed.
    """
    with np.errstate(divide="ignore"):
        observed = log_single(evidence.ratio, settings) + np.log(weight[evidence.actor])
    redraw = _Redraw(index, evidence.sets, weight, settings)
    generator = np.random.default_rng(settings.seed)
    redrawn = redraw.maxima(generator, settings.first_draws)
    p = _p(observed, redrawn)
    if p.size and p.min() <= 0.1 and settings.draws > settings.first_draws:
        more = redraw.maxima(generator, settings.draws - settings.first_draws)
        redrawn = np.concatenate([redrawn, more])
        p = _p(observed, redrawn)
    return p, redrawn.size


def _p(observed: Float, redrawn: Float) -> Float:
    # a redraw of the complainers themselves must count as equal although its sums may differ in the last bits
    beaten = redrawn.size - np.searchsorted(np.sort(redrawn), observed - 1e-9)
    return np.asarray((1.0 + beaten) / (1.0 + redrawn.size))


@dataclass(frozen=True, slots=True)
class _Redraw:
    """Complaints whose complainers are drawn anew, each from its risk set."""

    index: Index
    sets: tuple[RiskSet, ...]
    weight: Float
    settings: Settings

    def maxima(self, generator: np.random.Generator, draws: int) -> Float:
        """Return log max over actors of weight × E for each of `draws` redraws."""
        parts = [_hits(self.index, risk, generator.integers(0, risk.members.size, draws)) for risk in self.sets]
        actor, draw, *gains = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        usable = self.weight[actor] > 0
        # one cell per actor and redraw in which it had opened somebody
        cell, place = np.unique(draw[usable] * self.weight.size + actor[usable], return_inverse=True)
        kinds = gains if self.index.has_reasons else gains[:1]
        log_e = log_mean(np.stack([self._log_e(gain[usable], place, cell.size) for gain in kinds]), axis=0)
        # whoever opened nobody in a redraw still has weight × E; the largest of those is a floor for the maximum
        floor = np.log(self.weight.max()) + log_absent(len(self.sets), self.settings)
        maxima = np.full(draws, floor)
        np.maximum.at(maxima, cell // self.weight.size, log_e + np.log(self.weight[cell % self.weight.size]))
        return maxima

    def _log_e(self, gain: Float, place: Int64, cells: int) -> Float:
        """Return log E per cell from the gains of its hits."""
        misses = len(self.sets) * np.log1p(-_LAMBDA)
        hits = np.stack([np.bincount(place, gain[:, j], cells) for j in range(_LAMBDA.size)])
        return log_over_lambda(misses[:, None] + hits, self.settings, axis=0)


def _hits(index: Index, risk: RiskSet, drawn: Int64) -> tuple[Int64, Int64, Float, Float]:
    """Return, for one complaint redrawn, who had opened the drawn subject: actor, redraw, gain of either kind per λ."""
    _, pair = index.pairs_of(risk.members)
    first, second = index.pair_first_us[pair], index.pair_irregular_us[pair]
    before = first < risk.contacted_us
    count = np.bincount(index.pair_actor[pair[before]], minlength=index.actors.count)
    irregular = np.bincount(index.pair_actor[pair[second < risk.contacted_us]], minlength=index.actors.count)
    draw, pair = index.pairs_of(risk.members[drawn])
    kept = index.pair_first_us[pair] < risk.contacted_us
    draw, pair = draw[kept], pair[kept]
    actor = index.pair_actor[pair]
    any_gain = _gain(risk.members.size, count)[actor]
    irregular_gain = _gain(risk.members.size, irregular)[actor]
    irregular_gain[index.pair_irregular_us[pair] >= risk.contacted_us] = 0.0
    return actor, draw, any_gain, irregular_gain


def _gain(size: int, count: Int64) -> Float:
    """Return, per actor and λ, what a hit adds to the log bet compared with a miss."""
    ratio = size / np.maximum(count, 1)
    return np.asarray(np.log1p(_LAMBDA * (ratio[:, None] - 1.0)) - np.log1p(-_LAMBDA))
