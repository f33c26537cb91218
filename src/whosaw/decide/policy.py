"""The policy set: Cedar policies validated against their schema, and the answer to the one question asked of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cedarpy

from whosaw.decide.duties import duties
from whosaw.decide.memo import Memo
from whosaw.decide.question import Question
from whosaw.decide.slices import Slices
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
class Answer:
    """What the policies allow.

    Attributes:
        allowed: the first of the wanted actions that they allow, or None.
        policies: names of the policies that made it so: those that permit, or those that forbid.
        duties: what the permitting policies demand besides.
        failed: whether some policy could not be evaluated, so that nothing is allowed.
    """

    allowed: str | None
    policies: tuple[str, ...]
    duties: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy of a set: its name (``@id``, else Cedar's number), what it does, its duties and its text."""

    name: str
    permits: bool
    duties: tuple[str, ...]
    text: str


class PolicySet:
    """Parsed policies. Answers are memoised on all of their inputs; a changed policy file is a new object.

    Attributes:
        version: first 12 hexadecimal digits of the SHA-256 of schema and policies.
        policies: every policy by name.
        text: the policies as they were given.
        schema: the schema they fit.
    """

    def __init__(self, policies: str, schema: str) -> None:
        """Parse and validate.

        Raises:
            PolicyInvalid: the text does not parse or does not validate, two policies share a name, a duty is unknown,
                or a policy names a person.
        """
        try:
            document: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(policies))
            problems = cedarpy.validate_policies(policies, schema)
        except Exception as cause:  # cedarpy raises bare ValueErrors of several kinds
            raise PolicyInvalid(f"the policies do not parse: {str(cause).splitlines()[0]}") from cause
        if not problems.validation_passed:
            raise PolicyInvalid(f"the policies do not fit the schema: {_told(problems.errors[0], document)}")
        if document.get("templates"):
            raise PolicyInvalid("a template decides nothing: write the policy out")
        self._by_number = _named(document["staticPolicies"])
        self._slices = Slices(document["staticPolicies"])
        self._memo: Memo[Question, Answer] = Memo(_MEMO_MOST)
        self.policies: Mapping[str, Policy] = {policy.name: policy for policy in self._by_number.values()}
        self.text, self.schema = policies, schema
        self.version = hashlib.sha256(f"{schema}\n{policies}".encode()).hexdigest()[:12]

    def answer(self, question: Question) -> Answer:
        """Return what the policies allow; a policy that errors denies."""
        known = self._memo.get(question)
        if known is None:
            known = self.fresh_answer(question)
            self._memo.put(question, known)
        return known

    def fresh_answer(self, question: Question) -> Answer:
        """Return what the policies allow, without looking at what was answered before."""
        forbidding: set[str] = set()
        failed = False
        for place, action in enumerate(question.wanted):
            # the first is asked even where nothing permits it, to name what forbids
            if place and not self._slices.may_permit(question, action):
                continue
            verdict = self._slices.verdict(question, action)
            if verdict.allowed and not question.actor.barred:  # a set that forgets to forbid it opens nothing either
                permitting = [self._by_number[number] for number in verdict.permits]
                demanded = {duty for policy in permitting for duty in policy.duties}
                return Answer(action, tuple(sorted(policy.name for policy in permitting)), tuple(sorted(demanded)))
            forbidding.update(self._by_number[number].name for number in verdict.forbids)
            failed = failed or verdict.failed
        return Answer(None, tuple(sorted(forbidding)), failed=failed)


def unparsable(policies: str) -> str:
    """Return why a text is no Cedar policies; empty where it is."""
    try:
        cedarpy.policies_to_json_str(policies)
    except Exception as cause:  # cedarpy raises bare ValueErrors of several kinds
        return str(cause).splitlines()[0]
    return ""


def rank(question: Question, answer: Answer) -> int:
    """Return how good an answer is, 0 for the first of the wanted actions; nothing allowed comes last."""
    return len(question.wanted) if answer.allowed is None else question.wanted.index(answer.allowed)


def _told(problem: cedarpy.ValidationError, document: Mapping[str, Any]) -> str:
    """Return what does not fit, with the policy's own name in the place of Cedar's number for it."""
    number = problem.policy_id
    name = document["staticPolicies"].get(number, {}).get("annotations", {}).get("id") or number
    return str(problem.error).replace(f"`{number}`", f"`{name}`")


def _named(static_policies: Mapping[str, dict[str, Any]]) -> dict[str, Policy]:
    """Return Cedar's own policy numbers → policy."""
    found: dict[str, Policy] = {}
    names: set[str] = set()
    for number, written in static_policies.items():
        policy = _policy(number, written)
        if policy.name in names:
            raise PolicyInvalid(f"two policies are called `{policy.name}`")
        names.add(policy.name)
        found[number] = policy
    return found


def _policy(number: str, written: dict[str, Any]) -> Policy:
    annotations: dict[str, str | None] = written.get("annotations", {})
    name = annotations.get("id") or number
    permits = written["effect"] == "permit"
    if written["principal"]["op"] in {"==", "in"}:
        raise PolicyInvalid(f"policy `{name}` names a person and never applies: decide by role, employer, site, region")
    try:
        demanded = duties(annotations["duty"] or "") if "duty" in annotations else ()
    except ValueError as cause:
        raise PolicyInvalid(f"policy `{name}`: {cause}") from cause
    if demanded and not permits:
        raise PolicyInvalid(f"policy `{name}` forbids: a duty stands on a policy that permits")
    return Policy(name, permits, demanded, _text(number, written))


def _text(number: str, written: dict[str, Any]) -> str:
    whole = {"staticPolicies": {number: written}, "templates": {}, "templateLinks": []}
    return cedarpy.policies_from_json_str(json.dumps(whole)).strip()
