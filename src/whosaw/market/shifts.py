"""Who works when, and which colleague a piece of work goes to."""

from __future__ import annotations

import numpy as np

from whosaw.market.timeline import DAY_US, HOUR_US, MINUTE_US, SLOT_US, Int64, Timeline
from whosaw.market.values import REGIONS, Staff

_SPARE_DAYS = 60  # beyond the last day, so that late work finds a next day and is then cut off
_LAST_START_US = SLOT_US - HOUR_US // 2  # nobody takes up a piece of work in the last half hour of a shift


class Roster:
    """The working days and shifts of the staff."""

    def __init__(self, rng: np.random.Generator, staff: Staff, time: Timeline) -> None:
        self._time = time
        self._slot_us = staff.slot * SLOT_US
        span = time.days + _SPARE_DAYS
        works = ~staff.off[:, np.arange(span) % 7]
        works &= rng.random(works.shape) > 0.04  # sick or away
        works[:, -1] = True
        self.works = works
        self._next = np.empty(works.shape, np.int64)
        self._last_day = span - 1
        following = np.full(len(works), self._last_day)
        for day in range(self._last_day, -1, -1):
            following = np.where(works[:, day], day, following)
            self._next[:, day] = following

    def next_touch(self, rng: np.random.Generator, staff: Int64, after_us: Int64) -> Int64:
        """Draw for each row a time after `after_us` when `staff` is at work, in the first shift that is left.

        Args:
            rng: the stream to draw from.
            staff: n staff indices.
            after_us: n times.

        Returns:
            n times, each inside a shift of that person.
        """
        since = after_us - self._time.start_us
        day = np.clip(since // DAY_US, 0, self._last_day - 1)
        missed = since >= day * DAY_US + self._slot_us[staff] + _LAST_START_US
        day = self._next[staff, day + missed]
        opens = day * DAY_US + self._slot_us[staff]
        least = np.maximum(since + 2 * MINUTE_US, opens)
        # most work is taken up soon: the square of a uniform draw leans to the beginning of what is left of the shift
        wait = rng.random(len(staff)) ** 2 * (opens + SLOT_US - MINUTE_US - least)
        return np.asarray(self._time.start_us + least + wait.astype(np.int64), np.int64)

    def soon(self, rng: np.random.Generator, staff: Int64, after_us: Int64) -> Int64:
        """Draw for each row a time up to twenty minutes after `after_us`, still in the same shift."""
        since = after_us - self._time.start_us
        ends = since // DAY_US * DAY_US + self._slot_us[staff] + SLOT_US
        later = since + rng.integers(MINUTE_US // 2, 20 * MINUTE_US, len(staff))
        return np.asarray(self._time.start_us + np.minimum(later, ends - 1), np.int64)


class Desks:
    """Draws colleagues from a role in a region, in proportion to how much each of them takes on."""

    def __init__(self, staff: Staff) -> None:
        group = staff.role * len(REGIONS) + staff.region
        self._order = np.argsort(group, kind="stable")
        self._cumulative = np.concatenate([[0.0], np.cumsum(staff.activity[self._order])])
        bounds = np.searchsorted(group[self._order], np.arange(group.max() + 2))
        self._low, self._high = self._cumulative[bounds[:-1]], self._cumulative[bounds[1:]]

    def draw(self, rng: np.random.Generator, role: Int64, region: Int64) -> Int64:
        """Return one staff index for each row of `role` × `region`."""
        group = role * len(REGIONS) + region
        point = self._low[group] + rng.random(len(group)) * (self._high - self._low)[group]
        position = np.searchsorted(self._cumulative, point, side="right") - 1
        return np.asarray(self._order[np.minimum(position, len(self._order) - 1)], np.int64)
