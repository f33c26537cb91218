"""Several beneficiaries share the stated rate; later starts and rings keep what the weights promise."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import Settings, build_index
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.posterior import no_marks, outside_mass, weigh
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.several import rank_each
from whosaw.trace.weights import prior_weights

Worlds = Callable[..., Any]


def parts_of(w: Any, settings: Settings) -> tuple[Any, Any]:
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    sets = match(context, w.population, order_sightings(w.sightings, context), settings)
    evidence = gather_evidence(index, sets)
    return evidence, prior_weights(index, context, sets, settings)


def test_every_question_gets_its_part_of_alpha(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    both = rank_each(index, {"S-1": (w.population, w.sightings), "S-2": (w.population, w.sightings)})
    assert {answer.method.settings.alpha for answer in both.values()} == {0.025}
    assert both["S-1"] == both["S-2"]
    assert both["S-1"].method.settings.finding_at > Settings().finding_at


def test_weights_sum_to_one_at_every_start_and_services_have_none(world: Worlds) -> None:
    w = world(4, complaints=12)
    _, prior = parts_of(w, Settings())
    assert prior.starts == (0, 3, 6)
    assert np.allclose(prior.weight.sum(axis=1), 1.0)
    assert (prior.weight[:, w.actors.service] == 0).all()
    assert prior.share.sum() < 1.0 and prior.ring_share.sum() < 1.0


def test_what_has_not_started_counts_with_nobody_inside(world: Worlds) -> None:
    w = world(4, complaints=12)
    settings = Settings()
    _, prior = parts_of(w, settings)
    early = outside_mass(prior.started_by(3), settings)
    late = outside_mass(prior, settings)
    rings = settings.pair_share + settings.trio_share
    waiting = (1 - rings) * settings.later_share + rings * settings.ring_later_share
    assert early == pytest.approx(settings.outside_prior + (1 - settings.outside_prior) * waiting)
    assert settings.outside_prior < late < early
    assert outside_mass(prior, replace(settings, later_share=0.0, ring_later_share=0.0)) == pytest.approx(late)


def test_the_evidence_for_somebody_inside_averages_to_at_most_one_under_exchangeability(world: Worlds) -> None:
    """Redraw every complainer from its risk set: the mean of the whole mixture may not exceed its start."""
    w = world(6, complaints=6, insider=False)
    settings = Settings()
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    sets = match(context, w.population, order_sightings(w.sightings, context), settings)
    prior = prior_weights(index, context, sets, settings)
    generator, totals = np.random.default_rng(2), []
    for _ in range(150):
        drawn = tuple(replace(risk, subject=int(generator.choice(risk.members))) for risk in sets)
        evidence = gather_evidence(index, drawn)
        said = weigh(evidence.ratio, evidence.trust, prior.of(evidence.actor), settings, no_marks(evidence.actor.size))
        totals.append(np.exp(said.log_z))
    assert np.mean(totals) <= 1.0 + 3 * np.std(totals) / np.sqrt(150)


def test_two_leakers_who_take_turns_are_both_named(world: Worlds) -> None:
    w = world(3, complaints=24, noise=0.0)
    other = (w.leaker % (w.actors.count - 1)) + 1
    a = w.accesses
    sold = np.array(sorted(w.leaked))
    actor = a.actor.copy()
    actor[(a.actor == w.leaker) & np.isin(a.subject, sold[::2])] = other
    answer = replace(w, accesses=replace(a, actor=actor)).answer()
    assert answer.several > 0.95
    assert {c.actors for c in answer.candidates[:2]} == {(w.leaker,), (other,)}
