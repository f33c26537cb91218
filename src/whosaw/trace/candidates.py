"""From numbers to candidates: who stands where, with the evidence complaint by complaint, and what it comes to."""

from __future__ import annotations

import numpy as np

from whosaw.trace.evidence import Evidence, Float
from whosaw.trace.groups import GroupShare
from whosaw.trace.index import Index
from whosaw.trace.inputs import Int64
from whosaw.trace.outlook import Outlook, look_ahead
from whosaw.trace.posterior import Posterior
from whosaw.trace.result import Candidate, Hit, Rung, Verdict
from whosaw.trace.rungs import Rungs, same_record
from whosaw.trace.scope import openings
from whosaw.trace.settings import Settings
from whosaw.trace.view import View

_LARGEST_LOG = 700.0
_DETAILED = 50
"""So many candidates, the most probable, carry every complaint."""

_Openings = list[dict[int, tuple[int, bool]]]


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
    seen = [openings(index, risk.subject, risk.contacted_us) for risk in evidence.sets]
    shares = evidence.share
    outlooks = look_ahead(evidence, view.posterior, settings)
    groups = same_record(index, evidence, settings.min_complaints)
    groups.sort(key=lambda group: -view.posterior.of_group(group))
    # who could be named stands among the first or had opened several complainers; the rest needs no list of complaints
    found = [
        _candidate(
            index,
            view,
            rungs,
            group,
            (seen if at < _DETAILED else None, shares, of, outlooks[int(group[0])], robust),
        )
        for at, group in enumerate(groups)
    ]
    return tuple(sorted(found, key=lambda c: (-c.probability, -c.e_value, c.actors)))


def _candidate(
    index: Index,
    view: View,
    rungs: Rungs,
    group: Int64,
    common: tuple[_Openings | None, Float, int, Outlook, frozenset[int]],
) -> Candidate:
    seen, shares, of, outlook, robust = common
    evidence, posterior, h = view.evidence, view.posterior, int(group[0])
    actors = tuple(int(evidence.actor[member]) for member in group)
    shared = index.actors.shared is not None and bool(index.actors.shared[list(actors)].any())
    rung = Rung.NO_SIGNAL
    # what cannot be told apart is not named, and an account of several people is not a person
    if len(group) == 1 and not shared and (rungs.finding[h] or rungs.lead[h]):
        rung = Rung.FINDING if rungs.finding[h] else Rung.LEAD
    share = shares[:, :, h]
    return Candidate(
        actors=actors,
        probability=posterior.of_group(group),
        rung=rung,
        e_value=float(np.exp(min(posterior.log_e[h], _LARGEST_LOG))),
        seen=int(evidence.opened[0, :, h].sum()),
        of=of,
        expected=float(share[0].sum()),
        robust=rung is Rung.FINDING and actors[0] in robust,
        weight=float(view.prior.weight[0, list(actors)].sum()),
        p_value=float(rungs.look.p[group].min()) if rungs.look else None,
        hits=_hits(evidence, seen, share, actors) if seen is not None else (),
        shared=shared,
        marks=int(evidence.marked[h]),
        outlook=outlook,
    )


def _hits(evidence: Evidence, seen: _Openings, share: Float, actors: tuple[int, ...]) -> tuple[Hit, ...]:
    hits = []
    for i, risk in enumerate(evidence.sets):
        opened = [seen[i][actor] for actor in actors if actor in seen[i]]
        hits.append(
            Hit(
                subject=risk.subject,
                contacted_us=risk.contacted_us,
                opened_us=max((at_us for at_us, _ in opened), default=None),
                irregular=any(irregular for _, irregular in opened),
                share=float(share[0, i]),
                irregular_share=float(share[1, i]) if share.shape[0] > 1 else None,
            )
        )
    return tuple(hits)


def judge(
    candidates: tuple[Candidate, ...],
    rungs: Rungs,
    posterior: Posterior,
    groups: tuple[GroupShare, ...],
    settings: Settings,
) -> Verdict:
    """Return what the question as a whole comes to."""
    reached = {candidate.rung for candidate in candidates}
    if Rung.FINDING in reached:
        return Verdict.FINDING
    if Rung.LEAD in reached:
        return Verdict.LEAD
    # an actor whose record another one shares may pass every test and still not be named alone
    if rungs.associated.any() or rungs.finding.any():
        return Verdict.GROUP
    if groups and groups[0].probability >= settings.finding_at:
        return Verdict.GROUP
    return Verdict.OUTSIDE if posterior.outside >= 0.95 else Verdict.UNDECIDED
