"""Run reads side by side; where one fails, none is left running behind the caller's back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """Return the results in order.

    The others are waited for and not cancelled: a connection cancelled while it logs in stays half open on the server
    until that gives up on it.

    Raises:
        Exception: the first error, once every read has ended.
    """
    results = await asyncio.gather(*reads, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
