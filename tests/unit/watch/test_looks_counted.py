"""Which looks count is settled by looks: what followed them, and how often they were repeated, changes nothing."""

import importlib.util
import sys
from pathlib import Path

import numpy as np

from whosaw.watch.observed import Harms, Observed
from whosaw.watch.rows import DAY_US, Accesses
from whosaw.watch.running import run
from whosaw.watch.settings import WatchSettings

_SPEC = importlib.util.spec_from_file_location("watch_worlds", Path(__file__).with_name("worlds.py"))
assert _SPEC is not None and _SPEC.loader is not None
worlds = importlib.util.module_from_spec(_SPEC)
sys.modules["watch_worlds"] = worlds
_SPEC.loader.exec_module(worlds)

PEOPLE, WEEKS, KNOWN = 60, 20, 10


def same_people_every_week(seed: int) -> Observed:
    """Return a firm in which everybody opens ten new people a week, actor 0 the same ten; harm knows nobody."""
    rng = np.random.default_rng(seed)
    week = np.tile(np.repeat(np.arange(WEEKS), KNOWN), PEOPLE)
    actor = np.repeat(np.arange(PEOPLE), WEEKS * KNOWN)
    subjects = actor.size
    subject = np.arange(subjects)
    subject[actor == 0] %= KNOWN
    at = week * 7 * DAY_US + rng.integers(0, 7 * DAY_US, actor.size)
    explained = rng.random(actor.size) < 0.5
    explained[actor == 0] = False
    order = np.argsort(at, kind="stable")
    harmed = rng.random((WEEKS + 3, subjects)) < 0.02
    when, whom = np.nonzero(harmed)
    return Observed(
        Accesses(actor[order], subject[order], at[order]),
        np.where(explained[order], 0.0, 1.0),
        np.empty(0, np.int64),
        np.empty(0, np.int64),
        np.zeros(PEOPLE, np.int64),
        1,
        subjects,
        harms=Harms(whom, when * 7 * DAY_US + rng.integers(0, 7 * DAY_US, when.size)),
    )


def test_who_opens_the_same_people_every_week_is_not_accused_of_the_harm_that_everybody_meets() -> None:
    month, last = [], []
    for seed in range(12):
        found = run(same_people_every_week(seed), WatchSettings(weights={"harm": 1.0}))
        assert not [tier for tier in found.tier if tier in ("case", "escalate")]
        month.append(np.exp(found.month[0]))
        last.append(np.exp(found.detector[-1, 0]))
    assert np.mean(month) <= 1.1
    assert np.mean(last) <= WEEKS
