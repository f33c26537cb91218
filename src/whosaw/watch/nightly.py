"""The nightly check: among people permuted within their shift and queue nothing can be found, so nothing may be.

Who did what is shuffled among those who might as well have done it; everything else stays. A signal whose evidence
then averages above what an e-value may, or that says `100 : 1` too often about the people as they are, does not
understand this company: it is switched off and the operator is told. A fitted null makes e-values valid only nearly;
this check is the evidence that it does.

What belongs together changes hands as one: looks at one record alone, and all that one ask showed. Dealt out singly, a
heap that one decision made would lie scattered over a whole team, and a signal that took it for many would pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.watch.observed import Observed
from whosaw.watch.rows import DAY_US, Accesses, Int64
from whosaw.watch.running import run
from whosaw.watch.settings import WatchSettings
from whosaw.watch.visits import asks_of_one

MEAN_LIMIT = 1.05
TAIL_LIMIT = 0.015
TAIL_E = 100.0
SPARED = 2
"""So many people at e ≥ 100 never switch a signal off: in a small firm it would be the guilty who do."""
_MONTH_US = 30 * DAY_US
_MONTHLY = 200
"""A group with so many a month is permuted within each; in a smaller pool a bribe of that month would stay a heap."""


@dataclass(frozen=True, slots=True)
class Health:
    """How one signal behaves where nothing can be found.

    Args:
        name: the signal.
        mean_e: of permuted people; a single lucky one among thousands moves it.
        bounded_mean: the same with every value cut at 100, which is what must not exceed 1.05.
        tail: share of permuted people at e ≥ 100.
        as_they_are: share of people at e ≥ 100 in the record as it is; nearly everybody is innocent.
        people: permuted people that the two rest on.
        holds: whether it may be used.
    """

    name: str
    mean_e: float
    bounded_mean: float
    tail: float
    as_they_are: float
    people: int
    holds: bool


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of a night.

    Args:
        health: of each signal.
        off: signals that must be switched off.
        reached: per actor, in how many draws he reached the review tier although nothing could be found.
        draws: permutations.
    """

    health: tuple[Health, ...]
    off: tuple[str, ...]
    reached: Int64
    draws: int

    def apply(self, settings: WatchSettings) -> WatchSettings:
        """Return the settings with failing signals switched off."""
        return replace(settings, off=tuple(sorted({*settings.off, *self.off})))


def check_nulls(observed: Observed, settings: WatchSettings, *, draws: int = 5) -> Check:
    """Permute people `draws` times and measure every signal.

    Args:
        observed: one stretch of the record.
        settings: all signals that are not off already are measured.
        draws: permutations; each gives one value for each person.
    """
    rng = np.random.default_rng(settings.seed)
    real = run(observed, settings)
    values: dict[str, list[np.ndarray]] = {each.name: [] for each in real.signals}
    over = np.zeros(observed.actors, np.int64)
    for _ in range(draws):
        shuffled = run(permuted(observed, rng), settings)
        over += shuffled.month >= np.log(settings.review_e)
        for each in shuffled.signals:
            if each.name in values:
                values[each.name].append(np.exp(np.minimum(each.month, 600.0)))
    health = []
    for each in real.signals:
        e = np.concatenate(values[each.name]) if values[each.name] else np.ones(1)
        reached = int((each.month >= np.log(TAIL_E)).sum())
        as_is = reached / observed.actors
        tail = float((e >= TAIL_E).mean())
        mean = float(np.minimum(e, TAIL_E).mean())
        holds = mean <= MEAN_LIMIT and tail <= TAIL_LIMIT and reached <= max(SPARED, TAIL_LIMIT * observed.actors)
        health.append(Health(each.name, float(e.mean()), mean, tail, as_is, int(e.size), holds))
    return Check(tuple(health), tuple(sorted(each.name for each in health if not each.holds)), over, draws)


def permuted(observed: Observed, rng: np.random.Generator) -> Observed:
    """Return the record with the unexplained work shuffled among people of the same role, shift and queue.

    How many visits without an explanation somebody pays stays his own, in large groups for each month, so that nobody
    has many while he was away; which ones they are is drawn anew. Decisions change hands within their kind, those of
    one instant as one. So every tie between a person and a beneficiary is broken and nothing else is.
    """
    group = observed.role
    for finer in (observed.shift, observed.queue):
        if finer is not None:
            group = _joint(group, finer)
    accesses = observed.accesses
    lone = np.flatnonzero(observed.unexplained > 0.0)
    actor = accesses.actor.copy()
    visit, first = _visits(accesses.actor[lone], accesses.subject[lone], accesses.at_us[lone])
    begins = lone[first]
    month = (int(accesses.at_us.max(initial=0)) - accesses.at_us[begins]) // _MONTH_US
    pool = group[accesses.actor[begins]]
    enough = np.bincount(pool, minlength=1) >= _MONTHLY * (int(month.max(initial=0)) + 1)
    actor[lone] = _shuffled(accesses.actor[begins], _joint(pool, np.where(enough[pool], month, 0)), rng)[visit]
    made = observed.decisions
    batch, first = _visits(made.actor, made.kind, made.at_us, one_instant=True)
    decider = _shuffled(made.actor[first], _joint(group[made.actor[first]], made.kind[first]), rng)[batch]
    changed = replace(made, actor=decider)
    prints = observed.prints
    left = replace(prints, actor=_shuffled(prints.actor, group[prints.actor], rng))
    return replace(
        observed,
        accesses=Accesses(actor, accesses.subject, accesses.at_us, accesses.beneficiary),
        decisions=changed,
        prints=left,
    )


def _visits(actor: Int64, what: Int64, at_us: Int64, *, one_instant: bool = False) -> tuple[Int64, Int64]:
    """Return the visit of each row, counted from 0, and the first row of each visit.

    Args:
        actor: who, of n rows.
        what: whom, or which kind.
        at_us: when.
        one_instant: rows of one actor belong together that share both; else those of an instant that shows several,
            and of the others those that share whom they are about. Lists that overlap stay lists of their own: chained
            by whom they share, a heap of looks would move whole, and a signal that finds it would be switched off.
    """
    if not actor.size:
        return actor, actor
    kinds, instants = _numbered(actor, what), _numbered(actor, at_us)
    if one_instant:
        visit = _numbered(kinds, instants)
    else:
        visit = int(kinds.max()) + 1 + instants
        alone = asks_of_one(np.arange(actor.size), at_us, what, actor)
        visit[alone] = kinds[alone]
    by_time = np.argsort(at_us, kind="stable")
    _, first, of = np.unique(visit[by_time], return_index=True, return_inverse=True)
    back = np.empty_like(by_time)
    back[by_time] = of
    return back, np.asarray(by_time[first])


def _numbered(one: Int64, other: Int64) -> Int64:
    """Return a number from 0 for each row, equal where both columns are."""
    order = np.lexsort((other, one))
    fresh = np.ones(one.size, np.int64)
    fresh[1:] = (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)
    found = np.empty(one.size, np.int64)
    found[order] = np.cumsum(fresh) - 1
    return found


def _joint(group: Int64, kind: Int64) -> Int64:
    return group * (int(kind.max(initial=0)) + 1) + kind


def _shuffled(values: Int64, group: Int64, rng: np.random.Generator) -> Int64:
    """Return `values` permuted within each group."""
    by_group = np.argsort(group, kind="stable")
    drawn = by_group[np.lexsort((rng.random(values.size), group[by_group]))]
    found = np.empty_like(values)
    found[by_group] = values[drawn]
    return found
