"""What a person is told who asks to be erased (GDPR art. 17): field by field, with the ground of what is kept.

A field is *erased* only where it held something when the request came and holds nothing now: the company's own systems
erase, and whosaw looks. *Kept* is what a legal hold needs, with its ground and the day on which that is looked at again
(art. 18); *absent* was never there; *due* is still there and nothing keeps it; of *unknown* a system did not answer.
Before a hold is lifted the person is told (art. 18(3)), and then the rest has its month anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Literal

from whosaw.answer import erasurequeries as queries
from whosaw.answer.access import Request
from whosaw.answer.errors import StepRefused
from whosaw.answer.law import rule_on
from whosaw.answer.notes import Notes
from whosaw.record.hold import Hold
from whosaw.store import Database
from whosaw.terms import Clock

Outcome = Literal["erased", "kept", "absent", "due", "unknown"]

RULE = "eu.gdpr.art17"

UNTOLD = "the law lets us keep it (GDPR art. 17(3))"
"""The ground of a hold of which the person may not hear more yet: true of each, and it tells of no inquiry."""


@dataclass(frozen=True, slots=True)
class There:
    """Where something of a person is held now; None where a system does not answer.

    Attributes:
        company: by field of the catalog.
        own: by place in whosaw itself; a hold on the person keeps all of them.
    """

    company: Mapping[str, bool | None]
    own: Mapping[str, bool | None]

    @property
    def names(self) -> list[str]:
        """Everything that holds something, or may."""
        return [name for held in (self.company, self.own) for name, is_there in held.items() if is_there is not False]


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A request as it was noted.

    Attributes:
        reference: of the request.
        subject: the person's number, which leads nowhere once he is erased.
        asked_at: when it came.
        due_at: until when what nothing keeps must be gone.
        had: what held something of him then.
        held: whether a hold kept something at the last answer.
    """

    reference: str
    subject: int
    asked_at: datetime
    due_at: datetime
    had: frozenset[str]
    held: bool


@dataclass(frozen=True, slots=True)
class FieldAnswer:
    """What became of one field: for what is kept the ground, and the day until which it stays or is to go."""

    field: str
    outcome: Outcome
    ground: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ErasureAnswer:
    """The whole answer to one person.

    Attributes:
        reference: of the request.
        company: who answers.
        made_at: when.
        identity_checked: how it was made sure that the person is who he says.
        asked_at: when the request came.
        lifting: whether this tells him that the restriction is about to be lifted.
        fields: what became of each.
    """

    reference: str
    company: str
    made_at: str
    identity_checked: str
    asked_at: str
    lifting: bool
    fields: tuple[FieldAnswer, ...]

    def as_json(self) -> bytes:
        """Return the answer in its one spelling, which is what is signed."""
        told = asdict(self)
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str).encode()

    def count(self, outcome: Outcome) -> int:
        """Return how many fields have this outcome."""
        return sum(each.outcome == outcome for each in self.fields)


