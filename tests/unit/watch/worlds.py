"""A firm of 120 for ten weeks, in which one may be bribed: he looks up one seller's customers without a reason."""

from dataclasses import replace

import numpy as np

from whosaw.watch.observed import Decisions, Harms, Observed, Prints
from whosaw.watch.rows import DAY_US, HOUR_US, OPEN, Accesses

PEOPLE, SELLERS, SUBJECTS, WEEKS = 120, 150, 4_000, 10


def firm(seed: int, *, bribed: int = 0, rate: float = 1.5, looks: int = 60) -> Observed:
    """Return what watch reads; actor 7 makes `bribed` extra look-ups for seller 11 in the last four weeks."""
    rng = np.random.default_rng(seed)
    n = PEOPLE * WEEKS * looks
    actor = np.repeat(np.arange(PEOPLE), WEEKS * looks)
    at = rng.integers(0, WEEKS * 7 * DAY_US, n)
    subject = rng.integers(0, SUBJECTS, n)
    unexplained = (rng.random(n) < rate / looks).astype(float)
    seller = rng.integers(0, SELLERS, SUBJECTS)
    if bribed:
        mine = rng.choice(np.flatnonzero(seller == 11), bribed)
        actor, subject = np.append(actor, np.full(bribed, 7)), np.append(subject, mine)
        at = np.append(at, rng.integers((WEEKS - 4) * 7 * DAY_US, WEEKS * 7 * DAY_US, bribed))
        unexplained = np.append(unexplained, np.ones(bribed))
    order = np.argsort(at, kind="stable")
    accesses = Accesses(actor[order], subject[order], at[order])
    return Observed(
        accesses,
        unexplained[order],
        np.arange(order.size),
        seller[subject[order]],
        np.arange(PEOPLE) % 2,
        SELLERS,
        SUBJECTS,
        harms=_harms(rng, subject[order], at[order], unexplained[order], bribed),
        decisions=_decisions(rng),
        prints=Prints(np.array([3]), np.array([0]), np.array([9]), np.array([1])),
        canary=np.array([SUBJECTS - 1]),
    )


def opened_again(world: Observed, *, again: float = 0.6, seed: int = 1) -> Observed:
    """Return the world with each look repeated within the hour: a page drawn anew, another field asked for."""
    rng = np.random.default_rng(seed)
    row = np.repeat(np.arange(len(world.accesses)), rng.geometric(1.0 - again, len(world.accesses)))
    at = world.accesses.at_us[row] + np.where(np.diff(row, prepend=-1) == 0, rng.integers(1, HOUR_US, row.size), 0)
    order = np.argsort(at, kind="stable")
    row, at = row[order], at[order]
    seller = np.empty(len(world.accesses), np.int64)
    seller[world.link_access] = world.link_beneficiary  # each look has one
    return replace(
        world,
        accesses=Accesses(world.accesses.actor[row], world.accesses.subject[row], at),
        unexplained=world.unexplained[row],
        link_access=np.arange(row.size),
        link_beneficiary=seller[row],
    )


def exporting(seed: int, *, people: int = 8) -> Observed:
    """Return the innocent firm where everybody besides makes two exports without a reason, each of one seller's."""
    rng, world = np.random.default_rng(seed + 500), firm(seed)
    seller = np.empty(SUBJECTS, np.int64)
    seller[world.accesses.subject[world.link_access]] = world.link_beneficiary
    made = np.arange(2 * PEOPLE)
    whose = rng.integers(0, SELLERS, made.size)
    subject = np.concatenate([rng.choice(np.flatnonzero(seller == each), people, replace=False) for each in whose])
    at = np.repeat(rng.integers((WEEKS - 4) * 7 * DAY_US, WEEKS * 7 * DAY_US, made.size), people)
    return with_looks(world, np.repeat(made % PEOPLE, people), subject, at)


def with_looks(world: Observed, actor: np.ndarray, subject: np.ndarray, at: np.ndarray) -> Observed:
    """Return the world with further looks that nothing explains."""
    seller = np.empty(SUBJECTS, np.int64)
    seller[world.accesses.subject[world.link_access]] = world.link_beneficiary
    seen = world.accesses
    order = np.argsort(np.append(seen.at_us, at), kind="stable")
    subject = np.append(seen.subject, subject)[order]
    return replace(
        world,
        accesses=Accesses(np.append(seen.actor, actor)[order], subject, np.append(seen.at_us, at)[order]),
        unexplained=np.append(world.unexplained, np.ones(at.size))[order],
        link_access=np.arange(order.size),
        link_beneficiary=seller[subject],
    )


def _harms(rng: np.random.Generator, subject: np.ndarray, at: np.ndarray, part: np.ndarray, bribed: int) -> Harms:
    some = rng.random(subject.size) < 0.002
    return Harms(subject[some], at[some] + DAY_US)


def _decisions(rng: np.random.Generator) -> Decisions:
    n = PEOPLE * 40
    actor = np.repeat(np.arange(PEOPLE), 40)
    at = rng.integers(0, WEEKS * 7 * DAY_US, n)
    favourable = (rng.random(n) < 0.4).astype(np.int64)
    appealed = np.where(rng.random(n) < 0.5, at - rng.integers(0, 48, n) * HOUR_US, OPEN)
    second = np.where(rng.random(n) < 0.05, (rng.random(n) < 0.1).astype(np.int64), -1)
    routed = (rng.random(n) < 0.95).astype(np.int64)
    return Decisions(
        actor, at, rng.integers(0, 3, n), favourable, rng.integers(0, SELLERS, n), second, routed, appealed
    )
