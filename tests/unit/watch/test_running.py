"""A whole run: innocents stay below every tier, the bribed becomes a case, and whoever is accused can recompute it."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whosaw.terms.odds import in_odds
from whosaw.watch.flags import raise_flags, recompute
from whosaw.watch.groups import group_rates
from whosaw.watch.nightly import check_nulls, permuted
from whosaw.watch.observed import Observed
from whosaw.watch.running import run
from whosaw.watch.scan import Shares, Touches, scan_beneficiaries
from whosaw.watch.settings import DEFAULT_WEIGHTS, WatchSettings, read_settings
from whosaw.watch.verdicts import Outcome, Review, VerdictUnclear, lessons, precision

_SPEC = importlib.util.spec_from_file_location("watch_worlds", Path(__file__).with_name("worlds.py"))
assert _SPEC is not None and _SPEC.loader is not None
worlds = importlib.util.module_from_spec(_SPEC)
sys.modules["watch_worlds"] = worlds
_SPEC.loader.exec_module(worlds)
PEOPLE = worlds.PEOPLE


@pytest.fixture(scope="module")
def bribed() -> Observed:
    return worlds.firm(1, bribed=12)


@pytest.mark.parametrize("seed", range(4))
def test_no_innocent_firm_makes_a_case(seed: int) -> None:
    found = run(worlds.firm(seed), WatchSettings())
    assert not [tier for tier in found.tier if tier in ("case", "escalate")]
    assert found.selected.size == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_same_record_opened_again_is_no_second_piece_of_evidence(seed: int) -> None:
    world = worlds.opened_again(worlds.firm(seed))
    found = run(world, WatchSettings())
    assert len(world.accesses) > 2 * PEOPLE * 600
    assert not [tier for tier in found.tier if tier != "none"], "innocent people work on the same record for an hour"
    for name in ("beneficiary", "volume", "harm"):
        again = found.signal(name)
        assert again is not None
        assert np.exp(again.month).mean() <= 1.05 and np.exp(again.month).max() < 100
    bribed = worlds.opened_again(worlds.firm(seed, bribed=12))
    assert [at for at, tier in enumerate(run(bribed, WatchSettings()).tier) if tier in ("case", "escalate")] == [7]


def test_the_bribed_is_the_only_case_and_the_sentence_says_why(bribed: Observed) -> None:
    found = run(bribed, WatchSettings())
    assert [at for at, tier in enumerate(found.tier) if tier in ("case", "escalate")] == [7]
    assert found.selected.tolist() == [7]
    flag = raise_flags(found, bribed)[0]
    assert flag.actor == 7 and flag.beneficiary == 11
    # twelve looks went to eight people: the same person opened again is no second piece of evidence
    assert "8 people looked up without an explanation whom one beneficiary would profit from" in flag.sentence
    assert ", where 0.1 would be expected" in flag.sentence
    assert "no probability of guilt" in flag.sentence
    assert len(flag.rows) == len(set(bribed.accesses.subject[list(flag.rows)])) == 8
    assert all(bribed.accesses.actor[list(flag.rows)] == 7)


def test_every_flag_tells_innocent_stories_and_what_would_clear_it(bribed: Observed) -> None:
    flag = raise_flags(run(bribed, WatchSettings()), bribed)[0]
    told = {story.name: story for story in flag.stories}
    assert {"account manager", "product specialist", "shared login", "quality sample", "something happened"} == set(
        told
    )
    assert told["account manager"].weakens > 1_000 and told["account manager"].clears
    assert all(story.weakens >= 1 for story in flag.stories)
    by_name = {part.name: part for part in flag.signals}
    assert by_name["beneficiary"].without != flag.evidence and by_name["canary"].name == "canary"
    assert flag.top_row in flag.rows


def test_a_flag_is_recomputed_bit_for_bit_and_changes_with_any_row_or_setting(bribed: Observed) -> None:
    flag = raise_flags(run(bribed, WatchSettings()), bribed)[0]
    again = recompute(worlds.firm(1, bribed=12), WatchSettings(), flag.id)
    assert again is not None and again.seal() == flag.seal()
    assert recompute(bribed, WatchSettings(false_cases_a_month=0.3), flag.id) is None
    fewer = replace(
        bribed, unexplained=np.where(np.arange(bribed.unexplained.size) == flag.rows[0], 0.0, bribed.unexplained)
    )
    assert recompute(fewer, WatchSettings(), flag.id) is None


def test_half_excused_accesses_do_not_feed_the_beneficiary_signal(bribed: Observed) -> None:
    halved = replace(bribed, unexplained=np.minimum(bribed.unexplained, 0.5))
    found, before = run(halved, WatchSettings()), run(bribed, WatchSettings())
    assert found.tier[7] not in ("case", "escalate")
    tie = [
        one.shares.own_share[(one.shares.own_actor == 7) & (one.shares.own_beneficiary == 11)]
        for one in (found, before)
    ]
    assert tie[0] <= tie[1], "it makes no tie of his more normal"
    role = int(bribed.role[7])
    assert found.shares.by_role[role, 11] > before.shares.by_role[role, 11], (
        "it counts in his role's share, as the page says"
    )


def test_a_declared_account_manager_is_not_accused(bribed: Observed) -> None:
    declared = replace(bribed, tie_actor=np.array([7]), tie_beneficiary=np.array([11]))
    assert run(declared, WatchSettings(weights={"beneficiary": 1.0})).tier[7] == "none"


def test_the_nightly_check_passes_signals_that_hold(bribed: Observed) -> None:
    check = check_nulls(bribed, WatchSettings(), draws=3)
    assert {each.name for each in check.health} >= {"beneficiary", "volume", "harm", "decisions", "picks", "canary"}
    beneficiary = next(each for each in check.health if each.name == "beneficiary")
    assert beneficiary.holds and beneficiary.bounded_mean <= 1.05 and beneficiary.people == 3 * worlds.PEOPLE


def test_a_signal_that_lies_is_switched_off() -> None:
    world = worlds.firm(2)
    rng = np.random.default_rng(1)
    # every person has a favourite seller whom no explained work shows: the null does not understand this company
    lone = np.flatnonzero(world.unexplained > 0)
    seller = world.link_beneficiary.copy()
    seller[lone] = np.where(rng.random(lone.size) < 0.9, world.accesses.actor[lone], seller[lone])
    lying = replace(world, link_beneficiary=seller)
    check = check_nulls(lying, WatchSettings(), draws=2)
    assert "beneficiary" in check.off
    used = check.apply(WatchSettings())
    assert run(lying, used).signal("beneficiary") is None
    assert used.digest() != WatchSettings().digest()


def test_where_no_signal_is_left_nobody_is_a_case_however_many_false_ones_are_allowed() -> None:
    world = worlds.firm(1)
    found = run(world, WatchSettings(false_cases_a_month=float(PEOPLE), off=tuple(sorted(DEFAULT_WEIGHTS))))
    assert found.signals == () and set(found.tier) == {"none"} and found.selected.size == 0


def test_permuting_deals_out_visits_and_not_their_rows() -> None:
    again = worlds.opened_again(worlds.firm(1, bribed=12))
    shuffled = permuted(again, np.random.default_rng(1))
    lone, role = again.unexplained > 0, again.role
    old, new = again.accesses.actor[lone], shuffled.accesses.actor[lone]
    visit, first = np.unique(old * worlds.SUBJECTS + again.accesses.subject[lone], return_inverse=True)
    owner = np.full(visit.size, -1)
    owner[first] = new
    assert (owner[first] == new).all(), "looks at one record go to one person"
    before = np.bincount(visit // worlds.SUBJECTS, minlength=role.size)
    assert (np.bincount(owner, minlength=role.size) == before).all(), "and everybody pays as many visits as he did"
    assert (owner != visit // worlds.SUBJECTS).mean() > 0.9
    assert (shuffled.accesses.actor[~lone] == again.accesses.actor[~lone]).all()
    assert (role[shuffled.accesses.actor] == role[again.accesses.actor]).all()


def test_a_signal_that_took_each_person_of_an_export_for_a_decision_would_not_pass_the_check() -> None:
    world = worlds.exporting(1)

    def of_all_rows(observed: Observed) -> np.ndarray:
        accesses = observed.accesses
        rows = np.flatnonzero(observed.unexplained > 0)
        place = np.full(len(accesses), -1)
        place[rows] = np.arange(rows.size)
        of = place[observed.link_access]
        same = np.zeros(rows.size, np.int64)
        touches = Touches(accesses.actor[rows], same, same, of[of >= 0], observed.link_beneficiary[of >= 0])
        shares = Shares(np.full((1, worlds.SELLERS), 1 / worlds.SELLERS), same[:0], same[:0], np.empty(0))
        return np.exp(np.minimum(scan_beneficiaries(touches, shares).log_e, 600))

    rng = np.random.default_rng(2)
    lone = np.flatnonzero(world.unexplained > 0)
    scattered = world.accesses.actor.copy()
    scattered[lone] = rng.permutation(scattered[lone])
    singly = replace(world, accesses=replace(world.accesses, actor=scattered))
    assert np.minimum(of_all_rows(singly), 100).mean() <= 1.05, "rows dealt out singly hide that they came as heaps"
    assert np.minimum(of_all_rows(permuted(world, rng)), 100).mean() > 10
    assert check_nulls(world, WatchSettings(), draws=8).off == (), "the signals as they are count an export once"


def test_rates_by_group_show_who_would_be_accused_oftener() -> None:
    reached, employer = np.array([0] * 50 + [8] * 10), ("own",) * 50 + ("vendor",) * 10
    own, vendor = group_rates(reached, 20, {"employer": employer}, 0.01)
    assert (own.group, own.people, own.reached, own.above) == ("own", 1_000, 0, False)
    assert vendor.above and vendor.reached == 80


def test_evidence_is_written_as_odds_and_speaks_both_ways() -> None:
    assert in_odds(np.log(3_421)) == "3,400 : 1"
    assert in_odds(np.log(2.34)) == "2.3 : 1"
    assert in_odds(np.log(1 / 12)) == "1 : 12"
    assert in_odds(np.log(99.6)) == "100 : 1"
    assert in_odds(800.0) == "more than 1,000,000 : 1"


def test_verdicts_teach_templates_and_silence_nobody() -> None:
    explained = [Review(flag, Outcome.EXPLAINED, ("r1",), "quality sample") for flag in ("a", "b", "c", "c")]
    assert [(lesson.record, lesson.flags) for lesson in lessons(explained)] == [("quality sample", 3)]
    assert lessons(explained[:2]) == ()
    confirmed = Review("d", Outcome.CONFIRMED, ("r1", "r2"))
    assert precision([*explained, confirmed]) == (1, 3)
    with pytest.raises(VerdictUnclear):
        Review("d", Outcome.CONFIRMED, ("r1", "r1"))
    with pytest.raises(VerdictUnclear):
        Review("d", Outcome.EXPLAINED, ("r1",))


def test_settings_are_read_strictly() -> None:
    assert read_settings({"false_cases_a_month": 1.0, "off": ["picks"]}).off == ("picks",)
    for wrong in ({"nationality": 1}, {"false_discovery": 2.0}, {"weights": {"pay": 1.0}}):
        with pytest.raises(ValueError, match=r"."):
            read_settings(wrong)