class ErasureRequests:
    """The requests for erasure of one database."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, zone: str = "UTC") -> None:
        """Count terms in calendar days of `zone`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._zone = zone

    async def get(self, reference: str) -> ErasureRequest | None:
        """Return a request, or None."""
        row = await queries.request(self._db, reference)
        if row is None:
            return None
        reference, subject, asked_at, due_at, had, held = row
        return ErasureRequest(reference, subject, asked_at, due_at, frozenset(had), held)

    async def open(self, reference: str, subject: int, there: There, *, by: str) -> ErasureRequest:
        """Note a request, with what holds something of the person now; one that was noted stays as it is.

        Raises:
            StepRefused: ``unknown``: a request of this reference is about somebody else.
            TrailUnavailable: it could not be recorded, and is not noted.
        """
        if await self.get(reference) is None:
            # the entry names neither the person nor his number: it outlives him
            entry = await self._notes.add("access", "access.erasure", by=by, text=reference, more={"change": "asked"})
            now = self._clock.now()
            await queries.add(self._db, (reference, subject), (now, self._due(now)), there.names, entry)
        found = await self.get(reference)
        if found is None or found.subject != subject:
            raise StepRefused("unknown", "a request of this reference is about somebody else")
        return found

    async def answer(
        self,
        asked: ErasureRequest,
        request: Request,
        there: There,
        hold: Hold | None,
        *,
        by: str,
        lifting: bool = False,
    ) -> ErasureAnswer:
        """Return what the person is told now, recorded.

        Args:
            asked: the request as it was noted.
            request: who answers, and how the identity was checked.
            there: what holds something of him now.
            hold: the standing hold on him, else one on somebody who looked at his data, or None; its ground is told,
                so an inquiry of which he may not hear must not stand in it (`UNTOLD`).
            by: who answers.
            lifting: whether he is told that the hold is about to be lifted.

        Raises:
            ValueError: nobody checked who asks.
            StepRefused: ``no_hold``: the end of a hold is told, and none stands.
        """
        if len(request.identity_checked.strip()) < 5:
            raise ValueError("say how it was made sure who asks; the answer goes to nobody else")
        if lifting and hold is None:
            raise StepRefused("no_hold", "no hold stands on this person, so there is none to be lifted")
        now, due_at = self._clock.now(), asked.due_at
        if asked.held and hold is None:
            due_at = self._due(now)
        await queries.note_held(self._db, asked.reference, due_at, held=hold is not None)
        fields = tuple(
            _judged(name, is_there, asked.had, _keeps(hold, name, company=held is there.company), due_at.date())
            for held in (there.company, there.own)
            for name, is_there in held.items()
        )
        change = "lifting" if lifting else "answered"
        await self._notes.add("access", "access.erasure", by=by, text=request.reference, more={"change": change})
        times = now.isoformat(), request.identity_checked, asked.asked_at.isoformat()
        return ErasureAnswer(request.reference, request.company, *times, lifting, fields)

    def _due(self, at: datetime) -> datetime:
        return rule_on(RULE, at.date()).due(at, self._zone)


def _keeps(hold: Hold | None, name: str, *, company: bool) -> Hold | None:
    if hold is None or (company and hold.space == "actor"):
        return None  # what somebody did is evidence of him; the company's row about another person is none
    return hold if not company or not hold.fields or name in hold.fields else None


def _judged(name: str, is_there: bool | None, had: Collection[str], hold: Hold | None, due_on: date) -> FieldAnswer:
    if is_there is None:
        return FieldAnswer(name, "unknown", until=due_on)
    if not is_there:
        return FieldAnswer(name, "erased" if name in had else "absent")
    if hold is not None:
        return FieldAnswer(name, "kept", hold.ground, hold.review_on)
    return FieldAnswer(name, "due", until=due_on)


def erasure_text(answer: ErasureAnswer, labels: Mapping[str, str]) -> str:
    """Return the answer as a letter; `labels` are the fields in plain words."""

    def listed(outcome: Outcome) -> list[FieldAnswer]:
        return [each for each in answer.fields if each.outcome == outcome]

    def names(outcome: Outcome) -> str:
        return ", ".join(dict.fromkeys(labels.get(each.field, each.field) for each in listed(outcome))) or "nothing"

    lines = [
        answer.company,
        f"Answer to your request {answer.reference} of {answer.asked_at[:10]}, {answer.made_at[:10]}",
        "",
    ]
    if answer.lifting:
        lines += [
            "What is kept of your data was restricted. This restriction is about to be lifted; then it is erased.",
            "",
        ]
    lines += [f"Erased: {names('erased')}.", f"Not held by us: {names('absent')}."]
    kept: dict[tuple[str, date | None], dict[str, None]] = {}  # in the order of the fields, each once
    for each in listed("kept"):
        kept.setdefault((each.ground, each.until), {})[labels.get(each.field, each.field)] = None
    lines += [
        f"Kept, and used for nothing else: {', '.join(names)}. Ground: {_ground_in_words(ground)}. "
        f"This is looked at again by {until}; before it ends you are told."
        for (ground, until), names in kept.items()
    ]
    for outcome, words in (("due", "Still to be erased, by {}"), ("unknown", "Not known yet, and told by {}")):
        if found := listed(outcome):  # type: ignore[arg-type]
            lines.append(f"{words.format(found[0].until)}: {names(outcome)}.")  # type: ignore[arg-type]
    lines += ["", "You may complain to the data protection authority of the place where you live, or go to a court."]
    return "\n".join(lines) + "\n"


def _ground_in_words(ground: str) -> str:
    """Return the ground of a hold as the person is told it; one that is a case's number alone is put in words.

    So is the ground of a hold that a case put, and of one that somebody placed by hand in these characters.
    """
    if re.fullmatch(r"CASE-\d+", ground):
        return f"legal claims and their proof (GDPR art. 17(3)(e)), our reference {ground}"
    return ground
