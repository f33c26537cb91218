"""The HTTP door of the demonstration, a process of its own: ``python -m whosaw.app.demo.doorprocess``.

It reads one JSON object from standard input (folder, database address, and the policy file of the witnesses if there
are any), writes its own address to standard output, and ends when standard input closes, so that it never outlives the
demonstration.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

from whosaw.app.httpdoor import http_door
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.terms import SharedClock


def main() -> None:
    """Serve until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the demonstration decides when it ends
    given = json.loads(sys.stdin.readline())
    with suppress(BrokenPipeError):
        asyncio.run(_serve(Path(given["folder"]), given["url"], given.get("witnesses")))


async def _serve(folder: Path, url: str, witnesses: str | None) -> None:
    settings = Settings(state=folder, catalog=folder / "whosaw.toml", witnesses=Path(witnesses) if witnesses else None)
    clock = SharedClock(folder / "clock")
    async with open_services(settings, clock, url, door="door") as services:
        door = http_door(services)
        app = build_app(door.router, trail=settings.trail_folder, direct=door.direct)
        server = Server(app, bind("127.0.0.1", 0))
        integrating = asyncio.create_task(services.keep_signed())
        serving = asyncio.create_task(server.run())
        await server.started()
        sys.stdout.write(server.address + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        server.stop()
        integrating.cancel()
        await asyncio.wait([serving, integrating])


if __name__ == "__main__":
    main()
