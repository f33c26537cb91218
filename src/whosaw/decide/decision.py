"""The decision: one effect per field, with the policies that made it and what observe mode changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from whosaw.catalog import Field
from whosaw.catalog.model import Mode
from whosaw.decide.facts import Facts
from whosaw.decide.policy import Answer, PolicySet
from whosaw.decide.question import about_action, about_class

Effect = Literal["reveal", "alias", "mask", "deny"]
Outcome = Literal["allow", "alias", "mask", "deny"]
_NOTHING = Answer(None, ())


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """What becomes of one field.

    Attributes:
        field: as the catalog writes it.
        effect: what the actor gets.
        would: what he would get under enforcement where observe mode gave him more; None otherwise.
        policies: ids of the policies that made it so; empty where nothing permitted.
        reason: why this field in particular was withheld; None where the reason of the decision says it.
    """

    field: str
    effect: Effect
    would: Effect | None
    policies: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an ask.

    Attributes:
        fields: one decision per field asked, in the ask's order; empty for an action.
        outcome: deny if anything is denied, else mask or alias if anything is, else allow.
        reason: what became of the stated purpose, or why it did not matter: ``subject.unknown``, ``actor.suspended``,
            ``actor.ended``, ``actor.not_acknowledged``, or what a class was withheld for.
        would: the outcome under enforcement where observe mode changed it, else None.
        policy_version: version of the policies that decided.
        policies: ids of the policies that decided.
        duties: what the permitting policies demand besides: ``notify``, ``ask_reason``, ``cap_rows:N``.
        mode: observe where the purpose or a field asked is observed only.
    """

    fields: tuple[FieldDecision, ...]
    outcome: Outcome
    reason: str
    would: Outcome | None
    policy_version: str
    policies: tuple[str, ...]
    duties: tuple[str, ...] = ()
    mode: Mode = "enforce"


def decide(fields: Sequence[Field], facts: Facts, policies: PolicySet) -> Decision:
    """Decide about fields of one subject for one actor.

    Args:
        fields: what is asked, resolved; one Cedar question per distinct class.
        facts: what the gate found out.
        policies: the policy set in force.
    """
    answers = {
        klass: policies.answer(about_class(klass, facts)) if facts.subject_known else _NOTHING
        for klass in dict.fromkeys(field.klass for field in fields)
    }
    decided = tuple(_field_decision(field, answers[field.klass], facts) for field in fields)
    strict, outcome = outcomes(decided)
    observing = facts.verification.observe or any(field.mode == "observe" for field in fields)
    return Decision(
        fields=decided,
        outcome=outcome,
        reason=_reason(facts),
        would=strict if strict != outcome else None,
        policy_version=policies.version,
        policies=tuple(sorted({policy for item in decided for policy in item.policies})),
        duties=tuple(sorted({duty for answer in answers.values() for duty in answer.duties})),
        mode="observe" if observing else "enforce",
    )


def decide_action(action: str, facts: Facts, policies: PolicySet) -> Decision:
    """Decide about one action for one actor; `facts.subject_known` says whether the object is there at all."""
    answer = policies.answer(about_action(action, facts))
    strictly = answer.allowed is not None and facts.subject_known
    allowed = strictly or (facts.verification.observe and _open_to_observing(facts))
    return Decision(
        fields=(),
        outcome="allow" if allowed else "deny",
        reason=_reason(facts),
        would="deny" if allowed and not strictly else None,
        policy_version=policies.version,
        policies=answer.policies,
        duties=answer.duties if strictly else (),
        mode="observe" if facts.verification.observe else "enforce",
    )


def outcomes(decided: Sequence[FieldDecision]) -> tuple[Outcome, Outcome]:
    """Return the outcome under enforcement, and the outcome."""
    return _worst([item.would or item.effect for item in decided]), _worst([item.effect for item in decided])


def _field_decision(field: Field, answer: Answer, facts: Facts) -> FieldDecision:
    effect = cast(Effect, answer.allowed or "deny")
    if effect == "reveal" and field.as_alias:
        effect = "alias"
    observed = facts.verification.observe or field.mode == "observe"
    if effect != "reveal" and observed and _open_to_observing(facts):
        return FieldDecision(field.name, "reveal", effect, answer.policies)
    return FieldDecision(field.name, effect, None, answer.policies)


def _open_to_observing(facts: Facts) -> bool:
    """Observe mode reveals what policy would not, but never to somebody stopped, nor about nobody."""
    return facts.subject_known and not facts.actor.stopped


def _reason(facts: Facts) -> str:
    if facts.actor.suspended:
        return "actor.suspended"
    if facts.actor.ended:
        return "actor.ended"
    if not facts.actor.acknowledged:
        return "actor.not_acknowledged"
    return facts.verification.reason if facts.subject_known else "subject.unknown"


def _worst(effects: Sequence[Effect]) -> Outcome:
    for worst in ("deny", "mask", "alias"):
        if worst in effects:
            return worst
    return "allow"
