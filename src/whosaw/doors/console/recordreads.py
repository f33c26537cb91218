"""What the pages about the record show: who saw a subject, and how the trail stands.

Times are aware UTC; people appear by staff key or by number, never by a protected value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

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
