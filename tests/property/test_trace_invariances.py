"""What may never change an attribution: the order of rows, how things are numbered, repeated rows, later openings."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.trace import Accesses, Actors, Attribution, Population, Settings, Sightings, attribute, build_index
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.risk import match, order_context, order_sightings

HOUR_US = 3_600_000_000
SETTINGS = Settings(draws=199, first_draws=99, complete=True)


@dataclass(frozen=True)
class Case:
    """One random question; every time in it is distinct, as microseconds practically are."""

    accesses: Accesses
    population: Population
    sightings: Sightings
    actors: Actors

    def answer(self) -> Attribution:
        return attribute(self.accesses, self.population, self.sightings, self.actors, SETTINGS)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A log of up to 300 accesses of 12 actors on 60 subjects, a dozen work items, 3 to 8 complaints."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    subjects, actors, rows = 60, 12, draw(st.integers(20, 300))
    complaints = draw(st.integers(3, 8))
    busy = draw(st.integers(0, actors - 1))
    entered = generator.permutation(subjects * 4)[:subjects] * HOUR_US
    actor = generator.integers(0, actors, rows)
    subject = generator.integers(0, subjects, rows)
    victims = generator.permutation(subjects)[:complaints]
    actor, subject = np.append(actor, np.full(complaints, busy)), np.append(subject, victims)
    at_us = generator.permutation(rows + complaints) * HOUR_US + 7
    work = generator.integers(0, subjects, 12 if draw(st.booleans()) else 0)
    contact = generator.permutation(600)[:complaints] * HOUR_US + entered[victims] + HOUR_US
    return Case(
        Accesses(actor, subject, at_us, generator.random(actor.size) < 0.3, draw(st.booleans())),
        Population(entered, work, entered[work] + 3, generator.random(work.size) < 0.5),
        Sightings(victims, contact),
        Actors(actors, generator.random(actors) < 0.1),
    )


def facts(answer: Attribution) -> dict[tuple[int, ...], tuple[object, ...]]:
    return {
        tuple(sorted(c.actors)): (
            c.rung,
            c.seen,
            c.of,
            c.robust,
            pytest.approx(c.probability, rel=1e-9),
            pytest.approx(c.e_value, rel=1e-9),
            pytest.approx(c.expected, rel=1e-9),
        )
        for c in answer.candidates
    }


def tiers(answer: Attribution) -> tuple[set[int], ...]:
    return set(answer.scope.certain), set(answer.scope.probable), set(answer.scope.possible)


@given(cases(), st.integers(0, 2**32))
def test_row_order_changes_nothing(case: Case, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, p, s = case.accesses, case.population, case.sightings
    rows, items, lines = (generator.permutation(n) for n in (a.actor.size, p.work_subject.size, s.subject.size))
    shuffled = Case(
        replace(a, actor=a.actor[rows], subject=a.subject[rows], at_us=a.at_us[rows], irregular=a.irregular[rows]),
        replace(
            p,
            work_subject=p.work_subject[items],
            work_at_us=p.work_at_us[items],
            work_in_context=p.work_in_context[items],
        ),
        Sightings(s.subject[lines], s.contacted_us[lines]),
        case.actors,
    )
    assert shuffled.answer() == case.answer()


@given(cases(), st.integers(0, 2**32))
def test_repeated_rows_change_nothing(case: Case, seed: int) -> None:
    a = case.accesses
    again = np.random.default_rng(seed).integers(0, a.actor.size, a.actor.size)
    doubled = replace(
        a,
        actor=np.append(a.actor, a.actor[again]),
        subject=np.append(a.subject, a.subject[again]),
        at_us=np.append(a.at_us, a.at_us[again]),
        irregular=np.append(a.irregular, a.irregular[again]),
    )
    assert replace(case, accesses=doubled).answer() == case.answer()


@given(cases(), st.integers(0, 2**32))
def test_renumbering_actors_and_subjects_renumbers_the_answer(case: Case, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, p, s = case.accesses, case.population, case.sightings
    actor = generator.permutation(case.actors.count)
    subject = generator.permutation(p.entered_us.size)
    entered, service = np.empty_like(p.entered_us), np.empty_like(case.actors.service)
    entered[subject], service[actor] = p.entered_us, case.actors.service
    renumbered = Case(
        replace(a, actor=actor[a.actor], subject=subject[a.subject]),
        replace(p, entered_us=entered, work_subject=subject[p.work_subject]),
        replace(s, subject=subject[s.subject]),
        replace(case.actors, service=service),
    ).answer()
    plain = case.answer()
    expected = {tuple(sorted(int(actor[e]) for e in key)): fact for key, fact in facts(plain).items()}
    assert facts(renumbered) == expected
    assert renumbered.verdict == plain.verdict
    assert renumbered.outside_probability == pytest.approx(plain.outside_probability)
    assert tiers(renumbered) == tuple({int(subject[i]) for i in tier} for tier in tiers(plain))


@given(cases(), st.integers(0, 2**32))
def test_openings_of_complainers_after_their_contact_change_nothing(case: Case, seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, s = case.accesses, case.sightings
    n = s.subject.size
    later = replace(
        a,
        actor=np.append(a.actor, generator.integers(0, case.actors.count, n)),
        subject=np.append(a.subject, s.subject),
        at_us=np.append(a.at_us, s.contacted_us + generator.integers(0, 99, n) * HOUR_US),
        irregular=np.append(a.irregular, np.ones(n, np.bool_)),
    )
    with_later, plain = replace(case, accesses=later).answer(), case.answer()
    assert facts(with_later) == facts(plain)
    assert with_later.verdict == plain.verdict
    assert with_later.outside_probability == pytest.approx(plain.outside_probability)


@given(cases())
def test_shares_are_possible_and_cover_the_complainer(case: Case) -> None:
    index = build_index(case.accesses, case.actors, case.population.entered_us.size)
    context = order_context(index, case.population, int(case.sightings.contacted_us.min()))
    sets = match(context, case.population, order_sightings(case.sightings, context), SETTINGS)
    evidence = gather_evidence(index, tuple(risk for risk in sets if risk.matched))
    assert (evidence.share >= 0).all() and (evidence.share <= 1).all()
    sizes = np.array([risk.members.size for risk in evidence.sets])
    floor = np.broadcast_to(1 / sizes[None, :, None], evidence.share.shape)
    assert (evidence.share[evidence.opened] >= floor[evidence.opened] - 1e-12).all()
    assert all(risk.subject in risk.members for risk in evidence.sets)


@given(cases())
def test_an_answer_is_the_same_twice_and_within_its_bounds(case: Case) -> None:
    answer = case.answer()
    assert case.answer() == answer
    assert 0 <= answer.outside_probability <= 1
    for candidate in answer.candidates:
        assert 0 <= candidate.probability <= 1
        assert candidate.seen <= candidate.of
        assert not case.actors.service[list(candidate.actors)].any()
    certain, probable, possible = tiers(answer)
    assert not (certain & probable or certain & possible or probable & possible)
