"""Risk sets: who stands beside a complainer, and that factors average to 1 over them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import NEVER, Accesses, Actors, Index, Population, SettingRefused, Settings, Sightings, build_index
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.risk import RiskSet, match, order_context, order_sightings
from whosaw.trace.settings import DAY_US

Worlds = Callable[..., Any]


EMPTY = np.empty(0, np.int64)


def index_without_accesses(subjects: int) -> Index:
    accesses = Accesses(EMPTY, EMPTY, EMPTY, np.empty(0, np.bool_))
    return build_index(accesses, Actors(1, np.zeros(1, np.bool_)), subjects)


def sets_of(
    index: Index, population: Population, sightings: Sightings, settings: Settings | None = None
) -> tuple[RiskSet, ...]:
    context = order_context(index, population, int(sightings.contacted_us.min()))
    return match(context, population, order_sightings(sightings, context), settings or Settings())


def days(*values: float) -> np.typing.NDArray[np.int64]:
    return (np.array(values) * DAY_US).astype(np.int64)


@pytest.mark.parametrize("seed", range(5))
def test_every_factor_averages_to_one_over_the_risk_set(world: Worlds, seed: int) -> None:
    w = world(seed)
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    sets = sets_of(index, w.population, w.sightings)
    evidence = gather_evidence(index, sets)
    for i, risk in enumerate(sets):
        assert risk.matched
        as_case = [gather_evidence(index, (replace(risk, subject=int(member)),)) for member in risk.members]
        for h, actor in enumerate(evidence.actor):
            for kind in range(2):
                share = evidence.share[kind, i, h]
                if share == 0:
                    continue
                opened = [
                    bool(e.opened[kind, 0, np.searchsorted(e.actor, actor)]) if actor in e.actor else False
                    for e in as_case
                ]
                assert np.mean([1 + 0.8 * (hit / share - 1) for hit in opened]) == pytest.approx(1.0, abs=1e-12)


def test_the_first_caliper_with_enough_controls_is_used() -> None:
    entered = np.concatenate([days(*np.linspace(9.1, 10.9, 31)), days(*np.linspace(12.5, 40, 200))])
    population = Population(entered, work_subject=np.array([0]), work_at_us=days(99), work_in_context=np.array([True]))
    sightings = Sightings(np.array([15]), days(50))
    (risk,) = sets_of(index_without_accesses(entered.size), population, sightings)
    assert risk.match == "work, 2 d"
    assert set(risk.members) == set(range(31))


def test_too_few_controls_give_way_to_a_coarser_match() -> None:
    entered = np.concatenate([days(*np.linspace(9.1, 10.9, 20)), days(*np.linspace(12.5, 16.5, 20))])
    population = Population(entered, work_subject=np.array([0]), work_at_us=days(99), work_in_context=np.array([True]))
    (risk,) = sets_of(index_without_accesses(40), population, Sightings(np.array([10]), days(50)))
    assert risk.match == "work, 7 d"


def test_matching_compares_work_before_the_contact_only() -> None:
    busy = np.arange(0, 80, 2)
    population = Population(
        days(*np.full(80, 10.0)),
        work_subject=np.concatenate([busy, np.arange(80)]),
        work_at_us=np.concatenate([days(*np.full(40, 11.0)), days(*np.full(80, 60.0))]),
        work_in_context=np.ones(120, np.bool_),
    )
    (risk,) = sets_of(index_without_accesses(80), population, Sightings(np.array([4]), days(50)))
    assert set(risk.members) == set(busy)


def routed(size: int, kinds: int, strata: int) -> Population:
    """Return people with one work item each, of `kinds` kinds in turn, in `strata` regions one after the other."""
    return Population(
        days(*np.full(size, 10.0)),
        work_subject=np.arange(size),
        work_at_us=days(*np.full(size, 11.0)),
        work_in_context=np.ones(size, np.bool_),
        work_kind=np.arange(size) % kinds,
        stratum=np.arange(size) * strata // size,
    )


def test_controls_are_of_the_same_kind_of_work_and_region() -> None:
    (risk,) = sets_of(index_without_accesses(160), routed(160, 2, 2), Sightings(np.array([4]), days(50)))
    assert risk.match == "work, 2 d"
    assert set(risk.members) == set(range(0, 80, 2))


def test_where_too_few_had_that_kind_it_is_let_go_before_the_region() -> None:
    (risk,) = sets_of(index_without_accesses(160), routed(160, 10, 2), Sightings(np.array([4]), days(50)))
    assert risk.match == "work, 28 d, topic free"
    assert set(risk.members) == set(range(80))


def test_the_kind_is_that_of_the_latest_item_before_the_contact() -> None:
    population = routed(80, 2, 1)
    later = days(*np.full(40, 60.0))  # after the contact, the even ones cause work of the other kind
    population = replace(
        population,
        work_subject=np.concatenate([population.work_subject, np.arange(0, 80, 2)]),
        work_at_us=np.concatenate([population.work_at_us, later]),
        work_in_context=np.ones(120, np.bool_),
        work_kind=np.concatenate([np.arange(80) % 2, np.ones(40, np.int64)]),
    )
    (risk,) = sets_of(index_without_accesses(80), population, Sightings(np.array([4]), days(50)))
    assert set(risk.members) == set(range(0, 80, 2))


def test_whoever_complained_before_is_no_control_and_equal_times_stay() -> None:
    population = Population(days(*np.linspace(1, 9, 50)))
    first, second, third = sets_of(
        index_without_accesses(50), population, Sightings(np.array([1, 2, 3]), days(20, 30, 30))
    )
    assert {1, 2, 3} <= set(first.members)
    assert 1 not in second.members and {2, 3} <= set(second.members)
    assert {2, 3} <= set(third.members)


def test_nobody_enters_after_the_contact_and_strangers_never() -> None:
    entered = days(*np.linspace(1, 20, 60))
    entered[7] = NEVER
    (risk,) = sets_of(index_without_accesses(60), Population(entered), Sightings(np.array([0]), days(10)))
    assert 7 not in risk.members
    assert entered[risk.members].max() < days(10)[0]


@pytest.mark.parametrize("subject", [-1, 7, 59], ids=["unknown", "outside the context", "entered too late"])
def test_a_complainer_the_log_cannot_match_has_an_empty_set(subject: int) -> None:
    entered = days(*np.linspace(1, 20, 60))
    entered[7] = NEVER
    sightings = Sightings(np.array([subject, 0]), days(10, 11))
    unmatched, matched = sets_of(index_without_accesses(60), Population(entered), sightings)
    assert not unmatched.matched and matched.matched


def test_a_large_set_is_sampled_the_same_way_every_time_and_keeps_the_case() -> None:
    population = Population(days(*np.linspace(1, 9, 500)))
    settings = Settings(max_controls=100)
    once, twice = (
        sets_of(index_without_accesses(500), population, Sightings(np.array([3]), days(20)), settings)[0]
        for _ in range(2)
    )
    assert once.members.size == 101 and 3 in once.members
    assert np.array_equal(once.members, twice.members)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Settings(alpha=0.0),
        lambda: Settings(looks=(6, 3)),
        lambda: Settings(outside_prior=1.0),
        lambda: Settings(lambda_prior=(1.0,)),
        lambda: Settings(min_complaints=2),
    ],
)
def test_a_setting_that_breaks_the_guarantee_is_refused(make: Callable[[], Settings]) -> None:
    with pytest.raises(SettingRefused, match="cannot be") as refused:
        make()
    assert refused.value.code == "trace.setting"
