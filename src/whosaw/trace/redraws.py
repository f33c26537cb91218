"""Redraws of the permutation test: complaints whose complainers are drawn anew, and who then looks strongest.

An actor in a redraw is a *cell*. Nearly all cells had opened the subject drawn for one complaint and no other: what
they come to is linear in their ratios. The others keep their bets over the grid of λ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosaw.trace.evidence import Evidence, Float
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.risk import RiskSet
from whosaw.trace.settings import LAMBDAS, Settings

_LAMBDA = np.array(LAMBDAS)


@dataclass(frozen=True, slots=True)
class Redraws:
    """Complaints whose complainers are drawn anew from their risk sets.

    Args:
        index: the log.
        evidence: K matched complaints.
        everybody: T × K × actors numbers of members that each had opened.
        weight: weights of all actors.
        settings: redraws and seed.
    """

    index: Index
    evidence: Evidence
    everybody: NDArray[np.int32]
    weight: Float
    settings: Settings

    def maxima(self, prefixes: tuple[int, ...], first: int, last: int) -> Float:
        """Return, per prefix of the complaints, log max over actors of weight × E for the redraws `first` … `last`."""
        sets, trust = self.evidence.sets[: prefixes[-1]], self.evidence.trust
        parts = [self._hits(risk, i, first, last) for i, risk in enumerate(sets)]
        odds = trust[: len(sets), None] * _LAMBDA / (1.0 - trust[: len(sets), None] * _LAMBDA)
        # per prefix and λ: its weight × the bets of who opened nobody
        left = np.cumprod(np.vstack([self.settings.lambda_prior, 1.0 - _LAMBDA * trust[: len(sets), None]]), axis=0)
        missed = left[list(prefixes)]
        # whoever opened nobody in a redraw still has weight × E; the largest of those is a floor for the maximum
        best = np.repeat(self.weight.max() * missed.sum(axis=1)[:, None], last - first, axis=1)
        once = _once(np.concatenate([part.draw * self.weight.size + part.actor for part in parts]))
        sizes = np.cumsum([part.draw.size for part in parts])
        often = []
        for i, (part, alone) in enumerate(zip(parts, np.split(once, sizes[:-1]), strict=True)):
            due = int(np.searchsorted(prefixes, i, "right"))
            self._raise_alone(best[due:], part, alone, (missed[due:].sum(axis=1), missed[due:] @ odds[i]))
            often.append(part.of(~alone))
        self._raise_often(best, often, prefixes, (missed, odds))
        return np.asarray(np.log(best))

    def _raise_alone(self, best: Float, part: _Hits, alone: Bool, missed: tuple[Float, Float]) -> None:
        """Raise the maxima to those of who opened nobody in a redraw but the subject drawn for one complaint.

        Nearly everybody is such a one, and his E-value is linear in his ratios.

        Args:
            best: looks × redraws maxima so far.
            part: who had opened the subjects drawn for the complaint.
            alone: which of those opened no other.
            missed: per look the weights of λ × the bets of who opened nobody, summed; the same × the complaint's odds.
        """
        at = np.flatnonzero(alone)
        if not at.size:
            return
        draw, weight = part.draw[at], self.weight[part.actor[at]]
        gained = weight * part.total()[at] / len(part.ratios)
        start = np.flatnonzero(np.diff(draw, prepend=-1))  # hits come draw by draw
        for look, (none, slope) in enumerate(zip(*missed, strict=True)):
            most = np.maximum.reduceat(weight * none + gained * slope, start)
            best[look, draw[start]] = np.maximum(best[look, draw[start]], most)

    def _raise_often(
        self, best: Float, parts: list[_Hits], prefixes: tuple[int, ...], missed: tuple[Float, Float]
    ) -> None:
        """Raise the maxima to those of who opened several subjects of a redraw.

        Args:
            best: looks × redraws maxima so far.
            parts: per complaint those of them who had opened the subject drawn for it.
            prefixes: complaints of each look.
            missed: looks × λ weights × the bets of who opened nobody; complaints × λ odds.
        """
        sizes = np.cumsum([part.draw.size for part in parts])
        keys = np.concatenate([part.draw * self.weight.size + part.actor for part in parts])
        cells, seen, place = _first_come(keys)
        places = np.split(place, sizes[:-1])
        prior, draw = self.weight[cells % self.weight.size], cells // self.weight.size
        kinds = range(len(parts[0].ratios))
        gained = [_Gained(cells.size, places, [part.ratios[kind] for part in parts]) for kind in kinds]
        done = 0
        for look, k in enumerate(prefixes):
            for i in range(done, k):
                for each in gained:
                    each.take(i, missed[1][i])
            done = k
            come = int(np.searchsorted(seen, sizes[k - 1]))
            value = sum(each.value(come, missed[0][look]) for each in gained) * prior[:come] / len(gained)
            above = np.flatnonzero(value > best[look, draw[:come]])
            np.maximum.at(best[look], draw[above], value[above])

    def _hits(self, risk: RiskSet, ordinal: int, first: int, last: int) -> _Hits:
        """Return, for one complaint redrawn, who had opened the drawn subjects."""
        index = self.index
        # one generator per complaint: what earlier complaints drew never changes as complaints are added
        generator = np.random.default_rng((self.settings.seed, ordinal))
        drawn = generator.integers(0, risk.members.size, self.settings.draws)[first:last]
        draw, pair = index.pairs_of(risk.members[drawn])
        early = np.flatnonzero(index.pair_first_us[pair] < risk.contacted_us)
        draw, pair = draw[early], pair[early]
        actor = index.pair_actor[pair]
        kept = np.flatnonzero(self.weight[actor] > 0)
        if kept.size < actor.size:
            draw, pair, actor = draw[kept], pair[kept], actor[kept]
        # nobody's number is 0: the subject drawn is a member, and he had opened it
        ratios = [_Ratio(None, risk.members.size / self.everybody[0, ordinal][actor])]
        if index.has_reasons:
            odd = np.flatnonzero(index.pair_irregular_us[pair] < risk.contacted_us)
            ratios.append(_Ratio(odd, risk.members.size / self.everybody[1, ordinal][actor[odd]]))
        return _Hits(actor, draw, ratios)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Who had opened the subjects drawn for one complaint, redraw by redraw, each actor once in each.

    Args:
        actor: n actors.
        draw: n redraws, rising.
        ratios: per kind of access their ratios A / f.
    """

    actor: Int64
    draw: Int64
    ratios: list[_Ratio]

    def of(self, kept: Bool) -> _Hits:
        """Return some of them."""
        at = np.flatnonzero(kept)
        return _Hits(self.actor[at], self.draw[at], [ratio.among(kept) for ratio in self.ratios])

    def total(self) -> Float:
        """Return the sum over the kinds of access of each one's ratios, 0 for a kind that it did not use."""
        found = np.zeros(self.actor.size)
        for ratio in self.ratios:
            found[slice(None) if ratio.which is None else ratio.which] += ratio.value
        return found


