"""The signals that count: S1 unexplained volume, S3 look then harm, S4 second decisions, S5 picks out of the queue.

Each is a count out of trials for a person and a week, set beside peers of his role, queue and month who are not he.
Signal S2 stands in `scan`, S4's outcomes in `decisions`, S8 in `sharing` and `together`; S6 is `evidence.log_canary`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from whosaw.watch.decisions import FEWEST, FEWEST_DECIDERS
from whosaw.watch.evidence import log_counts
from whosaw.watch.habits import Past, past_of, past_until, with_past
from whosaw.watch.nulls import Strata, leave_one_out_rates, spread_of
from whosaw.watch.rows import DAY_US, HOUR_US, Float, Int64, Timeline, same_length

SIGNALS = ("volume", "beneficiary", "harm", "decisions", "picks", "canary", "sharing", "together")
"""Names of the signals, in the order of S1 … S8; S7 is a weight and no signal."""

FAMILIES = {
    "volume": "looks",
    "beneficiary": "looks",
    "harm": "consequences",
    "decisions": "decisions",
    "picks": "decisions",
    "canary": "canary",
    "sharing": "sharing",
    "together": "looks",
}
"""Signals that rest on the same rows are one family: an escalation needs two."""

HARM_WINDOW_US = 14 * DAY_US
APPEAL_WINDOW_US = HOUR_US
_RARE = 5.0  # counts that a group must expect before its own rate says more than the wider group's


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts out of trials, one row for each person and period.

    Args:
        actor, period: of n rows.
        seen, of: n counts and trials.
        rate: n chances of a trial for others, where trials differ in kind; absent: peers' counts say it.
    """

    actor: Int64
    period: Int64
    seen: Int64
    of: Int64
    rate: Float | None = None

    def __post_init__(self) -> None:
        same_length("counts", self.actor, self.period, self.seen, self.of)


@dataclass(frozen=True, slots=True)
class Weighed:
    """Evidence of counts.

    Args:
        log_e: n values.
        expected: n counts that the peers' rate would give.
    """

    log_e: Float
    expected: Float


def weigh(counts: Counts, strata: Strata, base: float = 0.0) -> Weighed:
    """Return the evidence of one period's counts beside those of peers, each person left out of his own yardstick.

    Args:
        counts: of one period, or of periods that are not combined.
        strata: of the rows, widest first.
        base: rate below which no peer group may fall.
    """
    rate, spread = _of_peers(counts, strata, base)
    return Weighed(log_counts(counts.seen, counts.of, rate, spread), rate * counts.of)


def weigh_weeks(weekly: Counts, strata: Strata, base: float = 0.0) -> Weighed:
    """Return the evidence of weeks that will be combined: each beside peers and the person's own earlier weeks.

    `expected` is what peers alone would give, for a later month to learn from.
    """
    rate, spread = _of_peers(weekly, strata, base)
    expected = rate * weekly.of
    past = past_of(weekly.actor, weekly.period, weekly.seen, expected)
    return Weighed(_beside_past(weekly, rate, spread, past), expected)


def weigh_month(monthly: Counts, strata: Strata, weeks: tuple[Counts, Weighed, int], base: float = 0.0) -> Weighed:
    """Return the evidence of the last month beside peers and the person's own weeks before it.

    Args:
        monthly: one row for each person.
        strata: of these rows, widest first.
        weeks: the weekly counts, their evidence, and the first week that is not before the month.
        base: rate below which no peer group may fall.
    """
    weekly, weighed, until = weeks
    rate, spread = _of_peers(monthly, strata, base)
    past = past_until(weekly.actor, weekly.period, weekly.seen, weighed.expected, until, monthly.actor)
    return Weighed(_beside_past(monthly, rate, spread, past), rate * monthly.of)


def _of_peers(counts: Counts, strata: Strata, base: float) -> tuple[Float, Float]:
    seen, of = counts.seen.astype(np.float64), counts.of.astype(np.float64)
    if counts.rate is not None:
        return counts.rate, spread_of(seen, of, counts.rate)
    rate, spread = leave_one_out_rates(seen, of, counts.actor, strata, events=_RARE)
    return np.maximum(rate, base), spread


def _beside_past(counts: Counts, rate: Float, spread: Float, past: Past) -> Float:
    seen, of = counts.seen.astype(np.float64), counts.of.astype(np.float64)
    mean, known = with_past(rate, spread, past, seen, of)
    return log_counts(counts.seen, counts.of, mean, known)


