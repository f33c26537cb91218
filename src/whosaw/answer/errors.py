"""The errors of the answer."""

from __future__ import annotations

from typing import ClassVar

from whosaw.terms import WhosawError


class AnswerError(WhosawError):
    """Base of what can go wrong between the first complaint and the last letter."""

    code = "answer.error"


class ComplaintUnreadable(AnswerError, ValueError):
    """A mail cannot be taken as a complaint; `reason` is one word for what is wrong with it."""

    code: ClassVar[str] = "answer.complaint_unreadable"
    hint = "ask the customer to forward the message as an attachment (.eml), from the address it was sent to"

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class UnknownCase(AnswerError, LookupError):
    """There is no such case, or no such step in it."""

    code: ClassVar[str] = "answer.unknown_case"
    hint = "the console's first page lists the cases"


class StepRefused(AnswerError, PermissionError):
    """A step may not be planned, approved or carried out; `reason` is one word for why."""

    code: ClassVar[str] = "answer.step_refused"

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class FactsContradict(AnswerError, ValueError):
    """What a letter would say is not carried by the record."""

    code: ClassVar[str] = "answer.facts_contradict"
    hint = "compute the scope and the exposures from the same record, then build the facts again"


class RawMailMissing(AnswerError, LookupError):
    """A complaint's raw mail is gone, or is not the mail it was."""

    code: ClassVar[str] = "answer.raw_mail_missing"
    hint = "restore the folder of raw mails from a backup; its files are named by their SHA-256"


class EvidenceMissing(AnswerError, LookupError):
    """Something the bundle must hold is not there."""

    code: ClassVar[str] = "answer.evidence_missing"
