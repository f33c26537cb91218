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
        if tasks:
            results = [*await asyncio.gather(*tasks, return_exceptions=True), *results]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