def volume(actor: Int64, period: Int64, unexplained: Float) -> Counts:
    """Count unexplained accesses (S1): the whole parts of what no record explains, out of all accesses.

    Args:
        actor: of n accesses.
        period: n periods.
        unexplained: n parts in {0, ½, 1}.
    """
    person, of = _cells(actor, period)
    total = np.bincount(of)
    missing = np.floor(np.bincount(of, unexplained)).astype(np.int64)
    return Counts(person[0], person[1], missing, total)


def look_then_harm(
    looks: tuple[Int64, Int64, Int64], harms: tuple[Int64, Int64], *, subjects: int, window_us: int = HARM_WINDOW_US
) -> Int64:
    """Return which looks were followed by harm to the subject (S3): contacted, review changed, refund.

    Args:
        looks: actor, subject and time of n looks.
        harms: subject and time of each harm, whoever did it.
        subjects: how many there are.
        window_us: how long after a look harm counts.
    """
    _, subject, at = looks
    line = Timeline(harms[0], harms[1])
    return (line.count(np.minimum(subject, subjects), at + 1, at + window_us + 1) > 0).astype(np.int64)


def harm(actor: Int64, period: Int64, followed: Int64, unexplained: Float) -> tuple[Counts, Float]:
    """Count harm after unexplained looks, and say how often it follows explained ones (S3).

    Args:
        actor: of n looks.
        period: n periods.
        followed: n flags from `look_then_harm`.
        unexplained: n parts.

    Returns:
        Counts over unexplained looks, and for each the rate after explained looks of everybody, the yardstick below
        which no peer group may fall.
    """
    lone = unexplained >= 1.0
    cells, of = _cells(actor[lone], period[lone])
    counts = Counts(
        cells[0], cells[1], np.bincount(of, followed[lone], cells[0].size).astype(np.int64), np.bincount(of)
    )
    base = (float(followed[~lone].sum()) + 0.5) / (float((~lone).sum()) + 1.0)
    return counts, np.full(counts.actor.size, base)


def picks(actor: Int64, period: Int64, routed: Int64, acted_us: Int64, appealed_us: Int64) -> Counts:
    """Count cases taken without the router within an hour of a seller's appeal (S5), out of all cases acted upon.

    Args:
        actor: of n cases acted upon.
        period: n periods.
        routed: n flags: the router gave him the case.
        acted_us: n times.
        appealed_us: n times, `OPEN` where nobody appealed.
    """
    cells, of = _cells(actor, period)
    quick = (acted_us >= appealed_us) & (acted_us - appealed_us <= APPEAL_WINDOW_US) & (routed == 0)
    return Counts(cells[0], cells[1], np.bincount(of, quick, cells[0].size).astype(np.int64), np.bincount(of))


def second_rates(actor: Int64, kind: Int64, disagreed: Int64, levels: Mapping[str, Int64]) -> Float:
    """Return how often blind second decisions of each one's kind disagree with others (S4), NaN where few others know.

    Kinds differ in how far people agree, so each is held against others who decide its like and against nothing wider:
    fewer than eight of them, or fewer than 25 of their decisions, make no yardstick.

    Args:
        actor: of n decisions in the sample.
        kind: n kinds.
        disagreed: n flags: somebody who did not know the first decision decided otherwise.
        levels: what people are, per actor, widest first: role, queue, product.
    """
    rate = np.full(actor.size, np.nan)
    for each in np.unique(kind):
        rows = np.flatnonzero(kind == each)
        who = actor[rows]
        people, of, own = np.unique(who, return_inverse=True, return_counts=True)
        able = (people.size - 1 >= FEWEST_DECIDERS) & (rows.size - own[of] >= FEWEST)
        strata = Strata({name: level[who] for name, level in levels.items()})
        others, _ = leave_one_out_rates(
            disagreed[rows].astype(np.float64), np.ones(rows.size), who, strata, events=_RARE
        )
        rate[rows[able]] = others[able]
    return rate


def second_decisions(actor: Int64, period: Int64, disagreed: Int64, rate: Float) -> Counts:
    """Count disagreements of blind second decisions with a person's own on the random sample (S4).

    Args:
        actor: of n decisions in the sample.
        period: n periods.
        disagreed: n flags: somebody who did not know the first decision decided otherwise.
        rate: n chances of it for others who decide the like; a decision without one is not counted.
    """
    known = ~np.isnan(rate)
    cells, of = _cells(actor[known], period[known])
    trials = np.bincount(of, minlength=cells[0].size)
    seen = np.bincount(of, disagreed[known], cells[0].size).astype(np.int64)
    return Counts(cells[0], cells[1], seen, trials, np.bincount(of, rate[known], cells[0].size) / trials)


def _cells(actor: Int64, period: Int64) -> tuple[tuple[Int64, Int64], Int64]:
    width = int(period.max(initial=0)) + 1
    code, of = np.unique(actor * width + period, return_inverse=True)
    return (code // width, code % width), of
