"""Account management and hand-overs that an investigator knows of, as the duties of a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whosaw.app.tracefiles import TraceFileInvalid, moment, read_rows
from whosaw.lake.exposure import Exposure
from whosaw.terms import iso_seconds
from whosaw.trace import NEVER, Attribution, Duties, Explanation
from whosaw.trace.explained import ACCOUNT, ALL, ASKED, HAND_OVER, line_of

_Column = npt.NDArray[np.int64]
_Brought = tuple[_Column, _Column]
"""Subjects, each once, and since when each was brought."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a duty.

    Args:
        subject: who was handed over; empty where the log is to tell.
        since_us, until_us: between when he managed the account, or had the customers.
    """

    subject: str = ""
    since_us: int = -NEVER
    until_us: int = NEVER


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty, as the file tells it.

    Args:
        actor: whose openings it explains.
        what: `account management` or `hand-over`; `all duties` for what several brought together; `asked in one go` for
            a question, which nobody declares.
        of: the beneficiary whose account he manages (empty: any); or who had the customers before him, an account or
            words; or when the question was asked.
        rows: periods, and customers handed over, each at its own time.
    """

    actor: str
    what: str
    of: str
    rows: tuple[Row, ...]

    @property
    def line(self) -> str:
        """The duty in words."""
        return line_of(self.what, self.actor, self.of)

    @property
    def needs(self) -> str:
        """Whose openings tell which subjects the rows without one mean; empty where every row names one."""
        if all(row.subject for row in self.rows):
            return ""
        return self.of if self.what == HAND_OVER else self.actor


def read_duties(path: Path) -> list[Duty]:
    """Return duties, from CSV with `actor,what,of,subject,since,until`.

    Rows of one actor that name the same work of the same other one are one duty, whatever their times: a customer
    system exports a time per customer, and a manager may have had an account more than once.

    Raises:
        TraceFileInvalid: the file cannot be read, lacks a column, or a row means nothing.
    """
    found: dict[tuple[str, str, str], list[Row]] = {}
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
        key = (row["actor"], row["what"], row["of"])
        found.setdefault(key, []).append(Row(row["subject"], since_us, until_us))
    return [Duty(*key, tuple(rows)) for key, rows in found.items()]


def pose_duties(
    told: Sequence[Duty], exposure: Exposure, beneficiary: str | None
) -> tuple[Duties, tuple[Duty, ...], int]:
    """Return the duties of a question, which they are in words, and how many name accounts not on record.

    Account management brought whom the manager opened with a reason between those days. A hand-over brought the
    subjects it names; where it names none, those whom the one before had opened by then. Each counts from when the
    actor himself first opened it from then on: whom he never opened needs no explanation, and whom he opened after a
    contact, perhaps because of it, it had not brought by then.
    Whoever has several duties is given one more, of all that they brought together: a leak may go by all his work.

    Args:
        told: as `read_duties` returns them.
        exposure: the lake's arrays.
        beneficiary: whom the question is about; the management of another account explains nothing.
    """
    actors = {name: at for at, name in enumerate(exposure.actors)}
    place = exposure.subject_indices()
    kept: list[Duty] = []
    brought: list[_Brought] = []
    unknown = 0
    for duty in told:
        if duty.what == ACCOUNT and duty.of and beneficiary is not None and duty.of != beneficiary:
            continue
        readable = not duty.needs or duty.needs in actors
        unknown += duty.actor not in actors or not readable
        # rows that name their subject hold whoever had it before
        if duty.actor in actors and (readable or any(row.subject for row in duty.rows)):
            kept.append(duty)
            brought.append(_brought(duty, exposure, actors, place))
    together = list(_together(kept, brought))
    kept += [duty for duty, _ in together]
    brought += [each for _, each in together]
    none = np.empty(0, np.int64)
    posed = Duties(
        actor=np.array([actors[duty.actor] for duty in kept], np.int64),
        duty=np.repeat(np.arange(len(kept)), [subject.size for subject, _ in brought]),
        subject=np.concatenate([none, *(subject for subject, _ in brought)]),
        since_us=np.concatenate([none, *(since_us for _, since_us in brought)]),
    )
    return posed, tuple(kept), unknown


