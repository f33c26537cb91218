"""Sites and employers: the probability that somebody of one leaked, where nobody alone can be named."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from whosaw.trace.evidence import Evidence
from whosaw.trace.inputs import Actors
from whosaw.trace.posterior import Posterior


@dataclass(frozen=True, slots=True)
class GroupShare:
    """A site or employer.

    Args:
        label: its index.
        probability: that at least one of its members leaked.
        seen: how many of its members opened a complainer in time.
        prior: the same before the complaints, from the weights of the members.
    """

    label: int
    probability: float
    seen: int
    prior: float


def by_label(
    actors: Actors, evidence: Evidence, posterior: Posterior, weight: np.typing.NDArray[np.float64]
) -> tuple[GroupShare, ...]:
    """Return the groups, the most probable first; empty where no labels are known.

    Args:
        actors: with their labels.
        evidence: the actors who opened a complainer.
        posterior: of those.
        weight: of all actors.
    """
    if actors.label is None:
        return ()
    label = actors.label[evidence.actor]
    found = []
    for value in np.unique(label[label >= 0]):
        members = np.flatnonzero(label == value)
        prior = float(weight[actors.label == value].sum())
        found.append(GroupShare(int(value), posterior.of_group(members), int(members.size), prior))
    return tuple(sorted(found, key=lambda g: (-g.probability, g.label)))


def shyer(one: tuple[GroupShare, ...], other: tuple[GroupShare, ...]) -> tuple[GroupShare, ...]:
    """Return the groups with the smaller of two probabilities: one is named only where both posteriors do."""
    second = {group.label: group.probability for group in other}
    found = [replace(group, probability=min(group.probability, second[group.label])) for group in one]
    return tuple(sorted(found, key=lambda g: (-g.probability, g.label)))
