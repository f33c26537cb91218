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
    bets = 1.0 + np.array(PHASE_SHARES)[:, None] * _states(ratios)[:, :, None]  # K × states × shares × Q
    value = np.ones(bets.shape[1:])  # per state, what its paths come to from here on
    reached, rest, log = np.empty_like(value), np.empty(value.shape[1:]), np.zeros(value.shape[1:])
    found = {start: np.zeros_like(log) for start in starts}
    # a layer per state, in the same few arrays: they stay in the processor's cache
    for k in range(len(bets) - 1, -1, -1):
        np.multiply(bets[k], value, out=reached)
        mean = np.add.reduce(reached, axis=0) / len(reached)
        if k in found:
            found[k] = log + np.log(mean)  # every state is as likely as any other when a ring begins
        scale = np.maximum.reduce(reached, axis=0)
        np.maximum(scale, np.finfo(np.float64).tiny, out=scale)
        np.multiply(reached, 1.0 - CHANGES, out=value)
        value += np.multiply(mean, CHANGES, out=rest)
        value /= scale
        log += np.log(scale, out=scale)
    return np.stack([found[start].T for start in starts])


def _states(ratios: tuple[Float, ...]) -> Float:
    """Return K × states × Q gains A / f - 1 of whoever is selling: one of the members, or all."""
    members, (complaints, rings) = len(ratios), ratios[0].shape
    gains = np.stack(ratios, axis=-1).reshape(-1, members) - 1.0
    # the mean twice: numpy multiplies by a single column in another routine, whose last bit may differ
    mean = (gains @ np.full((members, 2), 1.0 / members))[:, 0]
    layers = [*(ratio - 1.0 for ratio in ratios), mean.reshape(complaints, rings)]
    return np.stack(layers, axis=1)
