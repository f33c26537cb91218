"""The policy set in force, swapped as one: whoever took the former goes on with the former to the end."""

from __future__ import annotations

from whosaw.decide.policy import PolicySet


class PolicyHolder:
    """Holds the set in force. A batch of asks takes `current` once and decides all of them by it."""

    def __init__(self, policies: PolicySet) -> None:
        # one reference, replaced in one step: nobody ever sees half of two sets
        self._current = policies

    @property
    def current(self) -> PolicySet:
        """Return the set in force."""
        return self._current

    def swap(self, policies: PolicySet) -> PolicySet:
        """Put another set in force and return the former."""
        former, self._current = self._current, policies
        return former
