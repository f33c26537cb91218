"""Work that explains openings: account management and hand-overs, as hypotheses beside the actors.

Whoever took over a colleague's customers has opened whom that colleague opened; whoever manages a seller's account
opens that seller's customers. If those customers are contacted from outside, the log speaks against him although his
duty alone brought him there: the leak may lie before the hand-over, or go by what account management is about. So each
duty is a hypothesis of its own: *the complainers come from those whom the duty brought, whoever passed them on*. It
bets like an actor who had opened just those, and is beforehand as probable as that the actor himself leaked. Duties of
one actor are no evidence for one another: together they weigh as much as the likeliest of them alone, so that a duty
told twice, or in overlapping parts, explains no more than once.

It can only lower what is said of the actors. Nobody inside is excluded only where duties are excluded with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.trace.evidence import Evidence, Float, log_single
from whosaw.trace.inputs import GUESSABLE_ODDS, NEVER, Bool, Duties, Int64, Marks
from whosaw.trace.posterior import Posterior
from whosaw.trace.settings import Settings


@dataclass(frozen=True, slots=True)
class Explained:
    """What the duties come to.

    Args:
        actor: J actors whose openings the duties explain.
        log_mass: J logs of prior × evidence, on the scale of `Posterior.log_z`.
        opened: J × K flags: the duty had brought the complainer before its contact.
        share: J × K parts of the risk sets that it had brought.
        hit: J logs of what canaries and the like multiply.
        asker: position in the evidence of who asked a question; -1 for a duty.
        ratio: T × K × H ratios of the evidence: a question explains no more than that its asker passed it on.
    """

    actor: Int64
    log_mass: Float
    opened: Bool
    share: Float
    hit: Float
    asker: Int64
    ratio: Float


def weigh_duties(
    duties: Duties, evidence: Evidence, weight: Float, given: tuple[int, Marks, int], settings: Settings
) -> Explained:
    """Return what J duties come to.

    Args:
        duties: who was brought to whom, and since when.
        evidence: K matched complaints.
        weight: frozen weights of all actors.
        given: how many subjects there are; canaries and the like, which a duty explains if it brought their record
            and no one actor alone had them; and how many are duties: behind them stand questions in one go, which
            explain what can be guessed alone.
        settings: priors.
    """
    subjects, marks, explaining = given
    # what one actor alone was shown says that his copy got out; no other hand on the same record explains that
    known = np.flatnonzero((marks.subject >= 0) & (marks.actor < 0))
    opened = np.zeros((duties.actor.size, len(evidence.sets)), np.bool_)
    share, hit = np.zeros(opened.shape), np.zeros(duties.actor.size)
    for at in range(duties.actor.size):
        since_us = np.full(subjects, NEVER)
        rows = duties.duty == at
        np.minimum.at(since_us, duties.subject[rows], duties.since_us[rows])
        for i, risk in enumerate(evidence.sets):
            opened[at, i] = since_us[risk.subject] < risk.contacted_us
            share[at, i] = (since_us[risk.members] < risk.contacted_us).mean()
        explained = known if at < explaining else known[marks.odds[known] <= GUESSABLE_ODDS]
        hit[at] = np.log(marks.odds[explained])[since_us[marks.subject[explained]] < marks.seen_us[explained]].sum()
    asker = np.full(duties.actor.size, -1)
    asker[explaining:] = np.searchsorted(evidence.actor, duties.actor[explaining:])
    found = Explained(duties.actor, hit, opened, share, hit, asker, evidence.ratio)
    return replace(found, log_mass=_masses(found, evidence.trust, weight, settings))


def first_explained(found: Explained, complaints: int, beside: tuple[Float, Float], settings: Settings) -> Explained:
    """Return what the duties came to when the first complaints alone were in; nothing is counted again.

    Args:
        found: what they come to with all.
        complaints: how many were in.
        beside: the parts of all complaints that no other source explains, and the weights.
        settings: priors.
    """
    trust, weight = beside
    kept = slice(0, complaints)
    part = replace(found, opened=found.opened[:, kept], share=found.share[:, kept], ratio=found.ratio[:, kept])
    return replace(part, log_mass=_masses(part, trust[kept], weight, settings))


def _masses(found: Explained, trust: Float, weight: Float, settings: Settings) -> Float:
    """Return J logs of prior × evidence; those of one actor sum to that of his likeliest duty.

    Who passed on what he had asked for in one go would have passed on just that: so a question, which shows fewer
    people than its asker had opened in all, is taken to explain no more than he does.
    """
    ratio = np.where(found.opened, 1.0 / np.maximum(found.share, np.finfo(np.float64).tiny), 0.0)
    bets = log_single((1.0 + trust * (ratio - 1.0)).T[None], settings)
    asked = found.asker >= 0
    if asked.any():
        bets[asked] = np.minimum(bets[asked], log_single(found.ratio, settings)[found.asker[asked]])
    alone = (1.0 - settings.outside_prior) * (1.0 - settings.pair_share - settings.trio_share)
    with np.errstate(divide="ignore"):  # a service has no weight
        mass = np.log(alone * weight[found.actor]) + bets + found.hit
    for actor in np.unique(found.actor):
        his = np.flatnonzero(found.actor == actor)
        if his.size > 1 and np.isfinite(top := mass[his].max()):
            mass[his] += top - np.logaddexp.reduce(mass[his])
    return np.asarray(mass)


def explain(posterior: Posterior, found: Explained) -> Posterior:
    """Return the posterior with the duties on its scale: everything else is the less probable for it.

    The mean of all models stays that of the actors and of nobody inside: confidence sets weigh nothing by duties.
    """
    mass = np.exp(np.minimum(found.log_mass - posterior.log_z, 700.0))
    total = 1.0 + float(mass.sum())
    return replace(
        posterior,
        outside=float(posterior.outside / total),
        marginal=posterior.marginal / total,
        single=posterior.single / total,
        rings=tuple((ring, probability / total) for ring, probability in posterior.rings),
        explained=mass / total,
    )
