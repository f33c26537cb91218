"""Canaries, known sources, uncertain contacts, shared accounts, groups: what they may and may not change."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import GUESSABLE_ODDS, UNIQUE_ODDS, InputRefused, Marks, Rung, Settings, Sightings, Verdict, attribute
from whosaw.trace.settings import DAY_US

Worlds = Callable[..., Any]


def marks(subject: int, at_us: int, odds: float = UNIQUE_ODDS) -> Marks:
    return Marks(np.array([subject]), np.array([at_us]), np.array([odds]), np.array([-1]))


def odds_of(answer: Any, actor: int) -> float:
    p = sum(c.probability for c in answer.candidates if c.actors == (actor,))
    return float(p / (1 - p))


def a_few(w: Any, complaints: int) -> Sightings:
    order = np.argsort(w.sightings.contacted_us)[:complaints]
    return Sightings(w.sightings.subject[order], w.sightings.contacted_us[order])


def test_a_guessable_canary_multiplies_the_odds_by_at_most_twenty(world: Worlds) -> None:
    w = world(11, complaints=4, noise=0.0)
    canary = int(next(iter(w.leaked - set(w.sightings.subject.tolist()))))
    plain = attribute(w.accesses, w.population, w.sightings, w.actors)
    guessed = attribute(
        w.accesses, w.population, w.sightings, w.actors, marks=marks(canary, 80 * DAY_US, GUESSABLE_ODDS)
    )
    before, after = odds_of(plain, w.leaker), odds_of(guessed, w.leaker)
    assert before < after <= before * GUESSABLE_ODDS * (1 + 1e-9)


def test_a_canary_that_one_actor_alone_opened_decides_between_equals(world: Worlds) -> None:
    w = world(12, complaints=3, noise=0.0)
    unseen = np.setdiff1d(np.arange(w.population.entered_us.size), w.accesses.subject[w.accesses.actor != 0])
    canary = int(unseen[0])
    w = w.opened(w.leaker, canary, 40 * DAY_US)
    plain = attribute(w.accesses, w.population, w.sightings, w.actors)
    hit = attribute(w.accesses, w.population, w.sightings, w.actors, marks=marks(canary, 70 * DAY_US))
    assert hit.candidates[0].actors == (w.leaker,)
    assert hit.candidates[0].marks == 1
    assert hit.candidates[0].probability > max(0.97, plain.candidates[0].probability)


def test_openings_after_the_canary_turned_up_do_not_count(world: Worlds) -> None:
    w = world(12, complaints=4, noise=0.0)
    other = (w.leaker % (w.actors.count - 1)) + 1
    unseen = np.setdiff1d(np.arange(w.population.entered_us.size), w.accesses.subject[w.accesses.actor != 0])
    w = w.opened(other, int(unseen[0]), 71 * DAY_US)
    hit = attribute(w.accesses, w.population, w.sightings, w.actors, marks=marks(int(unseen[0]), 70 * DAY_US))
    assert all(c.marks == 0 for c in hit.candidates)
    assert any("nobody on record had opened" in lacking for lacking in hit.missing)


def test_a_canary_alone_without_a_complaint_ranks_nobody(world: Worlds) -> None:
    w = world(12, complaints=3)
    none = Sightings(np.empty(0, np.int64), np.empty(0, np.int64))
    answer = attribute(w.accesses, w.population, none, w.actors, marks=marks(0, 70 * DAY_US))
    assert answer.candidates == () and answer.verdict is Verdict.UNDECIDED


def test_complaints_that_other_sources_explain_move_nobody(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    explained = replace(w.sightings, trust=np.zeros(12))
    answer = attribute(w.accesses, w.population, explained, w.actors)
    assert answer.verdict is not Verdict.FINDING
    assert all(c.e_value == pytest.approx(1.0) for c in answer.candidates)
    half = attribute(w.accesses, w.population, replace(w.sightings, trust=np.full(12, 0.5)), w.actors)
    full = attribute(w.accesses, w.population, w.sightings, w.actors)
    assert half.candidates[0].actors == full.candidates[0].actors
    assert half.outside_probability > full.outside_probability


def test_where_the_contact_is_uncertain_only_what_surely_preceded_it_counts(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    unsure = replace(w.sightings, uncertain_us=np.full(12, 2 * DAY_US))
    sure = replace(w.sightings, contacted_us=w.sightings.contacted_us - 2 * DAY_US)
    answers = [attribute(w.accesses, w.population, s, w.actors) for s in (unsure, sure)]
    assert answers[0].candidates == answers[1].candidates


def test_a_shared_account_is_a_group_and_never_named(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    shared = replace(w.actors, shared=np.arange(w.actors.count) == w.leaker)
    answer = attribute(w.accesses, w.population, w.sightings, shared)
    assert answer.verdict is Verdict.GROUP
    assert answer.candidates[0].shared and answer.candidates[0].rung is Rung.NO_SIGNAL
    assert answer.scope.certain == ()


def test_a_site_may_be_named_where_nobody_alone_can(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    label = np.arange(w.actors.count) % 3
    answer = attribute(w.accesses, w.population, w.sightings, replace(w.actors, label=label))
    assert answer.groups[0].label == label[w.leaker]
    assert answer.groups[0].probability >= answer.candidates[0].probability - 1e-9
    assert answer.groups[0].prior < 0.9
    assert {g.label for g in answer.groups} <= {0, 1, 2}


def test_other_base_rates_move_every_probability_alike(world: Worlds) -> None:
    answer = world(5, complaints=5).answer()
    outside, same = answer.at_base_rate(1 - answer.method.outside_mass)
    assert outside == pytest.approx(answer.outside_probability)
    assert same[0] == pytest.approx(answer.candidates[0].probability)
    rare, often = answer.at_base_rate(1e-4), answer.at_base_rate(0.9)
    assert rare[0] > outside > often[0]
    assert rare[1][0] < same[0] < often[1][0]


def test_what_would_decide_it_shrinks_as_complaints_come_in(world: Worlds) -> None:
    from whosaw.trace import build_index, evidence_over_time

    w = world(3, complaints=12, noise=0.0)
    few = attribute(w.accesses, w.population, a_few(w, 3), w.actors)
    many = w.answer()
    assert many.candidates[0].outlook.to_finding == 0
    assert many.candidates[0].outlook.to_clear > 1
    own = next(c for c in few.candidates if c.actors == (w.leaker,))
    assert own.outlook.reachable and own.outlook.to_finding is not None
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    steps = evidence_over_time(index, w.population, w.sightings)
    assert [step.complaints for step in steps] == list(range(3, 13))
    assert steps[-1].actor == w.leaker and steps[-1].outside < steps[0].outside


def test_whoever_opened_most_of_everything_is_told_up_front(world: Worlds) -> None:
    w = world(2, complaints=6)
    for subject in range(0, w.population.entered_us.size, 1):
        if subject % 10 < 8:
            w = w.opened(5, subject, int(w.population.entered_us[subject]) + 1)
    answer = w.answer()
    assert 5 in answer.unreachable
    assert any("can never name them" in lacking for lacking in answer.missing)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trust": np.array([2.0] * 4)},
        {"trust": np.array([0.5])},
        {"uncertain_us": np.array([-1] * 4)},
        {"uncertain_us": np.array([1])},
    ],
)
def test_impossible_sightings_are_refused(world: Worlds, wrong: dict[str, Any]) -> None:
    w = world(0, complaints=4)
    with pytest.raises(InputRefused):
        attribute(w.accesses, w.population, replace(w.sightings, **wrong), w.actors)


def test_impossible_marks_are_refused(world: Worlds) -> None:
    w = world(0, complaints=4)
    for mark in (marks(0, 1, 0.5), marks(0, 1, np.inf), marks(10_000, 1)):
        with pytest.raises(InputRefused):
            attribute(w.accesses, w.population, w.sightings, w.actors, Settings(), marks=mark)


def test_a_canary_leaves_whoever_opened_it_among_those_not_excluded(world: Worlds) -> None:
    for seed in range(12, 18):
        w = world(seed, complaints=4, noise=0.0)
        unseen = np.setdiff1d(np.arange(w.population.entered_us.size), w.accesses.subject[w.accesses.actor != 0])
        canary = int(unseen[0])
        w = w.opened(w.leaker, canary, 40 * DAY_US)
        hit = attribute(
            w.accesses, w.population, w.sightings, w.actors, Settings(complete=True), marks=marks(canary, 70 * DAY_US)
        )
        assert hit.not_excluded == (w.leaker,)
        assert hit.scope.bounded
        assert w.leaked <= set(hit.scope.certain) | set(hit.scope.probable) | set(hit.scope.possible)
