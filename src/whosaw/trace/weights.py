"""Prior weights of the actors: from how they used the log, never from who complained.

Somebody may begin to sell after the first complaint is in. Weights frozen before the first contact would never expect
him. So a part of the prior starts later: a start at complaint s bets only from s on, with weights frozen just before s.
Every such bet is a martingale that starts at 1, and so is their mixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.counting import openings_of
from whosaw.trace.evidence import Float
from whosaw.trace.index import Index, spans
from whosaw.trace.inputs import Int64
from whosaw.trace.risk import Context, RiskSet
from whosaw.trace.settings import Settings


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights of H actors for S starts.

    Args:
        starts: positions among the matched complaints from which bets are placed; the first is 0.
        share: S parts of the prior, fixed in advance. They sum to less than 1 until the last start has come: what has
            not started yet says nothing, and counts with *nobody inside*.
        ring_share: the same of pairs and trios.
        weight: S × H weights; what is lacking to 1 belongs to actors who opened no complainer.
    """

    starts: tuple[int, ...]
    share: Float
    ring_share: Float
    weight: Float

    def of(self, members: Int64) -> Prior:
        """Return the prior of some of the actors."""
        return Prior(self.starts, self.share, self.ring_share, self.weight[:, members])

    def started_by(self, complaints: int) -> Prior:
        """Return the prior as it stood after the first complaints."""
        kept = [at for at, start in enumerate(self.starts) if start < complaints]
        return Prior(tuple(self.starts[at] for at in kept), self.share[kept], self.ring_share[kept], self.weight[kept])

    def without(self, complaint: int) -> Prior:
        """Return the prior of the same complaints but one."""
        return Prior(tuple(s - (s > complaint) for s in self.starts), self.share, self.ring_share, self.weight)


def prior_weights(
    index: Index, context: Context, sets: tuple[RiskSet, ...], settings: Settings, used: Used | None = None
) -> Prior:
    """Return the weights of all actors at every start.

    Args:
        index: the log.
        context: the subjects of the question.
        sets: the matched complaints in order of contact.
        settings: for the starts and their share.
        used: how the actors used the log on those subjects, where it was counted already.
    """
    starts = (0, *(s for s in settings.later_starts if s < len(sets)))
    share, ring_share = (
        np.array([1.0 - later, *[later / max(1, len(settings.later_starts))] * (len(starts) - 1)])
        for later in (settings.later_share, settings.ring_later_share)
    )
    used = used or Used(index, context)
    rows = [used.weights(sets[s].contacted_us, settings, sets[:s]) for s in starts]
    return Prior(starts, share, ring_share, np.stack(rows))


class Used:
    """How the actors used the log on the subjects of a question, asked at one moment after the other.

    What was counted at a moment is kept: a later one counts what came in between, and no more.
    """

    def __init__(self, index: Index, context: Context) -> None:
        self._allowed = ~index.actors.service
        self._kinds = openings_of(index)
        whole = context.subject.size == index.subject_count
        self._over_time = []
        for openings in self._kinds:
            rows = slice(None) if whole else spans(openings.start, context.subject)[1]
            self._over_time.append(_OverTime(openings.actor[rows], openings.first_us[rows], self._allowed.size))

    def weights(
        self,
        before_us: int,
        settings: Settings,
        reported: tuple[RiskSet, ...] = (),
        present: tuple[int, tuple[RiskSet, ...]] | None = None,
    ) -> Float:
        """Return one weight per actor; they sum to 1, and a service has none.

        A quarter even over everybody who opened a subject of the context, a quarter by how many they opened, a half by
        how many they opened irregularly (even where nobody did, or where the log carries no reasons). A small part of
        it is spread over all actors.

        Args:
            before_us: the first contact: later openings may be an effect of complaints and do not count.
            settings: for the part that everybody shares.
            reported: complaints that were in by then: what was opened of these subjects from their contact on is an
                effect of the complaint and does not count.
            present: a later time, and the complaints that were in by then: whoever had opened something by that time
                shares what is even; how much and how he opened counts as before.
        """
        everybody = _share(self._allowed.astype(np.float64))
        anything = self.opened(0, before_us, reported)
        by_then = anything if present is None else self.opened(0, *present)
        even = _share((by_then > 0).astype(np.float64), otherwise=everybody)
        nobody = np.zeros(anything.size)
        irregular = self.opened(1, before_us, reported) if len(self._kinds) > 1 else nobody
        used = 0.25 * even + 0.25 * _share(anything, otherwise=everybody) + 0.5 * _share(irregular, otherwise=even)
        return settings.floor_share * everybody + (1.0 - settings.floor_share) * used

    def opened(self, kind: int, before_us: int, reported: tuple[RiskSet, ...]) -> Float:
        """Return how many subjects of the context each actor had opened, services aside.

        Args:
            kind: 0 for any access, 1 for irregular ones.
            before_us: openings from then on do not count.
            reported: complaints whose subjects count only if opened before their contact.
        """
        counts = self._over_time[kind].before(before_us)
        if reported:
            openings = self._kinds[kind]
            owner, pair = spans(openings.start, np.array([risk.subject for risk in reported]))
            contacted_us = np.array([risk.contacted_us for risk in reported])[owner]
            first_us = openings.first_us[pair]
            late = (first_us >= contacted_us) & (first_us < before_us)
            counts = counts - _counts(openings.actor[pair[late]], self._allowed.size)
        return np.where(self._allowed, counts, 0).astype(np.float64)


class _OverTime:
    """Openings of one kind, counted per actor at times that mostly rise.

    invariant: `_held` has the counts at the first time that was asked for, and at the latest one.
    """

    def __init__(self, actor: Int64, first_us: Int64, actors: int) -> None:
        self._actor, self._first_us, self._actors = actor, first_us, actors
        self._held: dict[int, Int64] = {}

    def before(self, at_us: int) -> Int64:
        """Return per actor how many of the openings came before a time; the array is not to be written to."""
        if at_us in self._held:
            return self._held[at_us]
        earlier = max((held for held in self._held if held < at_us), default=None)
        since = self._first_us < at_us
        if earlier is not None:
            since &= self._first_us >= earlier
        counts = _counts(self._actor[np.flatnonzero(since)], self._actors)
        if earlier is not None:
            counts += self._held[earlier]
        first = min(self._held, default=at_us)
        self._held = {time: kept for time, kept in self._held.items() if time == first} | {at_us: counts}
        return counts


def _counts(actor: Int64, actors: int) -> Int64:
    """Return how often each actor occurs."""
    return np.bincount(actor, minlength=actors)


def _share(amount: Float, otherwise: Float | None = None) -> Float:
    total = amount.sum()
    if total == 0:
        return amount if otherwise is None else otherwise
    return np.asarray(amount / total)
