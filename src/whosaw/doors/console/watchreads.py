"""What the pages about watch show: flags for reviewers, and a person's own questions. People stand by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class FlagLine:
    """One flag.

    Args:
        id: of the flag.
        day: up to the end of which it was weighed.
        actor: the person, by number.
        tier: `review`, `case` or `escalate`.
        beneficiary: whom it would profit, or empty.
        sentence: what it says.
        evidence: of the month, as `3,400 : 1`.
        detector: of the weeks together.
        verdict: the one in force, or empty.
    """

    id: str
    day: date
    actor: int
    tier: str
    beneficiary: str
    sentence: str
    evidence: str
    detector: str
    verdict: str


@dataclass(frozen=True, slots=True)
class SignalLine:
    """How a signal did among people permuted at random: the part of them that reached 100 : 1, and whether it holds."""

    name: str
    people: int
    tail: float
    mean: float
    holds: bool


@dataclass(frozen=True, slots=True)
class HeldLine:
    """Somebody whose asks are held up at this moment.

    Args:
        number: by which a reviewer releases him.
        actor: the person, by number.
        sign: what was noticed: `canary`, `burst`, `enumeration`, `places`.
        step: what is asked of him: `reason`, `second_person`, `stop`.
        enforced: false where it is only recorded.
        since, until: from when until when.
        own: whether he is the viewer himself, whom another reviewer lets go on.
    """

    number: int
    actor: int
    sign: str
    step: str
    enforced: bool
    since: datetime
    until: datetime
    own: bool = False


@dataclass(frozen=True, slots=True)
class WatchPage:
    """Flags, with what is known of how often they are wrong, and who is held up at this moment.

    Args:
        until: the last day that was weighed; None where none was.
        false_cases_a_month: how many innocent people a month may become a case.
        confirmed, not_confirmed: reviewed flags.
        signals: the nightly check.
        flags: the newest of each person and beneficiary.
        held: who is held up, the newest first; None where the catalog has the gate hold up nobody.
        erased: imported accesses of people erased since, which were not weighed.
    """

    until: date | None
    false_cases_a_month: float
    confirmed: int
    not_confirmed: int
    signals: tuple[SignalLine, ...]
    flags: tuple[FlagLine, ...]
    held: tuple[HeldLine, ...] | None = None
    erased: int = 0


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A question to the viewer: whose record he opened, when, until when an answer counts, and what he answered."""

    id: int
    opened: str
    at: datetime
    due_at: datetime
    answer: str | None
