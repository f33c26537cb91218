"""What innocence looks like, estimated from the record: rates that borrow from the next wider group.

Hard strata (one rate for each role, queue, month and product) are thin and cost the power; here each level shrinks to
the one above by as many pseudo-observations as the levels differ little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from whosaw.watch.errors import ForbiddenAttribute, RowsRefused
from whosaw.watch.rows import Float, Int64

ALLOWED_STRATA = ("role", "queue", "month", "week", "product", "workgroup", "shift", "kind")
"""A stratum is one of these, whatever else is known of people; `whosaw.terms.traits` names what is never one."""


class Strata:
    """The levels over which a null shrinks, widest first.

    Args:
        levels: name → n indices. Names are among `ALLOWED_STRATA`.

    Raises:
        ForbiddenAttribute: a level is none of them.
        RowsRefused: the levels differ in length.
    """

    def __init__(self, levels: Mapping[str, Int64]) -> None:
        for name in levels:
            if name not in ALLOWED_STRATA:
                raise ForbiddenAttribute(f"`{name}` is no stratum that a signal may read")
        if len({level.size for level in levels.values()}) > 1:
            raise RowsRefused("the levels of a stratum differ in length")
        self.names = tuple(levels)
        self.levels = tuple(levels.values())

    def cells(self) -> list[tuple[Int64, int]]:
        """Return per depth the cell of each row and how many cells there are; depth 1 is the widest level alone."""
        found: list[tuple[Int64, int]] = []
        cell: Int64 | None = None
        for level in self.levels:
            joined = level if cell is None else cell * (int(level.max(initial=0)) + 1) + level
            _, cell = np.unique(joined, return_inverse=True)
            found.append((cell, int(cell.max(initial=-1)) + 1))
        return found


def leave_one_out_rates(
    seen: Float, of: Float, who: Int64, strata: Strata, *, pseudo: float = 50.0, events: float = 0.0
) -> tuple[Float, Float]:
    """Return for each row the rate of his peers, himself left out, and how much peers vary.

    Args:
        seen: n counts, one row per person and period.
        of: n trials.
        who: n people.
        strata: levels, widest first.
        pseudo: trials that the wider level counts for.
        events: as many expected counts as the wider level stands for at least: of rare things a small group knows so
            little that its own rate would be guesswork, and evidence against a guess is none.

    Returns:
        n rates in (0, 1) and n concentrations ≥ 2.
    """
    everybody = _others(seen, of, who, np.zeros(seen.size, np.int64), 1)
    rate = (everybody[0] + 0.5) / (everybody[1] + 1.0)
    for cell, count in strata.cells():
        x, n = _others(seen, of, who, cell, count)
        wider = np.maximum(pseudo, events / rate)
        rate = (x + wider * rate) / (n + wider)
    return np.clip(rate, 1e-7, 1 - 1e-7), spread_of(seen, of, rate)


def _others(seen: Float, of: Float, who: Int64, cell: Int64, cells: int) -> tuple[Float, Float]:
    both = cell * (int(who.max(initial=0)) + 1) + who
    _, own = np.unique(both, return_inverse=True)
    x = np.bincount(cell, seen, cells)[cell] - np.bincount(own, seen)[own]
    n = np.bincount(cell, of, cells)[cell] - np.bincount(own, of)[own]
    return np.asarray(x, np.float64), np.asarray(n, np.float64)


def spread_of(seen: Float, of: Float, rate: Float) -> Float:
    """Return the concentration that the rows' own variation calls for, by moments; the same for all rows."""
    able = of > 0
    if able.sum() < 20:
        return np.full(seen.size, 20.0)
    n, p = of[able], rate[able]
    variance = n * p * (1 - p)
    excess = np.clip((seen[able] - n * p) ** 2, 0, np.quantile((seen[able] - n * p) ** 2, 0.995)) - variance
    room = variance * (n - 1)
    within = float(excess.sum() / max(room.sum(), 1e-12))  # ρ of a beta-binomial
    within = min(max(within, 1e-6), 1 / 3)
    return np.full(seen.size, max(1.0 / within - 1.0, 2.0))


def shrunk_shares(
    chosen: Int64, choices: int, strata: Strata, leave: Int64, pseudo: Sequence[float], prior: Float | None = None
) -> Float:
    """Return n × choices chances of each choice given the row's strata, learned from rows of other `leave` groups.

    Args:
        chosen: n choices made (which agent resolved the ticket).
        choices: how many there are.
        strata: levels, widest first.
        leave: n groups; a row's chances are learned without its own group (its customer), which is under test.
        pseudo: per level, the observations that the wider level counts for.
        prior: n × choices chances that the widest level shrinks to; the overall shares where absent.
    """
    n = chosen.size
    share = (
        prior
        if prior is not None
        else np.tile((np.bincount(chosen, minlength=choices) + 0.5) / (n + 0.5 * choices), (n, 1))
    )
    for (cell, count), weight in zip(strata.cells(), pseudo, strict=True):
        table = np.zeros((count, choices))
        np.add.at(table, (cell, chosen), 1.0)
        _, own = np.unique(np.stack([cell, leave], 1), axis=0, return_inverse=True)
        mine = np.zeros((int(own.max(initial=-1)) + 1, choices))
        np.add.at(mine, (own, chosen), 1.0)
        others = table[cell] - mine[own]
        share = (others + weight * share) / (others.sum(axis=1, keepdims=True) + weight)
    return share


def affinity(actor: Int64, key: Int64, keys: int, *, also: Int64) -> tuple[Int64, Float]:
    """Return which part of the people whom each actor opened with a reason concerned each key he met.

    Args:
        actor: of the explained accesses of the stretch that counts, of each subject the first: to open one genuine
            customer again and again buys no tie. Unexplained ones never count, so a bribe cannot become normal.
        key: whom each concerns.
        keys: how many keys there are.
        also: pairs wanted besides, as `actor · keys + key`.

    Returns:
        p pairs, rising, and p shares, each moved toward none as if there were twenty people more.
    """
    met, count = np.unique(actor * keys + key, return_counts=True)
    pair = np.unique(np.concatenate([met, also]))
    seen = np.zeros(pair.size)
    seen[np.searchsorted(pair, met)] = count
    total = np.bincount(actor, minlength=int(pair.max(initial=0)) // keys + 1)
    return pair, np.asarray(seen / (total[pair // keys] + 20.0))


HABIT_MOST = 0.2
"""No habit makes a beneficiary normal beyond a fifth of somebody's unexplained accesses."""


HABIT_LONG_DAYS = 280
"""Over so many days an honest tie shows oftener than once, and a single meeting is chance: it counts for nothing then,
over half of them for half, and where little is known for a whole one."""


def habits(actor: Int64, key: Int64, events: Int64, keys: int, once: float = 0.0) -> tuple[Int64, Float]:
    """Return which part of somebody's unexplained accesses each beneficiary had, long before what is under test.

    An honest tie that nobody wrote down shows here as it shows now; a bribe that is new does not.

    Args:
        actor: of each link of an earlier unexplained access.
        key: whom it concerns.
        events: per actor, how many such accesses there were.
        keys: how many keys there are.
        once: part of one meeting that is taken for chance, in 0 … 1.

    Returns:
        p pairs, rising, and p shares of at most `HABIT_MOST`.
    """
    pair, seen = np.unique(actor * keys + key, return_counts=True)
    return pair, np.minimum((seen - once) / (events[pair // keys] + 2.0), HABIT_MOST)
