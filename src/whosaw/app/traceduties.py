"""Account management and hand-overs that an investigator knows of, as the duties of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whosaw.app.tracefiles import TraceFileInvalid, moment, read_rows
from whosaw.lake.exposure import Exposure
from whosaw.trace import NEVER, Attribution, Duties

ACCOUNT = "account management"
HAND_OVER = "hand-over"


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty, as the file tells it.

    Args:
        actor: whose openings it explains.
        what: `account management` or `hand-over`.
        of: the beneficiary whose account he manages (empty: any); or who had the customers before him, an account or
            words.
        since_us, until_us: between when he managed the account; since when he had the customers.
        subjects: those handed over; empty where the log is to tell.
    """

    actor: str
    what: str
    of: str
    since_us: int
    until_us: int = NEVER
    subjects: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The duty in words."""
        if self.what == ACCOUNT:
            return (
                f"account management of {self.of} by {self.actor}" if self.of else f"account management by {self.actor}"
            )
        return f"hand-over from {self.of} to {self.actor}"


def read_duties(path: Path) -> list[Duty]:
    """Return duties, from CSV with `actor,what,of,subject,since,until`; rows of one hand-over are one duty.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or a row means nothing.
    """
    found: dict[tuple[str, str, str, int, int], list[str]] = {}
    for line, row in read_rows(path, ("actor", "what", "of", "subject", "since", "until")):
        if not row["actor"] or row["what"] not in (ACCOUNT, HAND_OVER):
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs an account, and {ACCOUNT} or {HAND_OVER}")
        if row["what"] == HAND_OVER and not (row["since"] and row["of"]):
            raise TraceFileInvalid(f"line {line} of `{path.name}` needs since when, and who had them before")
        if row["what"] == ACCOUNT and row["subject"]:
            raise TraceFileInvalid(
                f"line {line} of `{path.name}` names a subject: whom a manager opened, the log tells"
            )
        since_us = moment(row["since"], line, path) if row["since"] else -NEVER
        until_us = moment(row["until"], line, path) if row["until"] else NEVER
        if since_us > until_us:
            raise TraceFileInvalid(f"line {line} of `{path.name}` ends before it begins")
        named = found.setdefault((row["actor"], row["what"], row["of"], since_us, until_us), [])
        named += [row["subject"]] if row["subject"] else []
    return [Duty(*key, tuple(subjects)) for key, subjects in found.items()]


def pose_duties(
    told: Sequence[Duty], exposure: Exposure, beneficiary: str | None
) -> tuple[Duties, tuple[Duty, ...], int]:
    """Return the duties of a question, which of those told they are, and how many name accounts not on record.

    Account management brought whom the manager opened with a reason between those days. A hand-over brought the
    subjects it names; where it names none, those whom the one before had opened by then and the actor opened from then
    on.

    Args:
        told: as `read_duties` returns them.
        exposure: the lake's arrays.
        beneficiary: whom the question is about; the management of another account explains nothing.
    """
    actors = {name: at for at, name in enumerate(exposure.actors)}
    place = exposure.subject_indices()
    kept, unknown, brought = [], 0, []
    for duty in told:
        if duty.what == ACCOUNT and duty.of and beneficiary is not None and duty.of != beneficiary:
            continue
        before = duty.of if duty.what == HAND_OVER and not duty.subjects else duty.actor
        if duty.actor not in actors or before not in actors:
            unknown += 1
            continue
        kept.append(duty)
        brought.append(_brought(duty, exposure, actors, place))
    sizes = [subject.size for subject, _ in brought]
    none = np.empty(0, np.int64)
    posed = Duties(
        actor=np.array([actors[duty.actor] for duty in kept], np.int64),
        duty=np.repeat(np.arange(len(kept)), sizes),
        subject=np.concatenate([none, *(subject for subject, _ in brought)]),
        since_us=np.concatenate([none, *(since_us for _, since_us in brought)]),
    )
    return posed, tuple(kept), unknown


def _brought(duty: Duty, exposure: Exposure, actors: Mapping[str, int], place: Mapping[str, int]) -> tuple[Any, Any]:
    """Return the subjects that a duty brought, and since when it did."""
    if duty.subjects:
        subject = np.array([place[name] for name in duty.subjects if name in place], np.int64)
        return subject, np.full(subject.size, duty.since_us)
    mine, at_us = exposure.actor == actors[duty.actor], exposure.at_us
    if duty.what == ACCOUNT:
        rows = mine & ~exposure.irregular & (at_us >= duty.since_us) & (at_us <= duty.until_us)
        return exposure.subject[rows], at_us[rows]
    theirs = exposure.subject[(exposure.actor == actors[duty.of]) & (at_us < duty.since_us)]
    taken = exposure.subject[mine & (at_us >= duty.since_us)]
    subject = np.intersect1d(theirs, taken)
    return subject, np.full(subject.size, duty.since_us)


def explained_by(found: Attribution, duties: Sequence[Duty]) -> list[dict[str, Any]]:
    """Return what duties explain as plain values, the most probable first.

    Args:
        found: the answer.
        duties: those that were posed, in their order.
    """
    rows = [
        {
            "what": duties[each.duty].what,
            "actor": duties[each.duty].actor,
            "from": duties[each.duty].of,
            "line": duties[each.duty].line,
            "probability": each.probability,
            "seen": each.seen,
            "of": each.of,
            "expected": each.expected,
        }
        for each in found.explanations
    ]
    return sorted(rows, key=lambda row: (-float(row["probability"]), str(row["line"])))


def in_words(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the likeliest duty explains as one sentence; empty where none is worth one."""
    if not rows or rows[0]["probability"] < 0.01:
        return ""
    row = rows[0]
    return (
        f"Explained by {row['line']}, whoever passed them on: probability {row['probability']:.3f} (it had brought "
        f"{row['seen']} of {row['of']} complainers, where matched customers make one expect {row['expected']:.1f})."
    )
