"""The live half of the demonstration: the door's process, and employees who reach it over sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

import httpx

from whosaw.app.demo.ground import Ground
from whosaw.app.errors import AppError
from whosaw.client import Client

CLIENTS = 24
_START_S = 30.0


class DoorFailed(AppError, RuntimeError):
    """The door's process did not come up."""

    code: ClassVar[str] = "app.door_failed"


class LiveDoor:
    """The running door and a way to it for every employee who has a token."""

    def __init__(self, address: str, tokens: Mapping[str, str], http: httpx.AsyncClient) -> None:
        self._address = address
        self._tokens = tokens
        self._http = http
        self._clients: dict[str, Client] = {}

    def client(self, actor: str) -> Client:
        """Return the client of `actor`."""
        if actor not in self._clients:
            self._clients[actor] = Client(self._address, self._tokens[actor], http=self._http)
        return self._clients[actor]


@asynccontextmanager
async def open_door(ground: Ground, tokens: Mapping[str, str]) -> AsyncIterator[LiveDoor]:
    """Start the door's process, and end it with the block.

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
        process.stdin.write((json.dumps({"folder": str(ground.folder), "url": ground.url}) + "\n").encode())
        address = (await asyncio.wait_for(process.stdout.readline(), _START_S)).decode().strip()
        if not address:
            raise DoorFailed("the door's process ended before it listened")
        limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
        async with httpx.AsyncClient(limits=limits, timeout=30.0, trust_env=False) as http:
            yield LiveDoor(address, tokens, http)
    except TimeoutError as cause:
        raise DoorFailed("the door's process did not listen in time") from cause
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
