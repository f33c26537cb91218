"""What is left of somebody's budgets, as he may know himself; nothing is counted by asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from whosaw.catalog import Catalog
from whosaw.catalog.controls import MISSES
from whosaw.decide import lookup_deed
from whosaw.gate import leftqueries as queries
from whosaw.gate.budgets import Budgets, found_by
from whosaw.store import Database
from whosaw.terms import to_us

WINDOWS = ("hour", "day", "month")


@dataclass(frozen=True, slots=True)
class Left:
    """One limit of one actor.

    Attributes:
        counted: the class, ``action:NAME``, ``lookup:NAME``, ``found:NAME`` or ``misses``.
        window: ``hour``, ``day`` or ``month``, by the calendar in UTC.
        spent: how many distinct persons so far.
        soft: above which a reason must be stated, or None.
        hard: at which it ends, or None.
    """

    counted: str
    window: str
    spent: int
    soft: int | None
    hard: int | None

    @property
    def left(self) -> int | None:
        """Return how many more there may be, or None where nothing ends it."""
        return None if self.hard is None else max(0, self.hard - self.spent)


class Leftovers:
    """Reads the counters of one whosaw."""

    def __init__(self, db: Database, catalog: Catalog) -> None:
        """Read in `db` as its owner what `catalog` limits."""
        self._db = db
        self._budgets = Budgets(db, catalog)
        self._counted = tuple(_counted(catalog))

    async def of(self, actor: str, roles: frozenset[str], at: datetime) -> list[Left]:
        """Return every limit of an actor with what is spent of it at `at`."""
        spent = await queries.spent(self._db, actor, to_us(at))
        left = []
        for counted in self._counted:
            limits = self._budgets.limits(counted, roles)
            if limits is None:
                continue
            counts = spent.get(counted, (0, 0, 0))
            for window, count, soft, hard in zip(WINDOWS, counts, limits.soft, limits.hard, strict=True):
                if soft is not None or hard is not None:
                    left.append(Left(counted, window, count, soft, hard))
        return left


def _counted(catalog: Catalog) -> Iterable[str]:
    yield from sorted({field.klass for field in catalog.fields.values()})
    yield from (f"action:{name}" for name in sorted(catalog.actions))
    yield from map(lookup_deed, sorted(catalog.lookups))
    yield from map(found_by, sorted(catalog.lookups))
    yield MISSES
