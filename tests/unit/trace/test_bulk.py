"""What was asked for in one go: one coincidence, whoever asked, however it was read, and nothing more than that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import (
    Accesses,
    Actors,
    Attribution,
    Duties,
    Marks,
    Population,
    Rung,
    Settings,
    Sightings,
    attribute,
    build_index,
    evidence_over_time,
)
from whosaw.trace.bulk import asked_in_one_go, beside_duties
from whosaw.trace.duties import weigh_duties
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.settings import DAY_US

SECOND_US = 1_000_000
ASKER = 40
CONTACT_US = 60 * DAY_US


def world(seed: int, pause_us: int, *, grain_us: int = 1) -> dict[str, Any]:
    """A source outside holds the customers of ten days; a colleague had asked for just them, for his work."""
    rng = np.random.default_rng((seed, 77))
    entered_us = np.sort(rng.integers(0, 40 * DAY_US, 1200))
    actor, subject = rng.integers(0, 40, 4000), rng.integers(0, 1200, 4000)
    at_us = entered_us[subject] + rng.integers(1, 5 * DAY_US, 4000)
    held = np.flatnonzero((entered_us >= 15 * DAY_US) & (entered_us < 25 * DAY_US))
    asked_us = 45 * DAY_US + 12_345_678_901 + pause_us * np.arange(held.size)
    accesses = Accesses(
        np.append(actor, np.full(held.size, ASKER)),
        np.append(subject, held),
        np.append(at_us, asked_us) // grain_us * grain_us,
        np.zeros(4000 + held.size, np.bool_),
        has_reasons=False,
    )
    victims = rng.choice(held, 10, replace=False)
    return {
        "accesses": accesses,
        "population": Population(entered_us),
        "sightings": Sightings(victims, CONTACT_US + rng.integers(0, DAY_US, 10)),
        "actors": Actors(41, np.zeros(41, np.bool_)),
    }


def answered(made: dict[str, Any], **more: Any) -> Attribution:
    return attribute(**made, settings=Settings(complete=True), **more)


def named(found: Attribution) -> set[int]:
    return {actor for each in found.candidates if each.rung is not Rung.NO_SIGNAL for actor in each.actors}


def chance(found: Attribution, actor: int) -> float:
    return next(each.probability for each in found.candidates if each.actors == (actor,))


@pytest.mark.parametrize("pause_us", [0, 100_000, 3 * SECOND_US])
def test_a_colleague_who_asked_for_what_a_source_outside_holds_is_not_named(pause_us: int) -> None:
    for seed in range(6):
        found = answered(world(seed, pause_us))
        assert named(found) == set(), seed
        assert chance(found, ASKER) < 0.6
        (why,) = found.explanations
        assert (why.duty, why.actor, why.seen, why.of) == (-1, ASKER, 10, 10)
        assert why.asked_us == 45 * DAY_US + 12_345_678_901
        assert why.probability > 0.3
        assert not found.outside_excluded
        assert (
            next(each.outlook.to_finding for each in found.candidates if each.actors == (ASKER,) and each.outlook)
            is None
        )


def test_pages_of_one_question_are_one_question() -> None:
    made = world(1, 0)
    page = np.arange(made["accesses"].actor.size - 4000) // 50
    made["accesses"].at_us[4000:] += page * 240 * SECOND_US
    found = answered(made)
    assert named(found) == set()
    assert len(found.explanations) == 1


def test_who_opened_them_one_after_the_other_is_named() -> None:
    hasty, patient = (answered(world(2, pause_us)) for pause_us in (SECOND_US, 20 * SECOND_US))
    assert named(hasty) == set()
    assert named(patient) == {ASKER} and not patient.explanations


def test_a_log_of_whole_days_tells_of_no_haste() -> None:
    found = answered(world(2, 20 * SECOND_US, grain_us=DAY_US))
    assert named(found) == {ASKER} and not found.explanations
    # within a minute nobody opens a hundred: the minute is fine enough
    assert named(answered(world(2, 0, grain_us=60 * SECOND_US))) == set()


def test_whoever_leaked_what_he_opened_in_his_work_is_named_beside_a_question_of_his() -> None:
    """A leaker who asked in one go for others as well gains nothing by it, and loses next to nothing."""
    made = world(3, 20 * SECOND_US)
    rng = np.random.default_rng(9)
    others = rng.choice(1200, 60, replace=False)
    log = made["accesses"]
    made["accesses"] = replace(
        log,
        actor=np.append(log.actor, np.full(60, ASKER)),
        subject=np.append(log.subject, others),
        at_us=np.append(log.at_us, np.full(60, 50 * DAY_US)),
        irregular=np.zeros(log.actor.size + 60, np.bool_),
    )
    assert named(answered(made)) == {ASKER}


@pytest.mark.parametrize("apart_us", [600 * SECOND_US, 3 * DAY_US])
def test_what_was_asked_for_in_parts_is_what_was_asked_for(apart_us: int) -> None:
    """An export that broke off and went on; a list that comes each night."""
    made = world(4, 0)
    log, half = made["accesses"], (made["accesses"].actor.size - 4000) // 2
    log.at_us[4000 + half :] += apart_us
    found = answered(made)
    assert named(found) == set() and chance(found, ASKER) < 0.6
    assert len(found.explanations) == 3  # each half, and both together
    assert max(each.seen for each in found.explanations) == 10


def test_a_list_of_every_night_is_one_source_though_no_night_shows_two_who_complain() -> None:
    made = world(4, 0)
    log = made["accesses"]
    order = np.argsort(made["population"].entered_us[log.subject[4000:]])
    night = np.arange(order.size) // 12
    log.subject[4000:] = log.subject[4000:][order]
    log.at_us[4000:] = 26 * DAY_US + night * DAY_US + 7_123_456_789
    found = answered(made)
    assert named(found) == set() and chance(found, ASKER) < 0.6


def test_small_pages_and_a_short_last_one_belong_to_their_question() -> None:
    made = world(1, 0)
    made["accesses"].at_us[4000:] += np.arange(made["accesses"].actor.size - 4000) // 7 * 5 * SECOND_US
    found = answered(made)
    assert named(found) == set()
    (why,) = found.explanations
    assert why.seen == 10


def test_one_export_on_the_hour_is_not_taken_for_a_log_of_hours() -> None:
    made = world(2, 0)
    made["accesses"].at_us[4000:] = 45 * DAY_US
    assert named(answered(made)) == set()


def test_whoever_works_from_lists_does_not_hide_behind_all_his_lists() -> None:
    """Each day's list shows a dozen customers, whom he opens one by one; what he leaks he met in that work."""
    made = world(2, 20 * SECOND_US)
    log = made["accesses"]
    mine = log.subject[4000:]
    rng = np.random.default_rng(3)
    listed = rng.permutation(mine)  # no list shows many who complain
    made["accesses"] = replace(
        log,
        actor=np.append(log.actor, np.full(mine.size, ASKER)),
        subject=np.append(log.subject, listed),
        at_us=np.append(log.at_us, 26 * DAY_US + np.arange(mine.size) // 6 * 12 * 3600 * SECOND_US + 7_123_456),
        irregular=np.zeros(log.actor.size + mine.size, np.bool_),
    )
    assert named(answered(made)) == {ASKER}


def test_a_guessable_canary_does_not_decide_between_the_asker_and_his_question() -> None:
    made = world(5, 0)
    canaries = made["accesses"].subject[-2:]
    marks = Marks(canaries, np.full(2, CONTACT_US), np.full(2, 20.0), np.full(2, -1))
    assert named(answered(made, marks=marks)) == set()


def test_a_canary_that_the_question_showed_is_held_by_no_source_outside() -> None:
    made = world(5, 0)
    canary = int(made["accesses"].subject[-1])
    marks = Marks(np.array([canary]), np.array([CONTACT_US]), np.array([10_000.0]), np.array([-1]))
    assert chance(answered(made), ASKER) < 0.6
    assert chance(answered(made, marks=marks), ASKER) > 0.99


def test_a_question_is_no_hand_on_a_canary_whoever_is_named_besides() -> None:
    made = world(5, 0)
    log, canary = made["accesses"], int(made["accesses"].subject[-1])
    marks = Marks(np.array([canary]), np.array([CONTACT_US]), np.array([10_000.0]), np.array([-1]))
    index = build_index(log, made["actors"], 1200)
    context = order_context(index, made["population"], CONTACT_US)
    sets = match(context, made["population"], order_sightings(made["sightings"], context), Settings())
    evidence = gather_evidence(index, sets)
    asked = asked_in_one_go(index, context, evidence)
    weight = np.full(41, 1 / 41)
    for explaining, hit in ((0, 0.0), (1, np.log(10_000.0))):  # a question, and a duty that brought the same
        given = (1200, marks, explaining)
        found = weigh_duties(beside_duties(Duties(), asked), evidence, weight, given, Settings())
        assert found.hit.tolist() == pytest.approx([hit])


def test_a_question_stands_beside_the_duties_that_were_given_and_after_them() -> None:
    made = world(0, 0)
    mine = made["accesses"].actor == ASKER
    subject, at_us = made["accesses"].subject[mine], made["accesses"].at_us[mine]
    duty = Duties(np.array([ASKER]), np.zeros(subject.size, np.int64), subject, at_us)
    found = answered(made, duties=duty)
    assert [each.duty for each in found.explanations] == [0, -1]
    assert named(found) == set()
    # together they explain no more than the likelier of them alone
    both, alone = (sum(each.probability for each in said.explanations) for said in (found, answered(made)))
    assert both == pytest.approx(alone, abs=0.05)


def test_what_was_said_after_each_complaint_knows_of_the_question_too() -> None:
    made = world(1, 0)
    index = build_index(made["accesses"], made["actors"], 1200)
    steps = evidence_over_time(index, made["population"], made["sightings"], Settings(complete=True))
    assert len(steps) == 8 and max(step.probability for step in steps) < 0.6
