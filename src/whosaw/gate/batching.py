"""Asks that wait together travel together: facts, record and rows are fetched once for all of them.

No timer: while a batch is under way the next asks gather, and an ask that arrives alone leaves alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Batcher(Generic[Asked, Answered]):
    """Hands waiting items to `work` in batches, at most `lanes` batches at once."""

    def __init__(
        self, work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]], *, lanes: int = 2, most: int = 64
    ) -> None:
        """Describe the batcher.

        Args:
            work: answers a batch, one answer per item in their order; if it raises, every item of the batch fails.
            lanes: batches under way at once, > 0.
            most: items in one batch, > 0.
        """
        self._work = work
        self._most = most
        self._free = lanes
        self._waiting: deque[tuple[Asked, asyncio.Future[Answered]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: Asked) -> Answered:
        """Return the answer to `item`; cancelling the caller does not cancel the batch."""
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return await future

    def _start(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            task = asyncio.create_task(self._run(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: list[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        try:
            answers = await self._work([item for item, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        except Exception as problem:  # every waiting caller gets it; none is left hanging
            for _, future in batch:
                if not future.done():
                    future.set_exception(problem)
        finally:
            self._free += 1
            self._start()
