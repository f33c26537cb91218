"""What attribution reads: plain arrays, so that it needs no server, no lake and no names.

Actors and subjects are dense indices ``0 … n-1`` chosen by the caller; times are int64 microseconds since 1970 (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

Float = NDArray[np.float64]

GUESSABLE_ODDS = 20.0
"""A mark that somebody may have guessed multiplies odds by no more than this."""

UNIQUE_ODDS = 10_000.0
"""A mark that nobody can guess; not infinite, because a breach of the whole store would show it too."""

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
        work_kind: m kinds of the items (queue, skill, topic), where they decide who works on them.
        stratum: one value per subject that decides who serves him (region, language), where routing goes by it.
    """

    entered_us: Int64
    work_subject: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    work_at_us: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    work_in_context: Bool = field(default_factory=lambda: np.empty(0, np.bool_))
    work_kind: Int64 | None = None
    stratum: Int64 | None = None


@dataclass(frozen=True, slots=True)
class Sightings:
    """Complaints: K subjects and when each was contacted from outside; any order.

    A subject given twice counts once, at its earliest contact. A negative subject is one that the log does not know.

    Args:
        subject: K subjects.
        contacted_us: K times of contact; where uncertain, the latest possible ones.
        trust: K parts, in [0, 1], that no known outside source explains (the seller's own orders, a public dump, an
            earlier leak); absent where none is known. It must come from the source, never from who opened the record.
        uncertain_us: K spans by which the contact may have been earlier; openings within them never count.
    """

    subject: Int64
    contacted_us: Int64
    trust: Float | None = None
    uncertain_us: Int64 | None = None

    @property
    def earliest_us(self) -> Int64:
        """K times before which an opening certainly precedes the contact."""
        return self.contacted_us if self.uncertain_us is None else self.contacted_us - self.uncertain_us

    @property
    def trusted(self) -> Float:
        """K parts that no known outside source explains; 1 where nothing is known."""
        return np.ones(self.subject.size) if self.trust is None else self.trust


def _no_rows() -> Int64:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Marks:
    """What can only have come from a record: canaries, aliases, unique copies, exports that turned up outside.

    Args:
        subject: J subjects that exist for this only; -1 where `actor` says who had it.
        seen_us: J times they turned up; openings from then on do not count.
        odds: J numbers by which a hit multiplies the odds of those who had opened it; at most `GUESSABLE_ODDS` for what
            may have been guessed or stands in a dump.
        actor: J actors who alone had it; -1 where the log says who opened the subject.
        held: m positions among the J marks, of what several had and no one subject stands for.
        holder: m actors who had it.
    """

    subject: Int64 = field(default_factory=_no_rows)
    seen_us: Int64 = field(default_factory=_no_rows)
    odds: Float = field(default_factory=lambda: np.empty(0))
    actor: Int64 = field(default_factory=_no_rows)
    held: Int64 = field(default_factory=_no_rows)
    holder: Int64 = field(default_factory=_no_rows)


@dataclass(frozen=True, slots=True)
class Duties:
    """Work that brought an actor to records, whatever he wanted: account management, hand-overs.

    It must come from the records of that work, never from who complained. What the actor never opened needs no
    explanation, and would speak for the innocence of whoever did open it: a duty names what he opened because of it.

    Args:
        actor: J actors whose openings the duties explain.
        duty: m positions among the J duties.
        subject: m subjects that the duty brought.
        since_us: m times from which it did: the actor's own first opening from the day of the duty on.
    """

    actor: Int64 = field(default_factory=_no_rows)
    duty: Int64 = field(default_factory=_no_rows)
    subject: Int64 = field(default_factory=_no_rows)
    since_us: Int64 = field(default_factory=_no_rows)


@dataclass(frozen=True, slots=True)
class Actors:
    """The actors.

    Args:
        count: how many there are.
        service: flags: machines that open everything (never named, no weight).
        shared: flags: accounts that several people use: they may stand out, and are reported as a group, never named.
        label: site or employer per actor, as an index; -1 where unknown. A verdict may name one.
    """

    count: int
    service: Bool
    shared: Bool | None = None
    label: Int64 | None = None
