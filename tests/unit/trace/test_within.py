"""Who of those inside: shared out by more of the likelihood than bets may use, and no rung opened by it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import Accesses, Actors, Duties, Marks, Population, Settings, Sightings, build_index
from whosaw.trace.confidence import not_excluded
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.rungs import climb
from whosaw.trace.scope import Question
from whosaw.trace.settings import DAY_US
from whosaw.trace.view import View, take

Worlds = Callable[..., Any]


def seen(accesses: Accesses, population: Population, sightings: Sightings, actors: Actors) -> tuple[Any, Any, View]:
    settings = Settings()
    index = build_index(accesses, actors, population.entered_us.size)
    context = order_context(index, population, int(sightings.contacted_us.min()))
    question = Question(index, context, order_sightings(sightings, context))
    sets = match(context, population, question.sightings, settings)
    return index, sets, take(question, sets, (Marks(), Duties()), settings)


def of(world: Any) -> tuple[Any, Any, View]:
    return seen(world.accesses, world.population, world.sightings, world.actors)


def test_sharing_out_moves_nothing_between_inside_and_outside(world: Worlds) -> None:
    for seed in range(8):
        _, _, view = of(world(seed, complaints=8, insider=seed % 2 == 0))
        assert view.posterior.outside == pytest.approx(view.bets.outside, rel=1e-9)
        assert view.posterior.single.sum() == pytest.approx(view.bets.single.sum(), rel=1e-9)
        assert view.posterior.several == pytest.approx(view.bets.several, rel=1e-9)
        assert (view.agreed <= view.bets.marginal).all()
        assert not np.allclose(view.posterior.single, view.bets.single)


def one_quarter_or_all_year() -> tuple[Accesses, Population, Sightings, Actors]:
    """A year of three entries a day: one works in the last quarter alone, one all year and opened the same there."""
    entered = np.sort(np.random.default_rng(3).uniform(0, 360, 1080))
    rng = np.random.default_rng(4)
    last, all_year = np.flatnonzero(entered > 270), np.arange(1080)
    half = rng.choice(last, last.size // 2, replace=False)
    elsewhere = rng.choice(np.flatnonzero(entered <= 210), 400, replace=False)
    rows = [(0, half), (1, np.concatenate([half, elsewhere]))]
    rows += [(actor, rng.choice(all_year, 300, replace=False)) for actor in range(2, 12)]
    actor = np.concatenate([np.full(subjects.size, who) for who, subjects in rows])
    subject = np.concatenate([subjects for _, subjects in rows])
    at_us = (entered[subject] * DAY_US).astype(np.int64) + 60_000_000 * (1 + actor)
    victims = rng.choice(half, 6, replace=False)
    contact = (entered[victims] * DAY_US).astype(np.int64) + 3 * DAY_US
    return (
        Accesses(actor, subject, at_us, np.zeros(actor.size, np.bool_), has_reasons=False),
        Population((entered * DAY_US).astype(np.int64)),
        Sightings(victims, contact),
        Actors(12, np.zeros(12, np.bool_)),
    )


def test_when_somebody_worked_at_all_decides_between_two_whom_the_bets_cannot_tell_apart() -> None:
    index, sets, view = seen(*one_quarter_or_all_year())
    place = {int(actor): at for at, actor in enumerate(view.evidence.actor)}
    bets = view.bets.log_e[[place[0], place[1]]]
    assert bets[0] == pytest.approx(bets[1], abs=1e-9)
    short, long = (view.posterior.single[place[who]] for who in (0, 1))
    assert short > 5 * long
    # and he had opened nothing when the first complaint came in but what is in the last quarter: no rung by that alone
    assert not climb(index, sets, view, Settings()).finding.any()


def test_a_rung_needs_both_posteriors(world: Worlds) -> None:
    index, sets, view = of(world(3, complaints=12, noise=0.0))
    assert climb(index, sets, view, Settings()).finding.sum() == 1
    for which, factor, leads in (("bets", 0.9, 0), ("posterior", 0.9, 1), ("posterior", 0.7, 0)):
        doubted = replace(getattr(view, which), marginal=getattr(view, which).marginal * factor)
        rungs = climb(index, sets, replace(view, **{which: doubted}), Settings())
        assert not rungs.finding.any() and rungs.lead.sum() == leads


def test_an_only_leaker_is_weighed_against_others_inside_and_stays_in_the_set(world: Worlds) -> None:
    smaller = bounded = 0
    for seed in range(30):
        w = world(seed, complaints=8)
        _, _, view = of(w)
        settings = Settings()
        if view.bets.outside > settings.outside_excluded_at:
            continue
        mean = (view.bets.log_z, view.bets.log_inside(settings))
        assert mean[1] > mean[0]
        narrow, wide = (not_excluded(view.evidence.ratio, each, 0.05) for each in (mean, (mean[0], mean[0])))
        if wide.everybody:
            continue
        bounded += 1
        assert set(narrow.alone.tolist()) <= set(wide.alone.tolist())
        assert w.leaker in view.evidence.actor[narrow.alone]
        smaller += narrow.alone.size < wide.alone.size
    assert bounded >= 10 and smaller >= 1
