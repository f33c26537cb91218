"""Account management and hand-overs as hypotheses: they explain openings, and hide nobody who did more."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import (
    Accesses,
    Actors,
    Duties,
    InputRefused,
    Marks,
    Population,
    Rung,
    Settings,
    Sightings,
    Verdict,
    attribute,
    build_index,
    evidence_over_time,
    rank,
)
from whosaw.trace.duties import first_explained, weigh_duties
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.settings import DAY_US
from whosaw.trace.weights import prior_weights

Worlds = Callable[..., Any]


def answered(world: Any, duties: Duties | None = None, marks: Marks | None = None) -> Any:
    index = build_index(world.accesses, world.actors, world.population.entered_us.size)
    given: dict[str, Any] = {} if duties is None else {"duties": duties}
    given |= {} if marks is None else {"marks": marks}
    return rank(index, world.population, world.sightings, Settings(complete=True), **given)


def brought(actor: int, subject: Any, since_us: Any) -> Duties:
    return Duties(np.array([actor]), np.zeros(len(subject), np.int64), np.asarray(subject), np.asarray(since_us))


def with_staff(world: Any, more: int) -> Any:
    actors = replace(
        world.actors, count=world.actors.count + more, service=np.append(world.actors.service, [False] * more)
    )
    return replace(world, actors=actors)


def probability(answer: Any, actor: int) -> float:
    return sum(c.probability for c in answer.candidates if c.actors == (actor,))


def on_rung(answer: Any) -> set[int]:
    return {actor for c in answer.candidates if c.rung is not Rung.NO_SIGNAL for actor in c.actors}


def managed(seed: int, build: Worlds, *, insider: bool) -> tuple[Any, int, Duties]:
    """A manager who opens every customer on the day he enters, and his duty from his own openings."""
    w = with_staff(build(seed, complaints=12, insider=insider, noise=0.1), 1)
    manager = w.actors.count - 1
    for subject, entered_us in enumerate(w.population.entered_us.tolist()):
        w = w.opened(manager, subject, entered_us + 3_600_000_000)
    mine = w.accesses.actor == manager
    return w, manager, brought(manager, w.accesses.subject[mine], w.accesses.at_us[mine])


def test_a_manager_who_opened_all_customers_by_duty_is_not_named_and_a_leaker_who_is_none_is_found(
    world: Worlds,
) -> None:
    found = 0
    for seed in range(10):
        w, manager, duties = managed(seed, world, insider=True)
        answer = answered(w, duties)
        assert on_rung(answer) <= {w.leaker}
        found += w.leaker in on_rung(answer)
        (told,) = answer.explanations
        assert (told.actor, told.of) == (manager, 12) and told.seen == told.of
        assert told.expected == pytest.approx(told.of)
        assert probability(answer, manager) < 0.2
        quiet, _, duty = managed(seed, world, insider=False)
        assert manager not in on_rung(answered(quiet, duty))
    assert found >= 9


def handed_over(seed: int) -> tuple[Any, int, int, np.ndarray, int]:
    """A book of 50 customers leaked where it lay before day 20, when an innocent took it over and opened it all."""
    rng = np.random.default_rng((seed, 5))
    entered_us = (np.sort(rng.uniform(0, 18, 400)) * DAY_US).astype(np.int64)
    book, since_us = rng.choice(400, 50, replace=False), 20 * DAY_US
    actor, subject = rng.integers(0, 30, 900), rng.integers(0, 400, 900)
    at_us = entered_us[subject] + rng.integers(1, DAY_US, 900)
    heir = 30
    accesses = Accesses(
        np.append(actor, np.full(50, heir)),
        np.append(subject, book),
        np.append(at_us, since_us + 3_600_000_000 + np.arange(50) * 120_000_000),
        np.zeros(950, np.bool_),
        has_reasons=False,
    )
    victims = rng.choice(book, 8, replace=False)
    w = World(
        accesses,
        Population(entered_us),
        Sightings(victims, np.full(8, 30 * DAY_US) + rng.integers(0, DAY_US, 8)),
        Actors(31, np.zeros(31, np.bool_)),
    )
    return w, heir, since_us, book, 8


class World:
    """What `answered` takes."""

    def __init__(self, accesses: Any, population: Any, sightings: Any, actors: Any) -> None:
        self.accesses, self.population, self.sightings, self.actors = accesses, population, sightings, actors


def test_who_took_a_book_over_is_named_without_its_hand_over_and_explained_with_it() -> None:
    for seed in range(6):
        w, heir, since_us, book, of = handed_over(seed)
        alone = answered(w)
        assert on_rung(alone) == {heir}
        told = answered(w, brought(heir, book, np.full(book.size, since_us)))
        assert on_rung(told) == set()
        (why,) = told.explanations
        assert why.seen == of and why.expected < 2
        assert 0.4 < why.probability < 0.6 and probability(told, heir) < 0.6
        total = why.probability + told.outside_probability + probability(told, heir)
        assert total == pytest.approx(1.0, abs=0.05)
        assert told.not_excluded is None and not told.scope.bounded


def test_a_duty_told_twice_or_in_overlapping_parts_explains_no_more_than_once() -> None:
    w, heir, since_us, book, _ = handed_over(2)
    alone = answered(w, brought(heir, book, np.full(book.size, since_us)))
    parts = (book, book, book[:40], np.append(book, [1, 2, 3]))
    many = Duties(
        actor=np.full(len(parts), heir),
        duty=np.repeat(np.arange(len(parts)), [part.size for part in parts]),
        subject=np.concatenate(parts),
        since_us=np.full(sum(part.size for part in parts), since_us),
    )
    told = answered(w, many)
    likeliest = max(
        answered(w, brought(heir, part, np.full(part.size, since_us))).explanations[0].probability for part in parts
    )
    assert sum(each.probability for each in told.explanations) == pytest.approx(likeliest)
    assert likeliest == pytest.approx(alone.explanations[0].probability, abs=0.1)
    assert probability(told, heir) == pytest.approx(probability(alone, heir), abs=0.1)
    same = replace(many, actor=np.array([heir, 3, heir, heir]))  # another one's duty is another hypothesis
    assert len({each.actor for each in answered(w, same).explanations if each.probability > 0}) == 2


def test_what_duties_came_to_when_fewer_complaints_were_in_is_not_counted_again_and_comes_out_alike() -> None:
    w, heir, since_us, book, of = handed_over(1)
    duty = brought(heir, book, np.full(book.size, since_us))
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    settings, marks = Settings(), Marks()
    sets = match(context, w.population, order_sightings(w.sightings, context), settings)
    evidence = gather_evidence(index, sets)
    weight = prior_weights(index, context, sets, settings).weight[0]
    subjects = index.subject_count
    whole = weigh_duties(duty, evidence, weight, (subjects, marks, duty.actor.size), settings)
    for k in range(3, of + 1):
        anew = weigh_duties(duty, evidence.first(k), weight, (subjects, marks, duty.actor.size), settings)
        then = first_explained(whole, k, (evidence.trust, weight), settings)
        assert np.array_equal(then.log_mass, anew.log_mass) and np.array_equal(then.opened, anew.opened)


def test_the_log_in_arrays_takes_duties_too() -> None:
    w, heir, since_us, book, _ = handed_over(1)
    duty = brought(heir, book, np.full(book.size, since_us))
    settings = Settings(complete=True)
    assert attribute(w.accesses, w.population, w.sightings, w.actors, settings, duties=duty) == answered(w, duty)


def test_what_is_said_after_each_complaint_weighs_duties_too() -> None:
    w, heir, since_us, book, _ = handed_over(1)
    duty = brought(heir, book, np.full(book.size, since_us))
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    alone, told = (
        evidence_over_time(index, w.population, w.sightings, Settings(complete=True), **given)
        for given in ({}, {"duties": duty})
    )
    assert alone[-1].probability > 0.95
    assert [step.probability < 0.6 for step in told] == [True] * len(told)
    assert not answered(w, duty).outside_excluded and answered(w).outside_excluded


def test_no_group_stands_out_where_a_duty_explains_it() -> None:
    """The heir opened more than the book, so that the book alone explains it far better than he does."""
    for seed in range(4):
        w, heir, since_us, book, _ = handed_over(seed)
        more = np.random.default_rng(seed).choice(np.setdiff1d(np.arange(400), book), 60, replace=False)
        for subject in more.tolist():
            w.accesses = replace(
                w.accesses,
                actor=np.append(w.accesses.actor, heir),
                subject=np.append(w.accesses.subject, subject),
                at_us=np.append(w.accesses.at_us, since_us),
                irregular=np.append(w.accesses.irregular, False),
            )
        told = answered(w, brought(heir, book, np.full(book.size, since_us)))
        (why,) = told.explanations
        assert why.probability > 0.9 and told.outside_probability < 0.01
        assert told.verdict is Verdict.UNDECIDED


def test_a_duty_explains_a_canary_of_its_own_and_no_alias_that_one_actor_alone_was_shown() -> None:
    w, heir, since_us, book, _ = handed_over(1)
    duty, seen_us = brought(heir, book, np.full(book.size, since_us)), np.array([40 * DAY_US])
    shown = int(w.accesses.actor[0])
    odds = {}
    for actor in (-1, shown):
        mark = Marks(book[:1], seen_us, np.array([1e6]), np.array([actor]))
        answer = answered(w, duty, mark)
        odds[actor] = answer.explanations[0].probability / answer.outside_probability
    plain = answered(w, duty)
    assert odds[shown] == pytest.approx(plain.explanations[0].probability / plain.outside_probability)
    assert odds[-1] == pytest.approx(1e6 * odds[shown])


def test_an_heir_who_passed_on_more_than_he_took_over_is_found_all_the_same(world: Worlds) -> None:
    found = 0
    for seed in range(10):
        w = world(seed, complaints=12, noise=0.0)
        mine = np.unique(w.accesses.subject[w.accesses.actor == w.leaker])
        took = np.random.default_rng(seed).choice(mine, mine.size // 4, replace=False)
        answer = answered(w, brought(w.leaker, took, np.full(took.size, 1)))
        assert on_rung(answer) <= {w.leaker}
        found += w.leaker in on_rung(answer)
    assert found >= 8


def test_duties_never_raise_anybody_nor_put_anybody_on_a_rung(world: Worlds) -> None:
    for seed in range(10):
        w = world(seed, complaints=8, insider=seed % 2 == 0)
        plain = answered(w)
        for actor in range(1, 20):
            mine = w.accesses.actor == actor
            told = answered(w, brought(actor, w.accesses.subject[mine], w.accesses.at_us[mine]))
            assert on_rung(told) <= on_rung(plain)
            assert told.outside_probability <= plain.outside_probability
            before = {c.actors: c.probability for c in plain.candidates}
            assert all(c.probability <= before[c.actors] + 1e-12 for c in told.candidates)


def test_a_duty_brings_nobody_from_the_contact_on(world: Worlds) -> None:
    w = world(3, complaints=8)
    late = np.full(8, 200 * DAY_US)
    (why,) = answered(w, brought(5, w.sightings.subject, late)).explanations
    assert (why.seen, why.expected) == (0, 0.0)


@pytest.mark.parametrize(("actor", "subject"), [(-1, 0), (10_000, 0), (1, -1), (1, 10_000)])
def test_a_duty_of_somebody_or_something_unknown_is_refused(world: Worlds, actor: int, subject: int) -> None:
    with pytest.raises(InputRefused, match="a duty names"):
        answered(world(1), brought(actor, [subject], [1]))


def beside_a_leaker(own: int, his: int) -> tuple[Any, Duties]:
    """Actor 0 opened `own` complainers; actor 1 opened the other `his`, all by a duty that explains all he opened."""
    rng = np.random.default_rng(5)
    complaints, customers, staff = own + his, 600, 80
    rows = []
    for who in range(staff):
        mine = np.flatnonzero(rng.random(complaints) < 0.05)
        mine = np.arange(own) if who == 0 else np.arange(own, complaints) if who == 1 else mine
        rest = rng.choice(np.arange(complaints, customers), 30 - mine.size, replace=False)
        rows.append((who, np.concatenate([mine, rest])))
    actor = np.concatenate([np.full(subjects.size, who) for who, subjects in rows])
    at_us = rng.integers(DAY_US, 20 * DAY_US, actor.size)
    world = World(
        Accesses(actor, np.concatenate([s for _, s in rows]), at_us, np.zeros(actor.size, np.bool_), has_reasons=False),
        Population(np.zeros(customers, np.int64)),
        Sightings(rng.permutation(complaints), 21 * DAY_US + np.sort(rng.integers(0, 20 * DAY_US, complaints))),
        Actors(staff, np.zeros(staff, np.bool_)),
    )
    return world, brought(1, rows[1][1], np.full(rows[1][1].size, DAY_US))


@pytest.mark.parametrize(("own", "his"), [(6, 9), (5, 7), (8, 5), (9, 6)])
def test_who_opened_by_duty_is_not_named_because_somebody_else_leaked_too(own: int, his: int) -> None:
    world, duty = beside_a_leaker(own, his)
    assert 1 in on_rung(answered(world))  # without his duty he is the second leaker, or the first
    with_duty = answered(world, duty)
    assert on_rung(with_duty) == {0}
    assert with_duty.candidates[0].actors == (0,)
    assert probability(with_duty, 1) < 0.7 and with_duty.explanations[0].probability > 0.3


def test_only_the_strongest_finding_is_called_robust() -> None:
    world, _ = beside_a_leaker(9, 9)
    named = [c for c in answered(world).candidates if c.rung is Rung.FINDING]
    assert len(named) == 2
    assert [c.robust for c in named].count(True) <= 1
