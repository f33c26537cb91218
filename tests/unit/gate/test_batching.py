from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whosaw.gate import batching as module
from whosaw.gate.batching import Batcher, nothing_more


class Work:
    """Doubles numbers, and remembers how it was asked."""

    def __init__(self, *, fails_on: int | None = None) -> None:
        self.batches: list[list[int]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()
        self._fails_on = fails_on

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            if self._fails_on in items:
                raise ValueError(f"batch with {self._fails_on}")
            return [2 * item for item in items]
        finally:
            self.under_way -= 1


async def waiting(
    work: Work, batcher: Batcher[int, Sequence[int], int], items: Sequence[int]
) -> list[asyncio.Task[int]]:
    """Submit `items` in order, and let what can start do so."""
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_each_gets_his_own_answer_whatever_batch_it_travelled_in() -> None:
    work = Work()
    work.gate.set()
    batcher = Batcher(work, nothing_more, lanes=2, most=7)
    answers = await asyncio.gather(*(batcher.submit(item) for item in range(100)))
    assert answers == [2 * item for item in range(100)]
    assert [item for batch in work.batches for item in batch] == list(range(100))
    assert max(map(len, work.batches)) <= 7


async def test_one_alone_leaves_alone_and_at_once() -> None:
    work = Work()
    (task,) = await waiting(work, Batcher(work, nothing_more), [4])
    assert work.batches == [[4]]
    work.gate.set()
    assert await task == 8


async def test_while_the_lanes_are_taken_the_next_gather_in_order() -> None:
    work = Work()
    batcher = Batcher(work, nothing_more, lanes=2, most=3, company=1)
    tasks = await waiting(work, batcher, [1])
    tasks += await waiting(work, batcher, [2])
    tasks += await waiting(work, batcher, [3, 4, 5, 6])
    assert work.batches == [[1], [2]]
    work.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10, 12]
    assert work.batches == [[1], [2], [3, 4, 5], [6]]
    assert work.most_under_way == 2


async def test_a_further_batch_sets_out_only_in_company_or_past_one_that_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    work = Work()
    batcher = Batcher(work, nothing_more, lanes=3, most=9, company=3)
    tasks = await waiting(work, batcher, [1])
    tasks += await waiting(work, batcher, [2, 3])
    assert work.batches == [[1]]
    tasks += await waiting(work, batcher, [4])
    assert work.batches == [[1], [2, 3, 4]]
    now[0] += 1
    tasks += await waiting(work, batcher, [5])
    assert work.batches == [[1], [2, 3, 4], [5]]
    work.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10]


async def test_the_next_batch_sets_out_while_the_rest_of_one_is_done() -> None:
    work, go = Work(), asyncio.Event()
    work.gate.set()

    async def rest(doubled: Sequence[int]) -> Sequence[int]:
        await go.wait()
        if 6 in doubled:
            raise ValueError("the rest of 3")
        return doubled

    batcher = Batcher(work, rest, lanes=1, most=1)
    tasks = await waiting(work, batcher, [1, 2, 3])
    for _ in range(9):
        await asyncio.sleep(0)
    assert work.batches == [[1], [2], [3]]
    assert not any(task.done() for task in tasks)
    go.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(each) for each in outcomes] == ["2", "4", "the rest of 3"]


async def test_a_failing_batch_fails_its_own_members_and_no_other() -> None:
    work = Work(fails_on=3)
    batcher = Batcher(work, nothing_more, lanes=1, most=2)
    first = await waiting(work, batcher, [1])
    rest = await waiting(work, batcher, [2, 3, 4, 5])
    work.gate.set()
    outcomes = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert [str(each) for each in outcomes] == ["2", "batch with 3", "batch with 3", "8", "10"]


async def test_a_caller_who_leaves_takes_nobody_with_him() -> None:
    work = Work()
    batcher = Batcher(work, nothing_more, lanes=1, most=3)
    leader, *_ = await waiting(work, batcher, [1])
    one, two, three = await waiting(work, batcher, [2, 3, 4])
    leader.cancel()
    two.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert list(await asyncio.gather(one, three)) == [4, 8]
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert await batcher.submit(9) == 18


async def test_work_that_answers_too_few_fails_all_rather_than_mixing_them_up() -> None:
    async def short(items: Sequence[int]) -> list[int]:
        await asyncio.sleep(0)
        return list(items)[:-1]

    batcher = Batcher(short, nothing_more)
    outcomes = await asyncio.gather(*(batcher.submit(item) for item in (1, 2)), return_exceptions=True)
    assert any(isinstance(outcome, ValueError) for outcome in outcomes)
    for item, outcome in enumerate(outcomes, 1):
        assert outcome == item or isinstance(outcome, ValueError)


@given(
    items=st.lists(st.integers(), max_size=40),
    lanes=st.integers(1, 4),
    most=st.integers(1, 9),
    failing=st.none() | st.integers(),
)
def test_nobody_is_left_hanging(items: list[int], lanes: int, most: int, failing: int | None) -> None:
    async def ask_all() -> list[int | BaseException]:
        work = Work(fails_on=failing)
        work.gate.set()
        batcher = Batcher(work, nothing_more, lanes=lanes, most=most)
        asked = asyncio.gather(*(batcher.submit(item) for item in items), return_exceptions=True)
        outcomes = await asyncio.wait_for(asked, 5)
        assert work.most_under_way <= lanes
        assert all(len(batch) <= most for batch in work.batches)
        return outcomes

    for item, outcome in zip(items, asyncio.run(ask_all()), strict=True):
        assert outcome == 2 * item or isinstance(outcome, ValueError)
