"""The signs of friction, alone: what shows, what does not, and that memory stays bounded."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from whosaw.catalog.model import Live
from whosaw.gate.frictionsigns import Signs
from whosaw.terms import SubjectRef

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US


def customer(number: int, prefix: str = "C-") -> SubjectRef:
    return SubjectRef("customer", f"{prefix}{number:06d}")


def run(keys: list[SubjectRef], *, every_us: int = SECOND_US) -> list[int]:
    """Return at which of the asks the sign showed."""
    signs = Signs(Live())
    return [at for at, key in enumerate(keys) if signs.asked("E-1", key, at * every_us)]


def test_keys_asked_in_a_row_are_an_enumeration_up_down_with_gaps_and_in_even_steps() -> None:
    assert run([customer(100 + at) for at in range(20)]) == [7, 15]
    assert run([customer(100 - at) for at in range(8)]) == [7]
    assert run([customer(at) for at in (1, 2, 5, 6, 9, 17, 18, 20)]) == [7]
    assert run([customer(5_000 * at) for at in range(8)]) == [7]


def test_other_orders_the_same_person_again_other_kinds_and_slow_walks_are_none() -> None:
    assert run([customer(7)] * 50) == []
    assert run([customer(100 + at, "C-" if at % 2 else "D-") for at in range(40)]) == []
    assert run([SubjectRef("customer", f"ab{at}c") for at in range(40)]) == []
    assert run([customer(100 + at) for at in range(40)], every_us=10 * MINUTE_US) == []


def test_customers_picked_at_random_never_look_like_an_enumeration() -> None:
    rng = random.Random(5)
    assert run([customer(rng.randrange(5_000)) for _ in range(20_000)], every_us=1_000) == []


def test_misses_within_ten_minutes_show_and_slow_ones_do_not() -> None:
    signs = Signs(Live(misses=4))
    assert [signs.missed("E-1", at * SECOND_US) for at in range(8)] == [False, False, False, True] * 2
    assert not any(signs.missed("E-2", at * 4 * MINUTE_US) for at in range(40))


def test_half_an_hours_budget_within_minutes_shows_and_people_count_once() -> None:
    signs = Signs(Live(burst_share=0.5, burst_minutes=5))
    spent = [signs.spent("E-1", "contact", f"C-{at}", at * SECOND_US, 40) for at in range(42)]
    assert [at for at, shown in enumerate(spent) if shown] == [20, 41]
    assert not any(signs.spent("E-2", "contact", "C-1", at, 40) for at in range(500))
    assert not any(signs.spent("E-3", "contact", f"C-{at}", at * MINUTE_US, 40) for at in range(200))
    few = [signs.spent("E-4", "contact", f"C-{at}", at, 2) for at in range(11)]
    assert few.index(True) == 10, "a small budget is its own limit: less than ten are no burst"


def places(live: Live, addresses: list[str], *, every_us: int = SECOND_US) -> bool:
    signs = Signs(live)
    shown = False
    for at, address in enumerate(addresses):
        signs.seen("E-1", address)
        shown |= signs.returned("E-1", at * every_us)
    return shown


def test_one_person_at_two_places_in_turn_shows() -> None:
    here, there = "203.0.113.7", "198.51.100.9"
    assert places(Live(), [here, there, here, there, here])
    assert not places(Live(), [here] * 9 + [there] * 9), "who goes from the office to the train was at one place each"
    assert not places(Live(), [here, "203.0.113.200"] * 9), "two addresses of one network are one place"
    assert not places(Live(one_place=("203.0.113.0/24", "198.51.100.0/24")), [here, there] * 9)
    assert not places(Live(), [here, "2001:db8::1"] * 9), "one machine comes by both families"
    assert not places(Live(), [here, there] * 9, every_us=4 * MINUTE_US)
    assert places(Live(), ["::ffff:203.0.113.7", there] * 3)
    assert not places(Live(), ["testclient", ""] * 9)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10**9)), max_size=300))
def test_memory_of_one_actor_is_bounded(asks: list[tuple[int, int]]) -> None:
    live = Live(run=5, misses=6)
    signs = Signs(live)
    for at, (key, when) in enumerate(asks):
        signs.asked("E-1", customer(key), when)
        signs.missed("E-1", when)
        signs.spent("E-1", "contact", str(at), when, 20)
        signs.seen("E-1", f"203.0.{key}.1")
        signs.returned("E-1", when)
        lately = signs._actors["E-1"]
        assert len(lately.keys) <= live.run and len(lately.misses) < live.misses
        assert sum(map(len, lately.shown.values())) <= 12 and sum(map(len, lately.places.values())) <= 65


def test_the_actors_remembered_are_bounded() -> None:
    signs = Signs(Live())
    for at in range(20_050):
        signs.missed(f"E-{at}", at)
    assert len(signs._actors) == 20_000 and "E-0" not in signs._actors
