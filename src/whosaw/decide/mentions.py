"""What a policy set speaks of: the words it compares with, read from its policies as Cedar itself understands them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from whosaw.decide.policy import PolicySet


@dataclass(frozen=True, slots=True)
class Mentions:
    """Words that stand in conditions and scopes.

    Attributes:
        roles: compared with ``principal.roles``.
        purposes: compared with ``context.purpose``.
        reasons: compared with ``context.reason``.
        regions: compared with ``principal.region`` or ``context.subject_region``.
        employers: compared with ``principal.employer``.
        sites: compared with ``principal.site``.
        functions: compared with ``principal.function``.
        classes: named as ``Class::"…"``.
        deeds: named as ``Deed::"…"``.
    """

    roles: frozenset[str]
    purposes: frozenset[str]
    reasons: frozenset[str]
    regions: frozenset[str]
    employers: frozenset[str]
    sites: frozenset[str]
    functions: frozenset[str]
    classes: frozenset[str]
    deeds: frozenset[str]


def mentions(policies: PolicySet) -> Mentions:
    """Return what the set speaks of. Cedar cannot join texts, so every word it compares with stands in it whole."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    document = json.loads(cedarpy.policies_to_json_str(policies.text))
    for policy in document["staticPolicies"].values():
        for kind, name in _entities(policy):
            found["entity", kind].add(name)
        for condition in policy.get("conditions", ()):
            _compared(condition["body"], found)

    def words(*attributes: tuple[str, str]) -> frozenset[str]:
        return frozenset().union(*(found[each] for each in attributes))

    return Mentions(
        roles=words(("principal", "roles")),
        purposes=words(("context", "purpose")),
        reasons=words(("context", "reason")),
        regions=words(("principal", "region"), ("context", "subject_region")),
        employers=words(("principal", "employer")),
        sites=words(("principal", "site")),
        functions=words(("principal", "function")),
        classes=words(("entity", "Class")),
        deeds=words(("entity", "Deed")),
    )


def _compared(expression: object, found: defaultdict[tuple[str, str], set[str]]) -> None:
    """Note, at every operator, which texts stand in it beside which attributes."""
    if isinstance(expression, list):
        for part in expression:
            _compared(part, found)
    if not isinstance(expression, dict):
        return
    for operator, operands in expression.items():
        if operator not in {"&&", "||", "!", "if-then-else"}:
            attributes, texts = set(_attributes(operands)), set(_texts(operands))
            for attribute in attributes:
                found[attribute].update(texts)
        _compared(list(operands.values()) if isinstance(operands, dict) else operands, found)


def _attributes(expression: object) -> Iterator[tuple[str, str]]:
    for node in _nodes(expression):
        access = node.get(".")
        if isinstance(access, dict) and isinstance(access.get("left"), dict) and "Var" in access["left"]:
            yield str(access["left"]["Var"]), str(access["attr"])


def _texts(expression: object) -> Iterator[str]:
    for node in _nodes(expression):
        if isinstance(node.get("Value"), str):
            yield node["Value"]


def _entities(expression: object) -> Iterator[tuple[str, str]]:
    for node in _nodes(expression):
        for key in ("__entity", "entity"):
            named = node.get(key)
            if isinstance(named, dict) and {"type", "id"} <= named.keys():
                yield str(named["type"]), str(named["id"])
        for named in node.get("entities", ()) if isinstance(node.get("entities"), list) else ():
            yield str(named["type"]), str(named["id"])


def _nodes(expression: object) -> Iterator[Mapping[str, Any]]:
    """Yield every object within an expression, itself included."""
    if isinstance(expression, dict):
        yield expression
        for part in expression.values():
            yield from _nodes(part)
    elif isinstance(expression, list):
        for part in expression:
            yield from _nodes(part)
