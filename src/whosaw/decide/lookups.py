"""Lookups as policies see them: one by its name, and all of them at large."""

from __future__ import annotations

from collections.abc import Iterable

from whosaw.decide.decision import Decision, decide_action
from whosaw.decide.facts import Facts
from whosaw.decide.policy import PolicySet
from whosaw.decide.question import about_action

ANY_LOOKUP = "lookup"


def lookup_deed(name: str) -> str:
    """Return what policies call the lookup of this name."""
    return f"{ANY_LOOKUP}:{name}"


def lookup_deeds(names: Iterable[str]) -> list[str]:
    """Return every deed by which policies can speak of lookups; none where there are no lookups."""
    deeds = [lookup_deed(name) for name in names]
    return [ANY_LOOKUP, *deeds] if deeds else []


def spoken_of(name: str, facts: Facts, policies: PolicySet) -> str:
    """Return the deed that decides about it: its own, or the one for all where no policy says anything about its own.

    A policy that cannot be evaluated has said something: what it would have forbidden must not be opened by another.
    """
    own = policies.answer(about_action(lookup_deed(name), facts))
    silent = own.allowed is None and not own.policies and not own.failed
    return ANY_LOOKUP if silent else lookup_deed(name)


def decide_lookup(name: str, facts: Facts, policies: PolicySet) -> Decision:
    """Decide about one lookup."""
    return decide_action(spoken_of(name, facts, policies), facts, policies)
