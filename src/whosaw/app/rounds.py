"""Work that a server does again and again beside serving: what fails is logged and tried with the next round."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from whosaw.terms import WhosawError, stop_if_cancelled

_LOG = logging.getLogger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[object]], *, failed: str = "put off") -> None:
    """Take `step`, wait, and again, until cancelled; nothing that goes wrong in it may stop a server from serving.

    Args:
        seconds: between the end of a round and the beginning of the next.
        step: one round.
        failed: what the log says of a round that failed, before the reason.
    """
    while True:
        try:
            await step()
        except WhosawError as problem:
            _LOG.warning("%s: %s [%s]; %s", failed, problem, problem.code, problem.hint)
        except Exception as problem:  # the text of a driver's error may quote a value
            _LOG.error("%s: %s", failed, type(problem).__name__)
        stop_if_cancelled()
        await asyncio.sleep(seconds)