@dataclass(frozen=True, slots=True)
class _Ratio:
    """Ratios A / f of those who opened a drawn subject in one way, and where they stand; `None`: they all did."""

    which: Int64 | None
    value: Float

    def of(self, place: Int64) -> Int64:
        """Return their cells, given those of all who opened the subject in any way."""
        return place if self.which is None else place[self.which]

    def among(self, kept: Bool) -> _Ratio:
        """Return those of some of all who opened the subject in any way."""
        if self.which is None:
            return _Ratio(None, self.value[kept])
        own = kept[self.which]
        return _Ratio((np.cumsum(kept) - 1)[self.which[own]], self.value[own])


class _Gained:
    """Bets of one kind of access in every cell (an actor in a redraw), as multiples of those of who opened nobody.

    Most cells never meet an irregular opening: their multiple stays 1, and only the others are kept.
    """

    def __init__(self, cells: int, places: list[Int64], ratios: list[_Ratio]) -> None:
        """Make room for the cells that move.

        Args:
            cells: how many there are.
            places: per complaint the cells that opened the subject drawn for it; each occurs once.
            ratios: per complaint their ratios A / f.
        """
        own = [ratio.of(place) for place, ratio in zip(places, ratios, strict=True)]
        moves = np.zeros(cells, np.bool_)
        for place in own:
            moves[place] = True
        self._moving = np.flatnonzero(moves)
        if self._moving.size < cells:
            row = np.cumsum(moves) - 1
            own = [row[place] for place in own]
        self._steps = [(place, ratio.value[:, None]) for place, ratio in zip(own, ratios, strict=True)]
        self._gained = np.ones((self._moving.size, _LAMBDA.size))

    def take(self, complaint: int, odds: Float) -> None:
        """Place one complaint's bets: 1 + λ (A/f - 1) is 1 - λ times 1 + odds A/f with odds λ / (1 - λ)."""
        row, ratio = self._steps[complaint]
        self._gained[row] *= 1.0 + ratio * odds

    def value(self, come: int, missed: Float) -> Float:
        """Return the E-values of the first cells.

        Args:
            come: how many.
            missed: per λ its weight × the bets of who opened nobody.
        """
        found = np.full(come, missed.sum())
        moving = int(np.searchsorted(self._moving, come))
        found[self._moving[:moving]] = self._gained[:moving] @ missed
        return found


def _once(keys: Int64) -> Bool:
    """Return which keys occur but once."""
    order, ordered = _in_order(keys)
    new = np.ones(keys.size + 1, np.bool_)
    new[1:-1] = ordered[1:] != ordered[:-1]
    once = np.empty(keys.size, np.bool_)
    once[order] = new[1:] & new[:-1]
    return once


def _first_come(keys: Int64) -> tuple[Int64, Int64, Int64]:
    """Return the distinct keys in the order in which they first come, where each does, and which each of the keys is.

    Cells in the order in which complaints come to them: at a look, those that none has come to need no sum.
    """
    order, ordered = _in_order(keys)
    new = np.diff(ordered, prepend=-1) != 0
    first = order[new]
    is_first = np.zeros(keys.size, np.bool_)
    is_first[first] = True
    number = np.cumsum(is_first) - 1  # of each key where it first comes
    place = np.empty(keys.size, np.int64)
    place[order] = number[first][np.cumsum(new) - 1]
    seen = np.flatnonzero(is_first)
    return keys[seen], seen, place


def _in_order(keys: Int64) -> tuple[Int64, Int64]:
    """Return the places of the keys in rising order, equals as they come, and the keys in that order."""
    bits = int(keys.size).bit_length()
    if keys.size and int(keys.max()) < 1 << (63 - bits):
        # key and place in one number: sorting numbers is quicker than sorting places
        packed = np.sort(keys << bits | np.arange(keys.size))
        return packed & ((1 << bits) - 1), packed >> bits
    order = np.argsort(keys, kind="stable")
    return order, keys[order]
