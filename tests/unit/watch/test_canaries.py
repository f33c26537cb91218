"""The planner of canaries: exact against another library, monotone, and honest about what it cannot do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from whosaw.watch.canaries import MOST_SHARE, Place, PlanImpossible, Suspected, evidence, plan, power


@given(st.integers(1, 400), st.integers(0, 40), st.integers(0, 400), st.floats(0.01, 1.0))
def test_the_power_is_that_of_drawing_without_replacement(people: int, canaries: int, taken: int, used: float) -> None:
    taken = min(taken, people)
    drawn = hypergeom(people + canaries, canaries, taken)
    missed = sum(float(drawn.pmf(j)) * (1.0 - used) ** j for j in range(min(canaries, taken) + 1))
    assert power(people, canaries, taken, used) == pytest.approx(1.0 - missed, abs=1e-8)


def test_the_power_agrees_with_thefts_played_out() -> None:
    import random

    dice, found = random.Random(7), 0
    for _ in range(4_000):
        drawn = dice.sample(range(530), 60)  # 500 people and 30 canaries
        found += any(each >= 500 and dice.random() < 0.4 for each in drawn)
    assert found / 4_000 == pytest.approx(power(500, 30, 60, 0.4), abs=0.03)


def test_a_plan_has_the_fewest_that_reach_the_power() -> None:
    places = [Place("queue:returns", 12_000), Place("queue:fraud", 800)]
    for each in plan(places, Suspected(taken=200, used=0.5), 0.9):
        assert each.power >= 0.9
        assert power(each.place.people, each.canaries - 1, 200, 0.5) < 0.9
        assert each.share == each.canaries / each.place.people


def test_so_many_that_they_show_are_said_to() -> None:
    (small,) = plan([Place("small", 100)], Suspected(taken=2), 0.9)
    assert small.shows
    (large,) = plan([Place("large", 100_000)], Suspected(taken=2_000), 0.9)
    assert not large.shows
    assert large.share < MOST_SHARE


def test_a_touch_is_never_worth_more_than_its_floor_allows() -> None:
    assert evidence(0.0) == evidence(0.0005) == 500.5
    assert evidence(0.05) == pytest.approx(10.5)
    assert evidence(1.0) == 1.0


@pytest.mark.parametrize(
    ("suspected", "wanted"),
    [
        (Suspected(0), 0.9),
        (Suspected(10, used=0.0), 0.9),
        (Suspected(10), 1.0),
        (Suspected(10), 0.0),
        (Suspected(1_001), 0.5),
        (Suspected(1, used=0.1), 0.9),
        (Suspected(10, innocent=2.0), 0.9),
    ],
)
def test_what_no_number_can_do_is_refused(suspected: Suspected, wanted: float) -> None:
    with pytest.raises(PlanImpossible):
        plan([Place("queue", 1_000)], suspected, wanted)
