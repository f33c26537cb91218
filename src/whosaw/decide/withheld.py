"""What the policies allow and something else withholds: a budget that is spent, a second person who is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from whosaw.catalog import Field
from whosaw.decide.decision import Decision, FieldDecision, outcomes


def withheld(decision: Decision, classes: Mapping[str, str], catalog_fields: Mapping[str, Field]) -> Decision:
    """Return the decision with every field of some classes denied. Observe mode does not soften it.

    Args:
        decision: what the policies allow.
        classes: class → why it is withheld, as ``budget.exhausted``; the first that applies becomes the reason of the
            whole. Where the decision is about an action its name stands for a class.
        catalog_fields: the catalog's fields by name.
    """
    if not classes:
        return decision
    if not decision.fields:
        return refused(decision, next(iter(classes.values())))
    fields = tuple(_without(item, classes.get(catalog_fields[item.field].klass)) for item in decision.fields)
    applied = [item.reason for item in fields if item.reason is not None]
    if not applied:
        return decision
    strict, outcome = outcomes(fields)
    return replace(
        decision,
        fields=fields,
        outcome=outcome,
        reason=applied[0],
        would=strict if strict != outcome else None,
        duties=decision.duties if any(item.effect != "deny" for item in fields) else (),
    )


def refused(decision: Decision, reason: str) -> Decision:
    """Return the decision with everything denied for one reason."""
    fields = tuple(replace(item, effect="deny", would=None, reason=reason) for item in decision.fields)
    return replace(decision, fields=fields, outcome="deny", would=None, reason=reason, duties=())


def _without(item: FieldDecision, reason: str | None) -> FieldDecision:
    # what the policies deny keeps its own reason: a spent budget is not why
    if reason is None or item.effect == "deny":
        return item
    return replace(item, effect="deny", would=None, reason=reason)
