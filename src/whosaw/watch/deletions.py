"""Bought deletions: somebody takes away one seller's bad and honest reviews.

A deletion is sound where the review stands in a ring or a burst: taking such away is a moderator's work, however many
there are and whoever's they are. What is left are deletions of bad reviews that nothing speaks against; who deletes
those of one seller oftener than that seller's share of bad reviews explains has some explaining to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.bursts import in_burst
from whosaw.watch.rings import Reviews, find_rings
from whosaw.watch.rows import Bool, Float, Int64, same_length
from whosaw.watch.scan import Shares, Touches, scan_beneficiaries

BAD_STARS = 2


@dataclass(frozen=True, slots=True)
class Deletions:
    """Deleted reviews.

    Args:
        review: rows of the reviews.
        actor, at_us: who deleted each, and when.
    """

    review: Int64
    actor: Int64
    at_us: Int64

    def __post_init__(self) -> None:
        same_length("deletions", self.review, self.actor, self.at_us)


@dataclass(frozen=True, slots=True)
class Bought:
    """Deletions of one actor for one seller that should be looked at, and can be taken back in one action.

    Args:
        actor, target: who, and whose reviews.
        reviews: rows, in order of deletion.
        log_e: of the actor's unsound deletions.
        confidence: part of these reviews that would not have been deleted by chance alone.
    """

    actor: int
    target: int
    reviews: Int64
    log_e: float
    confidence: float


def unsound(reviews: Reviews, deletions: Deletions) -> Bool:
    """Return which deletions took a bad review that stands in no ring and no burst."""
    reason = in_burst(reviews)
    for ring in find_rings(reviews):
        reason[ring.reviews] = True
    bad = np.ones(reviews.author.size, np.bool_) if reviews.stars is None else reviews.stars <= BAD_STARS
    return np.asarray(bad[deletions.review] & ~reason[deletions.review])


def bought_deletions(
    reviews: Reviews, deletions: Deletions, people: int, *, level: float | None = None
) -> tuple[Bought, ...]:
    """Return whose deletions favour one seller, the strongest first.

    Args:
        reviews: all of the stretch, deleted ones included.
        deletions: of the stretch.
        people: how many might have deleted.
        level: evidence from which a list is made; people ÷ 0.1, at least 1,000, where absent.
    """
    rows = np.flatnonzero(unsound(reviews, deletions))
    if not rows.size:
        return ()
    targets = int(reviews.target.max()) + 1
    bad = np.ones(reviews.author.size, np.bool_) if reviews.stars is None else reviews.stars <= BAD_STARS
    count = np.bincount(reviews.target[bad], minlength=targets) + 0.5
    none = np.empty(0, np.int64)
    shares = Shares((count / count.sum())[None, :], none, none, np.empty(0))
    actor, target = deletions.actor[rows], reviews.target[deletions.review[rows]]
    zero = np.zeros(rows.size, np.int64)
    scan = scan_beneficiaries(Touches(actor, zero, zero, np.arange(rows.size), target), shares)
    limit = np.log(max(1_000.0, people / 0.1) if level is None else level)
    found = []
    for at in np.flatnonzero(scan.log_e >= limit).tolist():
        mine = rows[(actor == scan.actor[at]) & (target == scan.best[at])]
        mine = mine[np.argsort(deletions.at_us[mine], kind="stable")]
        expected = float(scan.best_expected[at])
        confidence = max(0.0, 1.0 - expected / max(mine.size, 1))
        found.append(
            Bought(int(scan.actor[at]), int(scan.best[at]), deletions.review[mine], float(scan.log_e[at]), confidence)
        )
    return tuple(sorted(found, key=lambda each: (-each.log_e, each.actor)))


def restorable(bought: Bought, log_p: Float) -> Int64:
    """Return the rows worth restoring first: those least like a burst."""
    return np.asarray(bought.reviews[np.argsort(-log_p[bought.reviews], kind="stable")])
