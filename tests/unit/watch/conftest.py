"""A small office with a truth: actors of two teams, tickets assigned by a router, and a phone system."""

import numpy as np
import pytest

from whosaw.watch.rows import DAY_US, HOUR_US, NONE, Accesses, Acts, Items, Work

SUBJECTS, ACTORS, TICKETS = 3_000, 40, 6_000


@pytest.fixture(scope="session")
def office() -> tuple[Work, Accesses]:
    """Every access happens while the actor's ticket about the subject is open; kinds are ticket and call."""
    rng = np.random.default_rng(5)
    subject = rng.integers(0, SUBJECTS, TICKETS)
    opened = np.sort(rng.integers(DAY_US, 120 * DAY_US, TICKETS))
    actor = rng.integers(0, ACTORS, TICKETS)
    closed = opened + rng.integers(HOUR_US, 3 * DAY_US, TICKETS)
    nobody = np.full(TICKETS, NONE)
    items = Items(np.zeros(TICKETS, np.int64), subject, opened, closed, actor, actor % 2, nobody)
    at = opened + ((closed - opened) * rng.random(TICKETS)).astype(np.int64)
    called = rng.random(TICKETS) < 0.5
    acts = Acts(np.ones(called.sum(), np.int64), actor[called], subject[called], at[called] + 60_000_000)
    order = np.argsort(at)
    return Work(("ticket", "call"), items, acts, team=np.arange(ACTORS) % 2), Accesses(
        actor[order], subject[order], at[order]
    )


def one_item(**given: int) -> Items:
    """Return a single work item about subject 0, open from day 1 to day 2, assigned to nobody."""
    values = {
        "kind": 0,
        "subject": 0,
        "opened_us": DAY_US,
        "closed_us": 2 * DAY_US,
        "assignee": NONE,
        "team": NONE,
        "made_by": NONE,
    } | given
    return Items(**{name: np.array([value]) for name, value in values.items()})


@pytest.fixture
def item():
    return one_item
