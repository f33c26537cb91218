"""What decides who serves a subject (region, language, team), as orders and tickets say it, and what of it may count.

Who complains gets a ticket, which goes to the team for complaints. Were that team his route, he would be compared with
nobody but people who complained as well, whom others had served: so a question takes only what was said before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosaw.lake.opened import Opened

Int64 = NDArray[np.int64]

_NEVER = int(np.iinfo(np.int64).max)
_UNKNOWN = -1

_SAID = """
    WITH named AS (SELECT number, row_number() OVER (ORDER BY key) - 1 AS place FROM numbers WHERE space = 'route'),
    first AS (
        SELECT subject, min({{'at_us': at_us, 'place': place}}) AS said
        FROM {table} JOIN named ON named.number = route GROUP BY subject
    )
    SELECT subject, said.place AS route, said.at_us AS at_us FROM first ORDER BY subject
"""
_COLUMNS = ("subject", "route", "at_us")


def _none() -> Int64:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Routes:
    """Per subject the first route that an order says, and the first that a ticket says.

    Args:
        order: n numbers of routes, the same however the lake numbers them; -1 where no order says one.
        order_us: n times of those orders.
        ticket: n numbers likewise; -1 where no ticket says one.
        ticket_us: n times of those rows about tickets.
    """

    order: Int64 = field(default_factory=_none)
    order_us: Int64 = field(default_factory=_none)
    ticket: Int64 = field(default_factory=_none)
    ticket_us: Int64 = field(default_factory=_none)

    def before(self, first_us: int, entered_us: Int64) -> Int64:
        """Return the route of each subject as it was known before anybody was contacted, -1 where none was.

        Args:
            first_us: the first contact of a question: what a ticket says from then on may come from a complaint.
            entered_us: n times from which each could have been contacted. The order with which somebody entered counts
                whenever that was: nobody is contacted before it.
        """
        ordered = (self.order >= 0) & ((self.order_us < first_us) | (self.order_us <= entered_us))
        appealed = (self.ticket >= 0) & (self.ticket_us < first_us)
        earlier = (self.ticket_us < self.order_us) | ((self.ticket_us == self.order_us) & (self.ticket < self.order))
        return np.where(appealed & (~ordered | earlier), self.ticket, np.where(ordered, self.order, _UNKNOWN)).astype(
            np.int64
        )


def routes_of(open_lake: Opened, numbers: Int64) -> Routes:
    """Return the routes of some subjects.

    Args:
        open_lake: the lake.
        numbers: n numbers of the subjects, rising.
    """
    if not open_lake.rows("SELECT 1 FROM numbers WHERE space = 'route' LIMIT 1"):
        nothing, never = np.full(numbers.size, _UNKNOWN, np.int64), np.full(numbers.size, _NEVER, np.int64)
        return Routes(nothing, never, nothing, never)
    order, ticket = (_said(open_lake, table, numbers) for table in ("orders", "tickets"))
    return Routes(*order, *ticket)


def routes_said(rows: Iterable[tuple[str, bool, int, int]], subjects: Sequence[str]) -> Routes:
    """Return the routes of some subjects as other sources than a lake say them.

    Args:
        rows: subject, whether an order says so, when (microseconds), number of the route; the first of each counts.
        subjects: n references; rows about others say nothing.
    """
    place = {name: at for at, name in enumerate(subjects)}
    route = np.full((2, len(subjects)), _UNKNOWN, np.int64)
    when_us = np.full((2, len(subjects)), _NEVER, np.int64)
    for subject, ordered, at_us, number in rows:
        at = (0 if ordered else 1, place.get(subject, _UNKNOWN))
        if at[1] >= 0 and (route[at] < 0 or (at_us, number) < (when_us[at], route[at])):
            route[at], when_us[at] = number, at_us
    return Routes(route[0], when_us[0], route[1], when_us[1])


def _said(open_lake: Opened, table: str, numbers: Int64) -> tuple[Int64, Int64]:
    """Return per subject the first route of a table, and when it was said."""
    found: dict[str, Any] = open_lake.connection.execute(_SAID.format(table=table)).fetchnumpy()
    subject, said, at_us = (np.ma.getdata(found[name]).astype(np.int64) for name in _COLUMNS)
    route, when_us = np.full(numbers.size, _UNKNOWN, np.int64), np.full(numbers.size, _NEVER, np.int64)
    known = np.isin(subject, numbers)
    place = np.searchsorted(numbers, subject[known])
    route[place], when_us[place] = said[known], at_us[known]
    return route, when_us
