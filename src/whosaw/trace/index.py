"""The log, sorted once for many questions: subject → who opened it first when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.errors import InputRefused
from whosaw.trace.inputs import NEVER, Accesses, Actors, Bool, Int64


@dataclass(frozen=True, slots=True)
class Index:
    """Accesses by subject, with one *pair* per (subject, actor); build it with `build_index`.

    Only the first opening of a pair before a time can matter to the score, so a pair keeps the first of all and the
    first irregular one; the single rows stay for the evidence shown and for the scope.

    Args:
        actors: how many there are and which are services.
        subject_count: subjects 0 … n-1.
        has_reasons: as in `Accesses`.
        row_actor: N actors of the rows, sorted by subject, actor, time.
        row_at_us: N times of them.
        row_irregular: N flags of them.
        subject_row: n+1 offsets into the rows.
        pair_actor: P actors, sorted by subject, then actor.
        pair_first_us: P times of the pair's first opening.
        pair_irregular_us: P times of its first irregular opening; `NEVER` where there is none.
        subject_pair: n+1 offsets into the pairs.
    """

    actors: Actors
    subject_count: int
    has_reasons: bool
    row_actor: Int64
    row_at_us: Int64
    row_irregular: np.typing.NDArray[np.bool_]
    subject_row: Int64
    pair_actor: Int64
    pair_first_us: Int64
    pair_irregular_us: Int64
    subject_pair: Int64

    def pairs_of(self, subjects: Int64) -> tuple[Int64, Int64]:
        """Return, for every pair of the given subjects, its position among them and its position in the index."""
        return spans(self.subject_pair, subjects)

    def rows_of(self, subject: int) -> slice:
        """Return the rows of one subject."""
        return slice(int(self.subject_row[subject]), int(self.subject_row[subject + 1]))

    def subjects_of(self, rows: Int64) -> Int64:
        """Return the subject of each of the given rows."""
        return np.searchsorted(self.subject_row, rows, "right") - 1


def build_index(accesses: Accesses, actors: Actors, subject_count: int) -> Index:
    """Sort the accesses of a log.

    Args:
        accesses: N rows in any order; repeated rows change nothing.
        actors: the actors the rows refer to.
        subject_count: how many subjects there are, opened or not.

    Raises:
        InputRefused: the arrays differ in length, or an index is out of range.
    """
    _check(accesses, actors, subject_count)
    key = accesses.subject * actors.count + accesses.actor
    order, new = _order(key, accesses)
    at_us, irregular = accesses.at_us[order], accesses.irregular[order]
    actor = accesses.actor[order]
    start, again = np.flatnonzero(new), np.flatnonzero(~new)
    first_us = at_us[start]
    irregular_us = np.where(irregular[start], first_us, NEVER)
    # few rows come on top of their pair's first: only those are looked at once more
    odd = again[irregular[again]]
    np.minimum.at(irregular_us, np.searchsorted(start, odd) - 1, at_us[odd])
    subject_row = np.append(0, np.cumsum(np.bincount(accesses.subject, minlength=subject_count)))
    return Index(
        actors=actors,
        subject_count=subject_count,
        has_reasons=accesses.has_reasons,
        row_actor=actor,
        row_at_us=at_us,
        row_irregular=irregular,
        subject_row=subject_row,
        pair_actor=actor[start],
        pair_first_us=first_us,
        pair_irregular_us=irregular_us,
        subject_pair=np.searchsorted(start, subject_row),
    )


def _order(key: Int64, accesses: Accesses) -> tuple[Int64, Bool]:
    """Return the order by key, time and irregularity, and where a new key comes in it.

    Few rows share a key, and only those need the other two.
    """
    order = np.argsort(key, kind="stable")  # quick where the rows come in a few sorted runs, as from disk
    ordered, new = key[order], np.ones(key.size, np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    equal = np.flatnonzero(~new[1:])
    one, two = order[equal], order[equal + 1]
    if ((accesses.at_us[one] > accesses.at_us[two]) | (accesses.irregular[one] > accesses.irregular[two])).any():
        at = np.union1d(equal, equal + 1)
        those = order[at]
        order[at] = those[np.lexsort((accesses.irregular[those], accesses.at_us[those], key[those]))]
    return order, new


def spans(offsets: Int64, chosen: Int64) -> tuple[Int64, Int64]:
    """Return the owner's position and the element's position for all elements of the chosen spans.

    Args:
        offsets: n+1 places where the spans begin.
        chosen: indices of spans.
    """
    start = offsets[chosen]
    length = offsets[chosen + 1] - start
    owner = np.repeat(np.arange(chosen.size), length)
    before = np.cumsum(length) - length
    return owner, np.arange(owner.size) + (start - before)[owner]


def _check(accesses: Accesses, actors: Actors, subject_count: int) -> None:
    columns = (accesses.actor, accesses.subject, accesses.at_us, accesses.irregular)
    if len({column.shape for column in columns}) != 1:
        raise InputRefused("the columns of the accesses differ in length")
    if actors.service.shape != (actors.count,):
        raise InputRefused(f"`{actors.count}` actors need as many service flags, not `{actors.service.size}`")
    if accesses.actor.size == 0:
        return
    if accesses.actor.min() < 0 or accesses.actor.max() >= actors.count:
        raise InputRefused(f"an access names an actor outside 0 … `{actors.count - 1}`")
    if accesses.subject.min() < 0 or accesses.subject.max() >= subject_count:
        raise InputRefused(f"an access names a subject outside 0 … `{subject_count - 1}`")
