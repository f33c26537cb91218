"""What many actors have in common is worked out once; the numbers are those that working out each gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from whosaw.trace import Settings, build_index
from whosaw.trace.confidence import _PAIR_GRID, _PHASES, _Gains
from whosaw.trace.counting import count_members
from whosaw.trace.evidence import gather_evidence, log_prefixes, log_singles
from whosaw.trace.redraws import Redraws, _once
from whosaw.trace.rings import PAIR_SHARES, log_bets, partners, weigh_trios
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.settings import LAMBDAS
from whosaw.trace.weights import Prior, prior_weights

Worlds = Callable[..., Any]


def ratios(seed: int, kinds: int = 2, complaints: int = 20, actors: int = 12) -> np.ndarray:
    """Ratios of actors most of whom opened few complainers; some complaints are half explained by another source."""
    generator = np.random.default_rng(seed)
    opened = generator.random((kinds, complaints, actors)) < 0.15
    opened[1:, :, ::2] = False  # every other actor did nothing irregular at all
    ratio = np.where(opened, 1.0 / generator.uniform(0.01, 1.0, opened.shape), 0.0)
    trust = generator.choice([0.5, 1.0], complaints)[None, :, None]
    return np.asarray(1.0 + trust * (ratio - 1.0))


def prior(actors: int, starts: tuple[int, ...] = (0, 3, 6)) -> Prior:
    share = np.full(len(starts), 1.0 / len(starts))
    return Prior(starts, share, share, np.full((len(starts), actors), 0.5 / actors))


def test_single_bets_are_those_worked_out_one_by_one() -> None:
    ratio, settings = ratios(1), Settings()
    bets = np.array([[np.cumprod(1.0 + lam * (kind - 1.0), axis=0) for lam in LAMBDAS] for kind in ratio])
    weight = np.array(settings.lambda_prior)[None, :, None]
    told = np.exp(log_prefixes(ratio, (1, 7, 20), settings))
    for at, k in enumerate((1, 7, 20)):
        assert told[at] == pytest.approx((bets[:, :, k - 1] * weight).sum(axis=1).mean(axis=0))
    assert np.exp(log_singles(ratio, (0,), settings)[0]) == pytest.approx(told[2])


def test_bets_of_rings_are_those_worked_out_one_by_one() -> None:
    ratio, shares = ratios(2)[0], np.array(PAIR_SHARES).T
    one, two = ratio[:, :6] - 1.0, ratio[:, 6:] - 1.0
    plain = np.log1p(one[:, :, None] * shares[0] + two[:, :, None] * shares[1])
    assert np.array_equal(log_bets((one, two), ratio.min(axis=1) - 1.0, shares), plain)
    whole, of = ratios(3), ratios(4)[:, :, 1]
    found = [
        max(float(np.log1p(0.4 * (a - 1.0) + 0.4 * (b - 1.0)).sum()) for a in whole[:, :, h] for b in of)
        for h in range(whole.shape[2])
    ]
    assert partners(whole, of) == pytest.approx(found)


def test_a_trio_weighs_the_same_in_any_company() -> None:
    ratio = ratios(5)
    trios = np.array([(a, b, c) for a in range(6) for b in range(a + 1, 9) for c in range(b + 1, 12)])
    together = weigh_trios(ratio, trios, prior(12))
    assert together == pytest.approx(np.concatenate([weigh_trios(ratio, trio[None], prior(12)) for trio in trios]))
    assert np.unique(together.round(9)).size > 20


def test_likelihoods_of_pairs_are_those_worked_out_one_by_one() -> None:
    ratio = ratios(6)
    one, two = np.ascontiguousarray(ratio[0, :, :6].T), np.ascontiguousarray(ratio[1, :, 6:].T)
    gains = _Gains(one, two)
    with np.errstate(divide="ignore"):  # all shares together are refuted by one complainer whom neither had opened
        steps = np.array([np.log1p(np.maximum(a * (one - 1.0) + b * (two - 1.0), -1.0)) for a, b in _PAIR_GRID])
        on_grid = gains.best_on_grid()
    assert np.allclose(on_grid, steps.sum(axis=2).max(axis=0))
    turns = np.array([np.log1p(a * (one - 1.0) + b * (two - 1.0)) for a, b in _PHASES])
    best = [
        max(turns[:, q, :k].sum(axis=1).max() + turns[:, q, k:].sum(axis=1).max() for k in range(1, one.shape[1] + 1))
        for q in range(len(one))
    ]
    assert np.allclose(gains.best_in_turns(), best)
    factor = 1.0 + 0.2 * (one - 1.0) + 0.7 * (two - 1.0)
    plain = (np.log(factor), (one - 1.0) / factor, (two - 1.0) / factor)
    for told, whole in zip(gains.tangent(0.2, 0.7), plain, strict=True):
        assert np.allclose(told, whole.sum(axis=1))
    assert (gains.most() >= on_grid).all()


def test_keys_that_occur_once_are_told_from_others_however_large() -> None:
    for scale in (1, 1 << 56):  # too large to be packed with their places
        keys = np.random.default_rng(7).integers(0, 60, 90) * scale
        assert _once(keys).tolist() == [int((keys == key).sum()) == 1 for key in keys]
    assert _once(np.empty(0, np.int64)).size == 0


@pytest.mark.parametrize("reasons", [True, False])
def test_the_maxima_of_redraws_are_those_of_every_actor_worked_out_one_by_one(world: Worlds, reasons: bool) -> None:
    w, settings = world(9, complaints=8), Settings(draws=30, first_draws=20)
    accesses = w.accesses if reasons else replace_reasons(w.accesses)
    index = build_index(accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    sets = match(context, w.population, order_sightings(w.sightings, context), settings)
    sets = tuple(risk for risk in sets if risk.matched)
    weight = prior_weights(index, context, sets, settings).weight[0]
    evidence = gather_evidence(index, sets)
    everybody = count_members(index, sets)
    redraws = Redraws(index, evidence, everybody, weight, settings)
    prefixes = (3, len(sets))
    told = np.concatenate([redraws.maxima(prefixes, 0, 20), redraws.maxima(prefixes, 20, 30)], axis=1)
    kinds = [index.pair_first_us, index.pair_irregular_us][: 1 + reasons]
    for draw in range(30):
        ratio = np.zeros((len(kinds), len(sets), index.actors.count))
        for i, risk in enumerate(sets):
            drawn = np.random.default_rng((settings.seed, i)).integers(0, risk.members.size, settings.draws)[draw]
            pairs = slice(*index.subject_pair[risk.members[drawn] : risk.members[drawn] + 2].tolist())
            for kind, first_us in enumerate(kinds):
                actor = index.pair_actor[pairs][first_us[pairs] < risk.contacted_us]
                ratio[kind, i, actor] = risk.members.size / everybody[kind, i, actor]
        with np.errstate(divide="ignore"):
            plain = (log_prefixes(ratio, prefixes, settings) + np.log(weight)).max(axis=1)
        assert told[:, draw] == pytest.approx(plain)


def replace_reasons(accesses: Any) -> Any:
    """The same log without reasons."""
    return type(accesses)(
        accesses.actor, accesses.subject, accesses.at_us, np.zeros_like(accesses.irregular), has_reasons=False
    )
