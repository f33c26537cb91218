"""Max-T permutation test: how often would some actor look this strong if the complainers were redrawn?

Each is redrawn from its risk set. The test controls the family-wise rate over all actors *and* over all looks fixed in
advance: by look k at most A(k) of the redrawn histories may have crossed the boundary (α spending after Lan and DeMets
1983, made exact by counting the observed history among the redrawn ones). It says that an actor is associated with the
complaints, not that no other explains them as well: the rival rule has to follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whosaw.trace.counting import count_members
from whosaw.trace.evidence import Evidence, Float, log_prefixes
from whosaw.trace.index import Index
from whosaw.trace.inputs import Bool, Int64
from whosaw.trace.risk import RiskSet
from whosaw.trace.settings import LAMBDAS, Settings

_LAMBDA = np.array(LAMBDAS)
_TOLERANCE = 1e-9  # a redraw of the complainers themselves counts as equal although its sums differ in the last bits


@dataclass(frozen=True, slots=True)
class Look:
    """The permutation test up to the last look that was due.

    Args:
        complaints: how many the last look took.
        level: part of the redrawn histories that may have crossed by then.
        redraws: redraws made.
        p: one max-T p-value per actor of the evidence, at the last look alone.
        crossed: H flags: the actor crossed the boundary at some look.
    """

    complaints: int
    level: float
    redraws: int
    p: Float
    crossed: Bool


def look(index: Index, evidence: Evidence, due: tuple[tuple[int, int], ...], weight: Float, settings: Settings) -> Look:
    """Return the test's outcome at the looks that were due.

    Args:
        index: the log.
        evidence: K matched complaints in order of contact.
        due: per look the complaints it takes, and how many of them are matched; rising, not empty.
        weight: weights of all actors.
        settings: levels, redraws and seed.
    """
    prefixes = tuple(matched for _, matched in due)
    levels = tuple(settings.spent_by(complaints) for complaints, _ in due)
    with np.errstate(divide="ignore"):
        prior = np.log(weight[evidence.actor])
        observed = log_prefixes(evidence.ratio, prefixes, settings) + prior
    everybody = count_members(index, evidence.sets[: prefixes[-1]])
    redraw = _Redraw(index, evidence, everybody, weight, settings)
    redrawn = redraw.maxima(prefixes, 0, settings.first_draws)
    p, crossed = _judge(observed, redrawn, levels)
    if p.size and min(p.min(), _p(observed, redrawn).min()) <= 0.1 and settings.draws > settings.first_draws:
        more = redraw.maxima(prefixes, settings.first_draws, settings.draws)
        redrawn = np.concatenate([redrawn, more], axis=1)
        p, crossed = _judge(observed, redrawn, levels)
    return Look(due[-1][0], levels[-1], redrawn.shape[1], p, crossed)


def _p(observed: Float, redrawn: Float) -> Float:
    """Return looks × H p-values."""
    rows = [
        (1.0 + b.size - np.searchsorted(np.sort(b), o - _TOLERANCE)) / (1.0 + b.size)
        for o, b in zip(observed, redrawn, strict=True)
    ]
    return np.asarray(rows)


def _judge(observed: Float, redrawn: Float, levels: tuple[float, ...]) -> tuple[Float, Bool]:
    """Return the p-values of the last look, and which actors crossed at any look."""
    crossed = np.zeros(observed.shape[1], np.bool_)
    if observed.shape[1] == 0:
        return np.empty(0), crossed
    history = np.concatenate([observed.max(axis=1, keepdims=True), redrawn], axis=1)
    out = np.zeros(history.shape[1], np.bool_)
    for at, level in enumerate(levels):
        room = int(level * history.shape[1] + _TOLERANCE) - int(out.sum())
        left = np.flatnonzero(~out)
        boundary = _boundary(history[at, left], room)
        out[left[history[at, left] >= boundary]] = True
        crossed |= observed[at] >= boundary
    return _p(observed[-1:], redrawn[-1:])[0], crossed


def _boundary(values: Float, room: int) -> float:
    """Return the least value such that at most `room` values reach it; equals stand or fall together."""
    if room <= 0:
        return np.inf
    ordered = np.sort(values)[::-1]
    if room >= ordered.size:
        return float(ordered[-1]) - _TOLERANCE
    next_one = ordered[room]
    above = ordered[ordered > next_one + _TOLERANCE]
    return float(above[-1]) - _TOLERANCE if above.size else np.inf


@dataclass(frozen=True, slots=True)
class _Redraw:
    """Complaints whose complainers are drawn anew from their risk sets; `everybody`: T × K × actors members opened."""

    index: Index
    evidence: Evidence
    everybody: np.typing.NDArray[np.int32]
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
