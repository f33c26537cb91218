"""One run: every signal's evidence for each person, by week and for the last month, averaged as fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from whosaw.watch import signals
from whosaw.watch.decisions import weigh_deciders
from whosaw.watch.detector import Tiers, detect
from whosaw.watch.errors import NothingLeft
from whosaw.watch.evidence import e_bh, log_canary, log_mean
from whosaw.watch.normal import normal_shares
from whosaw.watch.nulls import Strata
from whosaw.watch.observed import Observed
from whosaw.watch.rows import Bool, Float, Int64
from whosaw.watch.scan import Scan, Shares, Touches, detect_beneficiaries, normed, scan_beneficiaries
from whosaw.watch.settings import WatchSettings
from whosaw.watch.sharing import shared_prints
from whosaw.watch.stretch import WEEK_US, Stretch
from whosaw.watch.together import Ground, pairs_of, weigh_beside


@dataclass(frozen=True, slots=True)
class Signal:
    """The evidence of one signal.

    Args:
        name: one of `signals.SIGNALS`.
        week: weeks × A log values of its detector.
        month: A log e-values of the last month.
        seen, expected: A counts of the last month.
    """

    name: str
    week: Float
    month: Float
    seen: Float
    expected: Float


@dataclass(frozen=True, slots=True)
class Run:
    """What one run found.

    Args:
        signals: those with data and not switched off.
        weights: part of each.
        month: A log e-values, averaged.
        detector: weeks × A log values of the averaged detectors.
        tier: A words: `none`, `review`, `case`, `escalate`.
        selected: actors that e-BH selects among the month's evidence.
        tiers: the thresholds in force.
        scan, touches, shares: what the beneficiary signal read, for flags and stories.
        month_from_us: when the last month began.
        settings_digest, rows_digest: they decide everything above.
    """

    signals: tuple[Signal, ...]
    weights: dict[str, float]
    month: Float
    detector: Float
    tier: tuple[str, ...]
    selected: Int64
    tiers: Tiers
    scan: Scan
    touches: Touches
    shares: Shares
    month_from_us: int
    settings_digest: str
    rows_digest: str
    touch_row: Int64 = field(default_factory=lambda: np.empty(0, np.int64))

    def signal(self, name: str) -> Signal | None:
        """Return the signal of that name, if it ran."""
        return next((each for each in self.signals if each.name == name), None)


def run(observed: Observed, settings: WatchSettings) -> Run:
    """Weigh one stretch of the record; the same rows and settings give the same bits."""
    return _Weighing(observed, settings).result()


class _Weighing:
    """The steps of a run, over shared week and month indices."""

    def __init__(self, observed: Observed, settings: WatchSettings) -> None:
        self.observed, self.settings = observed, settings
        self.stretch = stretch = Stretch(observed, settings)
        self.start_us, self.weeks, self.month_from_us = stretch.start_us, stretch.weeks, stretch.month_from_us
        self.week, self.actors, self.lone = stretch.week, observed.actors, stretch.lone

    def result(self) -> Run:
        touches = self.stretch.touches(np.ones(len(self.observed.accesses), np.bool_))
        shares = normal_shares(self.stretch)
        recent = self.observed.accesses.at_us >= self.month_from_us
        month_touches, month_row = self.stretch.touches(recent)
        scan = scan_beneficiaries(month_touches, shares, self.observed.weights)
        made = [
            self._beneficiary(touches[0], shares, scan),
            self._volume(recent),
            self._harm(recent),
            self._decided(),
            self._picked(),
            self._canary(recent),
            self._shared(),
            self._together(touches, (month_touches, month_row), shares),
        ]
        present = [each for each in made if each is not None]
        weights = self.settings.used(tuple(each.name for each in present))
        kept = tuple(each for each in present if each.name in weights)
        if not present:
            raise NothingLeft("no signal has rows")
        if kept:
            parts = np.array([weights[each.name] for each in kept])
            month = log_mean(np.stack([each.month for each in kept]), weights=parts)
            detector = log_mean(np.stack([each.week for each in kept]), weights=parts)
        else:  # the nightly check switched them all off: then nothing speaks against anybody, and the run says why
            month, detector = np.zeros(self.actors), np.zeros((1, self.actors))
        tiers = Tiers(self.actors, self.settings.false_cases_a_month, self.settings.review_e)
        return Run(
            signals=kept,
            weights=weights,
            month=month,
            detector=detector,
            tier=self._tier(kept, month, detector, tiers, recent),
            selected=e_bh(month, self.settings.false_discovery),
            tiers=tiers,
            scan=scan,
            touches=month_touches,
            shares=shares,
            month_from_us=self.month_from_us,
            settings_digest=self.settings.digest(),
            rows_digest=self.observed.digest(),
            touch_row=month_row,
        )

    def _tier(
        self, kept: tuple[Signal, ...], month: Float, detector: Float, tiers: Tiers, recent: Bool
    ) -> tuple[str, ...]:
        if not kept:  # with as many false cases allowed as there are people, even an e-value of 1 would be a case
            return ("none",) * self.actors
        review = np.log(tiers.review_e)
        families = np.zeros(self.actors, np.int64)
        for family in sorted(set(signals.FAMILIES.values())):
            mine = [each.month >= review for each in kept if signals.FAMILIES[each.name] == family]
            if mine:
                families += np.any(mine, axis=0)
        touched = self._canary_hits(recent) > 0
        return tuple(
            tiers.tier(float(month[at]), float(detector[-1, at]), int(families[at]), canary=bool(touched[at]))
            for at in range(self.actors)
        )

    # Beneficiary

    def _beneficiary(self, touches: Touches, shares: Shares, scan: Scan) -> Signal | None:
        if not self.observed.link_access.size:
            return None
        week = detect_beneficiaries(touches, shares, self.weeks, self.actors, self.observed.weights)
        month, seen, expected = np.zeros(self.actors), np.zeros(self.actors), np.zeros(self.actors)
        month[scan.actor] = scan.log_e
        seen[scan.actor], expected[scan.actor] = scan.best_seen, scan.best_expected
        return Signal("beneficiary", np.maximum(week, -600.0), month, seen, expected)

    # Counts

    def _counted(self, name: str, weekly: signals.Counts, monthly: signals.Counts, floor: float = 0.0) -> Signal:
        week = np.zeros((self.weeks, self.actors))
        found = signals.weigh_weeks(weekly, self._strata(weekly, by_month=True), floor)
        week[weekly.period, weekly.actor] = found.log_e
        month, seen, expected = np.zeros(self.actors), np.zeros(self.actors), np.zeros(self.actors)
        before = (weekly, found, (self.month_from_us - self.start_us) // WEEK_US)
        total = signals.weigh_month(monthly, self._strata(monthly, by_month=False), before, floor)
        month[monthly.actor] = total.log_e
        seen[monthly.actor], expected[monthly.actor] = monthly.seen, total.expected
        return Signal(name, detect(week), month, seen, expected)

    def _strata(self, counts: signals.Counts, *, by_month: bool) -> Strata:
        levels = {name: of[counts.actor] for name, of in self._levels().items()}
        if by_month:
            levels["month"] = counts.period // 4
        return Strata(levels)

    def _levels(self) -> dict[str, Int64]:
        known = {"role": self.observed.role, "queue": self.observed.queue, "product": self.observed.product}
        return {name: of for name, of in known.items() if of is not None}

    def _volume(self, recent: Bool) -> Signal:
        accesses, part = self.observed.accesses, self.observed.unexplained
        kind = np.asarray(2.0 * part, np.int64)
        weekly = self.stretch.counted(np.arange(len(accesses)), kind, self.week)
        monthly = self.stretch.counted(np.flatnonzero(recent), kind)
        return self._counted(
            "volume",
            signals.volume(accesses.actor[weekly], self.week[weekly], part[weekly]),
            signals.volume(accesses.actor[monthly], np.zeros(monthly.size, np.int64), part[monthly]),
        )

    def _harm(self, recent: Bool) -> Signal | None:
        observed = self.observed
        if not observed.harms.subject.size:
            return None
        looks = (observed.accesses.actor, observed.accesses.subject, observed.accesses.at_us)
        followed = signals.look_then_harm(
            looks, (observed.harms.subject, observed.harms.at_us), subjects=observed.subjects
        )
        actor, part = observed.accesses.actor, observed.unexplained
        # which look counts may not depend on what followed it, nor may one harm be counted after two looks
        kind = self.lone.astype(np.int64)
        each = self.stretch.counted(np.arange(followed.size), kind)
        late = self.stretch.counted(np.flatnonzero(recent), kind)
        weekly, base = signals.harm(actor[each], self.week[each], followed[each], part[each])
        monthly, _ = signals.harm(actor[late], np.zeros(late.size, np.int64), followed[late], part[late])
        return self._counted("harm", weekly, monthly, float(base[0]) if base.size else 0.5)

    def _picked(self) -> Signal | None:
        made = self.observed.decisions.one_of_each_ask()
        if not made.actor.size or not (made.routed >= 0).any():
            return None
        week = np.clip((made.at_us - self.start_us) // WEEK_US, 0, self.weeks - 1)
        recent = made.at_us >= self.month_from_us
        whole = (made.actor, week, made.routed, made.at_us, made.appealed_us)
        zero = np.zeros(int(recent.sum()), np.int64)
        last = (made.actor[recent], zero, made.routed[recent], made.at_us[recent], made.appealed_us[recent])
        return self._counted("picks", signals.picks(*whole), signals.picks(*last))

    def _decided(self) -> Signal | None:
        """Average outcomes beside like cases, and disagreements of blind second decisions; of one ask one of each."""
        every = self.observed.decisions
        if not every.actor.size:
            return None
        made = every.one_of_each_ask()
        late = made.at_us >= self.month_from_us
        found = weigh_deciders(made.actor, made.favourable, Strata({"kind": made.kind}), late)
        outcome, expected, seen = np.zeros(self.actors), np.zeros(self.actors), np.zeros(self.actors)
        outcome[found.actor] = found.log_e
        seen[found.actor], expected[found.actor] = found.favoured, found.expected
        sample = every.take(every.second >= 0).one_of_each_ask()  # the one drawn need not be the one that counts above
        rate = signals.second_rates(sample.actor, sample.kind, sample.second, self._levels())
        if np.isnan(rate).all():
            # the month's decisions at once: evidence of the present, which no week may count again
            week = np.zeros((self.weeks, self.actors))
            week[-1] = outcome
            return Signal("decisions", detect(week), outcome, seen, expected)
        week_of = np.clip((sample.at_us - self.start_us) // WEEK_US, 0, self.weeks - 1)
        weekly = signals.second_decisions(sample.actor, week_of, sample.second, rate)
        recent = sample.at_us >= self.month_from_us
        last = sample.take(recent)
        monthly = signals.second_decisions(last.actor, np.zeros(last.actor.size, np.int64), last.second, rate[recent])
        blind = self._counted("decisions", weekly, monthly)
        half = np.array([0.5, 0.5])
        single = np.zeros((self.weeks, self.actors))
        single[-1] = outcome
        return Signal(
            "decisions",
            log_mean(np.stack([detect(single), blind.week]), weights=half),
            log_mean(np.stack([outcome, blind.month]), weights=half),
            seen,
            expected,
        )

    # Canaries and prints

    def _canary_hits(self, rows: Bool) -> Int64:
        hit = rows & np.isin(self.observed.accesses.subject, self.observed.canary)
        return np.bincount(self.observed.accesses.actor[hit], minlength=self.actors)

    def _canary(self, recent: Bool) -> Signal | None:
        if not self.observed.canary.size:
            return None
        hit = np.isin(self.observed.accesses.subject, self.observed.canary) & (self.observed.unexplained >= 1.0)
        week = np.zeros((self.weeks, self.actors), np.int64)
        np.add.at(week, (self.week[hit], self.observed.accesses.actor[hit]), 1)
        rate = (float((week > 0).sum()) + 1.0) / (week.size + 1.0)
        late = np.bincount(self.observed.accesses.actor[hit & recent], minlength=self.actors)
        months = max(1.0, self.weeks / 4.3)
        month_rate = min(1.0, (float((week.sum(axis=0) > 0).sum()) + 1.0) / (self.actors * months + 1.0))
        active = log_canary(week, rate)
        return Signal(
            "canary",
            detect(active),
            log_canary(late, month_rate),
            late.astype(np.float64),
            np.full(self.actors, month_rate),
        )

    def _shared(self) -> Signal | None:
        prints = self.observed.prints
        if not prints.actor.size or not prints.party.size:
            return None
        found = shared_prints(
            (prints.actor, prints.actor_print),
            (prints.party, prints.party_print),
            (self.actors, self.observed.beneficiaries),
        )
        month, seen = np.full(self.actors, np.log(0.5)), np.zeros(self.actors)
        np.maximum.at(month, found.actor, found.log_e)
        np.maximum.at(seen, found.actor, found.prints.astype(np.float64))
        week = np.zeros((self.weeks, self.actors))
        week[-1] = month
        return Signal("sharing", detect(week), month, seen, np.zeros(self.actors))

    def _together(self, looks: tuple[Touches, Int64], late: tuple[Touches, Int64], shares: Shares) -> Signal | None:
        pairs = pairs_of(self.observed.prints)
        if not pairs.actor.size or not self.observed.link_access.size:
            return None
        accesses = self.observed.accesses
        (touches, row), (recent, late_row) = looks, late
        weights = normed(self.observed.weights, self.observed.beneficiaries)
        ground = Ground(shares, weights, (accesses.actor, accesses.subject), self.weeks, self.actors)
        found = weigh_beside(pairs, (touches, accesses.subject[row]), (recent, accesses.subject[late_row]), ground)
        return Signal("together", found.week, found.month, found.seen, found.expected)
