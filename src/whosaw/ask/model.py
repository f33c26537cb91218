"""An ask as a value."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.terms import PurposeRef, SubjectRef, WhosawError

FIELDS_MOST = 64
STATED_MOST = 500
OBJECTS_MOST = 1_000
SUBJECTS_MOST = 10_000
ROWS_MOST = 1_000_000_000
ASKS_MOST = 100


class AskError(WhosawError):
    """Base of what can be wrong with an ask before anyone decides about it."""

    code: ClassVar[str] = "ask.error"


class AskInvalid(AskError, ValueError):
    """The request does not say what is asked."""

    code: ClassVar[str] = "ask.invalid"
    hint = "docs/http.md, and GET /openapi.json with examples, say what each route takes"


def new_ask_id() -> str:
    """Return 128 random bits as text; the same id is in the door's answer and in the entry."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Ask:
    """One actor asks for fields of one subject.

    Args:
        actor: the staff key of who was authenticated, never of who was merely named.
        subject: whose data.
        fields: 1 … 64 distinct field names as the catalog writes them.
        purpose: why, or None where no reason was given.
        door: which door it came through.
        at: when, by the injected clock.
        id: 128 random bits.
        stated: a reason in words, 1 … 500 printable characters; recorded, and never a reason by itself.
        repeats: index of the entry of the same request, sent before under the same key; None where it is the first.
        by: who wants to know what this actor would be answered, where that is somebody else; only of evaluations.
    """

    actor: str
    subject: SubjectRef
    fields: tuple[str, ...]
    purpose: PurposeRef | None
    door: str
    at: datetime
    id: str
    stated: str | None = None
    repeats: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class BulkAsk:
    """One actor asks for the same fields of many subjects of one kind, for one purpose.

    Args:
        actor: as of an `Ask`; so are purpose, door, at, id, stated and repeats.
        subjects: 1 … 10,000 distinct subjects of one kind.
        fields: 1 … 64 distinct field names.
    """

    actor: str
    subjects: tuple[SubjectRef, ...]
    fields: tuple[str, ...]
    purpose: PurposeRef | None
    door: str
    at: datetime
    id: str
    stated: str | None = None
    repeats: int | None = None

    def about(self, subject: SubjectRef) -> Ask:
        """Return the part of it that is about one subject."""
        told = (self.door, self.at, self.id, self.stated, self.repeats)
        return Ask(self.actor, subject, self.fields, self.purpose, *told)

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of what is to leave: what a second person approved is this and nothing else."""
        subjects = sorted(str(subject) for subject in self.subjects)
        said = [self.actor, "export", subjects, sorted(self.fields), self.purpose and str(self.purpose)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LookupAsk:
    """One actor has a value and asks whose it is: an exact e-mail address, phone number, order number.

    Args:
        actor: as of an `Ask`; so are purpose, door, at, id, stated and repeats.
        lookup: name of the lookup as the catalog writes it.
        value: what is sought; never recorded, and kept out of every text this object could end up in.
    """

    actor: str
    lookup: str
    value: str
    purpose: PurposeRef | None
    door: str
    at: datetime
    id: str
    stated: str | None = None
    repeats: int | None = None

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"LookupAsk({self.actor!r}, {self.lookup!r}, id={self.id!r})"


@dataclass(frozen=True, slots=True)
class ActionAsk:
    """One actor asks to do something to objects of one kind: ``review.delete`` on ``R-000031``.

    Args:
        actor: as of an `Ask`; so are purpose, door, at, id, stated and repeats.
        action: name of the action as the catalog writes it.
        object: the first object; empty where none was named.
        others: further objects, 999 at most.
        rows: how many rows it yields, for an export; None where that is not known.
    """

    actor: str
    action: str
    object: str
    purpose: PurposeRef | None
    door: str
    at: datetime
    id: str
    others: tuple[str, ...] = ()
    rows: int | None = None
    stated: str | None = None
    repeats: int | None = None

    @property
    def objects(self) -> tuple[str, ...]:
        """Return every object named."""
        return (self.object, *self.others) if self.object else ()

    @property
    def size(self) -> int:
        """Return how much it touches: objects, or rows where it yields more of them."""
        return max(len(self.objects), self.rows or 0)

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of what is to be done: what a second person approved is this and nothing else."""
        said = [self.actor, self.action, sorted(self.objects), self.rows, self.purpose and str(self.purpose)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()
