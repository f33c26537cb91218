"""The question answered in one pass: order, match, count, weigh, climb, bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whosaw.trace.candidates import build_candidates, explanations, judge
from whosaw.trace.checks import check
from whosaw.trace.confidence import not_excluded
from whosaw.trace.groups import by_label, shyer
from whosaw.trace.index import Index, build_index
from whosaw.trace.inputs import GUESSABLE_ODDS, Accesses, Actors, Duties, Marks, Population, Sightings
from whosaw.trace.outlook import unreachable
from whosaw.trace.posterior import outside_mass
from whosaw.trace.result import Attribution, Method, Rung, Scope, Step, Verdict
from whosaw.trace.risk import RiskSet, match, order_context, order_sightings
from whosaw.trace.rungs import Rungs, climb, stands_without_strongest
from whosaw.trace.scope import Question, find_scope
from whosaw.trace.settings import Settings
from whosaw.trace.view import View, history, take

_DEFAULT = Settings()
_NO_MARKS = Marks()
_NO_DUTIES = Duties()


def attribute(  # noqa: PLR0913 - one question, said whole
    accesses: Accesses,
    population: Population,
    sightings: Sightings,
    actors: Actors,
    settings: Settings = _DEFAULT,
    *,
    marks: Marks = _NO_MARKS,
    duties: Duties = _NO_DUTIES,
) -> Attribution:
    """Return who could have leaked, how probable each is, whether it was anyone inside, and what else got out.

    Args:
        accesses: the log; openings at or after a subject's contact never count for that subject.
        population: the subjects who could have been contacted.
        sightings: the complaints; a subject given twice counts once, at its earliest contact; a negative subject is one
            that the log does not know.
        actors: how many there are, which are services or shared, and where they belong.
        settings: the method's constants.
        marks: canaries, aliases and unique copies that turned up.
        duties: account management and hand-overs that may explain openings.

    Raises:
        InputRefused: arrays differ in length, an index is out of range, or a value means nothing.
    """
    index = build_index(accesses, actors, population.entered_us.size)
    return rank(index, population, sightings, settings, marks=marks, duties=duties)


def rank(
    index: Index,
    population: Population,
    sightings: Sightings,
    settings: Settings = _DEFAULT,
    *,
    marks: Marks = _NO_MARKS,
    duties: Duties = _NO_DUTIES,
) -> Attribution:
    """Answer one question on an index that serves many; other arguments, and errors, as for `attribute`.

    Args:
        index: the log.
        population: as there.
        sightings: as there.
        settings: as there.
        marks: as there.
        duties: as there.
    """
    check(index, population, sightings, marks, duties)
    distinct = np.unique(sightings.subject[sightings.subject >= 0]).size + int((sightings.subject < 0).sum())
    certain = int((marks.odds > GUESSABLE_ODDS).sum())
    if distinct == 0 or distinct + certain < settings.min_complaints:
        lacking = f"{settings.min_complaints} complaints are needed before anyone is ranked, {distinct} given"
        return _refused(Method(settings, distinct, 0), lacking)
    context = order_context(index, population, int(sightings.earliest_us.min()))
    question = Question(index, context, order_sightings(sightings, context))
    sets = match(context, population, question.sightings, settings)
    unmatched = sum(not risk.matched for risk in sets)
    method = Method(settings, len(sets), len(sets) - unmatched)
    if unmatched > settings.unmatched_share * len(sets):
        return _refused(method, f"`{unmatched}` of {len(sets)} complainers have no match in the period of the log")
    return _weighed(question, population, sets, method, (marks, duties))


def evidence_over_time(
    index: Index,
    population: Population,
    sightings: Sightings,
    settings: Settings = _DEFAULT,
    *,
    duties: Duties = _NO_DUTIES,
) -> tuple[Step, ...]:
    """Return what was said after each complaint from the first that allows it; arguments and errors as for `rank`."""
    check(index, population, sightings, _NO_MARKS, duties)
    if not sightings.subject.size:
        return ()
    context = order_context(index, population, int(sightings.earliest_us.min()))
    question = Question(index, context, order_sightings(sightings, context))
    sets = match(context, population, question.sightings, settings)
    if not any(risk.matched for risk in sets):
        return ()
    return history(question, take(question, sets, (_NO_MARKS, duties), settings), settings)


def _weighed(
    question: Question,
    population: Population,
    sets: tuple[RiskSet, ...],
    method: Method,
    given: tuple[Marks, Duties],
) -> Attribution:
    index, settings = question.index, method.settings
    view = take(question, sets, given, settings)
    evidence, posterior, weight = view.evidence, view.posterior, view.prior.weight[0]
    rungs = climb(index, sets, view, settings)
    if rungs.look:
        look = rungs.look
        method = replace(method, look=look.complaints, look_level=look.level, redraws=look.redraws)
    robust = _robust(question, population, view, rungs, (given, settings))
    candidates = build_candidates(index, view, rungs, robust, len(sets), settings)
    named = tuple(actor for c in candidates if c.rung is not Rung.NO_SIGNAL for actor in c.actors)
    # marks, weighed anew after sharing out, may move the second posterior a little: the shyer of the two decides
    inside = max(view.bets.not_inside, posterior.not_inside) <= settings.outside_excluded_at
    suspects = None
    if inside:
        mean = (view.bets.log_z, view.bets.log_inside(settings))
        suspects = not_excluded(evidence.ratio, mean, settings.alpha, view.factors)
    scope = find_scope(question, evidence, named, suspects, settings.complete)
    groups = shyer(*(by_label(index.actors, evidence, each, weight) for each in (posterior, view.bets)))
    out_of_reach = unreachable(question.index, question.context, question.sightings)
    told = tuple(int(a) for a in evidence.actor[suspects.alone]) if suspects and not suspects.everybody else None
    return Attribution(
        verdict=judge(candidates, rungs, posterior, groups, settings),
        candidates=candidates,
        outside_probability=posterior.outside,
        scope=scope,
        method=replace(method, outside_mass=outside_mass(view.prior, settings)),
        missing=(*_missing(settings, scope, named, inside=inside), *_lacking(view, out_of_reach)),
        groups=groups,
        several=posterior.several,
        unreachable=out_of_reach,
        not_excluded=told,
        explanations=explanations(view, rungs, len(sets)),
        outside_excluded=inside,
    )


def _robust(
    question: Question, population: Population, view: View, rungs: Rungs, given: tuple[tuple[Marks, Duties], Settings]
) -> frozenset[int]:
    """Return the findings that hold with the strongest complaint dropped, and with matching one step coarser too."""
    beside, settings = given
    # of one beside another the same is not known: what he explains is what the other leaves over
    found = [int(actor) for actor in view.evidence.actor[rungs.finding & rungs.strongest]]
    if not found or view.posterior.explained.sum() > settings.outside_excluded_at:
        return frozenset()  # with a complaint less a duty may explain it all
    found = [
        actor for actor in found if stands_without_strongest(view.evidence, view.own, view.factors, actor, settings)
    ]
    if not found:
        return frozenset()
    sets = match(question.context, population, question.sightings, settings, coarser=True)
    coarse = take(question, sets, beside, settings, like=view)
    return frozenset(
        actor
        for actor in found
        if coarse.agreed[coarse.evidence.actor == actor].max(initial=0.0) >= settings.finding_at
    )


def _missing(settings: Settings, scope: Scope, named: tuple[int, ...], *, inside: bool) -> tuple[str, ...]:
    lacking = []
    if named and not inside:
        lacking.append("nobody inside is not excluded: the scope is not bounded by the log")
    if (named or inside) and not settings.complete:
        lacking.append("the log is not known to be complete: the scope is not bounded")
    if inside and settings.complete and not scope.bounded:
        lacking.append("no one actor and no two explain the complaints: the scope is not bounded")
    return tuple(lacking)


def _lacking(view: View, out_of_reach: tuple[int, ...]) -> tuple[str, ...]:
    lacking = []
    if view.unseen_marks:
        lacking.append(
            f"{view.unseen_marks} marks turned up that nobody on record had opened: guessed, or opened off the record"
        )
    if out_of_reach:
        lacking.append(
            f"{len(out_of_reach)} actors opened most of the subjects asked about: complaints alone can never name them"
        )
    return tuple(lacking)


def _refused(method: Method, lacking: str) -> Attribution:
    return Attribution(Verdict.UNDECIDED, (), method.settings.outside_prior, Scope(), method, (lacking,))
