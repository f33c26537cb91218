"""Small worlds of one seller's customers, served by a staff, with or without somebody who sells their records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from whosaw.trace import Accesses, Actors, Attribution, Population, Settings, Sightings, attribute
from whosaw.trace.settings import DAY_US


@dataclass(frozen=True)
class World:
    """What `attribute` takes, and who leaked (`None`: nobody inside) which subjects."""

    accesses: Accesses
    population: Population
    sightings: Sightings
    actors: Actors
    leaker: int | None
    leaked: frozenset[int]

    def answer(self, settings: Settings | None = None) -> Attribution:
        return attribute(self.accesses, self.population, self.sightings, self.actors, settings or Settings())

    def opened(self, actor: int, subject: int, at_us: int, *, irregular: bool = False) -> World:
        """The same world with one more access."""
        a = self.accesses
        return replace(
            self,
            accesses=replace(
                a,
                actor=np.append(a.actor, actor),
                subject=np.append(a.subject, subject),
                at_us=np.append(a.at_us, at_us),
                irregular=np.append(a.irregular, irregular),
            ),
        )


def build_world(
    seed: int,
    *,
    complaints: int = 10,
    insider: bool = True,
    noise: float = 0.15,
    customers: int = 300,
    staff: int = 60,
    leaked: int = 60,
) -> World:
    """Return a world of 60 days; actor 0 is a service that opens every record, the leaker any other actor."""
    generator = np.random.default_rng((seed, 77))
    entered = generator.uniform(0, 45, customers)
    tickets = generator.poisson(1.2, customers)
    subject = np.repeat(np.arange(customers), tickets)
    at = entered[subject] + generator.exponential(6, subject.size)
    weight = generator.lognormal(0, 0.8, staff)
    weight[0] = 0
    handlers = generator.integers(1, 3, subject.size)
    row = np.repeat(np.arange(subject.size), handlers)
    actor = generator.choice(staff, row.size, p=weight / weight.sum())
    rows = [(actor, subject[row], at[row] + generator.uniform(0, 0.3, row.size), np.zeros(row.size, np.bool_))]
    rows.append((np.zeros(customers, np.int64), np.arange(customers), entered + 0.01, np.zeros(customers, np.bool_)))
    stray = generator.choice(staff - 1, 80) + 1
    rows.append((stray, generator.choice(customers, 80), generator.uniform(0, 60, 80), np.ones(80, np.bool_)))
    leaker, sold = None, np.empty(0, np.int64)
    if insider:
        leaker = int(generator.integers(1, staff))
        sold = generator.choice(np.flatnonzero(entered < 35), leaked, replace=False)
        looked = np.maximum(entered[sold] + 0.5, 30) + generator.uniform(0, 8, leaked)
        rows.append((np.full(leaked, leaker), sold, looked, generator.random(leaked) < 0.6))
    victims, contact = _complain(generator, entered, sold, complaints, noise if insider else 1.0)
    columns = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    return World(
        Accesses(columns[0], columns[1], _us(columns[2]), columns[3]),
        Population(_us(entered), subject, _us(at), np.ones(subject.size, np.bool_)),
        Sightings(victims, _us(contact)),
        Actors(staff, np.arange(staff) == 0),
        leaker,
        frozenset(int(s) for s in sold),
    )


def _complain(
    generator: np.random.Generator,
    entered: np.typing.NDArray[np.float64],
    sold: np.typing.NDArray[np.int64],
    complaints: int,
    noise: float,
) -> tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.float64]]:
    """Some complain because they were sold; the others because the seller wrote to its own customers."""
    stray = int(generator.binomial(complaints, noise))
    victims = generator.choice(sold, complaints - stray, replace=False) if complaints > stray else sold[:0]
    others = np.setdiff1d(np.arange(entered.size), victims)
    victims = np.concatenate([victims, generator.choice(others, stray, replace=False)])
    return victims, np.maximum(entered[victims] + 1, 42) + generator.uniform(0, 16, complaints)


def _us(days: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.int64]:
    return (days * DAY_US).astype(np.int64)


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    return build_world
