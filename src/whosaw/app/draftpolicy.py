"""A first set of policies for a drafted catalog: who works on something sees what that work needs, others a mask."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_OPENED = ("contact", "name", "address")
_ROLE = re.compile(r"[\w .&/-]{1,40}")
_ROLES_MOST = 20

_HEAD = """\
// Drafted beside the catalog: who sees what. Default deny: what no policy here permits is refused. Confirm every role.
// When the catalog gets [conduct], [grants] or [break_glass], take over the policies `actor.not_acknowledged`,
// `grant.in_force` and `glass.broken` from those that ship with whosaw (docs/catalog.md).

@id("actor.suspended")
forbid (principal, action, resource)
when { principal.suspended };

@id("actor.ended")
forbid (principal, action, resource)
when { principal.ended };
"""
_MASKED = """
// Without a reason that holds, but without a false one either: the masked form, enough to recognise a caller.
@id("masked.without_reason")
permit (principal, action == Action::"mask", resource)
when {{
  ["purpose.missing", "purpose.closed", "purpose.self_made"].contains(context.reason) &&
  principal.roles.containsAny([{roles}])
}};
"""
_OPEN = """
// unsure: the roles of those who are given such work today
@id("{purpose}.opens")
permit (principal, action == Action::"reveal", resource)
when {{
  [{classes}].contains(resource) &&
  context.verified && context.purpose == "{purpose}" &&
  principal.roles.containsAny([{roles}])
}};
"""
_LOOKUP = """
// Whose an exact value is, if the work is about whoever is found; a hit that it is not about is answered like a miss.
@id("{purpose}.lookup")
permit (principal, action == Action::"act", resource == Deed::"lookup")
when {{
  context.verified && context.purpose == "{purpose}" &&
  principal.roles.containsAny([{roles}])
}};
"""


def usable_roles(roles: Sequence[str]) -> list[str]:
    """Return the roles, where they look like names of roles: few and short. Anything else may be a person's."""
    distinct = sorted(set(roles))
    fits = len(distinct) <= _ROLES_MOST and all(_ROLE.fullmatch(role) for role in distinct)
    return distinct if fits else []


def write_policies(
    purposes: Sequence[tuple[str, Sequence[str]]], classes: Sequence[str], *, lookups: bool = False
) -> str:
    """Return policies.

    Args:
        purposes: name → roles of those who are given such work; at least one has a role.
        classes: the catalog's; of these the ones that ordinary work needs are opened.
        lookups: whether the catalog has any.
    """
    opened = [name for name in _OPENED if name in classes]
    everybody = sorted({role for _, roles in purposes for role in roles})
    parts = [_HEAD]
    for name, roles in purposes:
        if roles and opened:
            listed = ", ".join(f"Class::{json.dumps(each)}" for each in opened)
            parts.append(_OPEN.format(purpose=name, classes=listed, roles=_listed(roles)))
        if roles and lookups:
            parts.append(_LOOKUP.format(purpose=name, roles=_listed(roles)))
    parts.append(_MASKED.format(roles=_listed(everybody)))
    return "".join(parts)


def _listed(roles: Sequence[str]) -> str:
    return ", ".join(json.dumps(role, ensure_ascii=False) for role in roles)
