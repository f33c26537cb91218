"""Asks that wait together travel together: facts, record and rows are fetched once for all of them.

No timer: an ask that arrives alone leaves alone. While a batch is under way the next asks gather; a further batch sets
out beside it only once there is company, because every batch costs the processor as much as several asks do, or where
the one under way takes unusually long.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Halfway = TypeVar("Halfway")
Answered = TypeVar("Answered")

_PATIENCE_S = 0.02  # a batch that takes longer than this is no reason to wait for company


class Batcher(Generic[Asked, Halfway, Answered]):
    """Hands waiting items to `work` in batches, then what came of it to `rest`; at most `lanes` batches at `work`."""

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Awaitable[Halfway]],
        rest: Callable[[Halfway], Awaitable[Sequence[Answered]]],
        *,
        lanes: int = 2,
        most: int = 64,
        company: int = 4,
    ) -> None:
        """Describe the batcher.

        Args:
            work: the part of which only so much may be under way; if it raises, every item of the batch fails.
            rest: gives one answer per item in their order, while `work` goes on with others; if it raises likewise.
            lanes: batches at `work` at once, > 0.
            most: items in one batch, > 0.
            company: items that must wait before a batch sets out beside another, > 0.
        """
        self._work = work
        self._rest = rest
        self._most = most
        self._lanes = lanes
        self._company = company
        self._set_out_s = 0.0  # when the last batch did
        self._busy = 0  # invariant: batches at `work`, at most `_lanes`
        self._waiting: deque[tuple[Asked, asyncio.Future[Answered]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: Asked) -> Answered:
        """Return the answer to `item`; cancelling the caller does not cancel the batch."""
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return await future

    def _start(self) -> None:
        while self._waiting and self._busy < self._lanes:
            now_s = time.monotonic()
            if self._busy and len(self._waiting) < self._company and now_s - self._set_out_s < _PATIENCE_S:
                return
            self._busy, self._set_out_s = self._busy + 1, now_s
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            task = asyncio.create_task(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: list[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        try:
            halfway = await self._at_work([item for item, _ in batch])
            answers = await self._rest(halfway)
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        except Exception as problem:  # every waiting caller gets it; none is left hanging
            for _, future in batch:
                if not future.done():
                    future.set_exception(problem)

    async def _at_work(self, items: list[Asked]) -> Halfway:
        try:
            return await self._work(items)
        finally:
            self._busy -= 1
            self._start()


async def nothing_more(answers: Sequence[Answered]) -> Sequence[Answered]:
    """Return the answers: the `rest` of work that is done in one go."""
    return answers
