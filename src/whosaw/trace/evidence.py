"""Evidence of each actor: a bet per complaint whose average over the risk set is exactly 1 if the actor is irrelevant.

For complaint i with risk set R_i and actor e: A = 1 if e opened the complainer before the contact, f = share of R_i
that e opened before it. A / f averages to 1 over R_i, so 1 + λ (A/f - 1) is a fair bet and its running product a test
martingale (a matched, discrete form of the safe logrank test of ter Schure, Perez-Ortiz, Ly, Grünwald 2024). An account
that opened everything has A/f = 1 everywhere and can never gain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from whosaw.trace.counting import count_members
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.risk import RiskSet
from whosaw.trace.settings import LAMBDAS, Settings

Float = NDArray[np.float64]

_LAMBDA = np.array(LAMBDAS)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the log says about the H actors who opened at least one complainer, over K matched complaints.

    Axis T holds the kinds of access: `any`, and `irregular` where the log carries reasons.

    Args:
        sets: the K matched risk sets.
        actor: H actor indices, rising.
        opened: T × K × H flags A.
        count: T × K × H members of the risk set that the actor opened before the contact.
        trust: K parts of each complaint that no known outside source explains, in [0, 1].
        marked: H numbers of marks (canaries and the like, not guessable) that the actor had opened.
    """

    sets: tuple[RiskSet, ...]
    actor: Int64
    opened: Bool
    count: Int64
    trust: Float
    marked: Int64

    @property
    def share(self) -> Float:
        """T × K × H shares f of the risk set."""
        size = np.array([risk.members.size for risk in self.sets], np.float64)
        return self.count / size[None, :, None]

    @property
    def ratio(self) -> Float:
        """T × K × H ratios A / f, exactly 1 where the actor opened the whole risk set.

        A complaint that a known outside source explains with probability 1 - v counts as 1 + v (A / f - 1): its bet is
        fair still, and moves nobody where v = 0.
        """
        size = np.array([risk.members.size for risk in self.sets], np.float64)
        ratio = np.where(self.opened, size[None, :, None] / np.maximum(self.count, 1), 0.0)
        return believed(ratio, self.trust)

    @property
    def hits(self) -> Int64:
        """H numbers of complainers and marks opened in time, complaints more likely explained otherwise left out."""
        return np.asarray(self.opened[0][self.trust >= 0.5].sum(axis=0) + self.marked)

    def first(self, complaints: int) -> Evidence:
        """Return the evidence of the first complaints alone."""
        kept = slice(0, complaints)
        return replace(
            self,
            sets=self.sets[kept],
            opened=self.opened[:, kept],
            count=self.count[:, kept],
            trust=self.trust[kept],
        )


def believed(ratio: Float, trust: Float) -> Float:
    """Return T × K × H ratios of complaints that count their K parts `trust` alone; a whole one keeps its very bits."""
    part = trust[None, :, None]
    return np.asarray(np.where(part < 1.0, 1.0 + part * (ratio - 1.0), ratio))


def gather_evidence(index: Index, sets: tuple[RiskSet, ...], marked: Int64 | None = None) -> Evidence:
    """Count who opened what before each contact.

    Args:
        index: the log.
        sets: K matched risk sets.
        marked: per actor, how many marks that nobody can guess it had opened; those with any are part of the evidence.
    """
    marked = np.zeros(index.actors.count, np.int64) if marked is None else marked
    kinds = 2 if index.has_reasons else 1
    opened = np.zeros((kinds, len(sets), index.actors.count), np.bool_)
    for i, risk in enumerate(sets):
        _, pair = index.pairs_of(np.array([risk.subject]))
        for kind, first_us in enumerate((index.pair_first_us, index.pair_irregular_us)[:kinds]):
            opened[kind, i, index.pair_actor[pair[first_us[pair] < risk.contacted_us]]] = True
    actor = np.flatnonzero((opened[0].any(axis=0) | (marked > 0)) & ~index.actors.service)
    trust = np.array([risk.trust for risk in sets], np.float64)
    count = count_members(index, sets, actor).astype(np.int64)
    return Evidence(sets, actor, opened[:, :, actor], count, trust, marked[actor])


def matched_anew(index: Index, evidence: Evidence, sets: tuple[RiskSet, ...]) -> Evidence:
    """Return the evidence of the same complaints with other risk sets: who opened the complainers stays.

    Args:
        index: the log.
        evidence: of those complaints.
        sets: their other risk sets, in the same order.
    """
    count = count_members(index, sets, evidence.actor).astype(np.int64)
    return replace(evidence, sets=sets, count=count)


def log_single(ratio: Float, settings: Settings) -> Float:
    """Return log E of H actors: the bets averaged over λ and over the kinds of access.

    Args:
        ratio: T × K × H ratios A / f.
        settings: for the prior of λ.
    """
    return np.asarray(log_singles(ratio, (0,), settings)[0])


def log_singles(ratio: Float, starts: tuple[int, ...], settings: Settings) -> Float:
    """Return S × H logs of the same bets, each placed from one of S complaints on."""
    step = _log_steps(ratio)
    return np.stack(
        [log_mean(log_over_lambda(step[:, :, start:].sum(axis=2), settings, axis=1), axis=0) for start in starts]
    )


def log_prefixes(ratio: Float, prefixes: tuple[int, ...], settings: Settings) -> Float:
    """Return S × H logs of the bets placed on the first complaints alone, for S rising numbers of them."""
    sums = np.cumsum(_log_steps(ratio[:, : prefixes[-1]]), axis=2)
    return np.stack([log_mean(log_over_lambda(sums[:, :, k - 1], settings, axis=1), axis=0) for k in prefixes])


def _log_steps(ratio: Float) -> Float:
    """Return T × λ × K × H logs of single bets; the many who did not open a complainer bet alike, and are told once."""
    idle = ratio.min(axis=(0, 2), initial=1.0)
    steps = np.stack([ratio] * _LAMBDA.size, axis=1)  # in the order in memory of the ratios, in which they are summed
    steps[:] = np.log1p(_LAMBDA[:, None] * (idle - 1.0))[:, :, None]
    kind, complaint, actor = np.nonzero(ratio != idle[:, None])
    steps[kind, :, complaint, actor] = np.log1p((ratio[kind, complaint, actor] - 1.0)[:, None] * _LAMBDA)
    return steps


def log_absent(trust: Float, settings: Settings) -> float:
    """Return log E of an actor who opened none of the complainers, given K parts that no other source explains."""
    missed = np.log1p(-_LAMBDA[:, None] * trust[None, :]).sum(axis=1)
    return float(log_over_lambda(missed, settings, axis=0))


def log_over_lambda(log_likelihood: Float, settings: Settings, axis: int) -> Float:
    """Return the log of the prior-weighted mean over the λ grid that lies along `axis`."""
    shape = [1] * log_likelihood.ndim
    shape[axis] = -1
    log_prior = np.log(settings.lambda_prior).reshape(shape)
    return log_sum(log_likelihood + log_prior, axis=axis)


def log_sum(values: Float, axis: int) -> Float:
    """Return the log of the sum of exponentials along `axis`; -inf is the log of nothing."""
    top = values.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis))


def log_mean(values: Float, axis: int) -> Float:
    """Return the log of the mean of exponentials along `axis`."""
    return np.asarray(log_sum(values, axis) - np.log(values.shape[axis]))