def _brought(duty: Duty, exposure: Exposure, actors: Mapping[str, int], place: Mapping[str, int]) -> _Brought:
    """Return the subjects that a duty brought, and since when it did."""
    mine = np.flatnonzero(exposure.actor == actors[duty.actor])
    parts = [_named([row for row in duty.rows if row.subject in place], exposure, mine, place)]
    if duty.needs in actors:
        theirs = np.flatnonzero(exposure.actor == actors[duty.needs])
        for row in duty.rows:
            if not row.subject:
                parts.append(_opened(duty.what, row, exposure, mine, theirs))
    return _earliest(parts)


def _named(rows: Sequence[Row], exposure: Exposure, mine: _Column, place: Mapping[str, int]) -> _Brought:
    """Return the subjects that rows name and the actor opened in their days, since his first such opening.

    Whom he was given and never opened, the log does not hold against him: there is nothing to explain, and a list alone
    must not speak for the innocence of whoever did open them.
    """
    given: dict[int, list[Row]] = {}
    for row in rows:
        given.setdefault(place[row.subject], []).append(row)
    his = mine[np.isin(exposure.subject[mine], list(given))]
    openings = zip(exposure.subject[his].tolist(), exposure.at_us[his].tolist(), strict=True)
    brought = [
        (subject, at_us)
        for subject, at_us in openings
        if any(row.since_us <= at_us <= row.until_us for row in given[subject])
    ]
    return _integers([subject for subject, _ in brought]), _integers([at_us for _, at_us in brought])


def _opened(what: str, row: Row, exposure: Exposure, mine: _Column, theirs: _Column) -> _Brought:
    """Return whom the actor opened within a row's days: with a reason, or of those whom the one before had opened.

    Args:
        what: of the duty.
        row: one without a subject.
        exposure: the lake's arrays.
        mine: positions of the actor's openings there.
        theirs: and of those of the one before.
    """
    at_us = exposure.at_us[mine]
    within = (at_us >= row.since_us) & (at_us <= row.until_us)
    if what == ACCOUNT:
        mine = mine[within & ~exposure.irregular[mine]]
    else:
        before = exposure.subject[theirs[exposure.at_us[theirs] < row.since_us]]
        mine = mine[within & np.isin(exposure.subject[mine], before)]
    return exposure.subject[mine].astype(np.int64), exposure.at_us[mine].astype(np.int64)


def _together(duties: Sequence[Duty], brought: Sequence[_Brought]) -> Iterator[tuple[Duty, _Brought]]:
    """Yield per actor with several duties what all of them brought, unless one of them alone had brought as much."""
    for actor in dict.fromkeys(duty.actor for duty in duties):
        his = [at for at, duty in enumerate(duties) if duty.actor == actor]
        subject, since_us = _earliest([brought[at] for at in his])
        same = any(np.array_equal(brought[at][0], subject) and np.array_equal(brought[at][1], since_us) for at in his)
        if not same:
            yield Duty(actor, ALL, "", tuple(row for at in his for row in duties[at].rows)), (subject, since_us)


def _earliest(parts: Sequence[_Brought]) -> _Brought:
    """Return every subject once, since when it was first brought."""
    subject, since_us = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((since_us, subject))
    subject, first = np.unique(subject[order], return_index=True)
    return subject, since_us[order][first]


def _integers(values: Sequence[int]) -> _Column:
    return np.array(values, np.int64)


def explained_by(found: Attribution, duties: Sequence[Duty], actors: Sequence[str]) -> list[dict[str, Any]]:
    """Return what duties and questions in one go explain as plain values, the most probable first.

    Args:
        found: the answer.
        duties: those that were posed, in their order.
        actors: references of the question's actors.
    """
    rows = [
        {
            "what": duty.what,
            "actor": duty.actor,
            "from": duty.of,
            "line": duty.line,
            "probability": each.probability,
            "seen": each.seen,
            "of": each.of,
            "expected": each.expected,
        }
        for each in found.explanations
        for duty in (_duty(each, duties, actors),)
    ]
    return sorted(rows, key=lambda row: (-float(row["probability"]), str(row["line"])))


def _duty(explanation: Explanation, duties: Sequence[Duty], actors: Sequence[str]) -> Duty:
    if explanation.asked_us is None:
        return duties[explanation.duty]
    return Duty(actors[explanation.actor], ASKED, iso_seconds(explanation.asked_us), ())
