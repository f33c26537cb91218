"""From a world's case to what `whosaw.trace` reads, and from its answer to what is counted."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from whosaw.trace import Accesses, Actors, Attribution, Population, Rung, Settings, Sightings, attribute, build_index
from whosaw.trace.evidence import Evidence, gather_evidence, log_single
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.weights import Prior, prior_weights
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
    extra: dict[str, Any] = field(default_factory=dict)


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


def judge(case: Case, found: Attribution, *, twin: bool = False) -> Outcome:
    """Compare an answer with the truth; `twin`: the bystander is one, and an oracle is asked to tell the two apart."""
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
        extra=_extra(case, found, on_rung - guilty, twin=twin),
    )


def _extra(case: Case, found: Attribution, innocents: set[int], *, twin: bool) -> dict[str, Any]:
    inside = max(1e-300, 1.0 - found.outside_probability)
    once = [c for c in found.candidates if len(c.actors) == 1 and set(c.actors) <= set(case.leakers)]
    lead_once = any(
        c.rung is Rung.FINDING
        or (c.p_value is not None and c.p_value <= 0.05 and c.seen >= 3 and c.probability / inside >= 0.95)
        for c in once
    )
    held = found.not_excluded
    extra: dict[str, Any] = {
        "lead_once": int(lead_once),
        "in_set": -1 if held is None else int(bool(set(held) & set(case.leakers))),
        "set_size": -1 if held is None else len(held),
        "most": found.scope.most or 0,
        "alone": found.scope.alone or 0,
    }
    if not case.leakers:
        extra["staff"], extra["named_groups"] = _groups(case, innocents)
    if len(case.leakers) == 2:
        steady, turning = oracle_names_both(case)
        extra["oracle"], extra["oracle_turns"] = int(steady), int(turning)
    if len(case.leakers) == 1 and twin:
        extra["oracle"] = int(oracle_tells_apart(case))
    if case.leakers:
        extra["t1_oracle"] = oracle_scope(case)
    return extra


def oracle_scope(case: Case) -> tuple[int, int, int]:
    """Return what of the leaked somebody tells who knows who leaked, and between which days: hits, told, leaked.

    He takes everything that the leakers opened in between: an opening alone does not say whether it was passed on.
    """
    last = int(case.contact_us.max())
    leaked = {customer for customer, at_us in case.leaked.items() if at_us < last}
    times = [case.leaked[customer] for customer in leaked]
    mine = np.isin(case.actor, case.leakers) & (case.at_us < last)
    if times:
        mine &= (case.at_us >= min(times)) & (case.at_us <= max(times))
    told = set(case.customer[mine].tolist())
    return len(told & leaked), len(told), len(leaked)


def _groups(case: Case, innocents: set[int]) -> tuple[dict[str, float], list[str]]:
    """Return how many people of each group there are, and the groups of those who were named."""
    asked: dict[str, float] = {}
    named = []
    for name, (value, words) in case.staff.groups().items():
        for at, word in enumerate(words):
            asked[f"{name}: {word}"] = float(((value == at) & ~case.staff.service).sum())
        named += [f"{name}: {words[value[actor]]}" for actor in innocents]
    return asked, named


def _evidence(case: Case) -> tuple[Evidence, Prior]:
    """Return what the log says of a case, and the method's own weights."""
    accesses, population, sightings, actors = question(case)
    settings = Settings()
    index = build_index(accesses, actors, population.entered_us.size)
    context = order_context(index, population, int(sightings.contacted_us.min()))
    ordered = order_sightings(sightings, context)
    sets = tuple(risk for risk in match(context, population, ordered, settings) if risk.matched)
    return gather_evidence(index, sets), prior_weights(index, context, sets, settings)


def oracle_tells_apart(case: Case, share: float = 0.85) -> bool:
    """Whether somebody who knows that it was the leaker or the twin would name the leaker at 0.95.

    He also knows the share of complaints that are not stray, and takes the kind of access that tells them apart best.
    """
    evidence, _ = _evidence(case)
    logs = np.zeros((2, evidence.ratio.shape[0]))
    for at, actor in enumerate((case.leakers[0], case.bystander)):
        place = np.flatnonzero(evidence.actor == actor)
        missed = len(evidence.sets) * np.log1p(-share)
        logs[at] = np.log1p(share * (evidence.ratio[:, :, place[0]] - 1)).sum(axis=1) if place.size else missed
    return bool((logs[0] - logs[1]).max() >= np.log(19.0))


def oracle_names_both(case: Case) -> tuple[bool, bool]:
    """Whether somebody who knows the true pair and its best likelihood would name both at 0.95.

    He weighs four hypotheses: nobody, either alone, both; with the method's own priors and the actors' own weights.
    The second answer is that of one who also knows how the two took turns.
    """
    settings = Settings()
    evidence, prior = _evidence(case)
    weight = prior.weight.max(axis=0)[evidence.actor]
    places = [np.flatnonzero(evidence.actor == leaker) for leaker in case.leakers]
    if any(place.size == 0 for place in places) or case.leakers[0] == case.leakers[1]:
        return False, False
    a, b = (int(place[0]) for place in places)
    ratio = evidence.ratio
    steps = [
        np.log1p(x * (ratio[s][:, a] - 1) + y * (ratio[t][:, b] - 1)).sum()
        for x in np.arange(0.05, 0.95, 0.05)
        for y in np.arange(0.05, 0.96 - x, 0.05)
        for s in range(ratio.shape[0])
        for t in range(ratio.shape[0])
    ]
    changes = [
        _best_change(ratio[s][:, a], ratio[t][:, b]) for s in range(ratio.shape[0]) for t in range(ratio.shape[0])
    ]
    alone = log_single(ratio[:, :, [a, b]], settings) + np.log(0.42 * weight[[a, b]])
    before = np.log(0.5 * settings.pair_share * 2 * weight[a] * weight[b])
    steady, turning = (before + best for best in (max(steps), max(*steps, *changes)))

    def named(both: float) -> bool:
        return bool(both - np.logaddexp.reduce([np.log(0.5), *alone, both]) >= np.log(0.95))

    return named(steady), named(turning)


def _best_change(one: np.ndarray, two: np.ndarray) -> float:
    """Return the best log-likelihood of a pair of whom one sells first, or both, and then the other, or both."""
    phases = [(0.9, 0.0), (0.7, 0.0), (0.0, 0.9), (0.0, 0.7), (0.45, 0.45)]
    with np.errstate(divide="ignore"):
        step = np.stack([np.log1p(x * (one - 1) + y * (two - 1)) for x, y in phases])
    before = np.cumsum(step, axis=1)
    return float((before.max(axis=0) + (before[:, -1:] - before).max(axis=0)).max())


__all__ = ["Case", "Outcome", "Settings", "Spec", "answer", "judge", "make_case", "np", "question"]
