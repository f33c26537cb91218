"""``whosaw demo``: the whole story on this machine, every stage for real."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, ClassVar

from cyclopts import Parameter
from cyclopts.validators import Number

from whosaw.app.commands.output import console
from whosaw.app.demo.ground import Ground, own_folder
from whosaw.app.demo.outsider import open_outsider
from whosaw.app.demo.story import Story, Wish
from whosaw.app.demo.told import Teller, summary_table
from whosaw.app.errors import AppError
from whosaw.app.httpdoor import http_door
from whosaw.app.server import Server, bind, build_app
from whosaw.app.services import open_services
from whosaw.app.settings import Settings
from whosaw.app.trailreads import trail_door
from whosaw.app.webreads import WebReads
from whosaw.doors.console import ConsoleDoor, LoginLinks
from whosaw.market import Size


class SummaryUnwritable(AppError, OSError):
    """The summary cannot be written where it was asked for."""

    code: ClassVar[str] = "app.summary_unwritable"
    hint = "name a file in a folder that is there and that you may write"


class CheckMissing(AppError, OSError):
    """The program that is to check the summary is not there."""

    code: ClassVar[str] = "app.check_missing"
    hint = "name a Python file, as demo/check.py"


_VIEWER = "officer:privacy"


def demo(
    *,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 1,
    customers: int = 40_000,
    staff: int = 600,
    days: int = 60,
    insider: bool = True,
    json_file: Annotated[Path | None, Parameter(name="--json")] = None,
    serve: bool = True,
    port: int | None = None,
    folder: Path | None = None,
    check: Path | None = None,
) -> int:
    """Play the story: a marketplace, a bribed employee, complaints, the answer, the proof.

    Args:
        seed: decides the whole world.
        customers: how many customers.
        staff: how many employees.
        days: simulated days.
        insider: whether an employee is bribed; without, the same complaints come from the seller's own orders.
        json_file: also write the summary there as JSON.
        serve: leave the console running at the end.
        port: where the console listens at the end; default WHOSAW_PORT, else 8484.
        folder: where everything is kept; an earlier demonstration there is replaced. Default: demo in the state folder.
        check: a program that checks the summary against mailbox, shop and truth while the database still runs.
    """
    began = time.perf_counter()
    settings = Settings()
    size = Size(customers=customers, staff=staff, days=days)
    _refuse_early(json_file, check)
    teller = Teller(console())
    listener = bind(settings.host, settings.port if port is None else port) if serve else None
    # a script's background commands inherit that interrupts are ignored: then no signal would end it well
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with own_folder((folder or settings.state / "demo").absolute()) as place:
        story = Story(Wish(seed, size, insider), place, teller)
        with story.ground() as (ground, world):
            asyncio.run(story.play(ground, world))
            story.told.timings_s["total"] = time.perf_counter() - began
            summary = story.summary(ground)
            teller.out.print()
            teller.out.print(summary_table(summary))
            teller.line(f"work on the case yourself: WHOSAW_STATE={place} whosaw user add {_VIEWER} (docs/demo.md)")
            if json_file is not None:
                _write(json_file, summary)
            passed = _check(check, ground, summary, teller) if check else True
            if listener is not None:
                asyncio.run(_serve(ground, listener, teller, _worth_asking(summary)))
    return 0 if passed else 1


def _refuse_early(json_file: Path | None, check: Path | None) -> None:
    """Say before the story what would only come out after it."""
    if json_file is not None and (json_file.is_dir() or not os.access(json_file.absolute().parent, os.W_OK)):
        raise SummaryUnwritable(f"cannot write the summary to `{json_file}`")
    if check is not None and not check.is_file():
        raise CheckMissing(f"there is no program `{check}`")


def _write(path: Path, summary: dict[str, Any]) -> None:
    try:
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(json.dumps(summary, indent=2) + "\n")
        fresh.replace(path)
    except OSError as cause:
        raise SummaryUnwritable(f"cannot write the summary to `{path}`: {cause.strerror}") from cause


def _check(program: Path, ground: Ground, summary: dict[str, Any], teller: Teller) -> bool:
    """Hand the summary and the database addresses to `program`, and print what it says."""
    given = summary | {"addresses": {"shop": ground.reader_url, "truth": ground.truth_url}}
    done = subprocess.run(
        [sys.executable, str(program)], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    teller.heading(f"{program} checks the claims without any of our code")
    for line in (done.stdout + done.stderr).strip().splitlines():
        teller.line(line)
    return done.returncode == 0


def _worth_asking(summary: dict[str, Any]) -> str:
    """Return the key of a customer whom somebody looked at, as far as the summary names one."""
    scope = summary["scope_subjects"]
    return str(next(iter([*scope["certain"], *scope["probable"]]), "C-000017"))


async def _serve(ground: Ground, listener: socket.socket, teller: Teller, customer: str) -> None:
    """Serve console and door over what the story left, until an interrupt; the hint names `customer`."""
    async with open_outsider(ground) as naming, AsyncExitStack() as stack:
        settings = ground.settings.model_copy(update={"witnesses": await naming})
        services = await stack.enter_async_context(open_services(settings, ground.clock, ground.url, door="console"))
        logins = LoginLinks()
        door = http_door(services)
        console_door = ConsoleDoor(WebReads(services), logins, ground.clock)
        routers = (door.router, console_door.router, trail_door(services).router)
        server = Server(build_app(*routers, trail=settings.trail_folder), listener)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        integrating = asyncio.create_task(services.keep_signed())
        teller.heading("The console is running; end it with Ctrl-C")
        teller.line(f"console, login once: {server.address}{logins.issue(_VIEWER)}")
        teller.line(f"from another terminal: WHOSAW_STATE={ground.folder} whosaw who {customer}")
        try:
            await server.run()
        finally:
            integrating.cancel()
            await asyncio.wait([integrating])
