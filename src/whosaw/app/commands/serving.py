"""``whosaw serve``: the doors on one address, until it is interrupted."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial

import uvloop
from fastapi import APIRouter

from whosaw.app.approachspool import ApproachSpool, answers
from whosaw.app.background import nobody_hears, run_background
from whosaw.app.casedesk import case_work
from whosaw.app.casesettings import CaseSettings
from whosaw.app.commands.output import console
from whosaw.app.httpdoor import http_door
from whosaw.app.identity import open_identity
from whosaw.app.lakekeeping import keep_coverage, keep_index, keep_lake, keep_watch
from whosaw.app.measured import MeasuredGate
from whosaw.app.memory import settle_memory
from whosaw.app.metrics import Metrics
from whosaw.app.metricsdoor import metrics_door
from whosaw.app.rounds import every
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import Services, open_services, own_database
from whosaw.app.settings import Settings, words
from whosaw.app.spans import Spans
from whosaw.app.trailreads import trail_door
from whosaw.app.watchlive import keep_canaries, keep_live
from whosaw.app.watchprompts import keep_prompts
from whosaw.app.webreads import WebReads
from whosaw.doors.complaint import ApproachDoor, ComplaintDoor, Spool
from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.doors.console.logins import Sessions
from whosaw.doors.console.routes import WAY_IN
from whosaw.doors.http import Sharing, Throttle
from whosaw.doors.http.sharing import EVERY_S
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
        uvloop.run(_serve(settings, url, Listening(listener, viewer)))
    return 0


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and for whom to make a login link."""

    listener: socket.socket
    viewer: str


async def _serve(settings: Settings, url: str, listening: Listening) -> None:
    clock = SystemClock()
    logins = LoginLinks()
    async with (
        open_services(settings, clock, url, door="serve") as services,
        open_identity(services, logins.issue, port=listening.listener.getsockname()[1]) as identity,
    ):
        metrics = Metrics()
        services.appender.on_commit = metrics.appended
        spans = Spans.to(settings.otlp_endpoint) if settings.otlp_endpoint else None
        gated = replace(services, gate=MeasuredGate(services.gate, metrics, spans))
        visits = Sessions(still=identity.sign_ins.holds)
        console_door = ConsoleDoor(WebReads(services), logins, clock, sessions=visits, way_in=_way_in(identity.way_in))
        door = http_door(gated, identity.authenticator)
        app = build_app(
            door.router,
            console_door.router,
            trail_door(services).router,
            metrics_door(services, metrics).router,
            *identity.routers,
            *complaint_form(services),
            *approach_form(services),
            trail=settings.trail_folder,
            direct=door.direct,
        )
        server = Server(app, listening.listener, trusted_proxies=words(settings.trusted_proxies))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        await services.note_policies()
        keeping = [asyncio.create_task(task) for task in _beside_serving(services, door.throttle)]
        try:
            _say(services, server.address, identity.way_in, logins.issue(listening.viewer) if listening.viewer else "")
            settle_memory()
            await server.run()
        finally:
            for task in keeping:
                task.cancel()
            await asyncio.wait(keeping)
            if spans is not None:
                await asyncio.to_thread(spans.close)


def _beside_serving(services: Services, throttle: Throttle) -> Sequence[Coroutine[object, object, None]]:
    """Return all that a server does without being asked, each for ever."""
    sharing = Sharing(services.door_db, throttle, services.clock)
    return (
        services.keep_signed(),
        services.keep_policies(),
        run_background(services),
        keep_lake(services),
        every(EVERY_S, sharing.round, failed="the pace is not shared now"),
        keep_coverage(services),
        keep_index(services),
        keep_watch(services),
        keep_live(services),
        keep_canaries(services),
        keep_prompts(services),
    )


def _say(services: Services, address: str, way_in: str, login: str) -> None:
    """Say where it listens, where people sign in, and what is amiss."""
    out = console()
    out.print(f"whosaw listens on {address} (trail {services.keys.origin})", markup=False)
    if way_in:
        out.print(f"people sign in at {address}{way_in}", markup=False, soft_wrap=True)
    if login:
        out.print(f"console login, once: {address}{login}", markup=False, soft_wrap=True)
    if line := nobody_hears(services):
        out.print(line, markup=False)


def complaint_form(services: Services) -> Sequence[APIRouter]:
    """Return the routes of the customers' form, where it is switched on; reports wait in the state folder."""
    if not CaseSettings.read().complaint_form:
        return ()
    spool = Spool(services.settings.state / "form")
    return (ComplaintDoor(spool, services.clock, company=services.catalog.company).router,)


def approach_form(services: Services) -> Sequence[APIRouter]:
    """Return the routes of the employees' form for offers of money, where it is switched on."""
    if not CaseSettings.read().approach_form:
        return ()
    approaches = case_work(services).approaches
    spool = ApproachSpool(services.settings.state / "approaches")
    company = services.catalog.company
    return (ApproachDoor(spool, partial(answers, approaches), services.clock, company=company).router,)


def _way_in(path: str) -> str:
    """Return the sentence that tells somebody without a visit how to come in."""
    return f"Sign in at {path}." if path else WAY_IN
