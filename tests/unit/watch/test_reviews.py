"""Rings, bursts, bought deletions, clusters: found where they are, and honest people left alone."""

import numpy as np
from scipy.stats import hypergeom

from whosaw.watch.bursts import burst_log_p, in_burst
from whosaw.watch.clusters import cluster_weights, find_clusters
from whosaw.watch.deletions import Deletions, bought_deletions
from whosaw.watch.rings import Reviews, column_weights, find_rings
from whosaw.watch.rows import DAY_US
from whosaw.watch.shifts import _log_tail, rating_shifts
from whosaw.watch.suspicion import lone_author_score

AUTHORS, TARGETS, COUNT, SPAN = 4_000, 120, 12_000, 400 * DAY_US


def honest(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    author = np.minimum(rng.zipf(1.6, COUNT) + rng.integers(0, AUTHORS, COUNT), AUTHORS - 1)  # some write a lot
    return author, rng.integers(0, TARGETS, COUNT), rng.integers(0, SPAN, COUNT)


def test_honest_power_users_are_no_ring() -> None:
    author, target, at = honest(1)
    author[:600] = np.repeat(np.arange(4), 150)  # four people review everything
    assert find_rings(Reviews(author, target, at)) == ()


def test_a_ring_behind_camouflage_is_found_whole() -> None:
    rng = np.random.default_rng(2)
    author, target, at = honest(2)
    who = np.repeat(np.arange(AUTHORS, AUTHORS + 8), 4)
    bought = np.tile(np.array([3, 9, 40, 77]), 8)
    when = np.tile(np.array([50, 90, 200, 300]) * DAY_US, 8) + rng.integers(0, 4 * DAY_US, 32)
    mask = np.repeat(np.arange(AUTHORS, AUTHORS + 8), 12)
    reviews = Reviews(
        np.concatenate([author, who, mask]),
        np.concatenate([target, bought, rng.integers(0, TARGETS, mask.size)]),
        np.concatenate([at, when, rng.integers(0, SPAN, mask.size)]),
    )
    (ring,) = find_rings(reviews)
    assert ring.authors.tolist() == list(range(AUTHORS, AUTHORS + 8))
    assert ring.targets.tolist() == [3, 9, 40, 77]
    assert set(ring.reviews.tolist()) >= set(range(COUNT, COUNT + 32))


def test_a_burst_is_held_against_the_targets_own_rate() -> None:
    author, target, at = honest(3)
    target[:20], at[:20] = 5, 100 * DAY_US
    found = in_burst(Reviews(author, target, at))
    assert found[:20].all() and found.mean() < 0.01
    assert (burst_log_p(Reviews(author, target, at)) <= 0).all()
    assert not in_burst(Reviews(author, target)).any()


def test_bought_deletions_are_listed_and_cleaning_spam_is_not() -> None:
    rng = np.random.default_rng(4)
    author, target, at = honest(4)
    stars = rng.integers(1, 6, COUNT)
    spam = np.arange(60)
    target[spam], at[spam], stars[spam] = 8, 200 * DAY_US + rng.integers(0, DAY_US, 60), 1
    bad = np.flatnonzero((target == 30) & (stars <= 2))[:10]
    strays = rng.choice(np.flatnonzero(stars <= 2), 80, replace=False)
    review = np.concatenate([spam, bad, strays])
    actor = np.concatenate([np.full(60, 1), np.full(10, 2), rng.integers(3, 30, 80)])
    reviews = Reviews(author, target, at, stars)
    (found,) = bought_deletions(reviews, Deletions(review, actor, np.full(review.size, 390 * DAY_US)), 30)
    assert (found.actor, found.target) == (2, 30)
    assert set(found.reviews.tolist()) >= set(bad.tolist()) and found.confidence > 0.9


def test_a_lone_author_on_a_product_of_lone_authors_comes_first() -> None:
    reviews = Reviews(np.array([0, 1, 1, 1, 2]), np.array([0, 0, 1, 1, 1]))
    score = lone_author_score(reviews)
    assert score.argmax() == 0 and score[2] == score.min()


def test_rare_prints_join_sellers_and_show_the_broker() -> None:
    party, mark = np.array([0, 1, 2, 3, 4, 5]), np.array([7, 7, 8, 8, 9, 1])
    (broker, plain) = find_clusters(party, mark, np.array([40]), np.array([8]))
    assert broker.parties.tolist() == [2, 3] and broker.actors.tolist() == [40]
    assert plain.parties.tolist() == [0, 1] and plain.actors.size == 0
    everybody = np.zeros(100, np.int64)
    assert find_clusters(np.arange(100), everybody, np.array([1]), np.array([0])) == ()
    assert cluster_weights((broker,), 6).tolist() == [1, 1, 2, 2, 1, 1]


def test_meeting_at_a_popular_target_counts_for_less_and_never_for_more_than_one() -> None:
    author, target, at = honest(5)
    target[:3_000] = 7
    weights = column_weights(Reviews(author, target, at))
    assert weights.max() == 1.0 and weights.argmin() == 7 and 0.5 < weights[7] < 1.0


def test_stars_that_rise_or_fall_for_some_days_are_a_shift_and_honest_ones_are_none() -> None:
    rng = np.random.default_rng(6)
    author, target, at = honest(6)
    stars = rng.choice(np.arange(1, 6), COUNT, p=[0.1, 0.1, 0.2, 0.3, 0.3])
    assert rating_shifts(Reviews(author, target, at, stars)) == ()
    for which, given in ((11, 5), (12, 1)):
        rows = np.flatnonzero(target == which)[:32]  # no more reviews than there were: these move into ten days
        at[rows], stars[rows] = 200 * DAY_US + rng.integers(0, 10 * DAY_US, 32), given
    found = {each.target: each for each in rating_shifts(Reviews(author, target, at, stars))}
    assert set(found) == {11, 12} and found[11].up and not found[12].up
    assert found[11].before < found[11].during and found[12].before > found[12].during
    assert set(found[12].reviews.tolist()) >= set(np.flatnonzero(target == 12)[:32].tolist())
    assert rating_shifts(Reviews(author, target)) == rating_shifts(Reviews(author, target, at)) == ()


def test_the_bound_of_a_shift_is_that_of_the_hypergeometric_tail() -> None:
    hits, size = 44, 107
    drawn = np.repeat(np.arange(5, 40, 5), 40)
    seen = np.minimum(np.tile(np.arange(40), 7), np.minimum(drawn, hits))
    exact, bound = hypergeom.logsf(seen - 1, size, hits, drawn), _log_tail(seen, drawn, hits, size)
    assert (bound >= exact - 1e-9).all()
    far = exact < np.log(0.01)
    assert far.sum() > 50 and (bound[far] <= exact[far] + np.log(1.5)).all()


def test_innocent_targets_make_no_shift_oftener_than_stated() -> None:
    worlds, levels = 0, float(np.log(0.05))
    for seed in range(40):
        rng = np.random.default_rng(seed)
        target, at = rng.integers(0, 40, 3_000), rng.integers(0, SPAN, 3_000)
        level = rng.uniform(2.0, 4.5, 40)[target]  # some are good and some are bad, all of the time
        stars = np.clip(np.round(rng.normal(level, 1.0)), 1, 5).astype(np.int64)
        worlds += bool(rating_shifts(Reviews(np.arange(3_000), target, at, stars), log_level=levels))
    assert worlds <= 6, "one world in twenty at most, and forty were drawn"
