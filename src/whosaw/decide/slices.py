"""A policy set cut by what its policies say they are about, so that a question meets only those that can apply to it.

A policy whose scope names another action or another resource can neither permit, nor forbid, nor fail; leaving it out
changes nothing. Each question meets two cuts: the policies about its action and every resource, and those about its
action and exactly its resource. What two cuts say joins exactly: nothing forbids, nothing fails, something permits.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cedarpy

from whosaw.decide.facts import ActorFacts
from whosaw.decide.question import ACTIONS, Question, entities, request

_EVERY = ("", "")
Resource = tuple[str, str]


@dataclass(slots=True)
class Verdict:
    """What policies say to one question: numbers of those that permit and forbid, and whether any could not be told."""

    permits: list[str] = field(default_factory=list)
    forbids: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def allowed(self) -> bool:
        """Whether something permits, nothing forbids and nothing failed: Cedar skips a policy that errors."""
        return bool(self.permits) and not self.forbids and not self.failed


class Slices:
    """The cuts of one set, parsed."""

    def __init__(self, static_policies: Mapping[str, Mapping[str, Any]]) -> None:
        """Cut and parse `static_policies`, Cedar's number → the policy as Cedar's own JSON."""
        cuts: defaultdict[tuple[str, Resource], dict[str, Mapping[str, Any]]] = defaultdict(dict)
        for number, policy in static_policies.items():
            for action in _actions(policy["action"]):
                cuts[action, _resource(policy["resource"])][number] = policy
        self._cuts = {key: _parse(policies) for key, policies in cuts.items()}
        self._permit = {
            key for key, policies in cuts.items() if any(policy["effect"] == "permit" for policy in policies.values())
        }

    def may_permit(self, question: Question, action: str) -> bool:
        """Return whether any policy about this action and resource permits at all."""
        resource = (question.resource_type, question.resource)
        return (action, _EVERY) in self._permit or (action, resource) in self._permit

    def verdict(self, question: Question, action: str) -> Verdict:
        """Return what the policies say to `action`."""
        verdict = Verdict()
        asked = request(question, action)
        known = _parsed_entities(question.actor)
        for resource in (_EVERY, (question.resource_type, question.resource)):
            policies = self._cuts.get((action, resource))
            if policies is None:
                continue
            result = cedarpy.is_authorized(asked, policies, known)
            permitted = result.decision == cedarpy.Decision.Allow
            (verdict.permits if permitted else verdict.forbids).extend(result.diagnostics.reasons)
            verdict.failed = verdict.failed or bool(result.diagnostics.errors)
        return verdict


@lru_cache(maxsize=4096)
def _parsed_entities(actor: ActorFacts) -> cedarpy.Entities:
    return cedarpy.Entities.from_json_str(entities(actor))


def _parse(policies: Mapping[str, Mapping[str, Any]]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_json_str(
        json.dumps({"staticPolicies": policies, "templates": {}, "templateLinks": []})
    )


def _actions(scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield the actions a policy can be about; whatever is not certainly about others is about this one."""
    named = [scope["entity"]] if scope["op"] == "==" else scope.get("entities") if scope["op"] == "in" else None
    ids = None if named is None else {entity["id"] for entity in named}
    yield from (action for action in ACTIONS if ids is None or action in ids)


def _resource(scope: Mapping[str, Any]) -> Resource:
    """Return the one resource a policy is about, or that it may be about every one."""
    return (scope["entity"]["type"], scope["entity"]["id"]) if scope["op"] == "==" else _EVERY
