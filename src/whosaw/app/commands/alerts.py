"""``whosaw alert list|read|send``: what must not stay quiet, who has read it, and whether it went out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.alertsending import Round
from whosaw.app.alerttexts import sentence
from whosaw.app.background import alert_sending
from whosaw.app.commands.acting import look, who_looks
from whosaw.app.commands.opened import AsJson, Flag, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.services import Services
from whosaw.store.alertposts import AlertPosts, Undelivered
from whosaw.store.alerts import Alert, alerts, mark_read
from whosaw.store.numbers import keys_of


def list_(*, everything: Annotated[Flag, Parameter(name="--all")] = False, as_json: AsJson = False) -> int:
    """List the alerts that the reader has not read, the newest first; the look is recorded.

    Args:
        everything: those that he has read too.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Sequence[Alert], dict[int, list[Undelivered]], Mapping[int, str]]:
        await look(services, "look.alerts", "alerts")
        reader = None if everything else await who_looks(services)
        found = await alerts(services.db, unread_by=reader)
        waiting: dict[int, list[Undelivered]] = {}
        for each in await AlertPosts(services.db).undelivered():
            waiting.setdefault(each.alert_id, []).append(each)
        numbers = [int(alert.about["actor"]) for alert in found if isinstance(alert.about.get("actor"), int)]
        return found, waiting, await keys_of(services.db, "actor", numbers)

    found, waiting, names = with_services(work)
    if as_json:
        print_json([_told(alert, waiting.get(alert.id, []), names) for alert in found])
        return 0
    lines = table("alert", "severity", "what", "about", "when", "read by", "not out yet")
    for alert in found:
        about = ", ".join(f"{name} {_named(name, value, names)}" for name, value in sorted(alert.about.items()))
        late = ", ".join(f"{each.way} ({_tried(each)})" for each in waiting.get(alert.id, []))
        cells = (
            *(str(alert.id), alert.severity, sentence(alert.code), about),
            *(f"{alert.raised_at:%Y-%m-%d %H:%M}", ", ".join(alert.read_by), late),
        )
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines if found else "no alert is unread")
    return 0


def read(*ids: int) -> int:
    """Note that one has read alerts; under one's own token, else as the operator of this machine.

    Args:
        ids: their numbers.
    """

    async def work(services: Services) -> int:
        return await mark_read(services.db, ids, await who_looks(services), services.clock.now())

    console().print(Text(f"{with_services(work)} read for the first time"))
    return 0


def send() -> int:
    """Send now what is due; a running server does it every second."""

    async def work(services: Services) -> tuple[Round, Sequence[Undelivered]]:
        async with alert_sending(services) as sending:
            done = await sending.round()
        return done, await AlertPosts(services.db).undelivered()

    done, waiting = with_services(work)
    console().print(Text(f"{done.sent} went out, {done.put_back} wait for another attempt"))
    untried = sum(each.attempts == 0 for each in waiting)
    if untried:
        console().print(Text(f"{untried} wait untried: their way out is not set up (WHOSAW_SMTP, [alerts])"))
    return 0


def _tried(each: Undelivered) -> str:
    return f"{each.attempts} tries: {each.last_error}" if each.attempts else "not tried yet"


def _named(name: str, value: int | str, names: Mapping[int, str]) -> str:
    return names.get(value, f"number {value}") if name == "actor" and isinstance(value, int) else str(value)


def _told(alert: Alert, waiting: Sequence[Undelivered], names: Mapping[int, str]) -> dict[str, object]:
    return {
        "alert": alert.id,
        "identity": alert.identity,
        "kind": alert.kind,
        "severity": alert.severity,
        "code": alert.code,
        "text": sentence(alert.code),
        "about": {name: _named(name, value, names) for name, value in alert.about.items()},
        "raised_at": alert.raised_at,
        "read_by": list(alert.read_by),
        "undelivered": [
            {"way": each.way, "attempts": each.attempts, "due_at": each.due_at, "error": each.last_error}
            for each in waiting
        ],
    }
