"""From numbers to candidates: who stands where, with the evidence complaint by complaint, and what it comes to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import repeat

import numpy as np

from whosaw.trace.evidence import Float
from whosaw.trace.groups import GroupShare
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.outlook import Outlook, look_ahead
from whosaw.trace.posterior import Posterior
from whosaw.trace.result import Candidate, Explanation, Hit, Rung, Verdict
from whosaw.trace.rungs import Rungs, same_record
from whosaw.trace.scope import openings
from whosaw.trace.settings import Settings
from whosaw.trace.view import View

_LARGEST_LOG = 700.0
EXPLAINED_AT = 0.05
"""Where duties are more probable than this, no group is said to stand out."""
_DETAILED = 50
"""So many candidates, the most probable, carry every complaint."""


def build_candidates(
    index: Index, view: View, rungs: Rungs, robust: frozenset[int], of: int, settings: Settings
) -> tuple[Candidate, ...]:
    """Return everybody who opened a complainer or a mark in time, the most probable first.

    Args:
        index: the log.
        view: what the complaints come to.
        rungs: who stands where.
        robust: actors whose finding is robust.
        of: complaints in all.
        settings: for the outlook.
    """
    evidence = view.evidence
    groups = same_record(index, evidence, settings.min_complaints)
    groups.sort(key=lambda group: -view.posterior.of_group(group))
    told = _Told(
        view=view,
        rungs=rungs,
        robust=robust,
        of=of,
        outlooks=look_ahead(evidence, view.posterior, settings),
        openings=[openings(index, risk.subject, risk.contacted_us) for risk in evidence.sets],
        otherwise=_explained_otherwise(view),
        shares=evidence.share,
        seen=evidence.opened[0].sum(axis=0).tolist(),
        expected=evidence.share[0].sum(axis=0).tolist(),
        shared=index.actors.shared,
    )
    # who could be named stands among the first or had opened several complainers; the rest needs no list of complaints
    found = [_candidate(told, group, detailed=at < _DETAILED) for at, group in enumerate(groups)]
    return tuple(sorted(found, key=lambda c: (-c.probability, -c.e_value, c.actors)))


@dataclass(frozen=True, slots=True)
class _Told:
    """What all candidates are read from; lists hold one value per actor of the evidence."""

    view: View
    rungs: Rungs
    robust: frozenset[int]
    of: int
    outlooks: tuple[Outlook, ...]
    openings: list[dict[int, tuple[int, bool]]]
    otherwise: frozenset[int]
    shares: Float
    seen: list[int]
    expected: list[float]
    shared: Bool | None


def _candidate(told: _Told, group: Int64, *, detailed: bool) -> Candidate:
    evidence, posterior, rungs, h = told.view.evidence, told.view.posterior, told.rungs, int(group[0])
    actors = tuple(evidence.actor[group].tolist())
    himself, weight, p = rungs.himself, told.view.own.weight[0], rungs.look.p if rungs.look else None
    shared = told.shared is not None and bool(told.shared[list(actors)].any())
    rung = Rung.NO_SIGNAL
    # what cannot be told apart is not named, and an account of several people is not a person
    if len(group) == 1 and not shared and (rungs.finding[h] or rungs.lead[h]):
        rung = Rung.FINDING if rungs.finding[h] else Rung.LEAD
    return Candidate(
        actors=actors,
        probability=posterior.of_group(group) * float(himself[h] if group.size == 1 else himself[group].max()),
        rung=rung,
        e_value=math.exp(min(posterior.log_e[h], _LARGEST_LOG)),
        seen=told.seen[h],
        of=told.of,
        expected=told.expected[h],
        robust=rung is Rung.FINDING and actors[0] in told.robust,
        weight=float(weight[h] if group.size == 1 else weight[group].sum()),
        p_value=None if p is None else float(p[h] if group.size == 1 else p[group].min()),
        hits=_hits(told, h, actors) if detailed else (),
        shared=shared,
        marks=int(evidence.marked[h]),
        outlook=replace(told.outlooks[h], to_finding=None) if told.otherwise & {*actors} else told.outlooks[h],
    )


def _explained_otherwise(view: View) -> frozenset[int]:
    """Return those whose duty or question bears out every further complaint as they do: no number of them decides."""
    if view.explained is None:
        return frozenset()
    return frozenset(view.duties.actor[view.posterior.explained > EXPLAINED_AT].tolist())


def _hits(told: _Told, h: int, actors: tuple[int, ...]) -> tuple[Hit, ...]:
    shares = told.shares[:, :, h].tolist()
    irregular = shares[1] if len(shares) > 1 else [None] * len(shares[0])
    hits = []
    for risk, seen, share, irregular_share in zip(
        told.view.evidence.sets, told.openings, shares[0], irregular, strict=True
    ):
        opened = [seen[actor] for actor in actors if actor in seen]
        last_us = max(at_us for at_us, _ in opened) if opened else None
        odd = any(flag for _, flag in opened)
        hits.append(Hit(risk.subject, risk.contacted_us, last_us, odd, share, irregular_share))
    return tuple(hits)


def explanations(view: View, rungs: Rungs, of: int) -> tuple[Explanation, ...]:
    """Return what duties explain, in the order in which they were given, and then what questions in one go do.

    Args:
        view: what the complaints come to.
        rungs: for the part of an actor's probability that his duties explain beside another leaker.
        of: complaints in all.
    """
    found, duties = view.explained, view.duties
    if found is None:
        return ()
    given = duties.actor.size - len(view.asked)
    asked = (*repeat(None, given), *view.asked)
    beside = np.zeros(duties.actor.size)
    for h in np.flatnonzero(rungs.himself < 1.0):
        his = np.flatnonzero(duties.actor == view.evidence.actor[h])
        beside[his[found.log_mass[his].argmax()]] = view.posterior.marginal[h] * (1.0 - rungs.himself[h])
    return tuple(
        Explanation(
            duty=at if each is None else -1,
            actor=int(duties.actor[at]),
            probability=float(min(1.0, view.posterior.explained[at] + beside[at])),
            seen=int(found.opened[at].sum()),
            of=of,
            expected=float(found.share[at].sum()),
            asked_us=None if each is None else each.at_us,
        )
        for at, each in enumerate(asked)
    )


def judge(
    candidates: tuple[Candidate, ...],
    rungs: Rungs,
    posterior: Posterior,
    groups: tuple[GroupShare, ...],
    settings: Settings,
) -> Verdict:
    """Return what the question as a whole comes to.

    Args:
        candidates: with their rungs.
        rungs: who passed which test.
        posterior: for nobody inside, and for what duties explain.
        groups: sites or employers, by the shyer of both posteriors.
        settings: levels.
    """
    reached = {candidate.rung for candidate in candidates}
    if Rung.FINDING in reached:
        return Verdict.FINDING
    if Rung.LEAD in reached:
        return Verdict.LEAD
    # the test against chance knows no duties: that a group stands out is no news where they may explain it
    if posterior.explained.sum() > EXPLAINED_AT:
        return Verdict.UNDECIDED
    # an actor whose record another one shares may pass every test and still not be named alone
    if rungs.associated.any() or rungs.finding.any():
        return Verdict.GROUP
    if any(group.probability >= settings.finding_at for group in groups):
        return Verdict.GROUP
    return Verdict.OUTSIDE if posterior.outside >= 0.95 else Verdict.UNDECIDED
