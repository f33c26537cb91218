"""Bought reviews and bought deletions: YelpChi's labels, injected rings, a bribed moderator beside a busy one.

YelpChi has no dates: those of the injected rings' world are drawn (real authors and products, times even over three
years). The world of deletions is drawn whole. What is real and what is not stands in docs/measured/watch.md.

python bench/watch/bought.py
"""

from __future__ import annotations

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).resolve().parent))

from logs import YELP, datasets

from whosaw.watch.deletions import Bought, Deletions, bought_deletions
from whosaw.watch.rings import Reviews, find_rings
from whosaw.watch.rows import DAY_US, HOUR_US, Float, Int64
from whosaw.watch.suspicion import lone_author_score


def yelp() -> tuple[Reviews, np.ndarray]:
    """Return YelpChi's graph and which reviews Yelp filtered."""
    with gzip.open(datasets() / YELP, "rt", encoding="utf-8") as file:
        table = np.array([[int(part) for part in (*line.split()[:2], line.split()[3])] for line in file])
    author, target = (np.unique(table[:, side], return_inverse=True)[1] for side in (0, 1))
    return Reviews(author, target), table[:, 2] == -1


def auc(score: Float, truth: np.ndarray) -> float:
    rank, hits = rankdata(score), int(truth.sum())
    return float((rank[truth].sum() - hits * (hits + 1) / 2) / (hits * (truth.size - hits)))


def average_precision(score: Float, truth: np.ndarray) -> float:
    """Return it with ties taken together."""
    _, cell = np.unique(-score, return_inverse=True)
    hits, size = np.bincount(cell, truth), np.bincount(cell)
    return float((hits * np.cumsum(hits) / np.cumsum(size)).sum() / truth.sum())


def ceiling(reviews: Reviews, truth: np.ndarray, tuned: np.ndarray) -> Float:
    """Return a score that is told the labels of half of the products: what the graph can carry at most, about."""
    activity = np.bincount(reviews.author)[reviews.author].astype(float)
    once = (activity == 1).astype(float)
    total = np.bincount(reviews.target).astype(float)[reviews.target]
    share = (np.bincount(reviews.target, once)[reviews.target] - once + 20 * once.mean()) / (total + 19)
    around = np.bincount(reviews.author, share)[reviews.author]
    others = np.where(activity > 1, (around - share) / np.maximum(activity - 1, 1), once.mean())
    parts = [np.log(activity), share, others, np.log(total), once, 1 / activity, np.log(activity) * share]
    table = np.stack([(part - part.mean()) / part.std() for part in parts] + [np.ones(truth.size)], axis=1)
    weight = np.zeros(table.shape[1])
    for _ in range(15):
        chance = 1 / (1 + np.exp(-table[tuned] @ weight))
        curve = (table[tuned] * (chance * (1 - chance))[:, None]).T @ table[tuned] + 1e-3 * np.eye(weight.size)
        weight += np.linalg.solve(curve, table[tuned].T @ (truth[tuned] - chance))
    return table @ weight


@dataclass(frozen=True)
class Rings:
    injected: int
    found: int
    named: int
    reviews: int

    @property
    def recall(self) -> float:
        return self.found / self.injected

    @property
    def precision(self) -> float:
        return self.found / max(self.named, 1)


def injected_rings(seed: int = 1, rings: int = 20, members: int = 10, targets: int = 5, camouflage: int = 3) -> Rings:
    """Inject rings into YelpChi's graph and find them; members count, not rings."""
    plain, _ = yelp()
    rng = np.random.default_rng(seed)
    span = 3 * 365 * DAY_US
    parts = [(plain.author, plain.target, rng.integers(0, span, plain.author.size))]
    first = int(plain.author.max()) + 1
    popularity = np.bincount(plain.target) / plain.target.size
    for ring in range(rings):
        who = first + ring * members + np.arange(members)
        chosen = rng.choice(popularity.size, targets, replace=False)
        when = rng.integers(0, span, targets)
        author = np.repeat(who, targets)
        at = np.tile(when, members) + rng.integers(0, 5 * DAY_US, author.size)
        parts.append((author, np.tile(chosen, members), at))
        hidden = np.repeat(who, camouflage * targets)
        parts.append(
            (hidden, rng.choice(popularity.size, hidden.size, p=popularity), rng.integers(0, span, hidden.size))
        )
    author, target, at = (np.concatenate(column) for column in zip(*parts, strict=True))
    reviews = Reviews(author, target, at)
    named = {int(each) for ring in find_rings(reviews) for each in ring.authors}
    return Rings(rings * members, sum(each >= first for each in named), len(named), author.size)


@dataclass(frozen=True)
class Moderated:
    reviews: Reviews
    deletions: Deletions
    bought: set[int]
    busy: int
    bribed: int


SELLERS, MODERATORS, DAYS, WORLDS = 1_151, 40, 120, 10


