"""What the pages about cases show. Times are aware UTC; probabilities lie in 0 … 1; people stand by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from whosaw.doors.console.recordreads import Completeness


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case in the list: `verdict` is empty and `outside_probability` None until something was computed.

    `explained_by` says what duties or questions in one go explain, with the probability `explained`; empty: nothing.
    """

    id: str
    beneficiary: str
    state: str
    opened_at: datetime
    complaints: int
    verdict: str = ""
    outside_probability: float | None = None
    explained: float = 0.0
    explained_by: str = ""


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """An actor, or several that the record cannot tell apart, at one look.

    Args:
        actors: as they may be written: by number, by key only while somebody is unmasked.
        probability: raw posterior.
        rung: ``no_signal``, ``lead`` or ``finding``.
        e_value: the bets' running product.
        seen: complainers opened before their contact.
        of: complaints in all.
        expected: how many matched subjects would make one expect.
        rival: could explain the complaints instead of the candidate ranked first.
    """

    actors: tuple[str, ...]
    probability: float
    rung: str
    e_value: float
    seen: int
    of: int
    expected: float
    rival: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What the record said when so many complaints were known; `candidates` the most probable first.

    `explained` is what duties or questions in one go explain, None where none were weighed.
    """

    complaints: int
    at: datetime
    verdict: str
    outside_probability: float
    candidates: tuple[CandidateLine, ...]
    explained: float | None = None


@dataclass(frozen=True, slots=True)
class ScopeCounts:
    """How many subjects got out, in disjoint tiers; `bound` is None where the number is no bound."""

    certain: int
    probable: int
    possible: int
    bound: int | None


@dataclass(frozen=True, slots=True)
class Approval:
    """Who agreed to a step, and when."""

    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StepLine:
    """One thing done in a case.

    Args:
        kind: such as ``suspend_actor``.
        target: whom or what it concerns: ``actor #17``, ``seller:S-0088``, the case.
        state: ``planned``, ``doing``, ``done``, ``undoing`` or ``undone``.
        reason: in words.
        planned_by: staff key.
        planned_at: when.
        approvals: in the order given.
        done_at: None until it was done.
        undone_at: None unless it was taken back.
        entry: index of its entry in the trail, or None.
    """

    kind: str
    target: str
    state: str
    reason: str
    planned_by: str
    planned_at: datetime
    approvals: tuple[Approval, ...] = ()
    done_at: datetime | None = None
    undone_at: datetime | None = None
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """Letters to the subjects of one tier: `unsure` were handed over without an answer, `waiting` not yet."""

    tier: str
    sent: int
    waiting: int = 0
    unsure: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class TermLine:
    """A term of law: what must be done, by which rule, until when (UTC), and how it stands, in words."""

    what: str
    source: str
    due_at: datetime
    standing: str


@dataclass(frozen=True, slots=True)
class FallenLine:
    """Somebody who is no longer suspected: how many know of it untold, and which measures against him stand."""

    actor: str
    untold: int
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownLine:
    """What counts as awareness: the minute that somebody decided, and alerts that nobody has read."""

    aware_since: datetime | None = None
    unread: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SightingLine:
    """One sighting: when and how the subject was contacted, how far it can be believed and why, what else explains it.

    `code` is ``sound``, ``doubtful`` or ``likely_fabricated``, `word` the same for a reader. `unchecked` names sources
    that nobody asked.
    """

    number: int
    contacted_at: datetime
    channel: str
    code: str
    word: str
    reasons: tuple[str, ...]
    explained: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CasePage:
    """One case.

    Args:
        summary: as in the list.
        looks: one per complaint from the third on (or as computed), rising; the last one is the present.
        finding_at: probability from which a candidate is a finding, or None where that is not known.
        scope: None until something was computed.
        steps: in order.
        notices: one line per tier.
        bundle: path of the evidence bundle, empty where none was written.
        method: how candidates were weighed, in words; empty where nothing was computed.
        missing: what a better answer needs, one sentence each.
        completeness: how far the record reaches.
        known: awareness, and alerts nobody has read.
        terms: of law, the next to end first.
        fallen: accusations that fell and are not put right.
        sightings: the newest first.
        explained: what the likeliest duty or question explains at the newest verdict, in a sentence; empty: nothing.
        origin: who asked for the newest verdict, whether it says less than it found, and what a found list speaks for.
    """

    summary: CaseSummary
    looks: tuple[Look, ...]
    finding_at: float | None
    scope: ScopeCounts | None
    steps: tuple[StepLine, ...]
    notices: tuple[NoticeLine, ...]
    bundle: str
    method: str
    missing: tuple[str, ...]
    completeness: Completeness
    known: KnownLine = KnownLine()
    terms: tuple[TermLine, ...] = ()
    fallen: tuple[FallenLine, ...] = ()
    sightings: tuple[SightingLine, ...] = ()
    origin: tuple[str, ...] = ()
    explained: str = ""
