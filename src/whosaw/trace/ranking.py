"""The question answered in one pass: order, match, count, weigh, climb, bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whosaw.trace.confidence import not_excluded
from whosaw.trace.errors import InputRefused
from whosaw.trace.evidence import Evidence, gather_evidence
from whosaw.trace.index import Index, build_index
from whosaw.trace.inputs import Accesses, Actors, Int64, Population, Sightings
from whosaw.trace.posterior import Posterior, weigh
from whosaw.trace.result import Attribution, Candidate, Hit, Method, Rung, Scope, Verdict
from whosaw.trace.risk import RiskSet, match, order_context, order_sightings
from whosaw.trace.rungs import Rungs, climb, same_record
from whosaw.trace.scope import Question, find_scope, openings
from whosaw.trace.settings import Settings
from whosaw.trace.weights import frozen_weights

_DEFAULT = Settings()
_LARGEST_LOG = 700.0


def attribute(
    accesses: Accesses, population: Population, sightings: Sightings, actors: Actors, settings: Settings = _DEFAULT
) -> Attribution:
    """Return who could have leaked, how probable each is, whether it was anyone inside, and what else got out.

    Args:
        accesses: the log; openings at or after a subject's contact never count for that subject.
        population: the subjects who could have been contacted.
        sightings: the complaints; a subject given twice counts once, at its earliest contact; a negative subject is one
            that the log does not know.
        actors: how many there are and which are services.
        settings: the method's constants.

    Raises:
        InputRefused: arrays differ in length, or an index is out of range.
    """
    return rank(build_index(accesses, actors, population.entered_us.size), population, sightings, settings)


def rank(index: Index, population: Population, sightings: Sightings, settings: Settings = _DEFAULT) -> Attribution:
    """Answer one question on an index that serves many; arguments and errors as for `attribute`."""
    _check(index, population, sightings)
    distinct = np.unique(sightings.subject[sightings.subject >= 0]).size + int((sightings.subject < 0).sum())
    if distinct < settings.min_complaints:
        lacking = f"{settings.min_complaints} complaints are needed before anyone is ranked, {distinct} given"
        return _refused(Method(settings, distinct, 0), lacking)
    context = order_context(index, population, int(sightings.contacted_us.min()))
    question = Question(index, context, order_sightings(sightings, context))
    sets = match(context, population, question.sightings, settings)
    unmatched = sum(not risk.matched for risk in sets)
    method = Method(settings, len(sets), len(sets) - unmatched)
    if unmatched > settings.unmatched_share * len(sets):
        return _refused(method, f"`{unmatched}` of {len(sets)} complainers have no match in the period of the log")
    return _weighed(question, sets, method)


def _weighed(question: Question, sets: tuple[RiskSet, ...], method: Method) -> Attribution:
    index, settings = question.index, method.settings
    evidence = gather_evidence(index, tuple(risk for risk in sets if risk.matched))
    weight = frozen_weights(index, question.context, sets[0].contacted_us, settings)
    posterior = weigh(evidence.ratio, evidence.trust, weight[evidence.actor], settings)
    rungs = climb(index, sets, evidence, weight, posterior, settings)
    if rungs.look:
        look = rungs.look
        method = replace(method, look=look.complaints, look_level=look.level, redraws=look.redraws)
    candidates = _candidates(index, evidence, weight, posterior, rungs, len(sets))
    named = tuple(actor for c in candidates if c.rung is not Rung.NO_SIGNAL for actor in c.actors)
    inside = posterior.outside <= settings.outside_excluded_at
    suspects = not_excluded(evidence.ratio, posterior.log_z, settings.alpha) if inside else None
    scope = find_scope(question, evidence, named, suspects, settings.complete)
    missing = _missing(settings, scope, named, inside)
    return Attribution(_verdict(candidates, rungs, posterior), candidates, posterior.outside, scope, method, missing)


def _candidates(
    index: Index, evidence: Evidence, weight: np.typing.NDArray[np.float64], posterior: Posterior, rungs: Rungs, of: int
) -> tuple[Candidate, ...]:
    groups = same_record(index, evidence)
    share, found = evidence.share, []
    seen = [openings(index, risk.subject, risk.contacted_us) for risk in evidence.sets]
    for group in groups:
        h = int(group[0])
        actors = tuple(int(evidence.actor[member]) for member in group)
        rung = Rung.NO_SIGNAL
        if len(group) == 1 and (rungs.finding[h] or rungs.lead[h]):  # what cannot be told apart is not named
            rung = Rung.FINDING if rungs.finding[h] else Rung.LEAD
        found.append(
            Candidate(
                actors=actors,
                probability=posterior.of_group(group),
                rung=rung,
                e_value=float(np.exp(min(posterior.log_e[h], _LARGEST_LOG))),
                seen=int(evidence.opened[0, :, h].sum()),
                of=of,
                expected=float(share[0, :, h].sum()),
                robust=rung is Rung.FINDING and bool(rungs.robust[h]),
                weight=float(weight[list(actors)].sum()),
                p_value=float(rungs.look.p[group].min()) if rungs.look else None,
                hits=_hits(evidence, seen, share[:, :, h], actors),
            )
        )
    return tuple(sorted(found, key=lambda c: (-c.probability, -c.e_value, c.actors)))


def _hits(
    evidence: Evidence,
    seen: list[dict[int, tuple[int, bool]]],
    share: np.typing.NDArray[np.float64],
    actors: tuple[int, ...],
) -> tuple[Hit, ...]:
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


def _verdict(candidates: tuple[Candidate, ...], rungs: Rungs, posterior: Posterior) -> Verdict:
    reached = {candidate.rung for candidate in candidates}
    if Rung.FINDING in reached:
        return Verdict.FINDING
    if Rung.LEAD in reached:
        return Verdict.LEAD
    # an actor whose record another one shares may pass every test and still not be named alone
    if rungs.associated.any() or rungs.finding.any():
        return Verdict.GROUP
    return Verdict.OUTSIDE if posterior.outside >= 0.95 else Verdict.UNDECIDED


def _missing(settings: Settings, scope: Scope, named: tuple[int, ...], inside: bool) -> tuple[str, ...]:
    lacking = []
    if named and not inside:
        lacking.append("nobody inside is not excluded: the scope is not bounded by the log")
    if (named or inside) and not settings.complete:
        lacking.append("the log is not known to be complete: the scope is not bounded")
    if inside and settings.complete and not scope.bounded:
        lacking.append("no one actor and no two explain the complaints: the scope is not bounded")
    return tuple(lacking)


def _refused(method: Method, lacking: str) -> Attribution:
    return Attribution(Verdict.UNDECIDED, (), method.settings.outside_prior, Scope(), method, (lacking,))


def _check(index: Index, population: Population, sightings: Sightings) -> None:
    if population.entered_us.shape != (index.subject_count,):
        raise InputRefused(
            f"the log has `{index.subject_count}` subjects, `{population.entered_us.size}` entry times given"
        )
    work: tuple[Int64, ...] = (population.work_subject, population.work_at_us)
    if len({column.shape for column in (*work, population.work_in_context)}) != 1:
        raise InputRefused("the columns of the work items differ in length")
    if sightings.subject.shape != sightings.contacted_us.shape:
        raise InputRefused("every sighting needs one subject and one time of contact")
    for name, subject in (("work item", population.work_subject), ("sighting", sightings.subject)):
        if subject.size and subject.max() >= index.subject_count:
            raise InputRefused(f"a {name} names a subject outside 0 … `{index.subject_count - 1}`")
