"""Budgets: how many distinct persons an actor may be shown in an hour, a day, a month, over all doors and processes.

The counting is one statement of the database (``gate_spend``), exact however many processes race for the last unit.
Only what is about to be revealed counts; who was counted in a window already costs nothing in it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from whosaw.catalog import Catalog
from whosaw.catalog.controls import MISSES
from whosaw.catalog.model import Limit
from whosaw.gate import queries
from whosaw.gate.numbering import BatchNumbers, Key
from whosaw.store import Database
from whosaw.terms import to_us

Refusal = Literal["budget.reason_needed", "budget.exhausted"]

_REFUSALS: Mapping[int, Refusal] = {1: "budget.reason_needed", 2: "budget.exhausted"}
_MEMO_MOST = 4_096

Hard = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed in an hour, a day and a month, in this order; None where nothing limits."""

    soft: tuple[int | None, int | None, int | None]
    hard: tuple[int | None, int | None, int | None]


# what holds where the catalog says nothing: nobody who works looks for so many people who do not exist
DEFAULT_MISSES = Limits((None, None, None), (60, 300, 2_000))
DEFAULT_LOOKUPS = Limits((None, None, None), (120, 600, 5_000))


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to be counted.

    Attributes:
        actor: who is shown.
        counted: the class, ``action:NAME``, ``lookup:NAME``, ``found:NAME`` or ``misses``.
        limits: of this actor.
        subject: who is shown, as ``customer:C-1``; None where no person is known.
        amount: how many, > 0, where no person is known; 0 asks whether one more would be allowed, and counts nothing.
        stated: whether the actor gave a reason in words, as the soft limit demands.
    """

    actor: str
    counted: str
    limits: Limits
    subject: str | None = None
    amount: int = 1
    stated: bool = False


class Budgets:
    """The budgets of one catalog over one database."""

    def __init__(self, db: Database, catalog: Catalog) -> None:
        self._db = db
        self._catalog = catalog
        self._memo: dict[tuple[str, frozenset[str]], Limits | None] = {}

    def limits(self, counted: str, roles: frozenset[str]) -> Limits | None:
        """Return the limits of somebody with `roles`, the strictest where several budgets apply; None: no budget."""
        key = (counted, roles)
        if key not in self._memo:
            if len(self._memo) >= _MEMO_MOST:
                self._memo.clear()
            self._memo[key] = self._limits(counted, roles)
        return self._memo[key]

    async def spend(
        self, units: Sequence[Unit], at: datetime, numbers: BatchNumbers, also: Iterable[Key] = ()
    ) -> list[Refusal | None]:
        """Count `units` or refuse them, and learn the numbers of `also`, in one round trip.

        Units for one person, actor and class are one unit. Where the caller fails afterwards, what was counted stays
        counted.
        """
        if not units:
            await numbers.learn(also)
            return []
        distinct: dict[tuple[str, str, str | None], Unit] = {}
        for unit in units:
            known = distinct.get(_identity(unit))
            distinct[_identity(unit)] = unit if known is None else _merged(known, unit)
        keys = _places(distinct.values(), numbers.unknown(also))
        rows = [_row(place, unit, keys) for place, unit in enumerate(distinct.values(), 1)]
        found, verdicts = await queries.spend(self._db, list(keys), to_us(at), rows)
        numbers.learned(dict(zip(keys, found, strict=True)))
        by_identity = dict(zip(distinct, verdicts, strict=True))
        return [_REFUSALS.get(by_identity[_identity(unit)]) for unit in units]

    def _limits(self, counted: str, roles: frozenset[str]) -> Limits | None:
        applying = [
            budget
            for budget in self._catalog.budgets.values()
            if counted in (budget.klass, f"action:{budget.action}", found_by(budget.lookup))
            and (not budget.roles or budget.roles & roles)
        ]
        given = DEFAULT_MISSES if counted == MISSES else DEFAULT_LOOKUPS if counted.startswith("lookup:") else None
        if not applying:
            return given
        windows = [[budget.hour, budget.day, budget.month] for budget in applying]
        hour, day, month = (_strictest([budget[place] for budget in windows]) for place in range(3))
        hard = (hour.hard, day.hard, month.hard)
        return Limits((hour.soft, day.soft, month.soft), hard if given is None else _filled(hard, given.hard))


def found_by(lookup: str | None) -> str:
    """Return what the persons are counted as whom a lookup of this name finds, beside the lookups themselves."""
    return f"found:{lookup}"


def _filled(own: Hard, default: Hard) -> Hard:
    """Return limits with the default where a window has none: who writes of the month alone opens no hour.

    A default is never below what is written of a shorter window, which it would take back.
    """
    hour = default[0] if own[0] is None else own[0]
    day = _not_below(default[1], hour) if own[1] is None else own[1]
    month = _not_below(default[2], hour, own[1]) if own[2] is None else own[2]
    return hour, day, month


def _not_below(default: int | None, *shorter: int | None) -> int | None:
    return None if default is None else max([default, *(each for each in shorter if each is not None)])


def _strictest(limits: Sequence[Limit]) -> Limit:
    soft = [limit.soft for limit in limits if limit.soft is not None]
    hard = [limit.hard for limit in limits if limit.hard is not None]
    return Limit(min(soft, default=None), min(hard, default=None))


def _identity(unit: Unit) -> tuple[str, str, str | None]:
    return unit.actor, unit.counted, unit.subject


def _merged(one: Unit, other: Unit) -> Unit:
    """Return both as one: a person counts once, and what has no person adds up."""
    amount = max(one.amount, other.amount) if one.subject is not None else one.amount + other.amount
    return Unit(one.actor, one.counted, one.limits, one.subject, amount, one.stated or other.stated)


def _places(units: Iterable[Unit], also: Iterable[Key]) -> dict[Key, int]:
    """Return every key that is to have a number → its place, from 1."""
    keys: dict[Key, None] = {}
    for unit in units:
        keys["actor", unit.actor] = None
        if unit.subject is not None:
            keys["subject", unit.subject] = None
    keys.update(dict.fromkeys(also))
    return {key: place for place, key in enumerate(keys, 1)}


def _row(place: int, unit: Unit, keys: Mapping[Key, int]) -> dict[str, object]:
    return {
        "n": place,
        "actor": keys["actor", unit.actor],
        "class": unit.counted,
        "subject": None if unit.subject is None else keys["subject", unit.subject],
        "amount": unit.amount,
        "stated": unit.stated,
        "soft": unit.limits.soft,
        "hard": unit.limits.hard,
    }
