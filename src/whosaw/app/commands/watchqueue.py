"""``whosaw watch queue``: how much records explain, and the rest in order of time; never an order of guilt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from rich.text import Text

from whosaw.app import watchdesk
from whosaw.app.commands.acting import look, whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.app.watching import WatchFiles, watch_actors
from whosaw.app.watchqueue import queue_told
from whosaw.terms import to_us
from whosaw.watch.rows import OPEN


def queue(
    *,
    lake: Path | None = None,
    staff: Path | None = None,
    managers: Path | None = None,
    config: Path | None = None,
    until: date | None = None,
    most: int = 50,
    as_json: AsJson = False,
) -> int:
    """Say how much of the accesses records explain, by team and template, and list the rest in order of time.

    Args:
        lake: folder of the lake; without one, what the server's newest run kept, for reviewers; that look is recorded.
        staff: as for `watch actors`.
        managers: as for `watch actors`.
        config: TOML with a table [watch].
        until: the last day to read (UTC); everything where absent.
        most: how many of the newest to print.
        as_json: print JSON, and all that there is.
    """
    if lake is None:
        told = with_services(_stored)
    else:
        end = OPEN if until is None else to_us(datetime.combine(until + timedelta(days=1), time(), UTC))
        whole = watch_actors(lake, WatchFiles(actors=staff, managers=managers, config=config), until_us=end)
        told = {name: whole[name] for name in ("explained_share", "teams", "unexplained")}
    if as_json:
        print_json(told)
    else:
        _print(told, max(most, 0))
    return 0


async def _stored(services: Services) -> dict[str, Any]:
    await watchdesk.check_reviewer(services, await whose_token(services))
    await look(services, "look.watch", "queue")
    _, measured = await watchdesk.rates(services)
    return queue_told(measured)


def _print(told: Mapping[str, Any], most: int) -> None:
    out, share = console(), told["explained_share"]
    if share is None:
        out.print("nothing was weighed yet: a running server does it each night, `whosaw watch daily` now")
        return
    out.print(f"{share:.1%} of the accesses are explained by a record of work")
    for each in told["teams"]:
        by = ", ".join(f"{name} {count / each['accesses']:.1%}" for name, count in each["by_template"].items())
        line = f"team {each['team'] or 'without a name'}: {each['explained'] / each['accesses']:.1%} explained"
        out.print(Text(f"{line}{f', by {by}' if by else ''}"))
    rest = told["unexplained"]
    out.print(f"{rest['count']} are not; most of them are work that nobody wrote down, and this is no list of suspects")
    lines = table("at", "who", "whom")
    for each in rest["accesses"][len(rest["accesses"]) - min(most, len(rest["accesses"])) :]:
        lines.add_row(*(Text(str(each[name])) for name in ("at", "actor", "subject")))
    if rest["accesses"] and most:
        out.print(lines)
