"""Deterministic evidence: who had opened a canary, an alias or a unique copy before it turned up outside."""

from __future__ import annotations

import numpy as np

from whosaw.trace.index import Index
from whosaw.trace.inputs import GUESSABLE_ODDS, Bool, Int64, Marks


def viewers(index: Index, marks: Marks) -> Bool:
    """Return J × actors flags: the actor had the mark before it turned up; services are never among them."""
    seen = np.zeros((marks.subject.size, index.actors.count), np.bool_)
    for j, (subject, seen_us, actor) in enumerate(zip(marks.subject, marks.seen_us, marks.actor, strict=True)):
        if actor >= 0:
            seen[j, actor] = True
        elif subject >= 0:
            _, pair = index.pairs_of(np.array([subject]))
            seen[j, index.pair_actor[pair[index.pair_first_us[pair] < seen_us]]] = True
    seen[marks.held, marks.holder] = True
    return seen & ~index.actors.service


def counted(seen: Bool, marks: Marks) -> Int64:
    """Return per actor how many marks that nobody can guess it had."""
    return np.asarray(seen[marks.odds > GUESSABLE_ODDS].sum(axis=0))
