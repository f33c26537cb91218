"""Leakers who take turns: the bets of a ring whose shares change over time.

Members of a ring seldom sell in the same weeks. A pair that is weighed with constant shares bets half on each at every
complaint, although one of them explains nearly all of it. Here a hidden state says who is selling (one of them, or
all), changes seldom, and the bets of all its paths are mixed with fixed weights: a mixture of fair bets, hence fair.
"""

from __future__ import annotations

import numpy as np

from whosaw.trace.evidence import Float

PHASE_SHARES = (0.7, 0.9)
"""Part of the complaints that whoever is selling explains."""

CHANGES = 0.04
"""Probability, from one complaint to the next, that somebody else is selling; fixed in advance.

Low, because whoever steps in for single complaints only is more likely a bystander who met a stray one.
"""


def turns(ratios: tuple[Float, ...], starts: tuple[int, ...]) -> Float:
    """Return starts × Q × shares logs of the bets of Q rings from each start to the last complaint.

    Args:
        ratios: per member of the rings K × Q ratios A / f.
        starts: positions among the K complaints, rising; a ring that begins after the last has not bet.
    """
    members = len(ratios)
    states = np.vstack([np.eye(members), np.full((1, members), 1.0 / members)])  # one of them sells, or all do
    gains = np.stack(ratios, axis=-1) - 1.0  # K × Q × members
    bets = 1.0 + np.array(PHASE_SHARES)[:, None] * (gains @ states.T)[:, :, None, :]  # K × Q × shares × states
    log = np.zeros(bets.shape[1:3])
    found = dict.fromkeys(starts, log)
    # a layer per state: a few long rows are summed much quicker than many short ones, in the same order
    bets = np.ascontiguousarray(np.moveaxis(bets, 3, 1))
    value = np.ones(bets.shape[1:])  # per state, what its paths come to from here on
    for k in range(len(bets) - 1, -1, -1):
        reached = bets[k] * value
        mean = reached.mean(axis=0)
        if k in found:
            found[k] = log + np.log(mean)  # every state is as likely as any other when a ring begins
        scale = np.maximum(reached.max(axis=0), np.finfo(np.float64).tiny)
        value = ((1.0 - CHANGES) * reached + CHANGES * mean) / scale
        log = log + np.log(scale)
    return np.stack([found[start] for start in starts])
