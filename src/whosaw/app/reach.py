"""Can a policy ever apply in this company? Each is thought through over every class, action, purpose and set of roles.

What only an ask can tell (a subject's region, whether a grant is in force) stays open, and what is open is never called
impossible. So a policy that is refused here certainly does nothing: it names a class, an action, a purpose, a reason
or a role that does not exist, or demands what never comes together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from whosaw.app.threevalued import OPEN, Entity, OneOf, holds
from whosaw.catalog import Catalog
from whosaw.catalog.rolecheck import Staff
from whosaw.catalog.trying import missing
from whosaw.decide import PolicySet, lookup_deeds
from whosaw.decide.mentions import words_of

REASONS = frozenset(
    f"purpose.{each}"
    for each in ("verified", "missing", "not_found", "not_assigned", "other_subject", "closed", "self_made")
)
_REVEALING = ("reveal", "alias", "mask")
_ROLES_MOST = 200


@dataclass(frozen=True, slots=True)
class Reach:
    """What became of thinking the policies through.

    Attributes:
        never: policy → why it can never apply.
        absent: policy that can apply → what it names besides that does not exist.
    """

    never: Mapping[str, str]
    absent: Mapping[str, str]


def reach(catalog: Catalog, staff: Staff | None, policies: PolicySet) -> Reach:
    """Return which policies can never apply.

    Args:
        catalog: for classes, actions, purposes, grants.
        staff: roles and regions of the directory; None where they are not known, then every role may exist.
        policies: the set.
    """
    document: dict[str, Any] = json.loads(cedarpy.policies_to_json_str(policies.text))
    never, absent = {}, {}
    for number, written in document["staticPolicies"].items():
        name = written.get("annotations", {}).get("id") or number
        unknown = _unknown_names(written, catalog, staff)
        if not any(_applies(written, world) for world in _worlds(written, catalog, staff)):
            never[name] = unknown or "what it demands never comes together"
        elif unknown:
            absent[name] = unknown
    return Reach(never, absent)


def _applies(written: Mapping[str, Any], world: Mapping[str, object]) -> bool:
    # a `when` that is certainly false, or an `unless` that is certainly true, keeps a policy out
    return all(holds(each["body"], world) is not (each["kind"] == "unless") for each in written["conditions"])


def _worlds(written: Mapping[str, Any], catalog: Catalog, staff: Staff | None) -> Iterator[dict[str, object]]:
    """Yield every situation that a policy's scope admits."""
    resources = list(_resources(written, catalog))
    for purpose in ["", *catalog.purposes]:
        for roles in _role_sets(staff):
            for resource in resources:
                yield _world(catalog, staff, resource, purpose) | {"principal.roles": roles}


def _world(catalog: Catalog, staff: Staff | None, resource: Entity, purpose: str) -> dict[str, object]:
    glass = catalog.break_glass
    granted = any(resource.id in kind.classes for kind in catalog.grants.values())
    broken = glass is not None and resource.id in glass.classes
    conduct = catalog.conduct
    return {
        "resource": resource,
        "context.purpose": purpose,
        "context.verified": OPEN if purpose else False,
        "context.reason": OneOf(REASONS if purpose else frozenset({"purpose.missing"})),
        "context.granted": OPEN if granted else False,
        "context.broken_glass": OPEN if broken else False,
        "principal.acknowledged": OPEN if conduct is not None and conduct.required else True,
        "principal.region": OPEN if staff is None else OneOf(staff.regions),
    }


def _role_sets(staff: Staff | None) -> list[object]:
    if staff is None or not staff.combinations or len(staff.combinations) > _ROLES_MOST:
        return [OPEN]
    return [*staff.combinations, frozenset()]


def _resources(written: Mapping[str, Any], catalog: Catalog) -> Iterator[Entity]:
    scope = written["action"]
    named = [scope["entity"]] if scope["op"] == "==" else scope.get("entities")
    actions = {each["id"] for each in named} if named is not None else {*_REVEALING, "act"}
    scoped = written["resource"]
    every = [Entity("Class", name) for name in _classes(catalog)] if actions & set(_REVEALING) else []
    every += [Entity("Deed", name) for name in deeds(catalog)] if "act" in actions else []
    for resource in every:
        if scoped["op"] == "==" and Entity(**scoped["entity"]) != resource:
            continue
        if scoped["op"] == "is" and scoped["entity_type"] != resource.type:
            continue
        yield resource


def deeds(catalog: Catalog) -> list[str]:
    """Return every deed that policies can speak of: the catalog's actions, and its lookups."""
    return [*catalog.actions, *lookup_deeds(catalog.lookups)]


def _classes(catalog: Catalog) -> list[str]:
    return sorted({field.klass for field in catalog.fields.values()})


def _unknown_names(written: Mapping[str, Any], catalog: Catalog, staff: Staff | None) -> str:
    """Return what a policy names that does not exist, in words."""
    known: dict[tuple[str, str], tuple[str, frozenset[str] | None]] = {
        ("entity", "Class"): ("no field has the class", frozenset(_classes(catalog))),
        ("entity", "Deed"): ("no action is called", frozenset(deeds(catalog))),
        ("context", "purpose"): ("no purpose is called", frozenset({"", *catalog.purposes})),
        ("context", "reason"): ("there is no reason", REASONS),
        ("principal", "roles"): ("nobody has the role", None if staff is None else staff.roles),
    }
    said = []
    for of, attribute, name in words_of(written):
        words, there = known.get((of, attribute), ("", None))
        if there is not None and name not in there:
            said.append(f"{words} `{name}`{missing(name, there)}")
    return ", ".join(said)
