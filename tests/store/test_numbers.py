from __future__ import annotations

import asyncio

from whosaw.gate import queries
from whosaw.store import Database, NumberMap
from whosaw.store.numbers import assign, find, keys_of


async def test_numbers_are_dense_stable_and_counted_per_space(database: Database) -> None:
    first = await assign(database, "subject", ["customer:b", "customer:a", "customer:b"])
    assert first == {"customer:b": 1, "customer:a": 2}
    assert await assign(database, "subject", ["customer:a", "customer:c"]) == {"customer:a": 2, "customer:c": 3}
    assert await assign(database, "actor", ["E-1"]) == {"E-1": 1}
    assert await find(database, "subject", "customer:nobody") is None
    assert await keys_of(database, "subject", [1, 3, 99]) == {1: "customer:b", 3: "customer:c"}


async def test_two_tasks_never_give_one_key_two_numbers(database: Database) -> None:
    keys = [f"customer:{i}" for i in range(200)]
    answers = await asyncio.gather(*(assign(database, "subject", keys[i:] + keys[:i]) for i in range(0, 200, 25)))
    assert all(answer == answers[0] for answer in answers)
    assert sorted(answers[0].values()) == list(range(1, 201))


async def test_the_map_in_memory_agrees_with_the_database(database: Database) -> None:
    numbers = NumberMap(database)
    assert await numbers.numbers("actor", ["E-2", "E-1", "E-2"]) == [1, 2, 1]
    assert await NumberMap(database).numbers("actor", ["E-1"]) == [2]


async def test_asks_that_race_for_numbers_leave_no_gap_and_agree(database: Database) -> None:
    # the hot path reserves before it sees what others numbered while it waited, and gives back what it did not use
    keys = [(space, f"{space}:{i}") for i in range(40) for space in ("subject", "purpose", "actor")]
    turned = [keys[i:] + keys[:i] for i in range(0, len(keys), 10)]
    answers = await asyncio.gather(*(queries.numbers(database, each) for each in turned))
    given = [dict(zip(each, numbers, strict=True)) for each, numbers in zip(turned, answers, strict=True)]
    assert all(answer == given[0] for answer in given)
    for space in ("subject", "purpose", "actor"):
        assert sorted(number for key, number in given[0].items() if key[0] == space) == list(range(1, 41))
    assert await queries.numbers(database, [("subject", "late")]) == [41]