def moderated(seed: int) -> Moderated:
    """Draw a market: bursts that moderators clean, bad reviews they delete for reasons unseen, one bribed, one busy."""
    rng = np.random.default_rng(seed)
    share = 1 / (np.arange(SELLERS) + 20.0)
    share /= share.sum()
    count = 60_000
    author, target = rng.integers(0, 40_000, count), rng.choice(SELLERS, count, p=share)
    at, stars = rng.integers(0, DAYS * DAY_US, count), rng.choice(5, count, p=(0.1, 0.06, 0.1, 0.24, 0.5)) + 1
    critic = _sold(rng, target, stars, at)
    spam: list[Int64] = []
    rows = [(author, target, at, stars)]
    size, fresh = count, 40_000
    for _ in range(150):  # bursts of praise or blame from new accounts, on anybody
        n = int(rng.integers(6, 25))
        rows.append(
            _burst(
                rng, n, int(rng.integers(0, SELLERS)), fresh, int(rng.choice([1, 5])), int(rng.integers(0, DAYS - 2))
            )
        )
        spam.append(np.arange(size, size + n))
        size, fresh = size + n, fresh + n
    attacked = int(rng.integers(100, SELLERS))
    for day in range(60, 66):  # sixty real spam reviews of one seller, in six days
        rows.append(_burst(rng, 10, attacked, fresh, 1, day))
        spam.append(np.arange(size, size + 10))
        size, fresh = size + 10, fresh + 10
    reviews = Reviews(*(np.concatenate(column) for column in zip(*rows, strict=True)))
    review, actor, when = _cleaned(rng, reviews, spam)
    start = 100 * DAY_US
    batches = start + np.repeat([0, 24, 48], 5) * HOUR_US + rng.integers(0, HOUR_US, 15)
    deletions = Deletions(
        np.concatenate([review, critic]),
        np.concatenate([actor, np.full(15, 3)]),
        np.concatenate([when, batches]),
    )
    until = start + (24 + 48) * HOUR_US + HOUR_US  # forty-eight hours after the second batch
    seen = deletions.at_us <= until
    kept = Deletions(deletions.review[seen], deletions.actor[seen], deletions.at_us[seen])
    return Moderated(reviews, kept, set(critic.tolist()), 5, 3)


def _sold(rng: np.random.Generator, target: Int64, stars: Int64, at: Int64) -> Int64:
    """Return fifteen bad and honest reviews of one seller."""
    bad = (stars <= 2) & (at < 99 * DAY_US)
    able = np.flatnonzero(np.bincount(target[bad], minlength=SELLERS) >= 16)
    seller = int(rng.choice(able))
    return rng.choice(np.flatnonzero(bad & (target == seller)), 15, replace=False)


def _burst(rng: np.random.Generator, n: int, target: int, fresh: int, stars: int, day: int) -> tuple[Int64, ...]:
    at = day * DAY_US + rng.integers(0, DAY_US, n)
    return fresh + np.arange(n), np.full(n, target), at, np.full(n, stars)


def _cleaned(rng: np.random.Generator, reviews: Reviews, spam: list[Int64]) -> tuple[Int64, Int64, Int64]:
    """Return honest deletions: nine of ten spam reviews, the attack by one moderator, and a few for unseen reasons."""
    assert reviews.at_us is not None and reviews.stars is not None
    parts = []
    for at, rows in enumerate(spam):
        taken = rows[rng.random(rows.size) < 0.9]
        who = np.full(taken.size, 5) if at >= len(spam) - 6 else rng.integers(0, MODERATORS, taken.size)
        parts.append((taken, who, reviews.at_us[taken] + rng.integers(HOUR_US, 2 * DAY_US, taken.size)))
    bad = rng.choice(np.flatnonzero(reviews.stars[:60_000] <= 2), 250, replace=False)
    parts.append((bad, rng.integers(0, MODERATORS, bad.size), reviews.at_us[bad] + DAY_US))
    review, actor, when = (np.concatenate(column) for column in zip(*parts, strict=True))
    return review, actor, when


def judged(world: Moderated) -> tuple[int, int, bool]:
    """Return bought deletions found, others named beside them, and whether the busy moderator is clear."""
    found: tuple[Bought, ...] = bought_deletions(world.reviews, world.deletions, MODERATORS)
    named = [row for each in found for row in each.reviews.tolist()]
    hits = sum(row in world.bought for row in named)
    return hits, len(named) - hits, all(each.actor != world.busy for each in found)


def main() -> None:
    reviews, truth = yelp()
    rng = np.random.default_rng(1)
    tuned = np.isin(reviews.target, rng.permutation(201)[:100])
    best = ceiling(reviews, truth, tuned)
    for name, score in (("label-free score", lone_author_score(reviews)), ("told half of the labels", best)):
        area, precision = auc(score[~tuned], truth[~tuned]), average_precision(score[~tuned], truth[~tuned])
        print(f"YelpChi, the other products, {name}: AUC {area:.3f}, AP {precision:.3f}")
    for seed in (1, 2, 3):
        found = injected_rings(seed)
        print(f"injected rings, seed {seed}: recall {found.recall:.3f}, precision {found.precision:.3f}")
    outcomes = [judged(moderated(seed)) for seed in range(1, WORLDS + 1)]
    print(
        f"bought deletions, {WORLDS} worlds: at least 14 of 15 found in {sum(hits >= 14 for hits, _, _ in outcomes)},"
    )
    print(f"  at most 2 false in {sum(false <= 2 for _, false, _ in outcomes)},")
    print(f"  busy moderator clear in {sum(clear for *_, clear in outcomes)}; each: {[each[:2] for each in outcomes]}")


if __name__ == "__main__":
    main()
