"""The decision: one effect per field, with the policies that made it and what observe mode changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from whosaw.catalog import Field
from whosaw.decide.facts import Facts
from whosaw.decide.policy import PolicySet, Question

Effect = Literal["reveal", "alias", "mask", "deny"]
Outcome = Literal["allow", "alias", "mask", "deny"]
_ORDER: tuple[Effect, ...] = ("reveal", "alias", "mask")


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """What becomes of one field.

    Attributes:
        field: as the catalog writes it.
        effect: what the actor gets.
        would: what he would get under enforcement where observe mode gave him more; None otherwise.
        policies: ids of the policies that made it so; empty where nothing permitted.
    """

    field: str
    effect: Effect
    would: Effect | None
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an ask.

    Attributes:
        fields: one decision per field asked, in the ask's order; empty for an action.
        outcome: deny if anything is denied, else mask or alias if anything is, else allow.
        reason: what became of the stated purpose, or ``subject.unknown`` / ``actor.suspended``.
        would: the outcome under enforcement where observe mode changed it, else None.
        policy_version: version of the policies that decided.
        policies: ids of the policies that decided.
    """

    fields: tuple[FieldDecision, ...]
    outcome: Outcome
    reason: str
    would: Outcome | None
    policy_version: str
    policies: tuple[str, ...]


def decide(fields: Sequence[Field], facts: Facts, policies: PolicySet) -> Decision:
    """Decide about fields of one subject for one actor.

    Args:
        fields: what is asked, resolved; one Cedar question per distinct class.
        facts: what the gate found out.
        policies: the policy set in force.
    """
    by_class = {klass: _class_effect(klass, facts, policies) for klass in dict.fromkeys(f.klass for f in fields)}
    decided = tuple(FieldDecision(field.name, *by_class[field.klass]) for field in fields)
    strict = _outcome([item.would or item.effect for item in decided])
    outcome = _outcome([item.effect for item in decided])
    return Decision(
        fields=decided,
        outcome=outcome,
        reason=_reason(facts),
        would=strict if strict != outcome else None,
        policy_version=policies.version,
        policies=tuple(sorted({policy for item in decided for policy in item.policies})),
    )


def decide_action(action: str, facts: Facts, policies: PolicySet) -> Decision:
    """Decide about one action for one actor; `facts.subject_known` says whether the object is there at all."""
    answer = policies.answer(_question("act", "Deed", action, facts))
    strictly = answer.allowed and facts.subject_known
    allowed = strictly or _observed(facts)
    return Decision(
        fields=(),
        outcome="allow" if allowed else "deny",
        reason=_reason(facts),
        would="deny" if allowed and not strictly else None,
        policy_version=policies.version,
        policies=answer.policies,
    )


def _class_effect(klass: str, facts: Facts, policies: PolicySet) -> tuple[Effect, Effect | None, tuple[str, ...]]:
    effect: Effect = "deny"
    named: tuple[str, ...] = ()
    if facts.subject_known:
        for wanted in _ORDER:
            answer = policies.answer(_question(wanted, "Class", klass, facts))
            named = answer.policies
            if answer.allowed:
                effect = wanted
                break
    if effect != "reveal" and _observed(facts):
        return "reveal", effect, named
    return effect, None, named


def _observed(facts: Facts) -> bool:
    """Observe mode reveals what policy would not, but never to somebody suspended, gone or unknown."""
    return (
        facts.verification.observe
        and facts.subject_known
        and not facts.actor.suspended
        and not facts.actor.ended
        and bool(facts.actor.roles)
    )


def _question(action: str, resource_type: str, resource: str, facts: Facts) -> Question:
    return Question(
        action=action,
        resource_type=resource_type,
        resource=resource,
        actor=facts.actor,
        purpose=facts.verification.kind,
        reason=facts.verification.reason,
        verified=facts.verification.verified,
        subject_region=facts.subject_region,
    )


def _reason(facts: Facts) -> str:
    if facts.actor.suspended:
        return "actor.suspended"
    return facts.verification.reason if facts.subject_known else "subject.unknown"


def _outcome(effects: Sequence[Effect]) -> Outcome:
    for worst in ("deny", "mask", "alias"):
        if worst in effects:
            return worst
    return "allow"
