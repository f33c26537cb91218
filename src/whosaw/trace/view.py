"""One matching of the complaints, weighed: everything the rungs, the candidates and the scope are read from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.trace.bulk import Asked, asked_in_one_go, beside_duties
from whosaw.trace.duties import Explained, explain, first_explained, weigh_duties
from whosaw.trace.evidence import Evidence, Float, gather_evidence, matched_anew
from whosaw.trace.inputs import Duties, Marks
from whosaw.trace.marking import counted, viewers
from whosaw.trace.posterior import MarkFactors, Posterior, no_marks, weigh
from whosaw.trace.result import Step
from whosaw.trace.risk import RiskSet
from whosaw.trace.scope import Question
from whosaw.trace.settings import Settings
from whosaw.trace.weights import Prior, Used, prior_weights
from whosaw.trace.within import Records, records, share_out


@dataclass(frozen=True, slots=True)
class View:
    """What one matching comes to.

    Args:
        evidence: of the matched complaints.
        prior: weights of all actors.
        own: the same for the actors of the evidence.
        factors: what marks multiply.
        bets: posterior of the actors of the evidence by bets alone, on which every stated rate rests.
        known: records of the actors of the evidence.
        posterior: the same with the probability of one leaker inside shared out by all that is known.
        unseen_marks: marks that turned up and that nobody on record had opened.
        duties: those that were given, and behind them one for each question of `asked`.
        asked: what was asked for in one go, and showed several complainers.
        explained: what all of them come to; `None` where there is none.
    """

    evidence: Evidence
    prior: Prior
    own: Prior
    factors: MarkFactors
    bets: Posterior
    known: Records
    posterior: Posterior
    unseen_marks: int
    duties: Duties
    asked: tuple[Asked, ...]
    explained: Explained | None = None

    @property
    def agreed(self) -> Float:
        """H probabilities that both posteriors grant: what a rung may rest on."""
        return np.minimum(self.bets.marginal, self.posterior.marginal)


def take(
    question: Question,
    sets: tuple[RiskSet, ...],
    given: tuple[Marks, Duties],
    settings: Settings,
    *,
    like: View | None = None,
) -> View:
    """Count, weigh and return the view of one matching.

    Args:
        question: the log, the subjects, the complaints.
        sets: one risk set per complaint.
        given: canaries and the like, and duties.
        settings: priors.
        like: another matching of the same complaints: weights go by who complained when, never by the matching.
    """
    index, (marks, told) = question.index, given
    seen = viewers(index, marks)
    matched = tuple(risk for risk in sets if risk.matched)
    if like is not None and _order(like.evidence.sets) == _order(matched):
        evidence = matched_anew(index, like.evidence, matched)
        prior, known, asked = like.prior, like.known, like.asked
    else:
        evidence, used = gather_evidence(index, matched, counted(seen, marks)), Used(index, question.context)
        prior = prior_weights(index, question.context, matched, settings, used)
        known = records(used, question.context, evidence, settings)
        asked = asked_in_one_go(index, question.context, evidence) if matched else ()
    own = prior.of(evidence.actor)
    factors = MarkFactors(seen[:, evidence.actor], np.log(marks.odds))
    bets = weigh(evidence.ratio, evidence.trust, own, settings, factors)
    posterior = share_out(bets, evidence, own, known, factors, settings)
    unseen, explained = int((~seen.any(axis=1)).sum()), None
    duties = beside_duties(told, asked)
    if duties.actor.size and evidence.sets:
        said = (index.subject_count, marks, told.actor.size)
        explained = weigh_duties(duties, evidence, prior.weight[0], said, settings)
        bets, posterior = explain(bets, explained), explain(posterior, explained)
    return View(evidence, prior, own, factors, bets, known, posterior, unseen, duties, asked, explained)


def _order(sets: tuple[RiskSet, ...]) -> list[tuple[int, int]]:
    return [(risk.subject, risk.contacted_us) for risk in sets]


def history(question: Question, view: View, settings: Settings) -> tuple[Step, ...]:
    """Return what was said after each complaint from the first that allows it; several leakers and marks left out.

    What was opened before one contact is not counted again for the next.

    Args:
        question: the log and the subjects.
        view: what all complaints come to, without marks.
        settings: priors.
    """
    lean = replace(settings, pair_pool=0, trio_share=0.0, pair_share=0.0)
    steps = []
    if not view.evidence.actor.size:
        return ()
    used, none = Used(question.index, question.context), no_marks(view.evidence.actor.size)
    for k in range(settings.min_complaints, len(view.evidence.sets) + 1):
        part = view.evidence.first(k)
        prior = view.own.started_by(k)
        said = weigh(part.ratio, part.trust, prior, lean)
        said = share_out(said, part, prior, records(used, question.context, part, settings), none, lean)
        if view.explained is not None:
            beside = (view.evidence.trust, view.prior.weight[0])
            said = explain(said, first_explained(view.explained, k, beside, settings))
        best = int(said.marginal.argmax())
        steps.append(Step(k, said.outside, int(part.actor[best]), float(said.marginal[best])))
    return tuple(steps)
