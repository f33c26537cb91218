"""What a person is told who asks who looked at his data (GDPR art. 15): when, for what, which fields, by which way in.

No member of staff is named (C-579/21): somebody who acted on instruction need not be. Where counsel lets names out, the
decision is a value that says who decided and why. Looks that belong to a covert inquiry are held back, counted nowhere
in the answer, and released later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from whosaw.prove import SigningKey
from whosaw.prove.note import Note, VerifierKey, sign_note
from whosaw.record import entries_by_subject, trail_size
from whosaw.store import Database
from whosaw.store.numbers import keys_of
from whosaw.terms import from_us

FORMAT = "whosaw/access/v1"
UNDECIDED = "not said: counsel has not decided"


@dataclass(frozen=True, slots=True)
class LookUp:
    """One look at the person's data: when, for what kind of work, which fields were shown, which masked."""

    at: str
    purpose: str
    shown: tuple[str, ...]
    masked: tuple[str, ...]
    way_in: str
    entry: int


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """The whole answer to one person.

    Attributes:
        reference: of the request.
        company: who answers.
        made_at: when.
        identity_checked: how it was made sure that the person is who he says.
        look_ups: every look that he may be told of, oldest first.
        recipients: to whom the data went, where that is known and counsel lets it out; else why it is not said.
        covers: how many entries of the trail it was made from, the first ones: none of them that he may be told of is
            missing, and none that came later is in it.
    """

    reference: str
    company: str
    made_at: str
    identity_checked: str
    look_ups: tuple[LookUp, ...]
    recipients: str
    covers: int

    def as_json(self) -> bytes:
        """Return the answer in its one spelling, which is what is signed."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Request:
    """A request: its reference, how the person's identity was checked, who answers, and words that counsel lets out.

    The labels are fields in plain words; one without stays as the catalog names it.
    """

    reference: str
    identity_checked: str
    company: str
    recipients: str = UNDECIDED
    grounds: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Signed(Protocol):
    """An answer in its one spelling."""

    def as_json(self) -> bytes:
        """Return what is signed."""
        ...


async def answer_access(
    db: Database,
    subject: int,
    request: Request,
    *,
    at: datetime,
    before: int | None = None,
    held: frozenset[int] = frozenset(),
) -> AccessAnswer:
    """Put together the answer to one person.

    Args:
        db: where the trail is.
        subject: his number.
        request: the request; its `identity_checked` must not be empty.
        at: now.
        before: the place in the trail up to which it is answered; the trail's end of now where left out.
        held: entries that a covert inquiry holds back.

    Raises:
        ValueError: nobody checked who asks.
    """
    if len(request.identity_checked.strip()) < 5:
        raise ValueError("say how it was made sure who asks; the answer goes to nobody else")
    covers = await trail_size(db) if before is None else before
    found = [
        entry
        async for entry in entries_by_subject(db, subject, before=covers)
        if entry.payload.get("kind") == "disclosure" and entry.index not in held
    ]
    purposes = [int(str(each.payload["purpose"])) for each in found if "purpose" in each.payload]
    keys = await keys_of(db, "purpose", purposes)
    looks = tuple(_look(each.index, each.payload, keys, request.labels) for each in found)
    return AccessAnswer(
        request.reference, request.company, at.isoformat(), request.identity_checked, looks, request.recipients, covers
    )


def covered(covers: int) -> str:
    """Return in words up to where an answer goes; the same whether or not anything is held back."""
    return (
        f"This answer was made from the first {covers:,} entries of our record. What was recorded later is not in it."
    )


def sign_answer(answer: Signed, key: SigningKey) -> bytes:
    """Return a signed note over an answer's hash; the answer itself is handed over beside it."""
    return sign_note(_text(key.name, answer.as_json()), [key]).format()


def check_answer(raw: bytes, note: bytes, key: VerifierKey) -> Mapping[str, Any]:
    """Return the answer in `raw` where `note` signs it.

    Raises:
        NoteInvalid: it does not.
        ValueError: the note is about another answer.
    """
    read = Note.parse(note)
    read.verify([key])
    if read.text != _text(key.name, raw):
        raise ValueError("the note is about another answer")
    told: Mapping[str, Any] = json.loads(raw)
    return told


def answer_text(answer: AccessAnswer) -> str:
    """Return the answer as a letter."""
    lines = [
        answer.company,
        f"Answer to your request {answer.reference}, {answer.made_at[:10]}",
        "",
        f"Your data were looked at {len(answer.look_ups)} time{'' if len(answer.look_ups) == 1 else 's'}:",
        *[
            f"- {each.at[:16].replace('T', ' ')}, for {each.purpose}: shown {_words(each.shown)}"
            + (f"; masked {_words(each.masked)}" if each.masked else "")
            for each in answer.look_ups
        ],
        "",
        f"To whom they went: {answer.recipients}.",
        covered(answer.covers),
        "Members of our staff who acted on instruction are not named. You may complain to the data protection "
        "authority of the place where you live.",
    ]
    return "\n".join(lines) + "\n"


def _look(index: int, payload: Mapping[str, Any], keys: Mapping[int, str], labels: Mapping[str, str]) -> LookUp:
    fields: Sequence[str] = [str(each) for each in payload.get("fields", ())]

    def named(*effects: str) -> tuple[str, ...]:
        ends = tuple(f"={effect}" for effect in effects)
        names = [each.partition("=")[0] for each in fields if each.endswith(ends)]
        return tuple(dict.fromkeys(labels.get(name, name) for name in names))

    purpose = keys.get(int(payload["purpose"]), "") if "purpose" in payload else ""
    return LookUp(
        at=from_us(int(payload["at"])).isoformat(),
        # the kind of work, never its reference: a ticket may be somebody else's
        purpose=purpose.partition(":")[0] or "no reason that was stated",
        shown=named("reveal"),
        masked=named("mask", "alias"),
        way_in=str(payload.get("door", "")),
        entry=index,
    )


def _text(name: str, raw: bytes) -> str:
    return f"{FORMAT}\n{name}\n{sha256(raw).hexdigest()}\n"


def _words(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
