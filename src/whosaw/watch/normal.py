"""What is normal: each beneficiary's share for a role, and what ties and old habits make normal for one person."""

from __future__ import annotations

import numpy as np

from whosaw.watch.nulls import HABIT_LONG_DAYS, affinity, habits
from whosaw.watch.rows import DAY_US, Float, Int64
from whosaw.watch.scan import Shares, learn_shares
from whosaw.watch.stretch import Stretch


def normal_shares(stretch: Stretch) -> Shares:
    """Return the shares that evidence is held against; people are counted here as they are there."""
    observed = stretch.observed
    role = observed.role[observed.accesses.actor]
    explained = stretch.among(observed.unexplained < 1.0)
    at, whom, who = observed.link_access, observed.link_beneficiary, observed.accesses.actor
    told, lone = explained[at], stretch.among(stretch.lone)[at]
    by_role = learn_shares(
        (role[at[told]], whom[told], who[at[told]]),
        (role[at[lone]], whom[lone], who[at[lone]]),
        (int(observed.role.max(initial=0)) + 1, observed.beneficiaries),
        int(explained.sum()),
    )
    return _known_ties(stretch, by_role)


def _known_ties(stretch: Stretch, by_role: Float) -> Shares:
    """Return the shares with those that explained accesses, declared ties and old habits make normal for a pair."""
    observed = stretch.observed
    since_us = stretch.month_from_us - stretch.settings.affinity_days * DAY_US
    # half excuses can be written by whoever needs them
    whole = stretch.among((observed.unexplained <= 0.0) & (observed.accesses.at_us >= since_us))
    sound = whole[observed.link_access]
    actor, whom = observed.accesses.actor[observed.link_access[sound]], observed.link_beneficiary[sound]
    declared = observed.tie_actor * observed.beneficiaries + observed.tie_beneficiary
    pair, share = affinity(actor, whom, observed.beneficiaries, also=declared)
    share = np.where(np.isin(pair, declared), 0.9, share)
    old, habit = _habits(stretch)
    known = np.union1d(pair, old)
    both = np.zeros(known.size)
    both[np.searchsorted(known, pair)] = share
    place = np.searchsorted(known, old)
    both[place] = np.maximum(both[place], habit)
    return Shares(by_role, known // observed.beneficiaries, known % observed.beneficiaries, both)


def _habits(stretch: Stretch) -> tuple[Int64, Float]:
    """Return what unexplained accesses made normal that are too old to be weighed against anybody now."""
    observed, settings = stretch.observed, stretch.settings
    until_us = stretch.end_us - max(settings.habit_days, settings.month_days) * DAY_US
    old = stretch.among(stretch.lone & (observed.accesses.at_us < until_us))
    linked = old[observed.link_access]
    actor = observed.accesses.actor
    events = np.bincount(actor[old], minlength=observed.actors)
    who = actor[observed.link_access[linked]]
    told_days = max(0, until_us - stretch.start_us) / DAY_US
    once = min(1.0, told_days / HABIT_LONG_DAYS)
    return habits(who, observed.link_beneficiary[linked], events, observed.beneficiaries, once)
