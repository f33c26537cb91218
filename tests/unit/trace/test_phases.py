"""Rings who take turns: the recursion is the sum over all paths, and the bet stays fair."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from whosaw.trace.confidence import not_excluded
from whosaw.trace.phases import CHANGES, PHASE_SHARES, turns


def by_paths(ratios: list[np.ndarray], share: float) -> float:
    """Sum over every path of who sells at which complaint."""
    members, complaints = len(ratios), len(ratios[0])
    states = [*np.eye(members), np.full(members, 1 / members)]
    total = 0.0
    for path in product(range(len(states)), repeat=complaints):
        term = 1 / len(states)
        for before, after in pairwise(path):
            term *= (1 - CHANGES) * (before == after) + CHANGES / len(states)
        for k, state in enumerate(path):
            term *= 1 + share * sum(part * (ratio[k] - 1) for part, ratio in zip(states[state], ratios, strict=True))
        total += term
    return total


@pytest.mark.parametrize("members", [2, 3])
def test_the_recursion_is_the_sum_over_all_paths(members: int) -> None:
    generator = np.random.default_rng(members)
    ratios = [generator.choice([0.0, 1.0, 4.0], (5, 3)) for _ in range(members)]
    told = np.exp(turns(tuple(ratios), (0, 3, 5)))
    assert told.shape == (3, 3, len(PHASE_SHARES))
    for ring, (at, share) in product(range(3), enumerate(PHASE_SHARES)):
        for place, start in ((0, 0), (1, 3)):
            assert told[place, ring, at] == pytest.approx(by_paths([r[start:, ring] for r in ratios], share))
    assert (told[2] == 1.0).all()  # who begins after the last complaint has not bet


def test_a_bet_by_turns_is_fair() -> None:
    """Averaged over all complainers of every risk set, whoever opened whom, it is exactly 1."""
    opened = np.array([[1, 0, 1, 0, 0], [0, 1, 1, 0, 0]])  # two actors, five subjects
    ratio = opened * 5 / opened.sum(axis=1, keepdims=True)
    whole = [turns((ratio[0][list(d)][:, None], ratio[1][list(d)][:, None]), (0,)) for d in product(range(5), repeat=3)]
    assert np.exp(np.array(whole)).mean(axis=0) == pytest.approx(1.0)


def test_two_who_take_turns_are_not_excluded_as_a_pair() -> None:
    generator = np.random.default_rng(3)
    ratio = np.where(generator.random((1, 24, 30)) < 0.1, 9.0, 0.1)
    ratio[0, :12, 0], ratio[0, 12:, 1] = 9.0, 9.0
    ratio[0, 12:, 0] = ratio[0, :12, 1] = 0.0
    log_z = float(turns((ratio[0][:, :1], ratio[0][:, 1:2]), (0,)).max())
    suspects = not_excluded(ratio, (log_z, log_z), 0.05)
    assert [0, 1] in suspects.pairs.tolist()
    assert 0 not in suspects.alone and 1 not in suspects.alone
