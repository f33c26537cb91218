"""What the pages show, as values, and the one protocol through which the console asks for it.

Reading the record is case work: whoever implements `Reads` records the look before answering, and says whether it does.
Times are aware UTC; probabilities lie in 0 … 1; people appear by staff key or by number, never by a protected value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from whosaw.doors.console.unmaskreads import UnmaskLine, UnmaskPage
from whosaw.doors.console.watchreads import FlagPage, PromptLine, SecondLine, WatchPage
from whosaw.terms import PurposeRef, SubjectRef

ROWS_MOST = 100

Effect = Literal["reveal", "mask", "alias", "deny"]


@dataclass(frozen=True, slots=True)
class WhoQuestion:
    """Who saw this subject.

    Args:
        subject: whose record.
        since: leave out entries before this time, or None for all.
        field: only entries that concern this field, as the catalog writes it; empty for all.
        before: only entries with a lower index, or None for the newest.
        limit: rows wanted, 1 … `ROWS_MOST`.
    """

    subject: SubjectRef
    since: datetime | None = None
    field: str = ""
    before: int | None = None
    limit: int = ROWS_MOST


@dataclass(frozen=True, slots=True)
class FieldEffect:
    """One field of an entry and what became of it: ``customer.email``, ``mask``."""

    field: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class WhoRow:
    """One entry about the subject.

    Args:
        index: of the entry in the trail.
        at: when it was asked.
        actor: the staff key, or ``number N`` where the key was erased.
        kind: ``disclosure``, ``denial``, ``action``, ``import`` … as the entry says.
        door: the way in.
        fields: what was asked and what became of it; empty for an action.
        decision: ``allow``, ``mask``, ``alias`` or ``deny``.
        reason: the entry's reason code, such as ``purpose.verified``.
        purpose: the stated reason, or None where none was stated.
        would: what enforcement would have made of it where observe mode gave more; empty otherwise.
        action: such as ``review.delete``; empty for a disclosure.
        object: what was acted on, such as ``review:R-12``; empty for a disclosure.
    """

    index: int
    at: datetime
    actor: str
    kind: str
    door: str
    fields: tuple[FieldEffect, ...]
    decision: str
    reason: str
    purpose: PurposeRef | None = None
    would: str = ""
    action: str = ""
    object: str = ""


@dataclass(frozen=True, slots=True)
class WhoCounts:
    """Counts over the whole answer, not only over the page.

    Args:
        entries: all of them.
        actors: distinct actors who were shown at least one field, masked or not.
        shown: entries with at least one field revealed.
        masked: of the rest, entries with at least one field masked or aliased.
        denied: entries in which everything was refused.
        actions: entries of something done rather than shown.
        would_deny: entries that enforcement would have refused or masked.
    """

    entries: int
    actors: int
    shown: int
    masked: int
    denied: int
    actions: int
    would_deny: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """How far the record reaches, as measured.

    Args:
        entries: in the whole trail.
        since: time of its first entry, or None where it is empty.
        until: time of its last entry, or None where it is empty.
        doors: doors whose asks it holds.
        gaps: known holes, one sentence each, lower-case start and no period.
    """

    entries: int
    since: datetime | None
    until: datetime | None
    doors: tuple[str, ...]
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WhoPage:
    """The answer to a `WhoQuestion`.

    Args:
        known: whether the record knows the subject at all.
        rows: newest first, at most the question's limit.
        counts: over the whole answer.
        completeness: how far the record reaches.
        older: index to ask `before` for the next page, or None where this is the last.
    """

    known: bool
    rows: tuple[WhoRow, ...]
    counts: WhoCounts
    completeness: Completeness
    older: int | None = None


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """A case in the list: `verdict` is empty and `outside_probability` None until something was computed."""

    id: str
    beneficiary: str
    state: str
    opened_at: datetime
    complaints: int
    verdict: str = ""
    outside_probability: float | None = None


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
    """What the record said when so many complaints were known; `candidates` the most probable first."""

    complaints: int
    at: datetime
    verdict: str
    outside_probability: float
    candidates: tuple[CandidateLine, ...]


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


@dataclass(frozen=True, slots=True)
class CheckpointLine:
    """The latest signed tree head: `root` in base64, as the note writes it; `size` in entries."""

    origin: str
    size: int
    root: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """An outside witness that cosigned the checkpoint shown, and when."""

    name: str
    cosigned_at: datetime


@dataclass(frozen=True, slots=True)
class TrailState:
    """How the trail stands: entries appended, the checkpoint over them (None before the first), its witnesses.

    Where nobody witnessed it, `caution` says in a line what is known of why.
    """

    entries: int
    checkpoint: CheckpointLine | None
    witnesses: tuple[WitnessLine, ...] = ()
    caution: str = ""


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry by its numbers; `subject` is None where it concerns nobody."""

    index: int
    at: datetime
    kind: str
    actor: int
    subject: int | None
    decision: str
    reason: str
    door: str


