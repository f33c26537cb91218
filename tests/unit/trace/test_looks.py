"""The permutation test over many looks: exact, unchanged by later complaints, and no luckier for looking often."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from whosaw.trace import SettingRefused, Settings, build_index
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.permutation import _boundary, _judge, look
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.weights import prior_weights

Worlds = Callable[..., Any]


def test_looking_after_every_complaint_spends_no_more_than_alpha() -> None:
    """Exchangeable histories of correlated statistics: one of them is taken for the observed one, in turn."""
    settings, generator = Settings(), np.random.default_rng(5)
    looks = tuple(range(3, 41))
    levels = tuple(settings.spent_by(k) for k in looks)
    crossed = 0
    for _ in range(600):
        steps = generator.normal(size=(len(looks), 200)).cumsum(axis=0)
        crossed += bool(_judge(steps[:, :1], steps[:, 1:], levels)[1].any())
    assert crossed / 600 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 600)
    assert crossed > 0


def test_equal_values_cross_together_or_not_at_all() -> None:
    assert _boundary(np.array([3.0, 2.0, 2.0, 1.0]), 2) == pytest.approx(3.0)
    assert _boundary(np.array([2.0, 2.0, 2.0, 1.0]), 2) == np.inf
    assert _boundary(np.array([3.0, 2.0]), 0) == np.inf


def test_earlier_looks_come_out_alike_however_many_complaints_follow(world: Worlds) -> None:
    w = world(4, complaints=12)
    settings = Settings(draws=199, first_draws=199)
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    sets = match(context, w.population, order_sightings(w.sightings, context), settings)
    weight = prior_weights(index, context, sets, settings).weight[0]
    few = look(index, gather_evidence(index, sets[:6]), ((3, 3), (6, 6)), weight, settings)
    whole = gather_evidence(index, sets)
    again = look(index, whole.first(6), ((3, 3), (6, 6)), weight, settings)
    kept = np.isin(whole.actor, gather_evidence(index, sets[:6]).actor)
    assert np.array_equal(few.p, again.p[kept])
    assert np.array_equal(few.crossed, again.crossed[kept])


def test_levels_rise_to_alpha_and_never_beyond() -> None:
    settings = Settings()
    spent = [settings.spent_by(k) for k in settings.looks]
    assert all(a < b for a, b in pairwise(spent))
    assert spent[0] > 0 and spent[-1] < settings.alpha
    assert Settings(looks=()).spent_by(7) == settings.alpha
    with pytest.raises(SettingRefused):
        Settings(looks=(2, 3))


@pytest.mark.parametrize("outside", [0.01, 0.1, 0.5, 0.9, 0.9999])
def test_a_finding_rests_on_the_same_evidence_whatever_was_believed_before(outside: float) -> None:
    settings = Settings(outside_prior=outside)
    least = settings.finding_at
    evidence = least / (1 - least) * outside / (1 - outside)  # for *somebody inside* where all of the rest is his
    assert evidence >= 1 / settings.alpha - 1e-6
    assert least >= 1 / (1 + settings.alpha)
    assert settings.outside_excluded_at >= 1 - least - 1e-9
