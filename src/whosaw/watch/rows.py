"""What watch reads: accesses, the company's work records, and declared ties, as arrays of dense indices.

Nothing here says who a person is. Attributes that no signal may read have no place to stand in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whosaw.watch.errors import RowsRefused

Int64 = NDArray[np.int64]
Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

NONE = -1
OPEN = int(np.iinfo(np.int64).max // 4)
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def _ints() -> Int64:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Accesses:
    """One row for each time an actor was shown a subject.

    Args:
        actor, subject: n indices.
        at_us: n times, microseconds since 1970.
        beneficiary: n indices of whom the access would profit, `NONE` where nobody is linked; absent: nobody is.
    """

    actor: Int64
    subject: Int64
    at_us: Int64
    beneficiary: Int64 | None = None

    def __post_init__(self) -> None:
        same_length("accesses", self.actor, self.subject, self.at_us, self.beneficiary)

    def __len__(self) -> int:
        return int(self.actor.size)

    def take(self, rows: NDArray[np.int64] | Bool) -> Accesses:
        """Return the accesses in `rows`."""
        told = None if self.beneficiary is None else self.beneficiary[rows]
        return Accesses(self.actor[rows], self.subject[rows], self.at_us[rows], told)


@dataclass(frozen=True, slots=True)
class Items:
    """Work to be done about a subject: tickets, orders, appeals, hand-overs, queue items.

    Args:
        kind: m indices of the kind of work.
        subject: m indices.
        opened_us, closed_us: from when to when it was open; `OPEN` where it still is.
        assignee: m actors it was assigned to, `NONE` where it waits in a queue.
        team: m teams it was given to, `NONE` where to none.
        made_by: m actors who created it, `NONE` for a customer or a machine.
    """

    kind: Int64
    subject: Int64
    opened_us: Int64
    closed_us: Int64
    assignee: Int64
    team: Int64
    made_by: Int64

    def __post_init__(self) -> None:
        same_length(
            "items", self.kind, self.subject, self.opened_us, self.closed_us, self.assignee, self.team, self.made_by
        )


@dataclass(frozen=True, slots=True)
class Acts:
    """Work that was done about a subject and recorded by another system: calls, chats, steps of an order.

    Args:
        kind: k indices of the kind of work, the same as those of the items.
        actor: k actors, `NONE` for a machine.
        subject: k subjects.
        at_us: k times.
    """

    kind: Int64 = field(default_factory=_ints)
    actor: Int64 = field(default_factory=_ints)
    subject: Int64 = field(default_factory=_ints)
    at_us: Int64 = field(default_factory=_ints)

    def __post_init__(self) -> None:
        same_length("acts", self.kind, self.actor, self.subject, self.at_us)


@dataclass(frozen=True, slots=True)
class Ties:
    """Declared account management: this actor looks after this beneficiary.

    Args:
        actor, beneficiary: t indices.
        since_us, until_us: from when to when.
    """

    actor: Int64 = field(default_factory=_ints)
    beneficiary: Int64 = field(default_factory=_ints)
    since_us: Int64 = field(default_factory=_ints)
    until_us: Int64 = field(default_factory=_ints)

    def __post_init__(self) -> None:
        same_length("ties", self.actor, self.beneficiary, self.since_us, self.until_us)


@dataclass(frozen=True, slots=True)
class Work:
    """The company's work records.

    Args:
        kinds: the word of each kind of work.
        items, acts, ties: see there.
        team: the team of each actor, `NONE` where unknown; absent: nobody's is known.
    """

    kinds: tuple[str, ...]
    items: Items
    acts: Acts = field(default_factory=Acts)
    ties: Ties = field(default_factory=Ties)
    team: Int64 | None = None

    def known_since_us(self, subjects: int) -> Int64:
        """Return when each of `subjects` subjects first appears in a work record, `OPEN` where never."""
        since = np.full(subjects, OPEN, np.int64)
        np.minimum.at(since, self.items.subject, self.items.opened_us)
        np.minimum.at(since, self.acts.subject, self.acts.at_us)
        return since


def same_length(what: str, *columns: Int64 | None) -> None:
    """Raise where the columns of a table differ in length.

    Raises:
        RowsRefused: they do.
    """
    sizes = {column.size for column in columns if column is not None}
    if len(sizes) > 1:
        raise RowsRefused(f"the columns of {what} have {sorted(sizes)} rows")


class Timeline:
    """Times of keyed events, to count those of a key within a stretch.

    Args:
        key: n keys ≥ 0.
        at_us: n times.
    """

    def __init__(self, key: Int64, at_us: Int64) -> None:
        if (at_us[1:] < at_us[:-1]).any():
            by_time = np.argsort(at_us, kind="stable")
            key, at_us = key[by_time], at_us[by_time]
        fresh = _begins(at_us)
        order = np.argsort(key, kind="stable")  # within a key the order of time stays
        self._key, self._at = key[order], at_us[order]
        begins = _begins(self._key)
        self._keys, self._times = self._key[begins], at_us[fresh]
        # ranks of key and time in one integer make the search a single one; keys and microseconds would overflow it
        self._width = self._times.size + 1
        self._code = (np.cumsum(begins) - 1) * self._width + (np.cumsum(fresh) - 1)[order]

    def before(self, key: Int64, *at_us: Int64) -> tuple[Int64, ...]:
        """Return for each of `at_us` how many events of each key, or of a smaller one, lie strictly before its time."""
        if not self._keys.size:
            return tuple(np.zeros(key.size, np.int64) for _ in at_us)
        # neighbours are sought one after another: what one search read lies in the cache for the next
        order = np.argsort(key, kind="stable")
        sought = key[order]
        place = np.searchsorted(self._keys, sought)
        known = self._keys[np.minimum(place, self._keys.size - 1)] == sought
        place *= self._width
        found = []
        for each in at_us:
            rank = np.where(known, np.searchsorted(self._times, each)[order], 0)
            counted = np.empty(key.size, np.int64)
            counted[order] = np.searchsorted(self._code, place + rank)
            found.append(counted)
        return tuple(found)

    def count(self, key: Int64, from_us: Int64, to_us: Int64) -> Int64:
        """Return how many events of each key lie in [from, to)."""
        low, high = self.before(key, from_us, to_us)
        return np.asarray(np.maximum(high - low, 0))

    def since(self, key: Int64, at_us: Int64) -> Int64:
        """Return the time from the last event of each key strictly before `at_us`, `OPEN` where there is none."""
        if not self._key.size:
            return np.full(key.size, OPEN, np.int64)
        place = self.before(key, at_us)[0] - 1
        row = np.maximum(place, 0)
        found = (place >= 0) & (self._key[row] == key)
        return np.where(found, at_us - self._at[row], OPEN)


def _begins(column: Int64) -> Bool:
    """Return where a sorted column begins a new value."""
    flags = np.ones(column.size, np.bool_)
    flags[1:] = column[1:] != column[:-1]
    return flags
