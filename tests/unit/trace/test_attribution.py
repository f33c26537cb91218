"""The answer as a whole: who is named, who never is, and what it says when nothing can be said."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from whosaw.trace import InputRefused, Rung, Settings, Sightings, Verdict, attribute, build_index, rank
from whosaw.trace.evidence import gather_evidence, log_single
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.settings import DAY_US

Worlds = Callable[..., Any]


LATE = 90 * DAY_US


def test_an_insider_is_found_and_no_innocent_named(world: Worlds) -> None:
    first = finding = 0
    for seed in range(40):
        w = world(seed, complaints=10)
        answer = w.answer()
        first += answer.candidates[0].actors == (w.leaker,)
        finding += answer.candidates[0].rung is Rung.FINDING
        assert all(w.leaker in c.actors for c in answer.candidates if c.rung is not Rung.NO_SIGNAL)
    assert first >= 39
    assert finding >= 30


def test_without_an_insider_nobody_is_named(world: Worlds) -> None:
    verdicts = [world(seed, complaints=12, insider=False).answer().verdict for seed in range(100)]
    assert Verdict.FINDING not in verdicts
    assert verdicts.count(Verdict.LEAD) <= 3
    assert verdicts.count(Verdict.OUTSIDE) >= 60


def test_a_finding_carries_its_evidence(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    answer = w.answer()
    best = answer.candidates[0]
    assert answer.verdict is Verdict.FINDING
    assert (best.actors, best.seen, best.of, best.robust) == ((w.leaker,), 12, 12, True)
    assert best.probability >= 1 / 1.05
    assert best.expected == pytest.approx(sum(hit.share for hit in best.hits))
    assert best.expected < best.seen
    assert all(hit.opened_us is not None and hit.opened_us < hit.contacted_us for hit in best.hits)
    assert any(hit.irregular for hit in best.hits)
    assert best not in answer.instead_of(best)


def test_probabilities_and_the_outside_stand_on_one_scale(world: Worlds) -> None:
    answer = world(5, complaints=5).answer()
    assert 0 < answer.outside_probability < 1
    assert sum(c.probability for c in answer.candidates) <= 2.0  # two leakers count for both
    assert [c.probability for c in answer.candidates] == sorted(
        (c.probability for c in answer.candidates), reverse=True
    )


def test_openings_from_the_contact_on_change_nothing(world: Worlds) -> None:
    w = world(1)
    before = w.answer()
    for subject, contacted_us in zip(w.sightings.subject, w.sightings.contacted_us, strict=True):
        w = w.opened(9, int(subject), int(contacted_us), irregular=True)
        w = w.opened(8, int(subject), int(contacted_us) + DAY_US)
    for subject in range(w.population.entered_us.size):
        w = w.opened(7, subject, LATE, irregular=True)
    assert w.answer() == before


def test_a_service_and_whoever_opened_everything_never_move(world: Worlds) -> None:
    w = world(2, complaints=12, noise=0.0)
    nosy = w.actors.count
    w = replace(w, actors=replace(w.actors, count=nosy + 1, service=np.append(w.actors.service, False)))
    for subject, entered_us in enumerate(w.population.entered_us):
        w = w.opened(nosy, subject, int(entered_us) + 1, irregular=True)
    answer = w.answer()
    by_actor = {c.actors: c for c in answer.candidates}
    assert (0,) not in by_actor
    assert by_actor[(nosy,)].e_value == pytest.approx(1.0, abs=1e-12)
    assert by_actor[(nosy,)].rung is Rung.NO_SIGNAL
    assert by_actor[(nosy,)].probability < 0.5
    assert answer.candidates[0].actors == (w.leaker,)


def test_scores_grow_complaint_by_complaint_as_they_do_at_once(world: Worlds) -> None:
    w = world(4, complaints=12)
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    ordered = order_sightings(w.sightings, context)
    batch = gather_evidence(index, match(context, w.population, ordered, Settings()))
    for k in range(3, 13):
        part = Sightings(ordered.subject[:k], ordered.contacted_us[:k])
        online = gather_evidence(index, match(context, w.population, part, Settings()))
        kept = np.isin(batch.actor, online.actor)
        assert np.allclose(
            log_single(online.ratio, Settings()), log_single(batch.ratio[:, :k][:, :, kept], Settings()), atol=1e-12
        )


def test_two_with_one_record_are_one_candidate_and_not_named(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    twin = w.actors.count
    mine = w.accesses.actor == w.leaker
    a = w.accesses
    copied = replace(
        a,
        actor=np.append(a.actor, np.full(mine.sum(), twin)),
        subject=np.append(a.subject, a.subject[mine]),
        at_us=np.append(a.at_us, a.at_us[mine]),
        irregular=np.append(a.irregular, a.irregular[mine]),
    )
    actors = replace(w.actors, count=twin + 1, service=np.append(w.actors.service, False))
    answer = attribute(copied, w.population, w.sightings, actors, Settings(complete=True))
    best = answer.candidates[0]
    assert best.actors == (w.leaker, twin)
    assert answer.verdict is Verdict.GROUP
    assert best.rung is Rung.NO_SIGNAL and best.probability > 0.9
    assert answer.scope.certain == answer.scope.probable == ()
    assert answer.scope.bounded and w.leaked <= set(answer.scope.possible)


def test_a_colleague_who_shares_most_of_the_record_is_not_named_instead(world: Worlds) -> None:
    wrong = 0
    for seed in range(20):
        w = world(seed, complaints=10)
        generator = np.random.default_rng(seed)
        shadow = (w.leaker % (w.actors.count - 1)) + 1
        for row in np.flatnonzero(w.accesses.actor == w.leaker):
            if generator.random() < 0.8:
                w = w.opened(shadow, int(w.accesses.subject[row]), int(w.accesses.at_us[row]) + 60_000_000)
        answer = w.answer()
        wrong += any(shadow in c.actors for c in answer.candidates if c.rung is not Rung.NO_SIGNAL)
    assert wrong <= 1


@pytest.mark.parametrize("complaints", [0, 1, 2])
def test_fewer_than_three_complaints_rank_nobody(world: Worlds, complaints: int) -> None:
    w = world(0)
    few = Sightings(w.sightings.subject[:complaints], w.sightings.contacted_us[:complaints])
    answer = attribute(w.accesses, w.population, few, w.actors)
    assert answer.verdict is Verdict.UNDECIDED
    assert answer.candidates == ()
    assert f"{complaints} given" in answer.missing[0]


def test_one_subject_complaining_three_times_is_one_complaint(world: Worlds) -> None:
    w = world(0)
    same = Sightings(np.repeat(w.sightings.subject[:1], 3), w.sightings.contacted_us[:3])
    assert "1 given" in attribute(w.accesses, w.population, same, w.actors).missing[0]


def test_too_many_complainers_without_a_match_rank_nobody(world: Worlds) -> None:
    w = world(0)
    strangers = Sightings(
        np.append(w.sightings.subject[:9], [-1, -1, -1]),
        np.append(w.sightings.contacted_us[:9], np.full(3, 50 * DAY_US)),
    )
    answer = attribute(w.accesses, w.population, strangers, w.actors)
    assert answer.verdict is Verdict.UNDECIDED and answer.candidates == ()
    assert "`3` of 12 complainers have no match" in answer.missing[0]
    fewer = Sightings(strangers.subject[:10], strangers.contacted_us[:10])
    assert attribute(w.accesses, w.population, fewer, w.actors).method.matched == 9


def test_a_log_without_any_access_says_outside_or_nothing(world: Worlds) -> None:
    w = world(0)
    none = np.empty(0, np.int64)
    empty = replace(w.accesses, actor=none, subject=none, at_us=none, irregular=none.astype(np.bool_))
    answer = attribute(empty, w.population, w.sightings, w.actors)
    assert answer.candidates == ()
    assert answer.verdict in {Verdict.OUTSIDE, Verdict.UNDECIDED}
    assert answer.scope.bound is None


def test_without_reasons_the_irregular_share_goes_to_any(world: Worlds) -> None:
    w = world(6, complaints=12, noise=0.0)
    plain = replace(w.accesses, irregular=np.zeros_like(w.accesses.irregular), has_reasons=False)
    marked = replace(w.accesses, has_reasons=False)
    answer = attribute(plain, w.population, w.sightings, w.actors)
    assert answer.candidates[0].actors == (w.leaker,)
    assert all(hit.irregular_share is None for hit in answer.candidates[0].hits)
    other = attribute(marked, w.population, w.sightings, w.actors)
    assert [(c.actors, c.probability) for c in other.candidates] == [
        (c.actors, c.probability) for c in answer.candidates
    ]


def test_one_index_serves_many_questions(world: Worlds) -> None:
    w = world(7)
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    assert rank(index, w.population, w.sightings) == w.answer()


def test_a_permutation_runs_only_where_it_can_matter_and_at_the_last_look(world: Worlds) -> None:
    w = world(3, complaints=12, noise=0.0)
    assert w.answer().method.look is None  # a finding leaves nothing to a lead
    shy = w.answer(Settings(outside_prior=1 - 1e-12))
    assert (shy.method.look, shy.method.look_level, shy.method.redraws) == (12, pytest.approx(0.05 * 10 / 14), 999)
    assert shy.candidates[0].rung is Rung.LEAD
    assert shy.verdict is Verdict.LEAD and not shy.candidates[0].robust
    once = w.answer(Settings(outside_prior=1 - 1e-12, looks=()))
    assert once.method.look_level == 0.05


def test_arrays_that_contradict_each_other_are_refused(world: Worlds) -> None:
    w = world(0)
    with pytest.raises(InputRefused, match="differ in length"):
        attribute(replace(w.accesses, actor=w.accesses.actor[1:]), w.population, w.sightings, w.actors)
    with pytest.raises(InputRefused, match="names a subject"):
        attribute(w.accesses, w.population, replace(w.sightings, subject=w.sightings.subject + 10_000), w.actors)
    with pytest.raises(InputRefused, match="names an actor"):
        attribute(replace(w.accesses, actor=w.accesses.actor + 100), w.population, w.sightings, w.actors)
