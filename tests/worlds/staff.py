"""The staff: who works in which queue and half-day, how much, since when, and from where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]

REGIONS = ("north", "south", "east", "west")
EMPLOYERS = ("own", "vendor-a", "vendor-b")
ROLES = ("agent", "senior", "quality", "fraud")


@dataclass(frozen=True)
class Staff:
    """E people and machines; one value each.

    Args:
        queue: the queue they take tickets from.
        half: the half-day of their shift (0 morning, 1 afternoon, 2 night).
        activity: how readily they take a ticket.
        since, until: first and last day of work.
        role, region, employer: positions in the tuples of this module.
        part_time: flags.
        service: machines.
        queues: how many queues there are.
    """

    queue: Int
    half: Int
    activity: Float
    since: Float
    until: Float
    role: Int
    region: Int
    employer: Int
    part_time: Bool
    service: Bool
    queues: int

    @property
    def count(self) -> int:
        return self.queue.size

    def groups(self) -> dict[str, tuple[Int, tuple[str, ...]]]:
        """What fairness is looked at by: name → value per person, and the words for the values."""
        flags = ("no", "yes")
        return {
            "region": (self.region, REGIONS),
            "employer": (self.employer, EMPLOYERS),
            "role": (self.role, ROLES),
            "part time": (self.part_time.astype(np.int64), flags),
            "night shift": ((self.half == 2).astype(np.int64), flags),
        }


def hire(generator: np.random.Generator, people: int, *, pareto: bool, days: float) -> Staff:
    """Return a staff; the last three are services. Activity is lognormal, or Pareto in the other philosophy."""
    queues = 40 if not pareto else 25
    role = generator.choice(4, people, p=[0.86, 0.06, 0.05, 0.03])
    part_time = generator.random(people) < 0.2
    activity = generator.pareto(1.6, people) + 0.3 if pareto else generator.lognormal(0, 0.9, people)
    activity *= np.where(part_time, 0.5, 1.0)
    newcomer, leaver = generator.random(people) < 0.12, generator.random(people) < 0.08
    service = np.zeros(people, np.bool_)
    service[-3:] = True
    return Staff(
        queue=generator.integers(0, queues, people),
        half=generator.choice(3, people, p=[0.45, 0.4, 0.15]),
        activity=np.where(service, 0.0, activity),
        since=np.where(newcomer, generator.uniform(0, 0.7 * days, people), -1.0),
        until=np.where(leaver, generator.uniform(0.4 * days, days, people), days + 400),
        role=role,
        region=generator.choice(4, people, p=[0.4, 0.3, 0.2, 0.1]),
        employer=generator.choice(3, people, p=[0.5, 0.3, 0.2]),
        part_time=part_time,
        service=service,
        queues=queues,
    )
