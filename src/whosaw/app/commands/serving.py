"""``whosaw serve``: the doors on one address, until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
import socket
from dataclasses import dataclass

from whosaw.app.commands.output import console
from whosaw.app.httpdoor import http_door
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import open_services, own_database
from whosaw.app.settings import Settings, words
from whosaw.app.trailreads import trail_door
from whosaw.app.webreads import WebReads
from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.terms import SystemClock


def serve(*, host: str | None = None, port: int | None = None, viewer: str = "") -> int:
    """Serve the HTTP door and the console.

    Args:
        host: address to listen on; default WHOSAW_HOST, else 127.0.0.1.
        port: port to listen on, 0 for any; default WHOSAW_PORT, else 8484.
        viewer: staff key to make a one-time console login link for.
    """
    settings = Settings()
    listener = bind(host or settings.host, settings.port if port is None else port)
    with own_database(settings) as url:
        asyncio.run(_serve(settings, url, Listening(listener, viewer)))
    return 0


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and for whom to make a login link."""

    listener: socket.socket
    viewer: str


async def _serve(settings: Settings, url: str, listening: Listening) -> None:
    clock = SystemClock()
    async with open_services(settings, clock, url, door="serve") as services:
        logins = LoginLinks()
        reads = WebReads(services)
        app = build_app(
            http_door(services).router,
            ConsoleDoor(reads, logins, clock).router,
            trail_door(services).router,
        )
        server = Server(app, listening.listener, trusted_proxies=words(settings.trusted_proxies))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        await services.note_policies()
        keeping = [asyncio.create_task(services.keep_signed()), asyncio.create_task(services.keep_policies())]
        try:
            out = console()
            out.print(f"whosaw listens on {server.address} (trail {services.keys.origin})", markup=False)
            if listening.viewer:
                link = server.address + logins.issue(listening.viewer)
                out.print(f"console login, once: {link}", markup=False, soft_wrap=True)
            await server.run()
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
