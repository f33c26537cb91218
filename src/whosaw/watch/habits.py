"""What somebody's own past makes normal: people differ for good, and no week may take that for news.

Peers say what to expect of somebody nobody knows. Whoever forgets to note a reason twice as often as they do, year in,
year out, is no more suspicious in the fiftieth week than in the first; a yardstick of peers alone would multiply the
same surprise week after week until an innocent person stood accused. So each week is held against what peers *and* his
own earlier weeks say: the predictive of a beta prior (how peers differ) that has seen his past. Only an excess is
learned: whoever was careful is still held against his peers, and not against his own care.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.nulls import spread_of
from whosaw.watch.rows import Float, Int64


@dataclass(frozen=True, slots=True)
class Past:
    """What was counted of each row's person before the row's period.

    Args:
        seen: n counts.
        expected: n counts that peers' rates would have given.
    """

    seen: Float
    expected: Float


def past_of(actor: Int64, period: Int64, seen: Int64, expected: Float) -> Past:
    """Return for each row the sums over the same person's earlier periods; rows are one per person and period."""
    order = np.lexsort((period, actor))
    who = actor[order]
    begins = np.flatnonzero(np.diff(who, prepend=-1))
    sums = []
    for column in (seen.astype(np.float64), expected):
        total = np.cumsum(column[order]) - column[order]
        length = np.diff(np.append(begins, who.size))
        here = np.empty(who.size)
        here[order] = total - np.repeat(total[begins], length)
        sums.append(here)
    return Past(*sums)


def past_until(actor: Int64, period: Int64, seen: Int64, expected: Float, until: int, whom: Int64) -> Past:
    """Return the sums over periods before `until` of each person in `whom`."""
    early = period < until
    size = max(int(actor.max(initial=0)), int(whom.max(initial=0))) + 1

    def total(column: Float) -> Float:
        return np.asarray(np.bincount(actor[early], column[early], size)[whom], np.float64)

    return Past(total(seen.astype(np.float64)), total(expected))


def with_past(rate: Float, spread: Float, past: Past, seen: Float, of: Float) -> tuple[Float, Float]:
    """Return the rates and concentrations of the predictive that knows each person's past.

    Args:
        rate: n rates of the peers.
        spread: n concentrations of the peers' rates; with the rate they are the prior.
        past: of n rows.
        seen: n counts.
        of: n trials; how the counts vary around the new rates bounds the concentration.
    """
    prior = rate * spread
    own = np.maximum((prior + past.seen) / (prior + past.expected), 1.0)
    mean = np.clip(rate * own, 1e-7, 0.95)
    known = (prior + past.seen) / mean
    return mean, np.maximum(np.minimum(known, spread_of(seen, of, mean)), 2.0)
