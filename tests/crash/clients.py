"""Those who judge: clients that keep every receipt they were given, and a reader that keeps every checkpoint it saw.

They are never killed. What they saw is in files of their own, flushed to disk before the next ask; only what stands
there counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections import Counter
from pathlib import Path

from workers import socket_path


class Kept:
    """A file that grows line by line, each flushed to disk before it counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, line: bytes) -> None:
        os.write(self._handle, line)
        os.fsync(self._handle)


class Clients:
    """Closed loops of asks at several doors."""

    # invariant: `waiting[door]` holds the asks sent to that door and not yet ended in any way

    def __init__(self, state: Path, doors: int, per_door: int) -> None:
        self.waiting: list[set[str]] = [set() for _ in range(doors)]
        self.ended: Counter[str] = Counter()  # answered, refused, lost
        self.answered = [0] * doors  # by door
        self.cut: set[str] = set()  # asks that ended without a receipt
        self.kept = Kept(state / "seen.jsonl")
        self.stopping = False
        self._state = state
        self._tasks = [asyncio.create_task(self._ask_for_ever(d)) for d in range(doors) for _ in range(per_door)]

    async def stop(self) -> None:
        """End every loop after the ask it is in."""
        self.stopping = True
        await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask_for_ever(self, door: int) -> None:
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_unix_connection(socket_path(self._state, door))
            except OSError:
                await asyncio.sleep(0.02)
                continue
            while await self._ask(door, reader, writer) and not self.stopping:
                pass
            writer.close()

    async def _ask(self, door: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Ask once; return whether the door is still there."""
        ask = secrets.token_hex(16)
        self.waiting[door].add(ask)
        line = b""
        try:
            writer.write(ask.encode() + b"\n")
            with contextlib.suppress(OSError):
                line = await reader.readline()
        finally:
            self.waiting[door].discard(ask)
        if not line.endswith(b"\n"):
            self._end(ask, "lost")
        elif b'"refused"' in line:
            self._end(ask, "refused")
            await asyncio.sleep(0.02)
        else:
            self.kept.add(line)
            self.answered[door] += 1
            self._end(ask, "answered")
        return line.endswith(b"\n")

    def _end(self, ask: str, how: str) -> None:
        self.ended[how] += 1
        if how != "answered":
            self.cut.add(ask)


async def keep_checkpoints(trail: Path, kept: Kept) -> None:
    """Keep every checkpoint that is published, as readers anywhere would, until cancelled."""
    last = b""
    while True:
        with contextlib.suppress(FileNotFoundError):
            note = (trail / "checkpoint").read_bytes()
            if note != last:
                kept.add(note.hex().encode() + b"\n")
                last = note
        await asyncio.sleep(0.05)
