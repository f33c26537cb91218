"""The signals find what they are for and keep still where nothing is."""

import numpy as np
import pytest

from whosaw.watch.decisions import weigh_deciders
from whosaw.watch.nulls import Strata
from whosaw.watch.pairs import Settled, weigh_pairs
from whosaw.watch.rows import DAY_US, HOUR_US, OPEN
from whosaw.watch.scan import Shares, Touches, detect_beneficiaries, learn_shares, scan_beneficiaries
from whosaw.watch.sharing import drafted_by, shared_prints, word_prints
from whosaw.watch.signals import look_then_harm, picks, volume, weigh

NONE = np.empty(0, np.int64)
SELLERS = 200


def even_shares() -> Shares:
    return Shares(np.full((1, SELLERS), 1 / SELLERS), NONE, NONE, np.empty(0))


def touches(actor: np.ndarray, beneficiary: np.ndarray, week: np.ndarray | None = None) -> Touches:
    zero = np.zeros(actor.size, np.int64)
    return Touches(actor, zero if week is None else week, zero, np.arange(actor.size), beneficiary)


def test_the_scan_is_an_e_value_over_every_outcome() -> None:
    # two events, five beneficiaries: all 25 outcomes by their chances
    shares = Shares(np.array([[0.4, 0.3, 0.15, 0.1, 0.05]]), NONE, NONE, np.empty(0))
    total = 0.0
    for first in range(5):
        for second in range(5):
            log_e = scan_beneficiaries(touches(np.zeros(2, np.int64), np.array([first, second])), shares).log_e[0]
            total += shares.by_role[0, first] * shares.by_role[0, second] * np.exp(log_e)
    assert total == pytest.approx(1.0)


def test_a_bought_seller_stands_out_and_a_busy_one_does_not() -> None:
    rng = np.random.default_rng(1)
    actor = np.repeat(np.arange(300), 5)
    seller = rng.integers(0, SELLERS, actor.size)
    seller[:5] = 7  # all of actor 0's
    found = scan_beneficiaries(touches(actor, seller), even_shares())
    assert found.log_e[0] > np.log(2_000) and found.best[0] == 7 and found.best_seen[0] == 5
    assert (found.log_e[1:] < np.log(2_000)).all()


def test_a_known_tie_takes_the_evidence_away() -> None:
    mine = touches(np.zeros(5, np.int64), np.full(5, 7))
    known = Shares(even_shares().by_role, np.array([0]), np.array([7]), np.array([0.9]))
    assert scan_beneficiaries(mine, known).log_e[0] < np.log(2)


def test_one_persons_looks_do_not_become_normal_but_a_crowds_do() -> None:
    rng = np.random.default_rng(2)
    who = np.repeat(np.arange(100), 100)
    explained = (np.zeros(10_000, np.int64), rng.integers(0, SELLERS, 10_000), who)
    crowd = (np.zeros(60, np.int64), np.full(60, 3), np.arange(60))
    lone = (np.zeros(60, np.int64), np.full(60, 3), np.zeros(60, np.int64))
    sizes = (1, SELLERS)
    assert learn_shares(explained, crowd, sizes, 10_000)[0, 3] > 0.5
    assert learn_shares(explained, lone, sizes, 10_000)[0, 3] < 0.01


def test_a_detectors_week_does_not_depend_on_later_weeks() -> None:
    rng = np.random.default_rng(3)
    actor, week = rng.integers(0, 30, 900), np.sort(rng.integers(0, 20, 900))
    seller = rng.integers(0, SELLERS, 900)
    whole = detect_beneficiaries(touches(actor, seller, week), even_shares(), 20, 30)
    early = week < 12
    part = detect_beneficiaries(touches(actor[early], seller[early], week[early]), even_shares(), 12, 30)
    assert whole[:12] == pytest.approx(part)


def test_unexplained_volume_is_held_against_peers_of_the_same_role() -> None:
    rng = np.random.default_rng(4)
    actor = np.repeat(np.arange(100), 100)
    part = (rng.random(actor.size) < 0.02).astype(float)
    part[:40] = 1.0  # of actor 0's hundred
    counts = volume(actor, np.zeros(actor.size, np.int64), part)
    found = weigh(counts, Strata({"role": counts.actor % 2}))
    assert found.log_e[0] > np.log(1e4)
    assert (found.log_e[1:] < np.log(100)).all()


def test_harm_counts_only_after_the_look_and_within_a_fortnight() -> None:
    looks = (np.zeros(4, np.int64), np.array([0, 1, 2, 3]), np.full(4, 100 * DAY_US))
    harms = (np.array([0, 1, 2]), np.array([101 * DAY_US, 99 * DAY_US, 115 * DAY_US]))
    assert look_then_harm(looks, harms, subjects=4).tolist() == [1, 0, 0, 0]


