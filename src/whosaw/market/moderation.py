"""The moderation queue and the work on it: reviews to look at, whose author a moderator may look up."""

from __future__ import annotations

import numpy as np

from whosaw.market import work
from whosaw.market.tickets import Workplace, draw_fields
from whosaw.market.timeline import HOUR_US, MINUTE_US, Float, Int64
from whosaw.market.values import NONE, REVIEW_CARE, Items, Reviews
from whosaw.market.work import Actions, Asks

ASKS_PER_ITEM = 1.15
_WRONG_ITEM = 0.05  # share of the asks that cite a colleague's item, informally taken over or mistyped
_DELETED = 0.10


def work_on_reviews(
    rng: np.random.Generator, place: Workplace, reviews: Reviews, count: int, sloppiness: Float
) -> tuple[Items, Asks, Actions]:
    """Queue about `count` reviews of the world's days, let moderators work on them, and delete the spam.

    Args:
        rng: the stream to draw from.
        place: roster, desks and customers.
        reviews: what can be queued; bad reviews are queued more often.
        count: how many items.
        sloppiness: one weight for each member of staff: who cites an item that is not his own.

    Returns:
        The items in order of opening, the asks under them, and the honest deletions.
    """
    able = np.flatnonzero((reviews.at_us >= place.time.start_us) & (reviews.at_us < place.time.end_us - 12 * HOUR_US))
    weight = np.where(reviews.stars[able] <= 2, 3.0, 1.0)
    chosen = rng.choice(able, min(count, len(able)), replace=False, p=weight / weight.sum())
    opened = reviews.at_us[chosen] + (rng.uniform(0.5, 10.0, len(chosen)) * HOUR_US).astype(np.int64)
    order = np.argsort(opened, kind="stable")
    chosen, opened = chosen[order], opened[order]
    customer = reviews.customer[chosen]
    role = np.full(len(chosen), REVIEW_CARE)
    moderator = place.desks.draw(rng, role, place.customers.region[customer])
    touch = place.roster.next_touch(rng, moderator, opened)
    again = np.flatnonzero(rng.random(len(chosen)) < ASKS_PER_ITEM - 1)
    second = place.roster.next_touch(rng, moderator[again], touch[again] + HOUR_US)
    done = touch + 10 * MINUTE_US + (rng.random(len(chosen)) * HOUR_US).astype(np.int64)
    done[again] = second + 10 * MINUTE_US
    rows = np.concatenate([np.arange(len(chosen)), again])
    cited = _cite(rng, rows, moderator, sloppiness)
    kind = np.full(len(rows), work.REVIEW_CARE)
    fields = draw_fields(rng, role[rows])
    asks = Asks(np.concatenate([touch, second]), moderator[rows], customer[rows], fields, kind, cited)
    spam = np.flatnonzero((rng.random(len(chosen)) < _DELETED) & (done < place.time.end_us))
    deleted = Actions(
        done[spam] - 2 * MINUTE_US, moderator[spam], chosen[spam], np.full(len(spam), work.REVIEW_CARE), spam
    )
    items = Items(chosen, moderator, opened, np.where(done < place.time.end_us, done, NONE))
    return items, asks.within(place.time), deleted


def _cite(rng: np.random.Generator, rows: Int64, moderator: Int64, sloppiness: Float) -> Int64:
    """Return the item cited on each of `rows`: mostly the right one, sometimes one opened around the same time."""
    weight = sloppiness[moderator[rows]]
    chance = np.minimum(_WRONG_ITEM * weight / weight.mean(), 0.5)
    wrong = rng.random(len(rows)) < chance
    near = np.clip(rows + rng.integers(1, 60, len(rows)) * rng.choice((-1, 1), len(rows)), 0, rows.max())
    return np.where(wrong, near, rows)
