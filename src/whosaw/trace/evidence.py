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
        return np.where(self.trust[None, :, None] < 1.0, 1.0 + self.trust[None, :, None] * (ratio - 1.0), ratio)

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


def gather_evidence(index: Index, sets: tuple[RiskSet, ...], marked: Int64 | None = None) -> Evidence:
    """Count who opened what before each contact.

    Args:
        index: the log.
        sets: K matched risk sets.
        marked: per actor, how many marks that nobody can guess it had opened; those with any are part of the evidence.
    """
    marked = np.zeros(index.actors.count, np.int64) if marked is None else marked
    kinds = 2 if index.has_reasons else 1
    counts, cases = [], []
    for risk in sets:
        counts.append(_count(index, risk.members, risk.contacted_us, kinds))
        cases.append(_count(index, np.array([risk.subject]), risk.contacted_us, kinds))
    shape = (len(sets), kinds, index.actors.count)
    opened = np.array(cases, np.int64).reshape(shape).transpose(1, 0, 2) > 0
    count = np.array(counts, np.int64).reshape(shape).transpose(1, 0, 2)
    actor = np.flatnonzero((opened[0].any(axis=0) | (marked > 0)) & ~index.actors.service)
    trust = np.array([risk.trust for risk in sets], np.float64)
    return Evidence(sets, actor, opened[:, :, actor], count[:, :, actor], trust, marked[actor])


def log_single(ratio: Float, settings: Settings) -> Float:
    """Return log E of H actors: the bets averaged over λ and over the kinds of access.

    Args:
        ratio: T × K × H ratios A / f.
        settings: for the prior of λ.
    """
    per_lambda = np.stack([np.log1p(lam * (ratio - 1.0)).sum(axis=1) for lam in _LAMBDA], axis=1)
    return log_mean(log_over_lambda(per_lambda, settings, axis=1), axis=0)


def log_absent(trust: Float, settings: Settings) -> float:
    """Return log E of an actor who opened none of the complainers, given K parts that no other source explains."""
    missed = np.log1p(-_LAMBDA[:, None] * trust[None, :]).sum(axis=1)
    return float(log_over_lambda(missed, settings, axis=0))


def log_over_lambda(log_likelihood: Float, settings: Settings, axis: int) -> Float:
    """Return the log of the prior-weighted mean over the λ grid that lies along `axis`."""
    shape = [1] * log_likelihood.ndim
    shape[axis] = -1
    log_prior = np.log(settings.lambda_prior).reshape(shape)
    return np.asarray(np.logaddexp.reduce(log_likelihood + log_prior, axis=axis))


def log_mean(values: Float, axis: int) -> Float:
    """Return the log of the mean of exponentials along `axis`."""
    return np.asarray(np.logaddexp.reduce(values, axis=axis) - np.log(values.shape[axis]))


def _count(index: Index, subjects: Int64, before_us: int, kinds: int) -> list[Int64]:
    """Return per kind of access how many of the subjects each actor opened before a time."""
    _, pair = index.pairs_of(subjects)
    actor = index.pair_actor[pair]
    firsts = (index.pair_first_us, index.pair_irregular_us)[:kinds]
    return [np.bincount(actor[first[pair] < before_us], minlength=index.actors.count) for first in firsts]