def test_a_pick_is_unrouted_and_soon_after_the_appeal() -> None:
    at = np.full(4, 10 * DAY_US)
    appealed = np.array([at[0] - HOUR_US // 2, at[0] - HOUR_US // 2, at[0] - 2 * HOUR_US, OPEN])
    counts = picks(np.zeros(4, np.int64), np.zeros(4, np.int64), np.array([0, 1, 0, 0]), at, appealed)
    assert counts.seen.tolist() == [1] and counts.of.tolist() == [4]


def test_deciders_who_honestly_differ_are_not_flagged_and_a_bribed_one_is() -> None:
    rng = np.random.default_rng(5)
    leaning = rng.normal(0, 0.08, 40)  # honest differences far beyond the binomial
    actor = np.repeat(np.arange(40), 300)
    favourable = (rng.random(actor.size) < 0.3 + leaning[actor]).astype(np.int64)
    kind = np.zeros(actor.size, np.int64)
    honest = weigh_deciders(actor, favourable, Strata({"kind": kind}))
    assert (np.abs(honest.z) > 3.3).sum() >= 3 and honest.scale > 1.5  # a binomial would accuse three
    assert (honest.log_e < np.log(100)).all()
    late = np.tile(np.arange(300) >= 150, 40)
    favourable[np.flatnonzero(late[:300])] = 1
    assert weigh_deciders(actor, favourable, Strata({"kind": kind}), late).log_e[0] > np.log(100)


def test_a_lenient_decider_who_stays_as_he_was_is_no_evidence() -> None:
    rng = np.random.default_rng(8)
    actor = np.repeat(np.arange(20), 200)
    favourable = (rng.random(actor.size) < np.where(actor == 0, 0.8, 0.3)).astype(np.int64)
    late = np.tile(np.arange(200) >= 100, 20)
    strata = Strata({"kind": np.zeros(actor.size, np.int64)})
    assert weigh_deciders(actor, favourable, strata).log_e[0] > np.log(100)
    assert weigh_deciders(actor, favourable, strata, late).log_e[0] < np.log(10)


def test_shared_prints_count_only_where_few_have_them() -> None:
    office = (np.arange(50), np.zeros(50, np.int64))
    everywhere = (np.arange(500), np.zeros(500, np.int64))
    assert shared_prints(office, everywhere, (50, 500)).actor.size == 0
    one, other = (np.array([3, 4, 4]), np.array([8, 9, 10])), (np.array([77, 5, 5]), np.array([8, 9, 10]))
    found = shared_prints(one, other, (50, 500))
    assert list(zip(found.actor.tolist(), found.party.tolist(), found.prints.tolist(), strict=True)) == [
        (3, 77, 1),
        (4, 5, 2),
    ]
    assert found.log_e[1] > np.log(10) > found.log_e[0]


def test_an_appeal_that_reads_like_its_approver_stands_out_among_the_staff() -> None:
    own = "the reinstatement is warranted since the returns were handled inside the agreed window by the partner desk"
    others = [f"colleague number {n} writes about other things in other words each day of week {n}" for n in range(80)]
    staff = [word_prints(own + " and so on"), *map(word_prints, others)]
    share, log_e = drafted_by(word_prints(own), 0, staff)
    assert share > 0.8 and log_e > np.log(3)
    assert drafted_by(word_prints(own), 5, staff)[1] < 0


def test_honest_habits_are_no_evidence_and_moved_cases_are() -> None:
    rng = np.random.default_rng(6)
    n, agents, customers = 4_000, 60, 60
    customer = rng.integers(0, customers, n)
    # everybody has a favourite, and has had it all along
    agent = np.where(rng.random(n) < 0.5, customer, rng.integers(0, agents, n))
    at = np.sort(rng.integers(0, 600 * DAY_US, n))
    late = at >= 300 * DAY_US

    def settled(who: np.ndarray, rows: np.ndarray) -> Settled:
        months = Strata({"month": at[rows] // (30 * DAY_US)})
        return Settled(who[rows], customer[rows], at[rows], months, Strata({"product": np.zeros(rows.sum(), np.int64)}))

    def weighed(who: np.ndarray) -> np.ndarray:
        return weigh_pairs(settled(who, late), agents, customers, earlier=settled(who, ~late))

    assert (weighed(agent) >= np.log(1e4)).sum() <= 1
    moved = agent.copy()
    rows = np.flatnonzero((customer == 9) & late)
    moved[rows[:15]] = 2
    assert weighed(moved)[9, 2] == weighed(moved).max() > np.log(1e3)
