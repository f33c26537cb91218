"""Signal S2: do an actor's unexplained accesses and harmful acts favour one beneficiary?

For every beneficiary s one bets that the actor meets it θ times as often as its share q_s says. With a share of the
beneficiary per event the bet of n events is Π θ^{x_i} / (1 + (θ - 1) q_s), whose expectation is 1, so its mean over the
beneficiaries and the ratios is an e-value: no correction for how many beneficiaries there are is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whosaw.watch.evidence import RATIOS
from whosaw.watch.rows import Float, Int64, same_length


@dataclass(frozen=True, slots=True)
class Touches:
    """Unexplained accesses and harmful acts, and whom each would profit.

    Args:
        actor, week: of n events.
        role: n indices of the actor's role or queue, whose shares apply.
        event, beneficiary: k links of an event (row 0 … n-1) with one beneficiary, each pair once.
    """

    actor: Int64
    week: Int64
    role: Int64
    event: Int64
    beneficiary: Int64

    def __post_init__(self) -> None:
        same_length("events", self.actor, self.week, self.role)
        same_length("links", self.event, self.beneficiary)


@dataclass(frozen=True, slots=True)
class Shares:
    """Which part of the events innocently concerns each beneficiary.

    Args:
        by_role: R × S shares in (0, 1).
        own_actor, own_beneficiary, own_share: pairs known from explained accesses or declared account management, and
            the share that such a pair makes normal; at least the role's share counts.
    """

    by_role: Float
    own_actor: Int64
    own_beneficiary: Int64
    own_share: Float

    def of(self, actor: Int64, role: Int64, beneficiary: Int64) -> Float:
        """Return the share of each triple."""
        share = self.by_role[role, beneficiary]
        if self.own_actor.size:
            width = self.by_role.shape[1]
            known = self.own_actor * width + self.own_beneficiary
            order = np.argsort(known, kind="stable")
            asked = actor * width + beneficiary
            place = np.minimum(np.searchsorted(known[order], asked), known.size - 1)
            same = known[order][place] == asked
            share = np.where(same, np.maximum(share, self.own_share[order][place]), share)
        return np.clip(share, 1e-9, 0.99)


def learn_shares(
    explained: tuple[Int64, Int64, Int64], unexplained: tuple[Int64, Int64, Int64], sizes: tuple[int, int], events: int
) -> Float:
    """Return R × S shares learned from explained accesses, moved toward what peers leave unexplained.

    Explained accesses are many and say how busy a beneficiary is; unexplained ones of the whole role say whether
    something happened that made everybody look. Of the two, where peers look oftener than explained work says, the
    larger counts.

    Args:
        explained: role, beneficiary and actor of each link of an explained access.
        unexplained: the same of unexplained ones.
        sizes: R and S.
        events: explained accesses, of which the links are parts.
    """
    roles, beneficiaries = sizes
    role, beneficiary, _ = explained
    table = np.zeros((roles, beneficiaries))
    np.add.at(table, (role, beneficiary), 1.0)
    per_event = role.size / max(events, 1)
    whole = (table.sum(axis=0) + 0.5) / (table.sum() + 0.5 * beneficiaries)
    pseudo = 0.25 * beneficiaries
    share = (table + pseudo * whole) / (table.sum(axis=1, keepdims=True) + pseudo)
    role, beneficiary, actor = unexplained
    # a single actor's looks must not make themselves normal: each actor counts once for each beneficiary
    pairs = np.unique(np.stack([role, beneficiary, actor]), axis=1) if role.size else np.empty((3, 0), np.int64)
    looked = np.zeros((roles, beneficiaries))
    np.add.at(looked, (pairs[0], pairs[1]), 1.0)
    total = np.maximum(np.bincount(role, minlength=roles), 1.0)[:, None]
    expected = share * total
    crowd = (looked >= 4) & (looked > expected + 4 * np.sqrt(expected))
    share = np.where(crowd, np.maximum(share, (looked + 1.0) / total), share)
    return np.asarray(np.clip(share * per_event, 1e-9, 0.95))


@dataclass(frozen=True, slots=True)
class Scan:
    """What the scan of one period says.

    Args:
        actor: a actors with events, rising.
        log_e: a values.
        best: a beneficiaries that the evidence points at most.
        best_seen, best_expected: how often he met it, and how often his share of it would have him.
        events: a numbers of events.
    """

    actor: Int64
    log_e: Float
    best: Int64
    best_seen: Int64
    best_expected: Float
    events: Int64


def scan_beneficiaries(
    touches: Touches, shares: Shares, weights: Float | None = None, person: Int64 | None = None
) -> Scan:
    """Return the evidence of each actor over all of `touches` as one period.

    Args:
        touches: the period's events.
        shares: what innocence looks like.
        weights: S weights fixed before the period began (from the sellers' side), normed here; even where absent.
        person: per actor of the events, whose shares are his; himself where absent.
    """
    weight = normed(weights, shares.by_role.shape[1])
    actor, of = np.unique(touches.actor, return_inverse=True)
    events = np.bincount(of, minlength=actor.size)
    role = np.zeros(actor.size, np.int64)
    role[of] = touches.role
    pair, seen = np.unique(of[touches.event] * weight.size + touches.beneficiary, return_counts=True)
    who, whom = pair // weight.size, pair % weight.size
    q = shares.of(actor[who] if person is None else person[actor[who]], role[who], whom)
    untouched = _untouched(events, role, shares.by_role, weight)
    total = np.zeros(actor.size)
    best_log = np.full(who.size, -np.inf)
    for at, ratio in enumerate(RATIOS):
        missed = np.exp(-events[who] * np.log1p((ratio - 1.0) * shares.by_role[role[who], whom]))
        bet = seen * np.log(ratio) - events[who] * np.log1p((ratio - 1.0) * q)
        gain = weight[whom] * (np.exp(np.minimum(bet, 600.0)) - missed)
        total += untouched[:, at] + np.bincount(who, gain, actor.size)
        best_log = np.logaddexp(best_log, bet)
    log_e = np.log(np.maximum(total / len(RATIOS), 1e-300))
    order = np.lexsort((-best_log, who))
    first = order[np.unique(who[order], return_index=True)[1]] if who.size else np.empty(0, np.int64)
    best = np.full(actor.size, -1, np.int64)
    best_seen, expected = np.zeros(actor.size, np.int64), np.zeros(actor.size)
    best[who[first]], best_seen[who[first]] = whom[first], seen[first]
    expected[who[first]] = events[who[first]] * q[first]
    return Scan(actor, log_e, best, best_seen, expected, events)


def detect_beneficiaries(
    touches: Touches, shares: Shares, weeks: int, actors: int, weights: Float | None = None
) -> Float:
    """Return log M of weeks × actors: a detector for each beneficiary and ratio, averaged.

    A beneficiary counts from the first time the actor met it; those never met are taken for 0, which only lowers M. So
    the value of a week never depends on later weeks.
    """
    weight = normed(weights, shares.by_role.shape[1])
    weekly = weekly_bets(touches, shares, weeks)
    of, found = weekly.bets, np.full((weeks, actors), -np.inf)
    for week, states in enumerate(weekly.states()):
        with np.errstate(divide="ignore"):
            found[week] = np.log(np.bincount(of.actor, states * weight[of.beneficiary], actors))
    return found


@dataclass(frozen=True, slots=True)
class Bets:
    """Bets on what actors met, one for each actor and beneficiary that he met.

    Args:
        actor, beneficiary: b indices, rising.
        log_bet: b values, averaged over the ratios; a mean of them over beneficiaries, weighted by weights that do not
            know the actor's events, has expectation 1 at most, those never met being taken for 0.
        seen: b counts of events with the beneficiary.
        expected: b counts that its share would give.
    """

    actor: Int64
    beneficiary: Int64
    log_bet: Float
    seen: Int64
    expected: Float


def log_bets(touches: Touches, shares: Shares, person: Int64 | None = None) -> Bets:
    """Return the bets of one period.

    Args:
        touches: its events.
        shares: what innocence looks like.
        person: per actor of the events, whose shares are his; himself where absent.
    """
    events = np.bincount(touches.actor, minlength=int(touches.actor.max(initial=-1)) + 1)
    pair, seen, q, who, whom = _met(touches, shares, person)
    theta = np.array(RATIOS)
    bet = seen[:, None] * np.log(theta) - events[who][:, None] * np.log1p((theta - 1.0) * q[:, None])
    log_bet = np.logaddexp.reduce(bet, axis=1) - np.log(theta.size) if pair.size else np.empty(0)
    return Bets(who, whom, log_bet, seen, events[who] * q)


@dataclass(frozen=True, slots=True)
class Weekly:
    """Detectors of bets, week by week.

    Args:
        bets: those they are about; their values are of all weeks as one.
        week: n weeks of the events that each link of `of` belongs to, by link.
        of: k places among the bets, one for each link.
        events: weeks × actors counts.
        share: b shares.
    """

    bets: Bets
    week: Int64
    of: Int64
    events: Int64
    share: Float

    def states(self) -> Iterator[Float]:
        """Yield for each week b values, averaged over the ratios: 0 before the first time that somebody is met."""
        bets, weeks = self.bets, self.events.shape[0]
        first = np.full(bets.actor.size, weeks, np.int64)
        np.minimum.at(first, self.of, self.week)
        order = np.argsort(self.week, kind="stable")
        bounds = np.searchsorted(self.week[order], np.arange(weeks + 1))
        theta = np.array(RATIOS)
        log_theta, per_event = np.log(theta), np.log1p((theta[None, :] - 1.0) * self.share[:, None])
        state = np.zeros((bets.actor.size, theta.size))
        for week in range(weeks):
            seen = np.bincount(self.of[order[bounds[week] : bounds[week + 1]]], minlength=bets.actor.size)
            bet = seen[:, None] * log_theta - self.events[week, bets.actor][:, None] * per_event
            state = np.minimum((state + 1.0) * np.exp(np.minimum(bet, 300.0)), 1e250)
            yield np.where(first <= week, state.mean(axis=1), 0.0)


def weekly_bets(touches: Touches, shares: Shares, weeks: int, person: Int64 | None = None) -> Weekly:
    """Return the detectors of `weeks` weeks; arguments as of `log_bets`."""
    events = np.zeros((weeks, int(touches.actor.max(initial=-1)) + 1), np.int64)
    np.add.at(events, (touches.week, touches.actor), 1)
    pair, seen, q, who, whom = _met(touches, shares, person)
    of = np.searchsorted(pair, touches.actor[touches.event] * shares.by_role.shape[1] + touches.beneficiary)
    bets = Bets(who, whom, np.zeros(who.size), seen, q * events.sum(axis=0)[who])
    return Weekly(bets, touches.week[touches.event], of, events, q)


def _met(touches: Touches, shares: Shares, person: Int64 | None) -> tuple[Int64, Int64, Float, Int64, Int64]:
    """Return the pairs of actor and beneficiary that met: key, count, share, actor, beneficiary."""
    width = shares.by_role.shape[1]
    role = np.zeros(int(touches.actor.max(initial=-1)) + 1, np.int64)
    role[touches.actor] = touches.role
    pair, seen = np.unique(touches.actor[touches.event] * width + touches.beneficiary, return_counts=True)
    who, whom = pair // width, pair % width
    return pair, seen, shares.of(who if person is None else person[who], role[who], whom), who, whom


def normed(weights: Float | None, size: int) -> Float:
    """Return weights of `size` beneficiaries that sum to 1; even ones where none are given."""
    if weights is None:
        return np.full(size, 1.0 / size)
    return np.asarray(weights / weights.sum())


def _untouched(events: Int64, role: Int64, by_role: Float, weight: Float) -> Float:
    """Return a × ratios: the bets on all beneficiaries as if none had been met."""
    found = np.zeros((events.size, len(RATIOS)))
    key = events * by_role.shape[0] + role
    for value in np.unique(key):
        count, which = divmod(int(value), by_role.shape[0])
        for at, ratio in enumerate(RATIOS):
            found[key == value, at] = weight @ np.exp(-count * np.log1p((ratio - 1.0) * by_role[which]))
    return found
