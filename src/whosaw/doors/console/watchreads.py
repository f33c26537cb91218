"""What the pages about watch show: flags for reviewers, and a person's own questions. People stand by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class StoryLine:
    """An innocent story that was tested: what would have to be true, by how many times it weakens, what settles it."""

    sentence: str
    weakens: str
    clears: str


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
        parts: per signal its name, its evidence, and what is left without it.
        without_top_row: what is left without the access that counts most.
        stories: innocent stories that were tested.
        selected: whether e-BH selects him among the month's evidence of all people.
        earlier: the newest verdict on another flag about the same person and beneficiary, or empty.
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
    parts: tuple[tuple[str, str, str], ...] = ()
    without_top_row: str = ""
    stories: tuple[StoryLine, ...] = ()
    selected: bool = False
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """What a reviewer said about a flag: `cleared`, `explained` by a kind of record, or `confirmed`; why, who, when.

    Record, why and who are empty where the viewer has not decided before himself.
    """

    outcome: str
    record: str
    because: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FlagPage:
    """One flag whole.

    Args:
        flag: as in the list.
        seal: of every bit that it says.
        accesses: when and to whom, by number; what the evidence rests on, in order of time.
        verdicts: in order.
        decided: whether the viewer has given one.
    """

    flag: FlagLine
    seal: str
    accesses: tuple[tuple[datetime, int], ...]
    verdicts: tuple[VerdictLine, ...]
    decided: bool


@dataclass(frozen=True, slots=True)
class SignalLine:
    """How a signal did among people permuted at random: the part of them that reached 100 : 1, and whether it holds."""

    name: str
    people: int
    tail: float
    mean: float
    holds: bool


@dataclass(frozen=True, slots=True)
class TeamLine:
    """How much of a team's accesses a record explains: in all, of these by half, and by which template how many."""

    team: str
    accesses: int
    explained: int
    by_half: int
    by_template: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class GroupLine:
    """How many of a group's permuted people reach the review tier; and whether that is above 1.5 × the stated rate."""

    attribute: str
    group: str
    people: int
    reached: int
    above: bool


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
class ExplanationLine:
    """What reviewers declared afterwards to explain looks.

    Args:
        number: by which another agrees to it, or it is withdrawn.
        beneficiary: of whose customers.
        since, until: the first and the last day.
        because: what happened.
        declared_by, agreed_by: who; empty where nobody agreed yet.
        state: `declared`, `agreed` or `withdrawn`.
    """

    number: int
    beneficiary: str
    since: str
    until: str
    because: str
    declared_by: str
    agreed_by: str
    state: str


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
        sets_unread: entries about many at once whose set of subjects could not be read, and which were not weighed.
        explained: the share of accesses that a record explains; None where nothing was weighed.
        teams: the same by team; never of a person.
        groups: how often innocent people of each group would be accused.
        unexplained: how many accesses nothing explains.
        newest: when, by whom and to whom the newest of these were, by number, in order of time.
        selected: people that e-BH selects among the month's evidence, by number; None where nothing says it.
        false_discovery: its rate.
        explanations: what reviewers declared to explain looks, the newest first.
        missing: what a better answer needs, one sentence each.
    """

    until: date | None
    false_cases_a_month: float
    confirmed: int
    not_confirmed: int
    signals: tuple[SignalLine, ...]
    flags: tuple[FlagLine, ...]
    held: tuple[HeldLine, ...] | None = None
    erased: int = 0
    sets_unread: int = 0
    explained: float | None = None
    teams: tuple[TeamLine, ...] = ()
    groups: tuple[GroupLine, ...] = ()
    unexplained: int = 0
    newest: tuple[tuple[datetime, int, int], ...] = ()
    selected: tuple[int, ...] | None = None
    false_discovery: float = 0.1
    explanations: tuple[ExplanationLine, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptLine:
    """A question to the viewer: whose record he opened, when, until when an answer counts, and what he answered.

    Args:
        id, opened, at, due_at, answer: as said.
        shown: how many people's records that ask showed whom nothing explains; the answer is about all of them.
    """

    id: int
    opened: str
    at: datetime
    due_at: datetime
    answer: str | None
    shown: int = 1


@dataclass(frozen=True, slots=True)
class SecondLine:
    """A decision that the viewer makes without being told what was decided first: about what, until when, and his own.

    Args:
        id: by which he decides it.
        kind, object: what it is about.
        due_at: until when it counts.
        favours: what he decided, None where he has not.
    """

    id: int
    kind: str
    object: str
    due_at: datetime
    favours: bool | None
