"""Whether a later verdict still has the customers and the routes that an earlier one read."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from whosaw.app.casetracesame import Told, orders_differ, routes_differ, told
from whosaw.app.tracedeclared import as_csv


def at(day: int) -> str:
    return f"2026-01-{day:02}T00:00:00+00:00"


def ordered(*rows: tuple[str, int]) -> Told:
    return told(as_csv(("subject", "since"), [(whose, at(day)) for whose, day in rows]))


def routed(rows: Iterable[tuple[str, int, str]]) -> Told:
    made = [(whose, "other", at(day), route) for whose, day, route in rows]
    return told(as_csv(("subject", "said", "at", "route"), made))


THEN = ordered(("#1", 3), ("#2", 9), ("#-1", 4), ("#-2", 4), ("#-3", 6))


@pytest.mark.parametrize(
    ("now", "erased", "found"),
    [
        (ordered(("#1", 3), ("#2", 9), ("#-1", 4), ("#7", 4), ("#-2", 6), ("#-3", 9), ("#8", 12)), (), (0, 0)),
        (ordered(("#1", 3), ("#2", 9), ("#-1", 4), ("#-2", 6)), (), (1, 0)),
        (ordered(("#1", 3), ("#2", 9), ("#-1", 4), ("#-2", 5), ("#-3", 6)), (), (1, 0)),
        (ordered(("#1", 3), ("#2", 9), ("#-1", 1), ("#-2", 4), ("#-3", 4), ("#7", 5), ("#-4", 6)), (), (0, 2)),
        (ordered(("#1", 3), ("#-1", 4), ("#-2", 4), ("#-3", 6)), (), (1, 0)),
        (ordered(("#2", 9), ("#-1", 3), ("#-2", 4), ("#-3", 4), ("#-4", 6)), {"#1"}, (0, 0)),
        (Told(), (), (5, 0)),
    ],
)
def test_who_is_gone_redated_or_put_in_between(now: Told, erased: set[str], found: tuple[int, int]) -> None:
    assert orders_differ(THEN, now, erased) == found


def test_who_counted_by_work_before_his_order_and_has_a_number_now_is_the_same() -> None:
    now = ordered(("#1", 3), ("#2", 9), ("#-1", 4), ("#-2", 4), ("#7", 8))
    assert orders_differ(THEN, now) == (1, 0)
    assert orders_differ(THEN, now, (), {"#7": at(6)}) == (0, 0)


ROUTES = [("#1", 1, "0"), ("#2", 1, "1"), ("#-1", 1, "0"), ("#-2", 1, "1"), ("#-3", 1, "2"), ("#-4", 2, "2")]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([(whose, day, {"0": "3", "1": "0", "2": "1"}[route]) for whose, day, route in ROUTES], 0),  # others' numbers
        ([*ROUTES, ("#-5", 2, "1"), ("#9", 1, "4")], 0),
        ([("#7", *each[1:]) if each[0] == "#-3" else each for each in ROUTES], 0),  # he has a number now
        ([(whose, day, "1" if whose == "#-1" else route) for whose, day, route in ROUTES], 1),
        ([(whose, day, "1" if whose == "#-4" else route) for whose, day, route in ROUTES], 1),
        ([(whose, day, "0") for whose, day, _ in ROUTES], 4),  # all one: those of two routes are beside others
        ([each for each in ROUTES if each[0] != "#2"], 1),
        ([], 6),
    ],
)
def test_who_has_no_route_now_or_shares_it_with_others_than_then(rows: list[tuple[str, int, str]], count: int) -> None:
    assert routes_differ(routed(ROUTES), routed(rows)) == count
