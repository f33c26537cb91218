"""A whole firm in which nobody is bribed, all signals together: how many become a case, and what evidence averages."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whosaw.watch.groups import MOST, group_rates
from whosaw.watch.settings import WatchSettings

BENCH = Path(__file__).resolve().parents[2] / "bench" / "watch"


@pytest.fixture(scope="module")
def drawn():
    if str(BENCH) not in sys.path:
        sys.path.insert(0, str(BENCH))
    firm, innocent = importlib.import_module("firm"), importlib.import_module("innocent")
    size = replace(firm.Size(), people=300, sellers=300, customers=9_000, weeks=70, explained=30.0, hidden=0.1)
    made = firm.Firm(11, size)
    return made, innocent.two_years(made, WatchSettings(), months=4, permute_every=2)


@pytest.fixture
def counted(drawn):
    return drawn[1]


def test_no_innocent_person_of_a_whole_firm_becomes_a_case(counted) -> None:
    assert counted.months == 1_200
    assert len(counted.cases) <= 1  # f = 0.2 a month allows 0.8 in four months
    assert counted.review <= 12  # 100 : 1 at most once in a hundred
    assert counted.selected == 0


def test_every_signal_runs_and_evidence_of_permuted_people_averages_one(counted) -> None:
    means = counted.means(counted.null)
    every = {"beneficiary", "volume", "harm", "decisions", "picks", "canary", "sharing", "together"}
    assert set(means) == every | {"all"}
    assert means["all"] <= 1.05
    for name in every:
        bounded = np.minimum(np.concatenate(counted.null[name]), 100.0)
        assert bounded.mean() <= 1.05 + 3 * bounded.std() / np.sqrt(bounded.size), name


def test_no_site_employer_role_part_time_or_night_shift_is_accused_oftener_than_stated(drawn) -> None:
    """Nobody is bribed, so whoever reaches the review tier is a false one; groups differ in what their people do."""
    made, counted = drawn
    groups = made.groups()
    assert set(groups) == {"region", "employer", "role", "part_time", "shift"}
    for evidence in (counted.real["all"], counted.null["all"]):
        reached = np.sum([month >= 100.0 for month in evidence], axis=0)
        rates = group_rates(reached, len(evidence), groups, 0.01)
        assert {each.attribute for each in rates} == set(groups)
        for each in rates:
            assert not each.above, each
            assert each.people < 200 or each.reached <= MOST * 0.01 * each.people, each
