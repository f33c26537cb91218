"""Counts that go on from one moment to the next are those that counting anew gives."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from whosaw.trace import build_index
from whosaw.trace.counting import count_members
from whosaw.trace.evidence import gather_evidence
from whosaw.trace.risk import match, order_context, order_sightings
from whosaw.trace.settings import DAY_US, Settings
from whosaw.trace.weights import Used
from whosaw.trace.within import records

Worlds = Callable[..., Any]


def posed(w: Any) -> tuple[Any, Any, Any]:
    index = build_index(w.accesses, w.actors, w.population.entered_us.size)
    context = order_context(index, w.population, int(w.sightings.contacted_us.min()))
    sets = match(context, w.population, order_sightings(w.sightings, context), Settings())
    return index, context, tuple(risk for risk in sets if risk.matched)


@pytest.mark.parametrize("days", [(10, 20, 40, 60), (40, 20, 10, 50, 20, 60), (30, 30)])
def test_openings_counted_on_are_those_counted_anew_whatever_the_order_of_the_times(
    world: Worlds, days: tuple[int, ...]
) -> None:
    index, context, sets = posed(world(4))
    used = Used(index, context)
    for kind in (0, 1):
        for day in days:
            assert used.opened(kind, day * DAY_US, sets).tolist() == _opened(index, kind, day * DAY_US, sets)
            assert used.opened(kind, day * DAY_US, ()).tolist() == _opened(index, kind, day * DAY_US, ())
            assert used.weights(day * DAY_US, Settings()).sum() == pytest.approx(1.0)


def test_records_after_each_complaint_counted_on_are_those_counted_anew(world: Worlds) -> None:
    index, context, sets = posed(world(6, complaints=12))
    evidence, used = gather_evidence(index, sets), Used(index, context)
    for k in range(3, len(sets) + 1):
        on, anew = (records(each, context, evidence.first(k), Settings()) for each in (used, Used(index, context)))
        assert np.array_equal(on.opened, anew.opened) and np.array_equal(on.weight, anew.weight)
        assert on.opened.sum() > 0


def _opened(index: Any, kind: int, before_us: int, reported: Any) -> list[float]:
    """Count row by row what `Used` counts."""
    contact = {risk.subject: risk.contacted_us for risk in reported}
    first_us = (index.pair_first_us, index.pair_irregular_us)[kind]
    found = [0.0] * index.actors.count
    for pair, actor in enumerate(index.pair_actor.tolist()):
        subject = int(np.searchsorted(index.subject_pair, pair, "right")) - 1
        early = first_us[pair] < min(before_us, contact.get(subject, before_us))
        found[actor] += bool(early) and not index.actors.service[actor]
    return found


def test_members_counted_in_ranges_are_those_counted_one_by_one(world: Worlds) -> None:
    index, _, sets = posed(world(5, complaints=12))
    found = count_members(index, sets)
    for i, risk in enumerate(sets):
        for kind, first_us in enumerate((index.pair_first_us, index.pair_irregular_us)):
            expected = np.zeros(index.actors.count, np.int64)
            for member in risk.members.tolist():
                pairs = slice(*index.subject_pair[member : member + 2].tolist())
                np.add.at(expected, index.pair_actor[pairs][first_us[pairs] < risk.contacted_us], 1)
            assert found[kind, i].tolist() == expected.tolist()
