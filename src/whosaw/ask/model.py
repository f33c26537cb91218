"""An ask as a value."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.terms import PurposeRef, SubjectRef, WhosawError

FIELDS_MOST = 64


class AskError(WhosawError):
    """Base of what can be wrong with an ask before anyone decides about it."""

    code: ClassVar[str] = "ask.error"


class AskInvalid(AskError, ValueError):
    """The request does not say what is asked."""

    code: ClassVar[str] = "ask.invalid"
    hint = "send subject and fields, and the purpose where there is one"


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
    """

    actor: str
    subject: SubjectRef
    fields: tuple[str, ...]
    purpose: PurposeRef | None
    door: str
    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class ActionAsk:
    """One actor asks to do something to one object: ``review.delete`` on ``R-000031``."""

    actor: str
    action: str
    object: str
    purpose: PurposeRef | None
    door: str
    at: datetime
    id: str
