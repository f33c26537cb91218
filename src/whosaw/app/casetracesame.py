"""What two verdicts of a case read of its customers, one after the other: whether the later still has all of it.

Who has a number is looked for by it. Whoever has none stands under another name in each verdict, so of these all times
together are compared, and who may have got a number since is looked for among the numbers that are new. A route is a
number that another verdict gives otherwise: what is compared is who has the same one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from whosaw.app.tracedeclared import from_csv

_PAIRED = 2_000
"""Routes that only customers without a number have, up to which it is looked for which of now is which of then."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says; all times are of one form, UTC, so that they sort as text.

    Attributes:
        numbered: when, and as which route, by number and by what says so.
        nameless: how many of those without a number stand there: what says so, when, and as which route.
    """

    numbered: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    nameless: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def joined_since(self, then: Told, earlier: Mapping[str, str] | None = None) -> Counter[tuple[str, str, str]]:
        """Return those who may be some of the nameless of then: who have no number, or one that was not there.

        Args:
            then: what was read before.
            earlier: when somebody counted as a customer before he had a number, by number.
        """
        dates = earlier or {}
        pool = Counter(self.nameless)
        for (whose, said), (at, route) in self.numbered.items():
            if (whose, said) not in then.numbered:
                pool[said, min(at, dates.get(whose, at)), route] += 1
        return pool


def told(content: str) -> Told:
    """Return what a file of customers or of routes says; nothing of an empty one."""
    found = Told()
    for row in from_csv(content)[1]:
        said, at, route = row.get("said", ""), row.get("since") or row["at"], row.get("route", "")
        if row["subject"].startswith("#-"):
            found.nameless[said, at, route] += 1
        else:
            found.numbered[row["subject"], said] = at, route
    return found


def redated(then: Told, now: Told) -> set[str]:
    """Return the numbers of which something was said that is not said now, or of another time."""
    return {of[0] for of, (at, _) in then.numbered.items() if of not in now.numbered or now.numbered[of][0] != at}


def orders_differ(
    then: Told, now: Told, erased: Collection[str] = (), earlier: Mapping[str, str] | None = None
) -> tuple[int, int]:
    """Return how many customers of then are gone or dated otherwise, and how many joined them who are older.

    Who came after the newest of then is growth: tables are copied each night, and one that is late takes nothing back.

    Args:
        then: what was read before.
        now: what is read now.
        erased: numbers that lead to nobody now; whoever was erased may stand there without a number.
        earlier: as `Told.joined_since` takes it.
    """
    pool = now.joined_since(then, earlier)
    lost = (then.nameless - pool).total()
    newest = max((at for _, at, _ in (*then.nameless, *(("", at, "") for at, _ in then.numbered.values()))), default="")
    added = sum(count for (_, at, _), count in (pool - then.nameless).items() if at < newest)
    changed = redated(then, now) - {*erased}
    return len(changed) + lost, max(0, added - len({*erased} & redated(then, now)) - lost)


def routes_differ(then: Told, now: Told, erased: Collection[str] = ()) -> int:
    """Return how many customers have no route now, one said at another time, or one together with others than then.

    Args:
        then: what was read before.
        now: what is read now.
        erased: numbers that lead to nobody now.
    """
    changed = redated(then, now) - {*erased}
    both = {
        of: (route, now.numbered[of][1])
        for of, (_, route) in then.numbered.items()
        if of[0] not in changed and of in now.numbered
    }
    pairs = _one_to_one(Counter(both.values()))
    changed |= {of[0] for of, (first, second) in both.items() if pairs.get(first) != second}
    pool = now.joined_since(then)
    _pair_the_rest(pairs, then.nameless, pool)
    lost: Counter[str] = Counter()
    for (said, at, route), count in then.nameless.items():
        if route in pairs:
            lost[said] += max(0, count - pool[said, at, pairs[route]])
    return len(changed) + max(lost.values(), default=0)


def _one_to_one(counted: Counter[tuple[str, str]]) -> dict[str, str]:
    """Return which is which, by what most say; each stands once on either side."""
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for (first, second), _ in counted.most_common():
        if first not in pairs and second not in taken:
            pairs[first] = second
            taken.add(second)
    return pairs


def _pair_the_rest(
    pairs: dict[str, str], then: Mapping[tuple[str, str, str], int], now: Mapping[tuple[str, str, str], int]
) -> None:
    """Add routes that nobody with a number has, so that the fewest have to have changed; where too many, none."""
    first = _places(route for _, _, route in then if route not in pairs)
    taken = set(pairs.values())
    second = _places(route for _, _, route in now if route not in taken)
    if not first or max(len(first), len(second)) > _PAIRED:
        return
    sides: dict[tuple[str, str], tuple[dict[int, int], dict[int, int]]] = defaultdict(lambda: ({}, {}))
    for side, places, counted in ((0, first, then), (1, second, now)):
        for (said, at, route), count in counted.items():
            if route in places:
                sides[said, at][side][places[route]] = count
    common = np.zeros((len(first), max(len(second), len(first))))
    for rows, columns in sides.values():
        if rows and columns:
            both = np.minimum.outer(np.array([*rows.values()]), np.array([*columns.values()]))
            common[np.ix_([*rows], [*columns])] += both
    names = {place: route for route, place in second.items()}
    routes = [*first]
    for row, column in zip(*linear_sum_assignment(common, maximize=True), strict=True):
        pairs[routes[int(row)]] = names.get(int(column), "")


def _places(routes: Iterable[str]) -> dict[str, int]:
    return {route: place for place, route in enumerate(dict.fromkeys(routes))}
