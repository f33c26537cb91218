"""Innocent stories: each says how things might have come about honestly, and how much of the evidence it leaves.

A story is tested, not told: the beneficiary scan is repeated with what the story would make normal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.watch.rows import Float, Int64
from whosaw.watch.running import Run
from whosaw.watch.scan import Shares, Touches, scan_beneficiaries


@dataclass(frozen=True, slots=True)
class Story:
    """One innocent explanation.

    Args:
        name: a word.
        sentence: what would have to be true.
        log_e: the month's evidence of the beneficiary signal if it were.
        weakens: by what factor that is less than without it, at least 1.
        clears: the record that would settle it.
    """

    name: str
    sentence: str
    log_e: float
    weakens: float
    clears: str


def stories_of(run: Run, actor: int, weights: Float | None = None) -> tuple[Story, ...]:
    """Return the innocent stories about an actor's unexplained accesses, the one that weakens most first."""
    place = np.flatnonzero(run.scan.actor == actor)
    if not place.size or run.scan.best[place[0]] < 0:
        return ()
    at = int(place[0])
    before, best = float(run.scan.log_e[at]), int(run.scan.best[at])
    mine = _only(run.touches, actor)
    tried = {
        "account manager": (
            "he looks after this beneficiary, though nobody declared it",
            _log_e(mine, _tied(run.shares, actor, best, 0.9), weights),
            "an entry in the list of account managers that is older than the accesses",
        ),
        "product specialist": (
            "work of this beneficiary's kind goes to him ten times as often as to his colleagues",
            _log_e(mine, _tied(run.shares, actor, best, _ten_times(run.shares, mine, best)), weights),
            "the routing rule that says so, or his explained work on the same products",
        ),
        "quality sample": (
            "half of the accesses were a sample drawn for quality checks",
            _log_e(_every_other(mine, best), run.shares, weights),
            "the sample's list with these cases on it",
        ),
        "something happened": (
            "everybody had reason to look at this beneficiary in that month, three times as often as usual",
            _log_e(mine, _busier(run.shares, mine, best, 3.0), weights),
            "a record of the event: an outage, a campaign, a news report",
        ),
        "shared login": (
            "two people used the account, and each did half",
            _log_e(_half(mine), run.shares, weights),
            "badge, device and shift records of the times concerned",
        ),
    }
    found = [
        Story(name, sentence, value, max(1.0, float(np.exp(min(before - value, 700.0)))), clears)
        for name, (sentence, value, clears) in tried.items()
    ]
    return tuple(sorted(found, key=lambda story: (-story.weakens, story.name)))


def without_row(run: Run, actor: int, weights: Float | None = None) -> tuple[int, float]:
    """Return the access that counts most, and the signal's log evidence without it; -1 where there is none."""
    place = np.flatnonzero(run.scan.actor == actor)
    if not place.size or run.scan.best[place[0]] < 0:
        return -1, 0.0
    best = int(run.scan.best[place[0]])
    mine = _only(run.touches, actor)
    on_best = np.unique(mine.event[mine.beneficiary == best])
    events = np.flatnonzero(run.touches.actor == actor)
    # every access to the same beneficiary weighs the same: the earliest stands for them
    return int(run.touch_row[events[on_best[0]]]), _log_e(_drop(mine, on_best[:1]), run.shares, weights)


def _log_e(touches: Touches, shares: Shares, weights: Float | None) -> float:
    if not touches.actor.size:
        return 0.0
    return float(scan_beneficiaries(touches, shares, weights).log_e[0])


def _only(touches: Touches, actor: int) -> Touches:
    return _keep(touches, np.flatnonzero(touches.actor == actor))


def _keep(touches: Touches, events: Int64) -> Touches:
    place = np.full(touches.actor.size, -1, np.int64)
    place[events] = np.arange(events.size)
    links = place[touches.event] >= 0
    return Touches(
        touches.actor[events],
        touches.week[events],
        touches.role[events],
        place[touches.event[links]],
        touches.beneficiary[links],
    )


def _drop(touches: Touches, events: Int64) -> Touches:
    kept = np.ones(touches.actor.size, np.bool_)
    kept[events] = False
    return _keep(touches, np.flatnonzero(kept))


def _half(touches: Touches) -> Touches:
    return _keep(touches, np.arange(0, touches.actor.size, 2))


def _every_other(touches: Touches, best: int) -> Touches:
    return _drop(touches, np.unique(touches.event[touches.beneficiary == best])[::2])


def _tied(shares: Shares, actor: int, beneficiary: int, share: float) -> Shares:
    return replace(
        shares,
        own_actor=np.append(shares.own_actor[_others(shares, actor, beneficiary)], actor),
        own_beneficiary=np.append(shares.own_beneficiary[_others(shares, actor, beneficiary)], beneficiary),
        own_share=np.append(shares.own_share[_others(shares, actor, beneficiary)], share),
    )


def _others(shares: Shares, actor: int, beneficiary: int) -> Int64:
    return np.flatnonzero((shares.own_actor != actor) | (shares.own_beneficiary != beneficiary))


def _ten_times(shares: Shares, mine: Touches, best: int) -> float:
    share = shares.of(mine.actor[:1], mine.role[:1], np.array([best]))
    return min(10.0 * float(share[0]), 0.9)


def _busier(shares: Shares, mine: Touches, best: int, times: float) -> Shares:
    raised = shares.by_role.copy()
    role = int(mine.role[0])
    raised[role, best] = min(times * raised[role, best], 0.9)
    return replace(shares, by_role=raised)
