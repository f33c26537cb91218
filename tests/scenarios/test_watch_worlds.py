"""Watch on drawn worlds: power of the beneficiary scan and false alarms, the null estimated from the log."""

import functools
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "watch"


@pytest.fixture(scope="module")
def sellers():
    if str(BENCH) not in sys.path:
        sys.path.insert(0, str(BENCH))
    return importlib.import_module("sellers")


@pytest.fixture(scope="module")
def ground(sellers):
    """The marketplace with what a log of it teaches, drawn once for each rate of unexplained accesses."""
    return functools.cache(functools.partial(sellers.ground, 1))


@pytest.mark.parametrize(
    ("unexplained", "bribed", "least"), [(3.0, 5, 0.65), (3.0, 8, 0.92), (12.0, 5, 0.5), (12.0, 8, 0.8)]
)
def test_a_bribed_month_is_found_with_shares_learned_from_the_log(sellers, ground, unexplained, bribed, least) -> None:
    base = ground(unexplained)
    learned, told = sellers.power(base, np.random.default_rng(7), unexplained, bribed)
    assert learned >= least
    assert told - learned < 0.03  # what not knowing the true shares costs


def test_no_innocent_month_reaches_the_level_and_evidence_averages_one(sellers, ground) -> None:
    base = ground(3.0)
    false, mean = sellers.innocent(base, np.random.default_rng(8), 3.0)
    assert false <= 1 and mean <= 1.05


def test_a_slow_bribe_is_found_by_the_detector(sellers, ground) -> None:
    found = sellers.slow(ground(3.0), np.random.default_rng(9))
    assert found[8] >= 0.75 and found[12] >= 0.88


def test_hidden_honest_ties_are_told_from_bribes_by_explained_work(sellers, ground) -> None:
    plain, known, _ = sellers.hidden_ties(ground(12.0), np.random.default_rng(10), count=5_000)
    assert known <= 5 < plain


def test_ties_that_no_work_shows_are_told_from_new_bribes_by_what_was_normal_before(sellers, ground) -> None:
    base, rng = ground(12.0), np.random.default_rng(11)
    plain, _, habit = sellers.hidden_ties(base, rng, count=5_000)
    assert habit <= 10 < plain  # at most 0.2 % of the months of people who all have such a tie
    assert sellers.power_beside_habits(base, rng, 12.0, 8) >= 0.8


def test_bought_deletions_are_found_and_who_cleans_up_stays_clear() -> None:
    if str(BENCH) not in sys.path:
        sys.path.insert(0, str(BENCH))
    module = importlib.import_module("bought")
    hits, false, clear = module.judged(module.moderated(1))
    assert hits >= 14 and false <= 2 and clear
