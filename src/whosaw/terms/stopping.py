"""Ending a task that was cancelled although whoever it awaited then said nothing of it."""

from __future__ import annotations

import asyncio


def stop_if_cancelled() -> None:
    """Raise CancelledError if this task was cancelled; for loops that await what may drop a cancellation.

    ``asyncio.wait_for`` drops one that meets the result it waits for
    (https://github.com/python/cpython/issues/86296, mended in Python 3.12), and libraries wait with it.

    Raises:
        CancelledError: the task was cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
