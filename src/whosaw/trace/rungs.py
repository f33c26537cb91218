"""Rungs: which actors may be named, and how far.

A *finding* is a posterior of at least 1 / (1 + α), which by Ville's inequality is reached with probability at most α
when nobody inside leaked, however often one looks. A *lead* is a permutation test passed at a look fixed in advance, by
an actor whom no rival explains away. Either needs three complainers opened before their contact. Where several would be
named, each beside the strongest must explain what those named before him leave over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.trace.beyond import beyond
from whosaw.trace.evidence import Evidence, Float
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.permutation import Look, look
from whosaw.trace.posterior import MarkFactors, moves, weigh
from whosaw.trace.risk import RiskSet
from whosaw.trace.settings import Settings
from whosaw.trace.view import View
from whosaw.trace.weights import Prior


@dataclass(frozen=True, slots=True)
class Rungs:
    """One flag per actor of the evidence; `look` is `None` where no permutation could change them.

    `strongest` marks the one named actor, if any, whose rung is beside nobody else's. `himself` is 1, or of one whose
    duties may explain what others leave over, the part of his probability that they do not.
    """

    finding: Bool
    lead: Bool
    associated: Bool
    strongest: Bool
    himself: Float
    look: Look | None


def climb(index: Index, sets: tuple[RiskSet, ...], view: View, settings: Settings) -> Rungs:
    """Return who stands on which rung.

    Args:
        index: the log.
        sets: all complaints, the unmatched ones too: they count towards a look.
        view: of the matched ones. A rung needs both of its posteriors: the bets' for the stated rate, the other because
            nobody is named whom more of the likelihood speaks for less.
        settings: levels.
    """
    evidence, marginal = view.evidence, view.agreed
    enough = (evidence.hits >= settings.min_complaints) & (moves(evidence.ratio) | (evidence.marked > 0))
    finding = enough & (marginal >= settings.finding_at)
    inside = max(1.0 - view.bets.outside, np.finfo(np.float64).tiny)
    # by bets alone, as before; and where the other probability leaves a rival a fifth, nobody is named
    unrivalled = (view.bets.marginal / inside >= settings.rival_share) & (marginal / inside >= settings.beside_share)
    # beside a finding only an actor without rival can still become a lead; without one, a passed test makes a group
    open_question = enough & ~finding & (unrivalled | (not finding.any()))
    looked = _look(index, sets, evidence, view.prior.weight[0], settings) if open_question.any() else None
    # crossed at some look, and still unlikely by chance at the last one: later complaints may have cleared him
    none = np.zeros_like(finding)
    associated = enough & looked.crossed & (looked.p <= settings.alpha) if looked else none
    # where a finding has settled that somebody inside leaked, a further one is a lead by his probability alone
    beside = enough & ~finding & (marginal / inside >= settings.beside_share) & finding.any()
    rungs = Rungs(finding, (associated & unrivalled & ~finding) | beside, associated, none, np.ones(none.size), looked)
    return _beyond_the_named(view, rungs, settings)


def _beyond_the_named(view: View, rungs: Rungs, settings: Settings) -> Rungs:
    """Return the rungs without those who explain too little of what others leave over.

    The strongest stands by himself; one whose duties may explain his openings must explain what all others leave over.
    """
    evidence, marginal = view.evidence, view.agreed
    finding, lead, himself = rungs.finding.copy(), rungs.lead.copy(), rungs.himself.copy()
    on_duty = np.isin(evidence.actor, view.explained.actor) if view.explained else np.zeros_like(finding)
    order = np.lexsort((evidence.actor, -view.bets.log_e, -marginal, ~finding))
    flagged = order[(finding | lead)[order]].tolist()
    named: list[int] = []
    for at, h in enumerate(flagged):
        beside = named or (flagged[at + 1 :] if on_duty[h] else [])
        if beside:
            more = beyond(evidence, view.own, view.factors, np.array(beside), settings, view.explained)
            enough, probability = more.hits[h] >= settings.min_complaints, more.probability[h]
            lead[h] = enough and probability >= settings.beyond_share
            finding[h] = finding[h] and lead[h] and probability >= settings.finding_at
            lead[h] = lead[h] and not finding[h]
            himself[h] = more.himself[h]
        if finding[h] or lead[h]:
            named.append(h)
    strongest = np.isin(np.arange(finding.size), named[:1])
    return replace(rungs, finding=finding, lead=lead, strongest=strongest, himself=himself)


def stands_without_strongest(
    evidence: Evidence, prior: Prior, marks: MarkFactors, actor: int, settings: Settings
) -> bool:
    """Return whether an actor is a finding still when the complaint that speaks most against him is dropped."""
    at = np.flatnonzero(evidence.actor == actor)
    if at.size == 0 or len(evidence.sets) < 2:
        return False
    h = int(at[0])
    strongest = int(evidence.ratio[:, :, h].mean(axis=0).argmax())
    ratio = np.delete(evidence.ratio, strongest, axis=1)
    counted = np.delete(evidence.opened[0, :, h] & (evidence.trust >= 0.5), strongest)
    if int(counted.sum()) + int(evidence.marked[h]) < settings.min_complaints:
        return False
    trust = np.delete(evidence.trust, strongest)
    weighed = weigh(ratio, trust, prior.without(strongest), settings, marks)
    return bool(weighed.marginal[h] >= settings.finding_at)


def _look(
    index: Index, sets: tuple[RiskSet, ...], evidence: Evidence, weight: Float, settings: Settings
) -> Look | None:
    """Run the test at the looks that were due; unmatched complaints count towards a look."""
    due = [(k, sum(risk.matched for risk in sets[:k])) for k in settings.looks_due(len(sets))]
    due = [(k, matched) for k, matched in due if matched]
    return look(index, evidence, tuple(due), weight, settings) if due else None


def same_record(index: Index, evidence: Evidence, least: int = 1) -> list[Int64]:
    """Return the actors of the evidence in groups that opened the same matched subjects before every contact.

    Whoever opened fewer than `least` complainers stands alone: he could not be named anyway. Equal counts come first
    because they are cheap; only where they agree are the records themselves compared.
    """
    alike: dict[bytes, list[int]] = {}
    groups: list[Int64] = [np.array([h]) for h in np.flatnonzero(evidence.hits < least)]
    for h in np.flatnonzero(evidence.hits >= least).tolist():
        key = evidence.opened[:, :, h].tobytes() + evidence.count[:, :, h].tobytes()
        alike.setdefault(key, []).append(h)
    for members in alike.values():
        if len(members) == 1:
            groups.append(np.array(members))
            continue
        records: dict[bytes, list[int]] = {}
        for h in members:
            records.setdefault(_record(index, evidence, int(evidence.actor[h])), []).append(h)
        groups.extend(np.array(same) for same in records.values())
    return groups


def _record(index: Index, evidence: Evidence, actor: int) -> bytes:
    """Return which members of every risk set the actor opened before the contact, and which irregularly."""
    parts = []
    for risk in evidence.sets:
        owner, pair = index.pairs_of(risk.members)
        mine = index.pair_actor[pair] == actor
        owner, pair = owner[mine], pair[mine]
        for first in (index.pair_first_us[pair], index.pair_irregular_us[pair]):
            opened = owner[first < risk.contacted_us]
            parts.append(opened.tobytes() + b"|")
    return b"".join(parts)
