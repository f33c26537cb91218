"""What the gate found out before deciding, as values."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.decide.purpose import Verification


@dataclass(frozen=True, slots=True)
class ActorFacts:
    """Who asks, as the staff directory and the suspensions say now."""

    roles: frozenset[str]
    region: str
    ended: bool
    suspended: bool

    @classmethod
    def unknown(cls, *, suspended: bool = False) -> ActorFacts:
        """Return the facts of somebody the directory does not list: no role, so no policy permits."""
        return cls(frozenset(), "", ended=True, suspended=suspended)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision depends on besides the ask, the catalog and the policies."""

    actor: ActorFacts
    verification: Verification
    subject_known: bool
    subject_region: str
