"""The policy set: Cedar policies validated against their schema, and the one question asked of them."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from importlib import resources
from typing import Any, ClassVar

import cedarpy

from whosaw.decide.facts import ActorFacts
from whosaw.terms import WhosawError

_MEMO_MOST = 50_000


class DecideError(WhosawError):
    """Base of what can go wrong when deciding."""

    code: ClassVar[str] = "decide.error"


class PolicyInvalid(DecideError, ValueError):
    """The policies do not parse, or do not fit their schema; a policy that could fail while deciding is not loaded."""

    code: ClassVar[str] = "decide.policy_invalid"
    hint = "mend the policy file; the running server keeps the policies it has"


@dataclass(frozen=True, slots=True)
class Question:
    """Everything a policy can depend on. Two equal questions have one answer, so answers are remembered."""

    action: str
    resource_type: str
    resource: str
    actor: ActorFacts
    purpose: str
    reason: str
    verified: bool
    subject_region: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the policies allow, and which of them made it so."""

    allowed: bool
    policies: tuple[str, ...]


class PolicySet:
    """Parsed policies. Decisions are memoised on all of their inputs; a new policy file is a new object."""

    def __init__(self, policies: str, schema: str) -> None:
        """Parse and validate.

        Raises:
            PolicyInvalid: the text does not parse or does not validate.
        """
        try:
            self._policies = cedarpy.PolicySet.from_str(policies)
            problems = cedarpy.validate_policies(policies, schema)
        except Exception as cause:  # cedarpy raises bare ValueErrors of several kinds
            raise PolicyInvalid(f"the policies do not parse: {str(cause).splitlines()[0]}") from cause
        if not problems.validation_passed:
            raise PolicyInvalid(f"the policies do not fit the schema: {problems.errors[0].error}")
        self._names = _policy_names(policies)
        self._memo: OrderedDict[Question, Answer] = OrderedDict()
        self.version = hashlib.sha256(f"{schema}\n{policies}".encode()).hexdigest()[:12]

    def answer(self, question: Question) -> Answer:
        """Return whether the policies allow `question`; a policy that errors denies."""
        known = self._memo.get(question)
        if known is None:
            known = self._memo[question] = self._evaluate(question)
            if len(self._memo) > _MEMO_MOST:
                self._memo.popitem(last=False)
        return known

    def _evaluate(self, question: Question) -> Answer:
        uid = {"type": "Actor", "id": "who asks"}
        actor = {
            "uid": uid,
            "attrs": {
                "roles": sorted(question.actor.roles),
                "region": question.actor.region,
                "ended": question.actor.ended,
                "suspended": question.actor.suspended,
            },
            "parents": [],
        }
        request = {
            "principal": 'Actor::"who asks"',
            "action": f'Action::"{question.action}"',
            "resource": f'{question.resource_type}::"{_escaped(question.resource)}"',
            "context": {
                "purpose": question.purpose,
                "reason": question.reason,
                "verified": question.verified,
                "subject_region": question.subject_region,
            },
        }
        result = cedarpy.is_authorized(request, self._policies, [actor])
        allowed = result.decision == cedarpy.Decision.Allow and not result.diagnostics.errors
        return Answer(allowed, tuple(sorted(self._names.get(r, r) for r in result.diagnostics.reasons)))


def load_policies() -> PolicySet:
    """Return the policy set that ships with whosaw.

    Raises:
        PolicyInvalid: the files do not parse or do not validate.
    """
    folder = resources.files("whosaw.decide") / "policies"
    return PolicySet(
        (folder / "whosaw.cedar").read_text(encoding="utf-8"),
        (folder / "whosaw.cedarschema").read_text(encoding="utf-8"),
    )


def _policy_names(policies: str) -> dict[str, str]:
    """Return Cedar's own policy numbers → the ``@id`` each policy carries."""
    documents: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(policies))["staticPolicies"]
    return {number: str(policy.get("annotations", {}).get("id", number)) for number, policy in documents.items()}


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
