"""Calibration: the curve recovers a known distortion, and an invented leak is what it says it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from whosaw.app.calibration import calibrate
from whosaw.trace import InputRefused, Settings
from whosaw.trace.planting import ground_of, plant_leaker, plant_nobody
from whosaw.trace.platt import brier, calibration_error, fit_scale

Worlds = Callable[..., Any]


def test_a_known_distortion_is_undone() -> None:
    generator = np.random.default_rng(1)
    true_p = generator.uniform(0.01, 0.99, 20_000)
    outcome = generator.random(20_000) < true_p
    logit = np.log(true_p / (1 - true_p))
    shy = 1 / (1 + np.exp(-(logit - 2) / 2.5))
    scale = fit_scale(shy[:10_000], outcome[:10_000])
    assert calibration_error(shy[10_000:], outcome[10_000:]) > 0.1
    assert calibration_error(scale.apply(shy[10_000:]), outcome[10_000:]) < 0.02
    assert brier(scale.apply(shy), outcome) < brier(shy, outcome)


def test_probabilities_of_zero_and_one_are_taken() -> None:
    stated = np.array([0.0, 0.0, 1.0, 1.0] * 10)
    scale = fit_scale(stated, np.array([False, False, True, True] * 10))
    assert 0 < scale.apply(np.array([0.0]))[0] < 0.1 < 0.9 < scale.apply(np.array([1.0]))[0] < 1


def test_a_scale_needs_both_outcomes() -> None:
    with pytest.raises(InputRefused):
        fit_scale(np.array([0.5, 0.6]), np.array([True, True]))


def test_an_invented_leaker_had_opened_whom_he_passed_on_and_nobody_of_the_real_list_complains(world: Worlds) -> None:
    w = world(3, complaints=8)
    ground = ground_of(w.accesses, w.population, w.sightings, w.actors)
    for seed in range(20):
        planted = plant_leaker(ground, np.random.default_rng(seed))
        assert planted.sightings.subject.size == 8
        assert np.unique(planted.sightings.subject).size == 8
        assert not w.actors.service[planted.leaker]
        log = planted.accesses
        opened = [
            ((log.actor == planted.leaker) & (log.subject == s) & (log.at_us < t)).any()
            for s, t in zip(planted.sightings.subject, planted.sightings.contacted_us, strict=True)
        ]
        assert sum(opened) >= 4
        assert not set(planted.sightings.subject) & set(w.sightings.subject)
        nobody = plant_nobody(ground, np.random.default_rng(seed))
        assert nobody.leaker == -1
        assert (w.population.entered_us[nobody.sightings.subject] < nobody.sightings.contacted_us).all()


def test_a_log_calibrates_itself(world: Worlds) -> None:
    w = world(3, complaints=8)
    ground = ground_of(w.accesses, w.population, w.sightings, w.actors)
    made = calibrate(ground, Settings(draws=99, first_draws=99), draws=12)
    assert made.scale is not None and made.draws == 12 and made.complaints == 8
    assert made.rates["nobody_finding"] == 0
    assert made.rates["leak_first"] >= 0.6
    assert made.told()["rates"] == made.rates
