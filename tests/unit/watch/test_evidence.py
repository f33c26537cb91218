"""E-values stay e-values: their mean under innocence is at most 1, and what combines them keeps that."""

import numpy as np
import pytest
from scipy.stats import betabinom

from whosaw.terms import trait_in
from whosaw.watch.detector import Tiers, detect, threshold
from whosaw.watch.errors import ForbiddenAttribute, WatchSettingRefused
from whosaw.watch.evidence import e_bh, log_canary, log_counts, log_mean, log_of_p
from whosaw.watch.nulls import ALLOWED_STRATA, Strata, leave_one_out_rates, shrunk_shares
from whosaw.watch.settings import DEFAULT_WEIGHTS, WatchSettings
from whosaw.watch.signals import FAMILIES, SIGNALS


@pytest.mark.parametrize(("trials", "mean", "spread"), [(30, 0.02, 50.0), (200, 0.1, 20.0), (10, 0.4, 5.0)])
def test_the_evidence_of_counts_has_expectation_one(trials: int, mean: float, spread: float) -> None:
    seen = np.arange(trials + 1)
    chance = betabinom.pmf(seen, trials, mean * spread, (1 - mean) * spread)
    log_e = log_counts(seen, np.full(trials + 1, trials), np.full(trials + 1, mean), np.full(trials + 1, spread))
    assert (chance * np.exp(log_e)).sum() == pytest.approx(1.0, abs=1e-6)
    assert (np.diff(log_e) > 0).all()


def test_a_p_value_becomes_an_e_value_of_mean_one() -> None:
    p = (np.arange(4_000_000) + 0.5) / 4_000_000
    assert np.exp(log_of_p(p)).mean() == pytest.approx(1.0, abs=0.12)  # the part beyond the grid is missing
    assert np.exp(log_of_p(p)).mean() <= 1.0


def test_a_canary_is_half_a_bet_priced_no_lower_than_one_in_a_thousand() -> None:
    hit, none = np.exp(log_canary(np.array([1, 0]), 0.0))
    assert 1e-3 * hit + 0.999 * none <= 1.0 + 1e-9 and hit == pytest.approx(500.5)


def test_averaging_dependent_evidence_keeps_its_mean_and_summing_would_not() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(200_000)
    same = log_of_p(p)
    assert np.exp(log_mean(np.stack([same, same, same]))).mean() == pytest.approx(np.exp(same).mean())
    assert np.exp(log_mean(np.stack([same, np.zeros_like(same)]), weights=np.array([0.25, 0.75]))).mean() <= 1.0


def test_a_detector_alarms_no_oftener_than_it_says_and_finds_a_late_change() -> None:
    rng = np.random.default_rng(2)
    seen = rng.binomial(50, 0.05, (104, 2_000))
    shape = (104 * 2_000,)
    log_e = log_counts(seen.reshape(shape), np.full(shape, 50), np.full(shape, 0.05), np.full(shape, 1e6)).reshape(
        104, 2_000
    )
    value = detect(log_e)
    assert (value >= np.log(threshold(2_000, 1.0))).any(axis=0).sum() <= 104 / 4.3
    late = log_e.copy()
    late[90:, 0] = log_counts(np.full(14, 10), np.full(14, 50), np.full(14, 0.05), np.full(14, 1e6))
    assert detect(late)[-1, 0] >= np.log(threshold(2_000, 0.2))


def test_e_bh_selects_the_strong_and_nobody_where_nobody_is() -> None:
    log_e = np.log(np.concatenate([np.full(5, 1e5), np.full(995, 0.5)]))
    assert e_bh(log_e, 0.1).tolist() == [0, 1, 2, 3, 4]
    assert e_bh(np.zeros(1000), 0.1).size == 0


def test_false_discoveries_stay_below_the_rate_under_dependence() -> None:
    rng = np.random.default_rng(3)
    false = 0.0
    for _ in range(200):
        base = log_of_p(np.repeat(rng.random(20), 10))  # ten people share each piece of evidence
        base[:5] = np.log(1e6)
        found = e_bh(base, 0.1)
        false += (found >= 5).sum() / max(found.size, 1)
    assert false / 200 <= 0.1


def test_tiers_follow_the_allowed_false_cases_and_an_escalation_needs_two_families() -> None:
    tiers = Tiers(people=2_000, false_cases_a_month=0.2)
    assert tiers.case_detector == pytest.approx(43_000)
    assert tiers.tier(np.log(99), 0.0, 1) == "none"
    assert tiers.tier(np.log(101), 0.0, 1) == "review"
    assert tiers.tier(0.0, np.log(43_001), 1) == "case"
    assert tiers.tier(0.0, np.log(43_001), 2) == "escalate"
    assert tiers.tier(0.0, np.log(43_001), 1, canary=True) == "escalate"
    with pytest.raises(WatchSettingRefused):
        threshold(0, 0.2)


@pytest.mark.parametrize("word", ["nationality", "sex", "hobby", "Queue", "team_colour"])
def test_a_stratum_is_of_the_list_or_refused(word: str) -> None:
    with pytest.raises(ForbiddenAttribute):
        Strata({word: np.zeros(3, np.int64)})


def test_the_list_of_strata_names_nothing_that_a_person_is() -> None:
    assert not [word for word in ALLOWED_STRATA if trait_in(word)]
    assert Strata({word: np.zeros(3, np.int64) for word in ALLOWED_STRATA}).names == ALLOWED_STRATA


def test_no_signal_weight_or_input_is_named_after_what_a_person_is() -> None:
    import whosaw.watch.observed as observed
    import whosaw.watch.rows as rows

    names = {*SIGNALS, *FAMILIES, *DEFAULT_WEIGHTS, *WatchSettings.__slots__}
    for module in (observed, rows):
        for each in vars(module).values():
            names |= set(getattr(each, "__slots__", ()))
    assert not [name for name in names if trait_in(name)]


def test_a_person_is_not_part_of_his_own_yardstick() -> None:
    who = np.arange(40)
    seen, of = np.full(40, 2.0), np.full(40, 100.0)
    seen[0] = 90.0
    rate, _ = leave_one_out_rates(seen, of, who, Strata({"role": np.zeros(40, np.int64)}))
    assert rate[0] == pytest.approx(0.02, abs=0.005) and (rate[1:] > rate[0]).all()


def test_shares_borrow_from_the_wider_level_and_leave_the_customer_out() -> None:
    chosen, role = np.array([0] * 50 + [1] * 50), np.zeros(100, np.int64)
    customer = np.arange(100)
    share = shrunk_shares(chosen, 3, Strata({"role": role}), customer, [10.0])
    assert share.sum(axis=1) == pytest.approx(1.0)
    assert share[0, 0] < share[99, 0]  # his own case is not counted for him
    assert (share[:, 2] > 0).all()


def test_weights_of_what_is_off_go_to_the_rest_and_unknown_signals_are_refused() -> None:
    used = WatchSettings(off=("volume",)).used(("volume", "beneficiary", "harm"))
    assert set(used) == {"beneficiary", "harm"} and sum(used.values()) == pytest.approx(1.0)
    with pytest.raises(WatchSettingRefused):
        WatchSettings(off=("age",))
