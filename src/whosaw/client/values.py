"""What the door answers, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from whosaw.terms import WhosawError

Receipt = Mapping[str, Any]


class DoorError(WhosawError, RuntimeError):
    """The door did not answer the ask: wrong token, bad request, or not available; nothing was shown."""

    code: ClassVar[str] = "client.door"


@dataclass(frozen=True, slots=True)
class Masked:
    """A field that came masked, and the rule that masked it."""

    presentation: str
    rule: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A field that was refused, and the rule that refused it."""

    rule: str


class Alias(str):
    """An e-mail address of this one disclosure: use it like the person's own; mail to it reaches the person."""

    __slots__ = ()


Value = str | Masked | Refused | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door showed of one subject.

    Attributes:
        fields: per field the value (None where the company holds none), or `Masked`, or `Refused`.
        decision: ``allow``, ``mask`` or ``deny`` for the whole ask.
        reason: what became of the purpose.
        would: what enforcement would have decided, where observe mode showed more.
        receipt: the signed promise that the entry is durable; keep it to hold the operator to it.
        subject: whose fields these are.
    """

    fields: Mapping[str, Value]
    decision: str
    reason: str
    would: str | None
    receipt: Receipt
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing was shown: why, and how to get in.

    Attributes:
        digest: names exactly this ask, where a second person may approve it; None otherwise.
    """

    reason: str
    hint: str
    receipt: Receipt
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """An action may be done; one receipt per object.

    Attributes:
        reason: what became of the purpose.
        receipt: of the entry about the first object.
        receipts: of every object's entry, in the order they were named.
    """

    reason: str
    receipt: Receipt
    receipts: tuple[Receipt, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Whose a value is, or None; nothing says whether there is somebody who may not be named."""

    subject: str | None
    reason: str
    receipt: Receipt
