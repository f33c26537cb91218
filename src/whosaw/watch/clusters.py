"""Sellers who are one: clusters through payout accounts, mail domains, tracking hosts; and the broker between them.

A broker is a print that joins sellers with employees. A cluster is a reason to look at the sellers together and a
weight in the beneficiary scan, fixed before the week begins; it is evidence against nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.watch.joining import Joined
from whosaw.watch.rows import Bool, Float, Int64


@dataclass(frozen=True, slots=True)
class Cluster:
    """Sellers that rare prints join.

    Args:
        parties: sellers, rising.
        prints: prints that join at least two of them, rising.
        actors: employees who left one of these prints, rising.
    """

    parties: Int64
    prints: Int64
    actors: Int64


def find_clusters(
    party: Int64, mark: Int64, actor: Int64, actor_mark: Int64, *, public: int = 20
) -> tuple[Cluster, ...]:
    """Return clusters of at least two sellers, those with employees first, then the largest.

    Args:
        party: sellers of n prints.
        mark: the n prints.
        actor: employees of k prints.
        actor_mark: the k prints.
        public: prints that more than so many sellers left (a mail provider) join nobody.
    """
    pairs = np.unique(np.stack([party, mark]), axis=1)
    held = np.bincount(pairs[1], minlength=1)
    usable = (held >= 2) & (held <= public)
    joined = Joined()
    first: dict[int, int] = {}
    for who, what in pairs.T.tolist():
        if usable[what]:
            joined.join(who, first.setdefault(what, who))
    groups: dict[int, list[int]] = {}
    for who in joined:
        groups.setdefault(joined.least(who), []).append(who)
    found = [_cluster(np.array(group), pairs, usable, actor, actor_mark) for group in groups.values() if len(group) > 1]
    return tuple(sorted(found, key=lambda each: (-each.actors.size, -each.parties.size, int(each.parties[0]))))


def cluster_weights(clusters: tuple[Cluster, ...], sellers: int, *, most: float = 5.0) -> Float:
    """Return weights for the beneficiary scan: clustered sellers count more, up to `most` times."""
    weight = np.ones(sellers)
    for each in clusters:
        weight[each.parties] = min(most, float(each.parties.size))
    return weight


def _cluster(parties: Int64, pairs: Int64, usable: Bool, actor: Int64, actor_mark: Int64) -> Cluster:
    inside = np.isin(pairs[0], parties) & usable[pairs[1]]
    prints = np.unique(pairs[1][inside])
    return Cluster(parties, prints, np.unique(actor[np.isin(actor_mark, prints)]))
