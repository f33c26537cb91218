"""The live half of the demonstration: the door's process, and employees who reach it over sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar

import httpx

from whosaw.app.demo.ground import Ground
from whosaw.app.errors import AppError
from whosaw.client import AsyncClient

DESKS = 24
_START_S = 30.0


class DoorFailed(AppError, RuntimeError):
    """The door's process did not come up."""

    code: ClassVar[str] = "app.door_failed"


class LiveDoor:
    """The running door and a way to it for every employee who has a token."""

    def __init__(self, address: str, tokens: Mapping[str, str], desks: Sequence[httpx.AsyncClient]) -> None:
        self._address = address
        self._tokens = tokens
        self._desks = desks

    def client(self, actor: str, desk: int = 0) -> AsyncClient:
        """Return the client of `actor`, who sits at one of the desks and uses its connection."""
        return AsyncClient(self._address, self._tokens[actor], http=self._desks[desk])


@asynccontextmanager
async def open_door(ground: Ground, tokens: Mapping[str, str], witnesses: Path) -> AsyncIterator[LiveDoor]:
    """Start the door's process, and end it with the block; it also signs, and asks the `witnesses` of a policy file.

    Raises:
        DoorFailed: it does not come up.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "whosaw.app.demo.doorprocess"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise DoorFailed("the door's process has no pipes")
    try:
        given = {"folder": str(ground.folder), "url": ground.url, "witnesses": str(witnesses)}
        process.stdin.write((json.dumps(given) + "\n").encode())
        address = (await asyncio.wait_for(process.stdout.readline(), _START_S)).decode().strip()
        if not address:
            raise DoorFailed("the door's process ended before it listened")
        async with AsyncExitStack() as stack:
            # a pool of one each: httpx looks through a whole pool for every request
            desks = [httpx.AsyncClient(timeout=30.0, trust_env=False, verify=False) for _ in range(DESKS)]  # noqa: S501
            for desk in desks:
                await stack.enter_async_context(desk)
            yield LiveDoor(address, tokens, desks)
    except TimeoutError as cause:
        raise DoorFailed("the door's process did not listen in time") from cause
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
