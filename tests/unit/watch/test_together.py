"""People who share what one person has: the bribed who split their work are found, and nobody for sharing."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from whosaw.watch.nightly import check_nulls
from whosaw.watch.observed import Observed, Prints
from whosaw.watch.rows import DAY_US, Accesses
from whosaw.watch.running import run
from whosaw.watch.settings import WatchSettings
from whosaw.watch.sharing import shared_prints
from whosaw.watch.together import MOST, pairs_of

_SPEC = importlib.util.spec_from_file_location("watch_worlds", Path(__file__).with_name("worlds.py"))
assert _SPEC is not None and _SPEC.loader is not None
worlds = importlib.util.module_from_spec(_SPEC)
sys.modules["watch_worlds"] = worlds
_SPEC.loader.exec_module(worlds)

NOBODY = np.empty(0, np.int64)


def prints(*rows: tuple[int, int], theirs: tuple[tuple[int, int], ...] = ()) -> Prints:
    """Return prints of actors, and of beneficiaries."""
    mine, other = np.array(rows, np.int64).reshape(-1, 2), np.array(theirs, np.int64).reshape(-1, 2)
    return Prints(mine[:, 0], mine[:, 1], other[:, 0], other[:, 1])


def office() -> list[tuple[int, int]]:
    """Return what innocent people share: a network, a terminal, a desk phone, a device at shift change, a flat."""
    rows = [(actor, 0) for actor in range(worlds.PEOPLE)]
    rows += [(actor, 100 + actor // 8) for actor in range(worlds.PEOPLE)]
    rows += [(actor, 200 + actor // 3) for actor in range(worlds.PEOPLE)]
    rows += [(actor, 300 + actor % 60) for actor in range(worlds.PEOPLE)]
    return rows + [(actor, mark) for actor in (4, 9) for mark in range(400, 406)]


def looks_of(world: Observed, seller: int, actors: tuple[int, ...], each: int, seed: int = 1) -> Observed:
    """Return the world with so many unexplained looks more of each actor in its last month, all at one seller's.

    They go to people whom none of the actors opened otherwise; among few customers, colleagues meet many of the same.
    """
    rng = np.random.default_rng(seed)
    seller_of = np.full(world.subjects, -1, np.int64)
    seller_of[world.accesses.subject[world.link_access]] = world.link_beneficiary
    met = world.accesses.subject[np.isin(world.accesses.actor, actors)]
    unmet = np.setdiff1d(np.flatnonzero(seller_of == seller), met)
    subject = rng.choice(unmet, len(actors) * each, replace=False)
    n, more = len(world.accesses), subject.size
    at = int(world.accesses.at_us.max()) - rng.integers(DAY_US, 27 * DAY_US, more)
    joined = Accesses(
        np.append(world.accesses.actor, np.repeat(actors, each)),
        np.append(world.accesses.subject, subject),
        np.append(world.accesses.at_us, at),
    )
    return replace(
        world,
        accesses=joined,
        unexplained=np.append(world.unexplained, np.ones(more)),
        link_access=np.append(world.link_access, np.arange(n, n + more)),
        link_beneficiary=np.append(world.link_beneficiary, np.full(more, seller)),
    )


def cases(world: Observed) -> list[int]:
    return [at for at, tier in enumerate(run(world, WatchSettings()).tier) if tier in ("case", "escalate")]


def evidence(world: Observed, name: str = "together") -> np.ndarray:
    signal = run(world, WatchSettings()).signal(name)
    assert signal is not None
    return np.exp(signal.month)


def test_a_print_of_few_joins_people_either_way_and_that_of_an_office_joins_nobody() -> None:
    rows = [(actor, 1) for actor in range(MOST)] + [(actor, 2) for actor in range(MOST + 1)] + [(7, 3), (9, 3), (9, 4)]
    found = pairs_of(prints(*rows, *rows))
    two = {(a, b) for a in range(MOST) for b in range(MOST) if a != b} | {(7, 9), (9, 7)}
    assert list(zip(found.actor.tolist(), found.colleague.tolist(), strict=True)) == sorted(two)
    assert pairs_of(prints()).actor.size == 0 and pairs_of(prints((1, 1))).actor.size == 0


@pytest.mark.parametrize("seed", range(4))
def test_nobody_is_accused_for_what_colleagues_share(seed: int) -> None:
    world = replace(worlds.firm(seed), prints=prints(*office()))
    assert cases(world) == []
    assert evidence(world).mean() <= 1.05 and evidence(world).max() < 100


def test_the_colleague_of_somebody_bribed_is_not_accused_with_him() -> None:
    for seed in range(4):
        world = replace(worlds.firm(seed, bribed=12), prints=prints(*office(), (7, 900), (8, 900)))
        assert cases(world) == [7]
        assert evidence(world)[8] < 20, "his own looks are what counts, and they go where everybody's do"


def test_two_who_split_the_work_are_found_oftener_than_each_alone_would_be() -> None:
    shared = prints(*office(), (50, 900), (51, 900))
    together, alone = [], []
    for seed in range(4):
        split = looks_of(worlds.firm(seed), 11, (50, 51), 4, seed)
        known = replace(split, prints=shared)
        assert (evidence(known)[[50, 51]] > 10 * evidence(known, "beneficiary")[[50, 51]]).all()
        together += cases(known)
        alone += cases(replace(split, prints=prints(*office())))
    assert set(together) | set(alone) <= {50, 51} and len(together) >= len(alone) + 2, (together, alone)


def test_a_case_handed_over_at_the_end_of_a_shift_is_no_coincidence() -> None:
    shared = prints((50, 900), (51, 900))
    world = looks_of(worlds.firm(1), 11, (50,), 3)
    mine = np.flatnonzero(world.accesses.actor == 50)[-3:]
    n = len(world.accesses)
    handed = replace(
        world,
        accesses=Accesses(
            np.append(world.accesses.actor, np.full(3, 51)),
            np.append(world.accesses.subject, world.accesses.subject[mine]),
            np.append(world.accesses.at_us, world.accesses.at_us[mine] + 60_000_000),
        ),
        unexplained=np.append(world.unexplained, np.ones(3)),
        link_access=np.append(world.link_access, np.arange(n, n + 3)),
        link_beneficiary=np.append(world.link_beneficiary, np.full(3, 11)),
        prints=shared,
    )
    assert evidence(handed)[51] <= 1.0, "all that he opened was handed over to him"
    assert cases(handed) == []


def test_customers_that_both_opened_count_for_neither_and_point_at_nothing() -> None:
    world = looks_of(worlds.firm(1), 11, (50,), 5)
    mine = np.flatnonzero(world.accesses.actor == 50)[-5:]
    assert (world.link_beneficiary[-5:] == 11).all()
    for explained in (0.0, 1.0):  # the colleague may have had a reason; and it does not matter when he opened them
        both, n = mine[:4], len(world.accesses)
        joined = replace(
            world,
            accesses=Accesses(
                np.append(world.accesses.actor, np.full(4, 51)),
                np.append(world.accesses.subject, world.accesses.subject[both]),
                np.append(world.accesses.at_us, np.full(4, DAY_US) if not explained else world.accesses.at_us[both]),
            ),
            unexplained=np.append(world.unexplained, np.full(4, explained)),
            link_access=np.append(world.link_access, np.arange(n, n + 4)),
            link_beneficiary=np.append(world.link_beneficiary, np.full(4, 11)),
            prints=prints((50, 900), (51, 900)),
        )
        assert (evidence(joined)[[50, 51]] <= 1.1).all(), "one of his own beside four that both opened"


def test_the_nightly_check_passes_it() -> None:
    check = check_nulls(replace(worlds.firm(2), prints=prints(*office())), WatchSettings(), draws=2)
    (health,) = [each for each in check.health if each.name == "together"]
    assert health.holds and health.bounded_mean <= 1.05 and check.off == ()


def test_a_household_with_a_seller_is_one_fact_however_much_it_shares() -> None:
    marks = tuple((9, mark) for mark in range(500, 508))
    world = replace(worlds.firm(1), prints=prints(*office(), *((4, mark) for _, mark in marks), theirs=marks))
    assert cases(world) == []
    found = shared_prints((np.full(8, 4), np.arange(8)), (np.full(8, 9), np.arange(8)), (2_000, 1_000))
    assert np.exp(found.log_e[0]) == pytest.approx(500.5), "no more than how rare it is to share with a party at all"
    many = (np.repeat(np.arange(40), 2), np.arange(80))
    assert np.exp(shared_prints(many, many, (200, 300)).log_e.max()) < 5
