"""One run: every signal's evidence for each person, by week and for the last month, averaged as fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from whosaw.watch import signals
from whosaw.watch.decisions import weigh_deciders
from whosaw.watch.detector import Tiers, detect
from whosaw.watch.errors import NothingLeft
from whosaw.watch.evidence import e_bh, log_canary, log_mean
from whosaw.watch.nulls import HABIT_LONG_DAYS, Strata, affinity, habits
from whosaw.watch.observed import Observed
from whosaw.watch.rows import DAY_US, Bool, Float, Int64
from whosaw.watch.scan import Scan, Shares, Touches, detect_beneficiaries, learn_shares, normed, scan_beneficiaries
from whosaw.watch.settings import WatchSettings
from whosaw.watch.sharing import shared_prints
from whosaw.watch.together import Ground, pairs_of, weigh_beside
from whosaw.watch.visits import first_of_each

WEEK_US = 7 * DAY_US


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
        at = observed.accesses.at_us
        self.start_us = int(at.min()) if at.size else 0
        self.end_us = int(at.max()) + 1 if at.size else 0
        self.weeks = max(1, -(-(self.end_us - self.start_us) // WEEK_US))
        self.month_from_us = max(self.start_us, self.end_us - settings.month_days * DAY_US)
        self.week = (at - self.start_us) // WEEK_US
        self.actors = observed.actors
        self.lone = observed.unexplained >= 1.0

    def result(self) -> Run:
        touches = self._touches(np.ones(len(self.observed.accesses), np.bool_))
        shares = self._shares()
        recent = self.observed.accesses.at_us >= self.month_from_us
        month_touches, month_row = self._touches(recent)
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

    def _touches(self, rows: Bool) -> tuple[Touches, Int64]:
        """Return the unexplained accesses in `rows`, of each subject an actor's first, with whom they profit."""
        observed = self.observed
        row = self._people(np.flatnonzero(rows & self.lone))
        place = np.full(len(observed.accesses), -1, np.int64)
        place[row] = np.arange(row.size)
        links = place[observed.link_access] >= 0
        actor = observed.accesses.actor[row]
        pair = np.unique(np.stack([place[observed.link_access[links]], observed.link_beneficiary[links]]), axis=1)
        return Touches(actor, self.week[row], observed.role[actor], pair[0], pair[1]), row

    def _people(self, rows: Int64) -> Int64:
        """Return of `rows` the first look of each actor at each subject."""
        return first_of_each(rows, self.observed.accesses.actor, self.observed.accesses.subject)

    def _shares(self) -> Shares:
        observed = self.observed
        role = observed.role[observed.accesses.actor]
        # people, not looks, as in the evidence that is held against it
        explained = self._first_looks(observed.unexplained < 1.0)
        at, whom, who = observed.link_access, observed.link_beneficiary, observed.accesses.actor
        told, lone = explained[at], self._first_looks(self.lone)[at]
        by_role = learn_shares(
            (role[at[told]], whom[told], who[at[told]]),
            (role[at[lone]], whom[lone], who[at[lone]]),
            (int(observed.role.max(initial=0)) + 1, observed.beneficiaries),
            int(explained.sum()),
        )
        return self._known_ties(by_role)

    def _first_looks(self, rows: Bool) -> Bool:
        """Return which accesses are among `rows` the first of their actor at their subject."""
        first = np.zeros(rows.size, np.bool_)
        first[self._people(np.flatnonzero(rows))] = True
        return first

    def _known_ties(self, by_role: Float) -> Shares:
        """Return the shares with those that explained accesses, declared ties and old habits make normal for a pair."""
        observed = self.observed
        since_us = self.month_from_us - self.settings.affinity_days * DAY_US
        # half excuses can be written by whoever needs them
        whole = self._first_looks((observed.unexplained <= 0.0) & (observed.accesses.at_us >= since_us))
        sound = whole[observed.link_access]
        actor, whom = observed.accesses.actor[observed.link_access[sound]], observed.link_beneficiary[sound]
        declared = observed.tie_actor * observed.beneficiaries + observed.tie_beneficiary
        pair, share = affinity(actor, whom, observed.beneficiaries, also=declared)
        share = np.where(np.isin(pair, declared), 0.9, share)
        old, habit = self._habits()
        known = np.union1d(pair, old)
        both = np.zeros(known.size)
        both[np.searchsorted(known, pair)] = share
        place = np.searchsorted(known, old)
        both[place] = np.maximum(both[place], habit)
        return Shares(by_role, known // observed.beneficiaries, known % observed.beneficiaries, both)

    def _habits(self) -> tuple[Int64, Float]:
        """Return what unexplained accesses made normal that are too old to be weighed against anybody now."""
        observed = self.observed
        days = max(self.settings.habit_days, self.settings.month_days)
        old = self._first_looks(self.lone & (observed.accesses.at_us < self.end_us - days * DAY_US))
        linked = old[observed.link_access]
        actor = observed.accesses.actor
        events = np.bincount(actor[old], minlength=self.actors)
        who = actor[observed.link_access[linked]]
        told_days = max(0, self.end_us - days * DAY_US - self.start_us) / DAY_US
        once = min(1.0, told_days / HABIT_LONG_DAYS)
        return habits(who, observed.link_beneficiary[linked], events, observed.beneficiaries, once)

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
        levels = {"role": self.observed.role[counts.actor]}
        for name, of in (("queue", self.observed.queue), ("product", self.observed.product)):
            if of is not None:
                levels[name] = of[counts.actor]
        if by_month:
            levels["month"] = counts.period // 4
        return Strata(levels)

    def _volume(self, recent: Bool) -> Signal:
        accesses, part = self.observed.accesses, self.observed.unexplained
        whose = (accesses.actor, accesses.subject, np.asarray(2.0 * part, np.int64))
        weekly = first_of_each(np.arange(len(accesses)), *whose, self.week)
        monthly = first_of_each(np.flatnonzero(recent), *whose)
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
        actor, subject, part = observed.accesses.actor, observed.accesses.subject, observed.unexplained
        # which look counts may not depend on what followed it, nor may one harm be counted after two looks
        whose = (actor, subject, self.lone.astype(np.int64))
        each = first_of_each(np.arange(followed.size), *whose)
        late = first_of_each(np.flatnonzero(recent), *whose)
        weekly, base = signals.harm(actor[each], self.week[each], followed[each], part[each])
        monthly, _ = signals.harm(actor[late], np.zeros(late.size, np.int64), followed[late], part[late])
        return self._counted("harm", weekly, monthly, float(base[0]) if base.size else 0.5)

    def _picked(self) -> Signal | None:
        made = self.observed.decisions
        if not made.actor.size or not (made.routed >= 0).any():
            return None
        week = np.clip((made.at_us - self.start_us) // WEEK_US, 0, self.weeks - 1)
        recent = made.at_us >= self.month_from_us
        whole = (made.actor, week, made.routed, made.at_us, made.appealed_us)
        zero = np.zeros(int(recent.sum()), np.int64)
        last = (made.actor[recent], zero, made.routed[recent], made.at_us[recent], made.appealed_us[recent])
        return self._counted("picks", signals.picks(*whole), signals.picks(*last))

    def _decided(self) -> Signal | None:
        """Average outcomes beside like cases, and disagreements of blind second decisions."""
        made = self.observed.decisions
        if not made.actor.size:
            return None
        late = made.at_us >= self.month_from_us
        found = weigh_deciders(made.actor, made.favourable, Strata({"kind": made.kind}), late)
        outcome, expected, seen = np.zeros(self.actors), np.zeros(self.actors), np.zeros(self.actors)
        outcome[found.actor] = found.log_e
        seen[found.actor], expected[found.actor] = found.favoured, found.expected
        sampled = made.second >= 0
        if not sampled.any():
            # the month's decisions at once: evidence of the present, which no week may count again
            week = np.zeros((self.weeks, self.actors))
            week[-1] = outcome
            return Signal("decisions", detect(week), outcome, seen, expected)
        week_of = np.clip((made.at_us - self.start_us) // WEEK_US, 0, self.weeks - 1)
        weekly = signals.second_decisions(made.actor[sampled], week_of[sampled], made.second[sampled])
        recent = sampled & (made.at_us >= self.month_from_us)
        monthly = signals.second_decisions(
            made.actor[recent], np.zeros(int(recent.sum()), np.int64), made.second[recent]
        )
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
