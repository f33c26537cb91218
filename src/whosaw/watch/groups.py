"""False rates by group: whether innocent people of one site, employer or shift would be accused oftener than others.

Groups are read only here, after all evidence is computed; no signal, weight or stratum sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from whosaw.watch.rows import Int64

MOST = 1.5


@dataclass(frozen=True, slots=True)
class GroupRate:
    """How often innocent (permuted) people of a group reach the review tier.

    Args:
        attribute, group: `employer`, `vendor-a`.
        people: permuted people.
        reached: of these.
        upper: upper end of the exact 95 % interval of their share.
        above: the share lies above 1.5 × the stated rate, and by more than chance.
    """

    attribute: str
    group: str
    people: int
    reached: int
    upper: float
    above: bool


def group_rates(
    reached: Int64, draws: int, groups: Mapping[str, tuple[str, ...]], stated: float
) -> tuple[GroupRate, ...]:
    """Return the rates of every group.

    Args:
        reached: per actor, in how many draws he reached the tier although nothing could be found.
        draws: permutations.
        groups: attribute → the group of each actor, empty where unknown.
        stated: the rate that the tier states.
    """
    found = []
    for attribute, labels in groups.items():
        for group in sorted({label for label in labels if label}):
            mine = np.array([label == group for label in labels])
            people, hits = int(mine.sum()) * draws, int(reached[mine].sum())
            upper = float(beta.ppf(0.975, hits + 1, people - hits)) if hits < people else 1.0
            lower = float(beta.ppf(0.025, hits, people - hits + 1)) if hits else 0.0
            found.append(GroupRate(attribute, group, people, hits, upper, lower > MOST * stated))
    return tuple(found)
