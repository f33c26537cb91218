"""Account versus person: was it the owner who used the account when the records were opened?

What is known about each opening (badge, device, shift, a second session elsewhere) is likelier under one of two
accounts of the matter: the owner used it, or somebody else did. Clues about one opening hang together, so of each
opening only the strongest clue counts either way, and no opening moves the odds by more than a fixed factor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from whosaw.trace.errors import InputRefused

SKEW_S = 300.0
"""How far clocks of different systems may disagree before a clue counts."""

_MOST = math.log(20.0)


class Clue(StrEnum):
    """What another system says about the time of an opening."""

    BADGE_INSIDE = "badge_inside"
    """The owner's badge was in the building of the device."""
    BADGE_ELSEWHERE = "badge_elsewhere"
    """It was in another building, or had left."""
    OWN_DEVICE = "own_device"
    """The device that the owner always uses."""
    FOREIGN_DEVICE = "foreign_device"
    """A device that the owner had never used."""
    ON_SHIFT = "on_shift"
    OFF_SHIFT = "off_shift"
    SECOND_SESSION = "second_session"
    """The owner worked at another place in another session at that time."""


ODDS = {
    Clue.BADGE_INSIDE: 3.0,
    Clue.BADGE_ELSEWHERE: 1 / 15.0,
    Clue.OWN_DEVICE: 4.0,
    Clue.FOREIGN_DEVICE: 1 / 8.0,
    Clue.ON_SHIFT: 1.5,
    Clue.OFF_SHIFT: 1 / 2.0,
    Clue.SECOND_SESSION: 1 / 20.0,
}
"""How much likelier a clue is if the owner used the account; set by hand, to be replaced by a company's own rates."""


@dataclass(frozen=True, slots=True)
class Clueing:
    """One clue about one opening.

    Args:
        opening: which opening of the account, by number.
        clue: what is known.
        apart_s: seconds between the opening and the other system's entry; within the clock skew in doubt.
    """

    opening: int
    clue: Clue
    apart_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whether the owner used the account.

    Args:
        probability: that it was the owner at the openings that count.
        for_owner, against: numbers of openings whose clues speak for and against.
        unknown: openings that no clue is known of.
    """

    probability: float
    for_owner: int
    against: int
    unknown: int


def weigh_owner(clues: list[Clueing], openings: int, prior: float = 0.95, skew_s: float = SKEW_S) -> Owner:
    """Return how probable it is that the owner himself used the account.

    Args:
        clues: everything known about the openings.
        openings: how many there are.
        prior: probability that an account is used by its owner, before any clue.
        skew_s: clock skew between the systems; a clue that hangs on a border this close counts half.

    Raises:
        InputRefused: the prior is no probability, the skew is negative, or a clue names no opening.
    """
    if not 0.0 < prior < 1.0 or skew_s < 0.0:
        raise InputRefused("the prior of the owner lies between 0 and 1, and a skew is not negative")
    strongest: dict[int, tuple[float, float]] = {}
    for each in clues:
        if not 0 <= each.opening < openings:
            raise InputRefused(f"a clue names opening `{each.opening}` of {openings}")
        weight = math.log(ODDS[each.clue]) * (0.5 if abs(each.apart_s) < skew_s and _on_border(each.clue) else 1.0)
        low, high = strongest.get(each.opening, (0.0, 0.0))
        strongest[each.opening] = (min(low, weight), max(high, weight))
    logs = {opening: max(-_MOST, min(_MOST, low + high)) for opening, (low, high) in strongest.items()}
    odds = math.log(prior / (1.0 - prior)) + sum(logs.values())
    probability = 1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, odds))))
    speaking = list(logs.values())
    return Owner(probability, sum(x > 0 for x in speaking), sum(x < 0 for x in speaking), openings - len(strongest))


def _on_border(clue: Clue) -> bool:
    """Whether a clue rests on two systems' clocks: coming and going, and shifts; a device is the same at any time."""
    return clue not in {Clue.OWN_DEVICE, Clue.FOREIGN_DEVICE}
