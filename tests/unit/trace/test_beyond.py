"""A further name beside a stronger one: what it must explain, and that the bets behind it are fair."""

from __future__ import annotations

import numpy as np
import pytest

from whosaw.trace import Settings
from whosaw.trace.beyond import beyond
from whosaw.trace.evidence import Evidence
from whosaw.trace.inputs import Bool
from whosaw.trace.posterior import MarkFactors, no_marks
from whosaw.trace.risk import RiskSet
from whosaw.trace.weights import Prior

MEMBERS, COMPLAINTS = 60, 12
SETTINGS = Settings()
NAMED, REVIEWER, PARTNER = 0, 1, 2
SETS = tuple(RiskSet(k, k, np.arange(MEMBERS), "entry") for k in range(COMPLAINTS))
PRIOR = Prior((0, 6), np.array([0.95, 0.05]), np.array([0.7, 0.3]), np.full((2, 3), 0.3))


def evidence(opened: Bool, share: list[float], marked: int = 0) -> Evidence:
    """Return what three actors opened of the complainers (COMPLAINTS × 3), and which share of every risk set."""
    count = np.broadcast_to(np.round(np.array(share) * MEMBERS).astype(np.int64), (1, COMPLAINTS, 3))
    return Evidence(SETS, np.arange(3), opened[None], count, np.ones(COMPLAINTS), np.full(3, marked))


def told(opened: Bool, share: list[float]) -> tuple[list[float], list[int]]:
    found = beyond(evidence(opened, share), PRIOR, no_marks(3), np.array([NAMED]), SETTINGS)
    return found.probability.tolist(), found.hits.tolist()


def test_who_opened_only_what_the_named_had_opened_explains_nothing_and_a_partner_does() -> None:
    opened = np.zeros((COMPLAINTS, 3), np.bool_)
    opened[:7, NAMED] = opened[:6, REVIEWER] = opened[7:11, PARTNER] = True
    probability, hits = told(opened, [0.1, 0.1, 0.1])
    assert hits == [0, 0, 4]
    assert probability[NAMED] == 0
    assert probability[REVIEWER] < 0.05
    assert probability[PARTNER] > SETTINGS.finding_at


def test_a_partner_who_stopped_early_or_began_late_is_told_too() -> None:
    for his in (slice(0, 5), slice(7, 12)):
        opened = np.zeros((COMPLAINTS, 3), np.bool_)
        opened[his, PARTNER] = True
        opened[:, NAMED] = ~opened[:, PARTNER]
        assert told(opened, [0.1, 0.1, 0.1])[0][PARTNER] > SETTINGS.finding_at


def test_where_the_named_opened_most_little_is_said_of_what_he_left() -> None:
    opened = np.zeros((COMPLAINTS, 3), np.bool_)
    opened[:8, NAMED] = opened[8:11, PARTNER] = True
    assert told(opened, [0.1, 0.1, 0.1])[0][PARTNER] > 0.9
    assert told(opened, [0.8, 0.1, 0.1])[0][PARTNER] < 0.7


def test_a_mark_counts_that_the_named_had_not_opened() -> None:
    opened = np.zeros((COMPLAINTS, 3), np.bool_)
    seen = np.array([[False, False, True], [True, False, True]])
    marks = MarkFactors(seen, np.log([1e6, 1e6]))
    found = beyond(evidence(opened, [0.1, 0.1, 0.1]), PRIOR, marks, np.array([NAMED]), SETTINGS)
    assert found.hits.tolist() == [0, 0, 1]
    assert found.probability[PARTNER] > 0.99


@pytest.mark.parametrize("overlap", [0.0, 0.5, 1.0])
def test_the_bets_on_what_is_left_over_are_fair_however_much_two_worked_on_the_same(overlap: float) -> None:
    generator = np.random.default_rng(int(10 * overlap))
    named = np.arange(MEMBERS) < MEMBERS // 4
    prior, found = 0.5 * 0.3 * (0.7 + 0.3), []
    for _ in range(1500):
        same = generator.permutation(MEMBERS // 4)[: int(overlap * 9)]
        other = MEMBERS // 4 + generator.permutation(MEMBERS - MEMBERS // 4)[: 9 - same.size]
        reviewer = np.isin(np.arange(MEMBERS), np.concatenate([same, other]))
        # three in four come from the named, the rest from anywhere: what he passed on is no draw for anybody else
        passed = generator.random(COMPLAINTS) < 0.75
        who = np.where(
            passed, generator.integers(0, MEMBERS // 4, COMPLAINTS), generator.integers(0, MEMBERS, COMPLAINTS)
        )
        opened = np.stack([named[who], reviewer[who], np.zeros(COMPLAINTS, np.bool_)], axis=1)
        found.append(told(opened, [0.25, 9 / MEMBERS, 0.0])[0][REVIEWER])
    mean, error = float(np.mean(found)), float(np.std(found)) / len(found) ** 0.5
    assert mean <= prior + 3 * error
