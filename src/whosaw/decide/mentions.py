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
        together: several roles that one policy may want at once.
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
    together: frozenset[frozenset[str]]


Word = tuple[str, str, str]
"""``("principal", "roles", "support")``: a text compared with an attribute; ``("entity", "Class", "contact")``."""

# what has yes or no as its value: no text in its operands is compared with what stands outside
_JOINS = frozenset(("&&", "||", "!"))
_COMPARES = frozenset(("==", "!=", "<", "<=", ">", ">=", "in", "is", "has", "like", "isEmpty")) | {
    *("contains", "containsAll", "containsAny")
}


def mentions(policies: PolicySet) -> Mentions:
    """Return what the set speaks of. Cedar cannot join texts, so every word it compares with stands in it whole."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    document = json.loads(cedarpy.policies_to_json_str(policies.text))
    together: set[frozenset[str]] = set()
    for written in document["staticPolicies"].values():
        said = words_of(written)
        for of, name, text in said:
            found[of, name].add(text)
        if _wants_several(written):
            together.add(frozenset(text for of, name, text in said if (of, name) == ("principal", "roles")))

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
        together=frozenset(together),
    )


def words_of(written: Mapping[str, Any]) -> list[Word]:
    """Return what one policy, in Cedar's JSON, speaks of: entities first, then texts, each once and as it comes."""
    texts = (word for condition in written.get("conditions", ()) for word in _compared(condition["body"]))
    return list(dict.fromkeys([*_entities(written), *texts]))


def _wants_several(written: Mapping[str, Any]) -> bool:
    """Return whether a policy may want several roles at once: it looks at roles more than once, or for all of some."""
    looks = [
        operator
        for node in _nodes(written.get("conditions", ()))
        for operator, operands in node.items()
        if operator in ("contains", "containsAll", "containsAny") and ("principal", "roles") in list(_leaves(operands))
    ]
    return len(looks) > 1 or "containsAll" in looks


def _compared(expression: object) -> Iterator[Word]:
    """Yield, for every operator, the texts that stand in it beside an attribute."""
    for node in _nodes(expression):
        for operator, operands in node.items():
            if operator in _COMPARES:
                leaves = list(_leaves(operands))
                attributes = [leaf for leaf in leaves if isinstance(leaf, tuple)]
                yield from ((*attribute, leaf) for attribute in attributes for leaf in leaves if isinstance(leaf, str))


def _leaves(expression: object) -> Iterator[str | tuple[str, str]]:
    """Yield the texts and the attributes that can be the value of an operand, or stand within it."""
    if isinstance(expression, list):
        for part in expression:
            yield from _leaves(part)
    if not isinstance(expression, dict):
        return
    access = expression.get(".")
    if isinstance(access, dict) and isinstance(access.get("left"), dict) and "Var" in access["left"]:
        yield str(access["left"]["Var"]), str(access["attr"])
        return
    if isinstance(expression.get("Value"), str):
        yield expression["Value"]
    for operator, operands in expression.items():
        if operator not in _COMPARES | _JOINS:
            yield from _leaves(operands)


def _entities(expression: object) -> Iterator[Word]:
    for node in _nodes(expression):
        for key in ("__entity", "entity"):
            named = node.get(key)
            if isinstance(named, dict) and {"type", "id"} <= named.keys():
                yield "entity", str(named["type"]), str(named["id"])
        for named in node.get("entities", ()) if isinstance(node.get("entities"), list) else ():
            yield "entity", str(named["type"]), str(named["id"])


def _nodes(expression: object) -> Iterator[Mapping[str, Any]]:
    """Yield every object within an expression, itself included."""
    if isinstance(expression, dict):
        yield expression
        for part in expression.values():
            yield from _nodes(part)
    elif isinstance(expression, list):
        for part in expression:
            yield from _nodes(part)
