"""The excuse of each access, the report on it, and the unexplained rest as a queue that accuses nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.matching import Matcher, Matches
from whosaw.watch.rows import NONE, Accesses, Bool, Float, Int64
from whosaw.watch.strength import FULL_LIFT, Strength

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Excuses:
    """What excuses n accesses.

    Args:
        excuse: n parts in {0, ½, 1}; half where the lift is moderate, or where only a record that who looked made
            himself, or his own text, holds.
        lift: n lifts.
        fired: n × T flags of the templates.
        names: the T templates.
    """

    excuse: Float
    lift: Float
    fired: Bool
    names: tuple[str, ...]

    @property
    def explained(self) -> Bool:
        """N flags: something excuses it, at least by half."""
        return self.excuse > 0.0

    @property
    def unexplained(self) -> Float:
        """N parts in {0, ½, 1} that no record explains."""
        return np.asarray(1.0 - self.excuse)


@dataclass(frozen=True, slots=True)
class TeamShare:
    """How much of a team's accesses is explained.

    Args:
        team: its index, `NONE` for those without.
        accesses, explained, halved: counts; the last are those that count by half.
        by_template: per template, how many it explains.
    """

    team: int
    accesses: int
    explained: int
    halved: int
    by_template: tuple[int, ...]


def excuse(matcher: Matcher, strength: Strength, accesses: Accesses) -> Excuses:
    """Say what excuses each of `accesses`."""
    matches = matcher.match(accesses)
    return grade(matches, strength, tuple(each.name for each in matcher.templates))


def grade(matches: Matches, strength: Strength, names: tuple[str, ...]) -> Excuses:
    """Turn what the templates say into parts of an excuse."""
    lift = strength.log_lift(matches.codes, matches.sizes)
    sound = strength.log_lift(matches.sound_codes, matches.sizes)
    holds = matches.fired.any(axis=1) & (lift >= strength.floor)
    strong = holds & matches.sound.any(axis=1) & (np.minimum(sound, lift) >= np.log(FULL_LIFT))
    part = np.where(strong, 1.0, np.where(holds, HALF, 0.0))
    return Excuses(part, np.exp(lift), matches.fired, names)


def share_by_team(excuses: Excuses, accesses: Accesses, team: Int64 | None) -> list[TeamShare]:
    """Return the share explained of each team, those without a team last; teams, never single people."""
    of = np.full(len(accesses), NONE) if team is None else team[accesses.actor]
    found = []
    for each in sorted(set(of.tolist()), key=lambda index: (index == NONE, index)):
        rows = of == each
        told = excuses.explained[rows]
        halved = excuses.excuse[rows] == HALF
        by = excuses.fired[rows & excuses.explained].sum(axis=0)
        found.append(TeamShare(each, int(rows.sum()), int(told.sum()), int(halved.sum()), tuple(by.tolist())))
    return found


def unexplained_queue(excuses: Excuses, accesses: Accesses) -> Int64:
    """Return the rows that nothing explains, the oldest first: a list to ask about, in no order of suspicion."""
    rows = np.flatnonzero(~excuses.explained)
    return np.asarray(rows[np.argsort(accesses.at_us[rows], kind="stable")])


def asks_of(accesses: Accesses) -> Int64:
    """Return for each access the number of its ask: what one person was shown in one instant."""
    _, asks = np.unique(np.stack([accesses.actor, accesses.at_us]), axis=1, return_inverse=True)
    return np.asarray(asks, np.int64).reshape(-1)


def prompts(
    excuses: Excuses,
    accesses: Accesses,
    *,
    share: float = 0.02,
    most: int | None = None,
    window_us: int = 7 * 86_400_000_000,
) -> Int64:
    """Return the rows whose actor is asked for the reason: one row of each ask that nothing explains.

    At most `share` of all asks and one per actor and week, so that nobody is buried: asks that showed most people whom
    nothing explains first, then the least excused. Of an ask the least excused row stands for it.

    Args:
        excuses: of one stretch.
        accesses: the same stretch.
        share: the part of all asks that may be asked about.
        most: how many at most, where that is not `share`.
        window_us: within which an actor is asked once.
    """
    asks = asks_of(accesses)
    if most is None:
        most = int(share * (asks.max(initial=-1) + 1))
    rows = unexplained_queue(excuses, accesses)
    shown = np.bincount(asks[rows], minlength=int(asks.max(initial=-1)) + 1)[asks]
    rows = rows[np.lexsort((accesses.at_us[rows], excuses.lift[rows], -shown[rows]))]
    seen: set[tuple[int, int]] = set()
    chosen: list[int] = []
    for row in rows.tolist():
        if len(chosen) >= most:
            break
        week = (int(accesses.actor[row]), int(accesses.at_us[row]) // window_us)
        if week not in seen:
            seen.add(week)
            chosen.append(row)
    return np.array(sorted(chosen), np.int64)
