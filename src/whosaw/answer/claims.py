"""Sentences that people like to say, and whether the record carries them; a refusal says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from whosaw.answer.errors import AnswerError
from whosaw.answer.facts import Facts
from whosaw.answer.letters import day_in

Claim = Literal["nothing_else", "only_fields", "at_most", "everyone_told", "seller_stopped", "access_cut"]

SENTENCES: dict[Claim, str] = {
    "nothing_else": "No other information was disclosed.",
    "only_fields": "Only these data were opened: {fields}.",
    "at_most": "At most {bound} people are affected.",
    "everyone_told": "Everyone affected has been told.",
    "seller_stopped": "The business that profited has been suspended.",
    "access_cut": "The account has no access any more.",
}


class NotCarried(AnswerError, PermissionError):
    """The record does not carry a sentence; the message says what is missing."""

    code: ClassVar[str] = "answer.not_carried"
    hint = "leave the sentence out, or close the gap and build the facts again"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sentence may be said, and why not."""

    claim: Claim
    why_not: str

    @property
    def carried(self) -> bool:
        """Whether it may be said."""
        return not self.why_not


def weigh(facts: Facts, claim: Claim) -> Verdict:
    """Return whether the record carries a claim."""
    return Verdict(claim, _why_not(facts, claim))


def say(facts: Facts, claim: Claim) -> str:
    """Return a sentence that the record carries.

    Raises:
        NotCarried: it does not.
    """
    verdict = weigh(facts, claim)
    if not verdict.carried:
        raise NotCarried(f"the record does not carry `{SENTENCES[claim]}`: {verdict.why_not}")
    return SENTENCES[claim].format(fields=", ".join(facts.fields_leaked), bound=facts.bound)


_ON_THE_RECORD: frozenset[Claim] = frozenset({"nothing_else", "only_fields", "at_most", "everyone_told"})
_ON_THE_DOORS: frozenset[Claim] = frozenset({"nothing_else", "only_fields"})
_ON_A_STEP: Mapping[Claim, tuple[str, str]] = {
    "seller_stopped": ("suspend_seller", "no seller was suspended in this case"),
    "access_cut": ("suspend_actor", "no access was cut in this case"),
}


def _why_not(facts: Facts, claim: Claim) -> str:
    if claim in _ON_A_STEP:
        step, why_not = _ON_A_STEP[claim]
        return "" if step in facts.steps_done else why_not
    return _record_why_not(facts, claim) or _scope_why_not(facts, claim)


def _record_why_not(facts: Facts, claim: Claim) -> str:
    if claim in _ON_THE_RECORD and not facts.record_complete:
        return facts.covered.why_not if facts.covered.around else f"completeness of {_gaps(facts)} is unproven"
    return facts.covered.why_not if claim in _ON_THE_DOORS else ""


def _scope_why_not(facts: Facts, claim: Claim) -> str:
    if claim in {"at_most", "everyone_told"} and facts.bound is None:
        return "nobody outside can be excluded, so the record gives no bound"
    if claim == "everyone_told" and "notify_subjects" not in facts.steps_done:
        return "the letters of this case have not gone out"
    if claim == "everyone_told" and facts.undelivered:
        return f"{facts.undelivered} of the letters did not arrive, and nobody noted that these people were told since"
    if claim == "everyone_told" and facts.erased:
        return f"{facts.erased} of those affected were erased since, and nobody can say that they were told"
    if claim == "everyone_told" and facts.possible:
        return f"{facts.possible} more cannot be ruled out and are not told"
    return ""


def _gaps(facts: Facts) -> str:
    if not facts.gaps:
        return f"{day_in(facts.first_on, 'en')} to {day_in(facts.last_on, 'en')}"
    return ", ".join(f"{day_in(first, 'en')} to {day_in(last, 'en')}" for first, last in facts.gaps)
