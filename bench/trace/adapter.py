"""From a world's case to what `whosaw.trace` reads, and from its answer to what is counted."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from whosaw.trace import Accesses, Actors, Attribution, Population, Rung, Settings, Sightings, attribute
from worlds import Case, Spec, make_case

CONFIRMED = (Rung.LEAD, Rung.FINDING)


@dataclass(frozen=True)
class Outcome:
    """What one answer came to, judged by the truth.

    Args:
        first: the most probable candidate is a leaker, alone.
        lead, finding: leakers on at least that rung.
        innocent_lead, innocent_finding: innocents on at least that rung, by index.
        bystander: the decoy or twin is on a rung.
        pairs: (stated probability, true) of the best candidate, and of nobody inside.
        in_set: a leaker is among those not excluded; `None` where nobody inside is not excluded.
        set_size: how many are not excluded as the only leaker.
        scope: coverage and sizes, see `judge`.
    """

    leakers: int
    first: bool
    lead: int
    finding: int
    innocent_lead: tuple[int, ...]
    innocent_finding: tuple[int, ...]
    bystander: bool
    best: tuple[float, bool]
    outside: tuple[float, bool]
    bounded: bool
    covered: bool
    size: int
    leaked: int
    t1: tuple[int, int, int]
    extra: dict[str, float] = field(default_factory=dict)


def question(case: Case) -> tuple[Accesses, Population, Sightings, Actors]:
    """Return the arrays of a case."""
    population = Population(case.ordered_us, case.ticket_customer, case.ticket_at_us, case.ticket_mine)
    return (
        Accesses(case.actor, case.customer, case.at_us, case.irregular),
        population,
        Sightings(case.complainer, case.contact_us),
        Actors(case.staff.count, case.staff.service),
    )


def answer(case: Case, settings: Settings | None = None) -> Attribution:
    """Answer a case with a log that is complete."""
    return attribute(*question(case), settings or Settings(complete=True))


def judge(case: Case, found: Attribution) -> Outcome:
    """Compare an answer with the truth."""
    named = [c for c in found.candidates if c.rung in CONFIRMED]
    on_rung = {actor for c in named for actor in c.actors}
    findings = {actor for c in named if c.rung is Rung.FINDING for actor in c.actors}
    best = found.candidates[0] if found.candidates else None
    guilty = set(case.leakers)
    last = int(case.contact_us.max())
    leaked = {customer for customer, at_us in case.leaked.items() if at_us < last}  # later leaks no log can bound
    everything = set(found.scope.certain) | set(found.scope.probable) | set(found.scope.possible)
    told = set(found.scope.certain) | set(found.scope.probable)
    return Outcome(
        leakers=len(guilty),
        first=best is not None and len(best.actors) == 1 and best.actors[0] in guilty,
        lead=len(on_rung & guilty),
        finding=len(findings & guilty),
        innocent_lead=tuple(sorted(on_rung - guilty)),
        innocent_finding=tuple(sorted(findings - guilty)),
        bystander=case.bystander in on_rung,
        best=(best.probability, bool(set(best.actors) & guilty)) if best else (0.0, False),
        outside=(found.outside_probability, not guilty),
        bounded=found.scope.bounded,
        covered=leaked <= everything,
        size=len(everything),
        leaked=len(leaked),
        t1=(len(told & leaked), len(told), len(leaked)),
    )


__all__ = ["Case", "Outcome", "Settings", "Spec", "answer", "judge", "make_case", "np", "question"]
