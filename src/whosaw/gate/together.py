"""Run reads side by side; where one fails, none is left running behind the caller's back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """Return the results in order.

    The others are waited for and not cancelled: a connection cancelled while it logs in stays half open on the server
    until that gives up on it. The last one runs in the caller's own task: of one read, nothing else is made.

    Raises:
        Exception: the first error, once every read has ended.
    """
    if not reads:
        return []
    *others, last = reads
    tasks = [asyncio.ensure_future(each) for each in others]
    results: list[Any] = []
    try:
        results = [await last]
    except Exception as problem:
        results = [problem]
    finally:  # a caller who gives up waits for them too
        # most have ended by now: to gather those as well costs as much as a short statement
        if late := [task for task in tasks if not task.done()]:
            await asyncio.gather(*late, return_exceptions=True)
    results = [*map(_outcome, tasks), *results]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def _outcome(task: asyncio.Future[Any]) -> Any:
    """Return what came of a task that has ended: its result, or its error."""
    if task.cancelled():
        return asyncio.CancelledError()
    return task.exception() or task.result()
