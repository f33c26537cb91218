"""Which looks count is settled by looks: what followed them, and how often they were repeated, changes nothing."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from whosaw.watch.nightly import permuted
from whosaw.watch.observed import Decisions, Harms, Observed
from whosaw.watch.rows import DAY_US, OPEN, Accesses
from whosaw.watch.running import run
from whosaw.watch.settings import WatchSettings
from whosaw.watch.visits import one_of_each_ask

_SPEC = importlib.util.spec_from_file_location("watch_worlds", Path(__file__).with_name("worlds.py"))
assert _SPEC is not None and _SPEC.loader is not None
worlds = importlib.util.module_from_spec(_SPEC)
sys.modules["watch_worlds"] = worlds
_SPEC.loader.exec_module(worlds)

PEOPLE, WEEKS, KNOWN = 60, 20, 10


def same_people_every_week(seed: int) -> Observed:
    """Return a firm in which everybody opens ten new people a week, actor 0 the same ten; harm knows nobody."""
    rng = np.random.default_rng(seed)
    week = np.tile(np.repeat(np.arange(WEEKS), KNOWN), PEOPLE)
    actor = np.repeat(np.arange(PEOPLE), WEEKS * KNOWN)
    subjects = actor.size
    subject = np.arange(subjects)
    subject[actor == 0] %= KNOWN
    at = week * 7 * DAY_US + rng.integers(0, 7 * DAY_US, actor.size)
    explained = rng.random(actor.size) < 0.5
    explained[actor == 0] = False
    order = np.argsort(at, kind="stable")
    harmed = rng.random((WEEKS + 3, subjects)) < 0.02
    when, whom = np.nonzero(harmed)
    return Observed(
        Accesses(actor[order], subject[order], at[order]),
        np.where(explained[order], 0.0, 1.0),
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        np.zeros(PEOPLE, np.int64),
        1,
        subjects,
        harms=Harms(whom, when * 7 * DAY_US + rng.integers(0, 7 * DAY_US, when.size)),
    )


def test_who_opens_the_same_people_every_week_is_not_accused_of_the_harm_that_everybody_meets() -> None:
    month, last = [], []
    for seed in range(12):
        found = run(same_people_every_week(seed), WatchSettings(weights={"harm": 1.0}))
        assert not [tier for tier in found.tier if tier in ("case", "escalate")]
        month.append(np.exp(found.month[0]))
        last.append(np.exp(found.detector[-1, 0]))
    assert np.mean(month) <= 1.1
    assert np.mean(last) <= WEEKS


def opened_more(world: Observed, rows: np.ndarray, times: int) -> Observed:
    """Return the world with the accesses in `rows` repeated at once, so many times."""
    more = np.sort(np.concatenate([np.arange(len(world.accesses)), np.repeat(rows, times)]), kind="stable")
    seller = np.empty(len(world.accesses), np.int64)
    seller[world.link_access] = world.link_beneficiary  # each look has one
    return replace(
        world,
        accesses=world.accesses.take(more),
        unexplained=world.unexplained[more],
        link_access=np.arange(more.size),
        link_beneficiary=seller[more],
    )


def test_re_opening_changes_neither_what_is_normal_for_all_nor_anybodys_ties() -> None:
    world = worlds.firm(1)
    lone = world.unexplained >= 1.0
    late = world.accesses.at_us >= int(world.accesses.at_us.max()) - 60 * DAY_US
    incident = np.flatnonzero(lone & (world.link_beneficiary == 3))
    genuine = np.flatnonzero(late & (world.unexplained <= 0.0) & (world.accesses.actor == 7))[:1]
    before = run(world, WatchSettings()).shares
    for rows, times in ((incident, 20), (genuine, 100)):
        after = run(opened_more(world, rows, times), WatchSettings()).shares
        assert (after.by_role == before.by_role).all()
        assert (after.own_actor == before.own_actor).all() and (after.own_beneficiary == before.own_beneficiary).all()
        assert (after.own_share == before.own_share).all()


def of_one_seller(count: int, *, asks: int) -> Observed:
    """Return a firm in which actor 7 opens so many customers of seller 11 without a reason, in so many asks."""
    rng, world = np.random.default_rng(7), worlds.firm(1)
    mine = np.unique(world.accesses.subject[world.link_access[world.link_beneficiary == 11]])[:count]
    when = np.sort(rng.integers((worlds.WEEKS - 4) * 7 * DAY_US, worlds.WEEKS * 7 * DAY_US, asks))
    return worlds.with_looks(world, np.full(count, 7), mine, np.repeat(when, count // asks))


def test_one_export_is_one_decision_however_many_people_it_shows() -> None:
    found = run(of_one_seller(24, asks=1), WatchSettings())
    assert set(found.tier) == {"none"}, "whatever chose the list chose all of it: a recall, a batch, a seller"
    volume, plain = found.signal("volume"), run(worlds.firm(1), WatchSettings()).signal("volume")
    assert volume is not None and plain is not None and volume.seen[7] <= plain.seen[7] + 1
    assert run(of_one_seller(12, asks=12), WatchSettings()).tier[7] in ("case", "escalate")
    assert run(of_one_seller(24, asks=12), WatchSettings()).tier[7] in ("case", "escalate"), "twelve lists of two"


def test_whom_an_export_showed_counts_when_he_is_looked_up_alone() -> None:
    world, rng = worlds.firm(1), np.random.default_rng(7)
    mine = np.unique(world.accesses.subject[world.link_access[world.link_beneficiary == 11]])[:24]
    begin, end = (worlds.WEEKS - 4) * 7 * DAY_US + 1_000, worlds.WEEKS * 7 * DAY_US
    export = worlds.with_looks(world, np.full(24, 7), mine, np.full(24, begin))
    alone = np.sort(rng.integers(begin + DAY_US, end, 12))
    looked = worlds.with_looks(export, np.full(12, 7), mine[:12], alone)
    assert run(export, WatchSettings()).tier[7] == "none"
    assert run(looked, WatchSettings()).tier[7] in ("case", "escalate")
    again = worlds.with_looks(looked, np.full(12, 7), mine[:12], alone + 1)
    before, after = (run(each, WatchSettings()).signal("beneficiary") for each in (looked, again))
    assert before is not None and after is not None and after.seen[7] == before.seen[7], "and then once"


def test_lists_that_overlap_are_dealt_out_one_by_one() -> None:
    world, rng = worlds.firm(1), np.random.default_rng(7)
    mine = np.unique(world.accesses.subject[world.link_access[world.link_beneficiary == 11]])[:16]
    when = np.sort(rng.integers((worlds.WEEKS - 4) * 7 * DAY_US, worlds.WEEKS * 7 * DAY_US, mine.size))
    paged = np.ravel(np.stack([mine, np.roll(mine, 1)], axis=1))  # each list shows the one before it too
    looked = worlds.with_looks(world, np.full(paged.size, 7), paged, np.repeat(when, 2))
    shuffled = permuted(looked, np.random.default_rng(1))
    rows = np.isin(looked.accesses.at_us, when) & (looked.accesses.actor == 7)
    owner, at = shuffled.accesses.actor[rows], looked.accesses.at_us[rows]
    assert all(np.unique(owner[at == each]).size == 1 for each in when), "a list goes to one person"
    assert np.unique(owner).size > 8


def deciding(bulk: int) -> Observed:
    """Return a firm of like deciders in which actor 7 allows so many objects in one instant, one in twenty disputed."""
    rng = np.random.default_rng(5)
    end, people = worlds.WEEKS * 7 * DAY_US, worlds.PEOPLE
    count = people * 40
    actor = np.append(np.repeat(np.arange(people), 40), np.full(bulk, 7))
    at = np.append(rng.integers(end - 26 * DAY_US, end, count), np.full(bulk, end - 5 * DAY_US))
    favourable = np.append((rng.random(count) < 0.3).astype(np.int64), np.ones(bulk, np.int64))
    second = np.where(rng.random(count) < 0.2, (rng.random(count) < 0.2).astype(np.int64), -1)
    second = np.append(second, np.where(np.arange(bulk) % 2 == 0, 1, -1))
    none = np.full(actor.size, -1)
    quick = np.append(np.where(rng.random(count) < 0.5, at[:count] - 1, OPEN), at[count:] - 1)
    routed = np.append((rng.random(count) < 0.95).astype(np.int64), np.zeros(bulk, np.int64))
    decisions = Decisions(actor, at, np.zeros(actor.size, np.int64), favourable, none, second, routed, quick)
    return replace(worlds.firm(1), decisions=decisions)


def test_one_ask_about_many_objects_is_one_decision_however_it_was_decided_again() -> None:
    plain, bulk = (run(deciding(count), WatchSettings()) for count in (0, 200))
    assert set(bulk.tier) == {"none"}
    for name in ("decisions", "picks"):
        before, after = plain.signal(name), bulk.signal(name)
        assert before is not None and after is not None
        assert after.seen[7] <= before.seen[7] + 1
        assert after.month[7] <= before.month[7] + np.log(10), "one ask, one disagreement, one pick"


def test_who_decides_the_contentious_kind_is_held_against_others_who_do() -> None:
    people, each = worlds.PEOPLE, 60
    actor = np.repeat(np.arange(people), each)
    for contentious in (2, 12):
        found = []
        for seed in range(3):
            rng = np.random.default_rng(seed)
            kind = (actor < contentious).astype(np.int64)
            drawn = rng.random(actor.size) < 0.3
            disagreed = (rng.random(actor.size) < np.where(kind == 1, 0.4, 0.05)).astype(np.int64)
            at, none = rng.integers(0, worlds.WEEKS * 7 * DAY_US, actor.size), np.full(actor.size, -1)
            favourable = (rng.random(actor.size) < 0.3).astype(np.int64)
            second, never = np.where(drawn, disagreed, -1), np.full(actor.size, OPEN)
            decisions = Decisions(actor, at, kind, favourable, none, second, none, never)
            weighed = run(replace(worlds.firm(1), decisions=decisions), WatchSettings(weights={"decisions": 1.0}))
            assert not [tier for tier in weighed.tier if tier in ("case", "escalate")]
            found.append(np.exp(weighed.month[:contentious]))
        assert np.mean(found) <= 1.3 and np.max(found) < 100


def test_who_stands_for_an_ask_follows_from_the_ask_and_not_from_the_order_of_its_rows() -> None:
    rng = np.random.default_rng(3)
    at, actor = np.repeat(rng.integers(0, 10**15, 200), 50), np.repeat(rng.integers(0, 9, 200), 50)
    subject = rng.permutation(10_000)
    rows = np.arange(at.size)
    chosen = one_of_each_ask(rows, at, subject, actor)
    assert chosen.size == 200 and np.unique(at[chosen]).size == 200
    order = rng.permutation(at.size)
    again = one_of_each_ask(rows, at[order], subject[order], actor[order])
    assert set(subject[order][again]) == set(subject[chosen])
    assert 15 < (chosen % 50).mean() < 34, "as good as drawn: neither the first nor the smallest"
    two = np.where(rng.random(at.size) < 0.5, 1, 0)
    assert one_of_each_ask(rows, at, subject, actor, two).size == 400, "what is counted apart stays apart"
