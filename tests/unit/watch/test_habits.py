"""Somebody's own past: a lasting trait is no news, a change is; an old tie is told from a new one."""

import numpy as np
import pytest

from whosaw.watch.detector import detect, threshold
from whosaw.watch.habits import past_of, past_until
from whosaw.watch.nulls import HABIT_MOST, Strata, habits
from whosaw.watch.signals import Counts, weigh, weigh_month, weigh_weeks

PEOPLE, WEEKS = 400, 26


def weeks(rng: np.random.Generator, trait: np.ndarray, change: np.ndarray | None = None) -> Counts:
    """Return weekly counts of 30 trials at 7 % times each one's lasting trait; `change` multiplies the last 8 weeks."""
    period, actor = np.divmod(np.arange(WEEKS * PEOPLE), PEOPLE)
    rate = 0.07 * trait[actor]
    if change is not None:
        rate = np.where(period >= WEEKS - 8, rate * change[actor], rate)
    of = np.full(actor.size, 30)
    return Counts(actor, period, rng.binomial(of, np.minimum(rate, 0.9)), of)


def found(counts: Counts, log_e: np.ndarray) -> np.ndarray:
    """Return who ever reaches the level of a case at one false case a month."""
    week = np.zeros((WEEKS, PEOPLE))
    week[counts.period, counts.actor] = log_e
    return np.flatnonzero((detect(week) >= np.log(threshold(PEOPLE, 1.0))).any(axis=0))


def test_a_lasting_trait_accuses_nobody_where_peers_alone_would() -> None:
    rng = np.random.default_rng(1)
    trait = rng.lognormal(-0.125, 0.5, PEOPLE)
    counts = weeks(rng, trait)
    strata = Strata({"role": counts.actor * 0})
    assert found(counts, weigh(counts, strata).log_e).size >= 5  # the surprise of every week, multiplied
    assert found(counts, weigh_weeks(counts, strata).log_e).size == 0


def test_a_change_of_somebody_is_found_whatever_he_was_before() -> None:
    rng = np.random.default_rng(2)
    trait = rng.lognormal(-0.125, 0.5, PEOPLE)
    change = np.ones(PEOPLE)
    change[:20] = 5.0
    counts = weeks(rng, trait, change)
    guilty = found(counts, weigh_weeks(counts, Strata({"role": counts.actor * 0})).log_e)
    assert set(guilty.tolist()) <= set(range(20)) and guilty.size >= 12


def test_care_in_the_past_is_never_held_against_anybody() -> None:
    rng = np.random.default_rng(3)
    trait = np.ones(PEOPLE)
    trait[0] = 0.05
    change = np.ones(PEOPLE)
    change[0] = 20.0  # who was careful does for once as others do
    counts = weeks(rng, trait, change)
    log_e = weigh_weeks(counts, Strata({"role": counts.actor * 0})).log_e
    assert found(counts, log_e).size == 0


def test_no_week_learns_from_itself_or_a_later_one() -> None:
    actor, period = np.array([1, 0, 1, 0, 1]), np.array([2, 0, 0, 5, 1])
    seen, expected = np.array([4, 1, 2, 8, 1]), np.array([0.5, 1.0, 2.0, 0.25, 3.0])
    past = past_of(actor, period, seen, expected)
    assert past.seen.tolist() == [3.0, 0.0, 0.0, 1.0, 2.0] and past.expected.tolist() == [5.0, 0.0, 0.0, 1.0, 2.0]
    before = past_until(actor, period, seen, expected, 2, np.array([1, 0, 3]))
    assert before.seen.tolist() == [3.0, 1.0, 0.0] and before.expected.tolist() == [5.0, 1.0, 0.0]


def test_a_month_is_weighed_beside_the_weeks_before_it() -> None:
    rng = np.random.default_rng(4)
    trait = rng.lognormal(-0.125, 0.5, PEOPLE)
    counts = weeks(rng, trait)
    strata = Strata({"role": counts.actor * 0})
    late = counts.period >= WEEKS - 4
    month = Counts(
        np.arange(PEOPLE),
        np.zeros(PEOPLE, np.int64),
        np.bincount(counts.actor[late], counts.seen[late]).astype(np.int64),
        np.bincount(counts.actor[late], counts.of[late]).astype(np.int64),
    )
    whole = Strata({"role": month.actor * 0})
    e = np.exp(weigh_month(month, whole, (counts, weigh_weeks(counts, strata), WEEKS - 4)).log_e)
    assert e.mean() <= 1.05 and (e >= 100).mean() <= 0.01


def test_rare_things_of_a_small_group_are_no_evidence_against_a_guess() -> None:
    rng = np.random.default_rng(5)
    means = []
    for _ in range(20):
        actor = np.arange(600)
        counts = Counts(actor, actor * 0, rng.binomial(13, 0.004, 600), np.full(600, 13))
        means.append(float(np.exp(weigh(counts, Strata({"role": actor * 0, "queue": actor % 30})).log_e).mean()))
    assert np.mean(means) <= 1.05


def test_a_habit_is_the_share_it_had_and_never_more_than_a_fifth() -> None:
    actor, key = np.array([0, 0, 0, 1, 1]), np.array([4, 4, 2, 4, 4])
    pair, share = habits(actor, key, np.array([38, 4]), 10)
    assert pair.tolist() == [2, 4, 14]
    assert np.allclose(share, [1 / 40, 2 / 40, HABIT_MOST])


def test_the_longer_the_record_the_less_a_single_meeting_tells_and_a_tie_stays() -> None:
    who, whom, events = np.array([0, *[1] * 6]), np.array([4, *[4] * 6]), np.array([58, 58])
    for once, single, tie in ((0.0, 1 / 60, 6 / 60), (0.5, 0.5 / 60, 5.5 / 60), (1.0, 0.0, 5 / 60)):
        pair, share = habits(who, whom, events, 10, once)
        assert pair.tolist() == [4, 14] and share == pytest.approx([single, tie])
