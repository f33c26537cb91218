"""What canaries would decide: as many as the pace of the candidate calls for, and no promise where he has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whosaw.app.traceplan import canary_plan, in_words
from whosaw.lake.completeness import Completeness
from whosaw.lake.exposure import NEVER, Exposure
from whosaw.trace import Accesses, Actors, Population, Settings, Sightings, attribute

DAY_US = 86_400_000_000
WHOLE = Completeness(("trail",), 100, 0, 2400, 0, 1.0, 0, None, None)


def exposure(per_month: int) -> Exposure:
    """200 customers and 20 others; actor 0 is a machine, 1 the candidate, 2 to 9 open the rest."""
    generator = np.random.default_rng(1)
    early, late = np.arange(60), np.arange(60, 60 + per_month)
    rest = generator.integers(0, 200, 400)
    actor = np.concatenate([np.zeros(220, np.int64), np.ones(60 + per_month, np.int64), generator.integers(2, 10, 400)])
    subject = np.concatenate([np.arange(220), early, late, rest])
    day = np.concatenate([np.full(220, 99), np.full(60, 20), np.full(per_month, 90), generator.integers(0, 60, 400)])
    entered = np.where(np.arange(220) < 200, 0, NEVER)
    none = np.empty(0, np.int64)
    return Exposure(
        actor,
        subject,
        day * DAY_US,
        np.zeros(actor.size, np.bool_),
        False,
        entered,
        "orders",
        none,
        none,
        np.empty(0, np.bool_),
        tuple(f"e{n}" for n in range(10)),
        tuple(f"s{n}" for n in range(220)),
        np.arange(10) == 0,
        True,
        WHOLE,
    )


def plan_of(log: Exposure) -> dict[str, object] | None:
    accesses = Accesses(log.actor, log.subject, log.at_us, log.irregular, has_reasons=False)
    sightings = Sightings(np.arange(0, 60, 5), np.full(12, 40 * DAY_US))
    found = attribute(accesses, Population(log.entered_us), sightings, Actors(10, log.service), Settings())
    assert found.candidates[0].actors == (1,)
    return canary_plan(found, log)


def test_so_many_canaries_that_the_candidate_opens_one_with_the_stated_probability() -> None:
    plan = plan_of(exposure(per_month=20))
    assert plan is not None
    share, canaries = plan["opened"], plan["canaries"]
    assert share == 0.1
    assert isinstance(canaries, int) and 1 - (1 - 0.1) ** canaries >= 0.8 > 1 - (1 - 0.1) ** (canaries - 1)
    assert plan["alone"] == 1.0  # the others opened nobody of late, and the machine does not count
    assert "of 16 planted among the customers e1" in in_words(plan)


def test_whoever_shares_his_customers_is_not_named_alone() -> None:
    log = exposure(per_month=20)
    shared = np.arange(60, 70)
    log = replace(
        log,
        actor=np.append(log.actor, np.full(10, 2)),
        subject=np.append(log.subject, shared),
        at_us=np.append(log.at_us, np.full(10, 95 * DAY_US)),
        irregular=np.append(log.irregular, np.zeros(10, np.bool_)),
    )
    plan = plan_of(log)
    assert plan is not None and plan["alone"] == 0.5


def test_where_he_opens_nobody_any_more_no_canary_decides() -> None:
    plan = plan_of(exposure(per_month=0))
    assert plan is not None and plan["canaries"] is None
    assert "would not decide it" in in_words(plan)
