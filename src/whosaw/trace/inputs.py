"""What attribution reads: plain arrays, so that it needs no server, no lake and no names.

Actors and subjects are dense indices ``0 … n-1`` chosen by the caller; times are int64 microseconds since 1970 (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Accesses:
    """Every time an actor opened a subject's record; row order carries no meaning.

    Args:
        actor: n indices into the actors.
        subject: n indices into the subjects.
        at_us: n times.
        irregular: n flags: no verified reason, or a reason that belongs to another subject; all false where the log
            carries no reasons (then `has_reasons` is false and the irregular share goes to *any*).
    """

    actor: Int64
    subject: Int64
    at_us: Int64
    irregular: Bool
    has_reasons: bool = True


@dataclass(frozen=True, slots=True)
class Population:
    """The risk set before matching: the subjects who could have been contacted, and since when.

    Args:
        entered_us: one time per subject: the first order with the beneficiary where orders are known, else the first
            touch in the log; `NEVER` keeps a subject out of every risk set.
        work_subject: m subjects of genuine work items (tickets), for matching on how much work a subject causes.
        work_at_us: m times those items were opened.
        work_in_context: m flags: the item concerns the beneficiary.
    """

    entered_us: Int64
    work_subject: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    work_at_us: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    work_in_context: Bool = field(default_factory=lambda: np.empty(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Sightings:
    """Complaints: K subjects and when each was contacted from outside; any order.

    A subject given twice counts once, at its earliest contact. A negative subject is one that the log does not know.
    """

    subject: Int64
    contacted_us: Int64


@dataclass(frozen=True, slots=True)
class Actors:
    """How many actors there are, and which are machines that open everything (never named, no weight)."""

    count: int
    service: Bool