@dataclass(frozen=True, slots=True)
class TrailPage:
    """The trail's state and entries, newest first; `older` is the index to ask `before`, or None at the end."""

    state: TrailState
    entries: tuple[EntryLine, ...]
    older: int | None = None


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """An accusation that the viewer was shown and that fell: in which case, of whom by number, what was wrong."""

    case: str
    actor: str
    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class StartPage:
    """The start: cases newest first, how the trail stands, what the viewer's functions let him see, and what fell."""

    cases: tuple[CaseSummary, ...]
    trail: TrailState
    watches: bool = False
    fallen: tuple[CorrectionLine, ...] = ()
    oversees: bool = False


class Reads(Protocol):
    """What the console may ask. `viewer` is the staff key of who looks."""

    @property
    def records_looks(self) -> bool:
        """Whether each answer below is recorded as case work first; the pages tell the viewer where it is."""
        ...

    @property
    def fields(self) -> tuple[str, ...]:
        """Field names of the catalog, in the order to offer them."""
        ...

    async def admits(self, viewer: str) -> bool:
        """Return whether `viewer` may still look: false for somebody suspended. Asked anew for every page."""
        ...

    async def start(self, viewer: str) -> StartPage:
        """Return the cases that `viewer` may see, what fell of what he was shown, and the state of the trail."""
        ...

    async def corrections_read(self, viewer: str, until: datetime) -> None:
        """Keep that the viewer has read what fell, as far as it was written by `until`."""
        ...

    async def who(self, question: WhoQuestion, viewer: str) -> WhoPage:
        """Return who saw a subject."""
        ...

    async def case(self, case_id: str, viewer: str) -> CasePage | None:
        """Return a case, or None where there is none of that id that `viewer` may see."""
        ...

    async def unmaskings(self, case_id: str, viewer: str) -> UnmaskPage | None:
        """Return the unmaskings of a case, or None where there is none of that id that `viewer` may see."""
        ...

    async def ask_unmasking(self, case_id: str, asked: tuple[int, str, int], viewer: str) -> str | None:
        """Ask who somebody is: number, reason, days. Return why not, empty where asked; None as for `unmaskings`."""
        ...

    async def approve_unmasking(self, case_id: str, number: int, viewer: str) -> str | None:
        """Approve what somebody else asked; return why not, empty where approved; None as for `unmaskings`."""
        ...

    async def overseen(self, viewer: str) -> tuple[UnmaskLine, ...] | None:
        """Return every unmasking, newest first, or None where the viewer's function does not oversee them.

        What is of the viewer himself, or of a case in which he has a conflict of interest, is not among them.
        """
        ...

    async def trail(self, before: int | None, limit: int, viewer: str) -> TrailPage:
        """Return the trail's state and at most `limit` entries, newest first, below index `before` where given."""
        ...

    async def watch(self, viewer: str) -> WatchPage | None:
        """Return the flags, or None where the viewer's function does not review them."""
        ...

    async def flag(self, flag: str, viewer: str) -> FlagPage | None:
        """Return one flag whole, or None where there is none of that id that `viewer` may see."""
        ...

    async def judge(self, flag: str, said: tuple[str, str, str], viewer: str) -> str | None:
        """Record a verdict: outcome, kind of record, why. Return why not, empty where recorded; None as for `flag`.

        `viewer` never decides about himself, nor where he has a conflict of interest; `confirmed` stands with two.
        """
        ...

    async def release(self, held: int, text: str, viewer: str) -> str | None:
        """Let somebody go on who is held up; return why not, empty where he goes on, None where the viewer may not.

        Recorded with who did it; `viewer` never releases himself.
        """
        ...

    async def prompts(self, viewer: str) -> tuple[PromptLine, ...]:
        """Return the questions to the viewer himself, the newest first."""
        ...

    async def answer(self, prompt: int, text: str, viewer: str) -> str:
        """Record the viewer's answer to a question of his own; return why it cannot be taken, empty where it was."""
        ...

    async def seconds(self, viewer: str) -> tuple[SecondLine, ...]:
        """Return what the viewer is asked to decide a second time, the newest first; never what was decided first."""
        ...

    async def decide_again(self, number: int, text: str, viewer: str, *, favours: bool) -> str:
        """Record what the viewer decides; return why it cannot be taken, empty where it was."""
        ...
