"""The one question asked of a policy set, and how Cedar is told it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from whosaw.decide.facts import ActorFacts, Facts

WHO = {"type": "Actor", "id": "who asks"}
ACTIONS = ("reveal", "alias", "mask", "act")  # as the schema declares them


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a policy can depend on. Two equal questions have one answer, so answers are remembered.

    Attributes:
        wanted: Cedar actions in the order of preference; the first allowed wins.
        resource_type: ``Class`` or ``Deed``.
        resource: name of the class or the action.
        actor: who asks.
        purpose: kind of the stated purpose, empty where there is none.
        reason: what became of it.
        verified: whether the work record bears it out.
        subject_region: region of the subject.
        granted: whether a grant in force opens this resource.
        broken_glass: whether broken glass opens it.
    """

    wanted: tuple[str, ...]
    resource_type: str
    resource: str
    actor: ActorFacts
    purpose: str
    reason: str
    verified: bool
    subject_region: str
    granted: bool
    broken_glass: bool


def about_class(klass: str, facts: Facts) -> Question:
    """Return the question whether a class of fields may be revealed, or else aliased, or else masked."""
    return _question(("reveal", "alias", "mask"), "Class", klass, facts)


def about_action(action: str, facts: Facts) -> Question:
    """Return the question whether an action may be done."""
    return _question(("act",), "Deed", action, facts)


def entities(actor: ActorFacts) -> str:
    """Return the one entity Cedar must know: who asks, with the attributes the schema declares."""
    attributes = {
        "roles": sorted(actor.roles),
        "region": actor.region,
        "ended": actor.ended,
        "suspended": actor.suspended,
        "employer": actor.employer,
        "site": actor.site,
        "function": actor.function,
        "acknowledged": actor.acknowledged,
    }
    return json.dumps([{"uid": WHO, "attrs": attributes, "parents": []}])


def request(question: Question, action: str) -> dict[str, object]:
    """Return Cedar's request for one of the wanted actions; identifiers as objects, so that no name needs escaping."""
    return {
        "principal": WHO,
        "action": {"type": "Action", "id": action},
        "resource": {"type": question.resource_type, "id": question.resource},
        "context": {
            "purpose": question.purpose,
            "reason": question.reason,
            "verified": question.verified,
            "subject_region": question.subject_region,
            "granted": question.granted,
            "broken_glass": question.broken_glass,
        },
    }


def _question(wanted: tuple[str, ...], resource_type: str, resource: str, facts: Facts) -> Question:
    return Question(
        wanted=wanted,
        resource_type=resource_type,
        resource=resource,
        actor=facts.actor,
        purpose=facts.verification.kind,
        reason=facts.verification.reason,
        verified=facts.verification.verified,
        subject_region=facts.subject_region,
        granted=resource in facts.granted,
        broken_glass=resource in facts.glass,
    )
