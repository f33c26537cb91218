"""Watch on real logs: what is explained, whom it would wrongly accuse, and what it finds."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench" / "watch"


def bench(name: str, file: str) -> ModuleType:
    """Return a module of bench/watch; skip where its real log is absent."""
    if str(BENCH) not in sys.path:
        sys.path.insert(0, str(BENCH))
    logs = importlib.import_module("logs")
    if not (logs.datasets() / file).exists():
        pytest.skip(f"`{file}` is not in `{logs.datasets()}`; set WHOSAW_DATASETS to the folder that holds it")
    return importlib.import_module(name)


@pytest.mark.real_data
def test_real_work_is_explained_and_random_look_ups_are_not() -> None:
    module = bench("explaining", "bpic2012_loan_worklog.csv.gz")
    found = module.measure(importlib.import_module("logs").bank_log())
    assert found.real.explained.mean() >= 0.985
    assert found.snoops.explained.mean() <= 0.08
    assert found.fresh.explained.mean() <= 0.20
    # nearly no random look-up is excused whole
    assert (found.snoops.excuse == 1.0).mean() < 0.01


@pytest.mark.real_data
def test_a_help_desks_honest_ties_accuse_almost_nobody_and_moved_cases_are_found() -> None:
    desk = bench("desk", "helpdesk_italy.csv.gz").measure(trials=60)
    assert desk.pairs == 7_429
    assert desk.innocent <= 1 < desk.naive
    assert desk.top5 / desk.trials >= 0.5


@pytest.mark.real_data
def test_a_banks_deciders_are_not_flagged_and_twenty_bribed_decisions_are_found() -> None:
    found = bench("deciding", "bpic2012_loan_worklog.csv.gz").measure(trials=76)
    assert found.decisions == 8_252 and found.deciders == 40
    assert found.flagged == 0 < found.naive
    assert found.found / found.trials >= 0.8


@pytest.mark.real_data
def test_rings_injected_into_a_real_review_graph_are_found() -> None:
    rings = bench("bought", "yelpchi_graph_labels.txt.gz").injected_rings(seed=2)
    assert rings.recall >= 0.9 and rings.precision >= 0.8


@pytest.mark.real_data
def test_the_graph_alone_ranks_filtered_reviews_no_better_than_one_line() -> None:
    module = bench("bought", "yelpchi_graph_labels.txt.gz")
    reviews, truth = module.yelp()
    tuned = np.isin(reviews.target, np.random.default_rng(1).permutation(201)[:100])
    plain = module.lone_author_score(reviews)
    told = module.ceiling(reviews, truth, tuned)
    assert module.auc(plain[~tuned], truth[~tuned]) >= 0.745
    # even a score that was told half of the labels gains less than 0.02: the graph does not carry more
    assert module.auc(told[~tuned], truth[~tuned]) - module.auc(plain[~tuned], truth[~tuned]) < 0.02
