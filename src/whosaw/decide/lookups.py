"""Lookups as policies see them: one by its name, and all of them at large."""

from __future__ import annotations

from collections.abc import Iterable

from whosaw.decide.decision import Decision, decide_action
from whosaw.decide.facts import Facts
from whosaw.decide.policy import PolicySet

ANY_LOOKUP = "lookup"


def lookup_deed(name: str) -> str:
    """Return what policies call the lookup of this name."""
    return f"{ANY_LOOKUP}:{name}"


def lookup_deeds(names: Iterable[str]) -> list[str]:
    """Return every deed by which policies can speak of lookups; none where there are no lookups."""
    deeds = [lookup_deed(name) for name in names]
    return [ANY_LOOKUP, *deeds] if deeds else []


def decide_lookup(name: str, facts: Facts, policies: PolicySet) -> Decision:
    """Ask about this lookup by name, and where no policy says anything about it, about lookups at large."""
    named = decide_action(lookup_deed(name), facts, policies)
    return named if named.outcome == "allow" or named.policies else decide_action(ANY_LOOKUP, facts, policies)
