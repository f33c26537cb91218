"""Scope: disjoint tiers, a bound only where one can be stated, and recall of what was really sold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from whosaw.trace import NEVER, Rung, Settings, Verdict, attribute

Worlds = Callable[..., Any]


COMPLETE = Settings(complete=True)


def test_tiers_are_disjoint_and_their_sizes_add_up_to_the_bound(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    scope = w.answer(COMPLETE).scope
    tiers = [set(scope.certain), set(scope.probable), set(scope.possible)]
    assert scope.bounded
    assert scope.bound == sum(map(len, tiers)) == len(set.union(*tiers))
    assert tiers[0] == set(w.sightings.subject)
    assert w.leaked <= set.union(*tiers)


def test_most_of_what_was_sold_is_certain_or_probable_and_all_of_it_within_the_bound(world: Worlds) -> None:
    recalls, covered, asked = [], 0, 0
    for seed in range(25):
        w = world(seed, complaints=12)
        answer = w.answer(COMPLETE)
        if answer.verdict is not Verdict.FINDING:
            continue
        asked += 1
        scope = answer.scope
        told = set(scope.certain) | set(scope.probable)
        recalls.append(len(told & w.leaked) / len(w.leaked))
        covered += w.leaked <= told | set(scope.possible)
    assert asked >= 15
    assert np.mean(recalls) >= 0.95
    assert covered >= 0.95 * asked


def test_without_a_complete_log_no_bound_is_stated(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    answer = w.answer()
    assert answer.verdict is Verdict.FINDING
    assert not answer.scope.bounded and answer.scope.bound is None
    assert any("not known to be complete" in lacking for lacking in answer.missing)


def test_where_nobody_is_named_nothing_is_in_scope(world: Worlds) -> None:
    answer = world(1, complaints=12, insider=False).answer(COMPLETE)
    assert all(c.rung is Rung.NO_SIGNAL for c in answer.candidates)
    assert (answer.scope.certain, answer.scope.probable, answer.scope.bounded) == ((), (), False)


def test_subjects_outside_the_context_are_never_in_scope(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    outside = np.setdiff1d(np.arange(w.population.entered_us.size), w.sightings.subject)[::3]
    entered_us = w.population.entered_us.copy()
    entered_us[outside] = NEVER
    scope = attribute(w.accesses, replace(w.population, entered_us=entered_us), w.sightings, w.actors, COMPLETE).scope
    assert scope.probable
    assert not set(outside) & (set(scope.certain) | set(scope.probable) | set(scope.possible))


def test_two_leakers_are_covered_together(world: Worlds) -> None:
    w = world(3, complaints=24, noise=0.0)
    other = (w.leaker % (w.actors.count - 1)) + 1
    a = w.accesses
    sold = np.array(sorted(w.leaked))[::2]
    actor = a.actor.copy()
    actor[(a.actor == w.leaker) & np.isin(a.subject, sold)] = other
    answer = attribute(replace(a, actor=actor), w.population, w.sightings, w.actors, COMPLETE)
    assert {answer.candidates[0].actors, answer.candidates[1].actors} == {(w.leaker,), (other,)}
    scope = answer.scope
    if scope.bounded:
        assert w.leaked <= set(scope.certain) | set(scope.probable) | set(scope.possible)
