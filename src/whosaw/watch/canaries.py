"""How many persons who do not exist, and where: the chance that a theft touches one, and what a touch is worth. Pure.

Source of the model: sampling without replacement. Who copies `taken` of the `people` in a place, among whom `canaries`
look like all others, leaves every canary out with probability C(people, taken) / C(people + canaries, taken), the
hypergeometric distribution (Feller, An Introduction to Probability Theory, vol. 1, II.6). Worth of a touch: an e-value
of half a bet priced at the rate at which innocent people touch one, never below 1 in 1,000 (the same as in `evidence`;
Grünwald, de Heide, Koolen, *Safe Testing*, 2024: e = 1/p0 for an event of probability at most p0).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from whosaw.watch.errors import WatchError

PRICE_LEAST = 1e-3
MOST_SHARE = 0.02
"""Canaries per person above which they begin to show: somebody who counts sees more persons than business."""


class PlanImpossible(WatchError, ValueError):
    """A plan of canaries asks for what no number of them can do."""

    code: ClassVar[str] = "watch.plan_impossible"
    hint = "people, taken and power must be above 0, power below 1, and nobody takes more people than there are"


@dataclass(frozen=True, slots=True)
class Place:
    """Where canaries may stand: a queue, a seller, a region; and how many real persons somebody sees there."""

    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Suspected:
    """What is suspected.

    Attributes:
        taken: persons of one place that are copied, > 0.
        used: share of the copied who are written to or called, in (0, 1]; an unused canary tells nothing.
        innocent: rate at which an innocent person's work touches a canary in the same time; 0 where never seen.
    """

    taken: int
    used: float = 1.0
    innocent: float = 0.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for one place.

    Attributes:
        place: where.
        canaries: how many.
        power: probability that a theft as suspected makes at least one of them known.
        share: canaries per person; above `MOST_SHARE` they show.
        evidence: e-value of the first touch.
    """

    place: Place
    canaries: int
    power: float
    share: float
    evidence: float

    @property
    def shows(self) -> bool:
        """Whether there are so many that somebody may notice."""
        return self.share > MOST_SHARE


def power(people: int, canaries: int, taken: int, used: float = 1.0) -> float:
    """Return the probability that at least one canary is among what is taken and used.

    Args:
        people: real persons in the place, > 0.
        canaries: beside them, ≥ 0.
        taken: drawn at random of all, 0 … people.
        used: each of the drawn is used with this probability, on its own, in (0, 1].
    """
    if canaries == 0 or taken == 0:
        return 0.0
    everybody = people + canaries
    missed = 0.0
    # j canaries drawn, all of them unused: the generating function of the hypergeometric at 1 - used
    whole = _log_choose(everybody, taken)
    for drawn in range(min(canaries, taken) + 1):
        if taken - drawn > people:
            continue
        unused = 0.0 if drawn == 0 else (-math.inf if used >= 1.0 else drawn * math.log1p(-used))
        missed += math.exp(_log_choose(canaries, drawn) + _log_choose(people, taken - drawn) - whole + unused)
    return min(1.0, max(0.0, 1.0 - missed))


def evidence(innocent: float) -> float:
    """Return the e-value of one touch, at the rate at which innocent work touches one."""
    return 0.5 + 0.5 / max(innocent, PRICE_LEAST)


def plan(places: Sequence[Place], suspected: Suspected, wanted: float) -> list[Planned]:
    """Return the fewest canaries per place that reach a power, each place for itself: who is suspected sees one place.

    Args:
        places: where.
        suspected: what is to be found.
        wanted: power, in (0, 1).

    Raises:
        PlanImpossible: a number is out of range, or the share that is used leaves it out of reach.
    """
    if not 0 < wanted < 1 or not 0 < suspected.used <= 1 or suspected.taken < 1 or not 0 <= suspected.innocent <= 1:
        raise PlanImpossible("the suspected rate or the power is out of range")
    planned = []
    for place in places:
        if place.people < suspected.taken:
            raise PlanImpossible(f"`{place.name}` has fewer people than are said to be taken")
        needed = _fewest(place.people, suspected, wanted)
        reached = power(place.people, needed, suspected.taken, suspected.used)
        planned.append(Planned(place, needed, reached, needed / place.people, evidence(suspected.innocent)))
    return planned


def _fewest(people: int, suspected: Suspected, wanted: float) -> int:
    high = 1
    while power(people, high, suspected.taken, suspected.used) < wanted:
        high *= 2
        if high > 4 * people:
            raise PlanImpossible("no number of canaries reaches this power: too few are taken, or used")
    low = high // 2
    while high - low > 1:  # invariant: low is too few, high is enough
        middle = (low + high) // 2
        if power(people, middle, suspected.taken, suspected.used) < wanted:
            low = middle
        else:
            high = middle
    return high


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
