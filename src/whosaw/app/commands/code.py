"""``whosaw code publish|ack|missing|show``: the code of conduct, who acknowledged it, and who is missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.acting import look, who_looks, whose_token
from whosaw.app.commands.opened import AsJson, with_services
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.errors import AppError
from whosaw.app.people import everybody
from whosaw.app.services import Services
from whosaw.gate.conduct import Code, ConductInvalid, Team


class CodeUnreadable(AppError, OSError):
    """The file with the text of the code cannot be read as UTF-8."""

    code: ClassVar[str] = "app.code_unreadable"
    hint = "name a text file in UTF-8"


def publish(
    version: str, text: Path, /, *, in_force: Annotated[datetime | None, Parameter(name="--from")] = None
) -> int:
    """Publish a version of the code; from when it is in force, who has not acknowledged it has no access.

    Args:
        version: its name, as 2026-1.
        text: the file with its text.
        in_force: from when, as 2026-05-01 (UTC); default now.
    """
    try:
        words = text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise CodeUnreadable(f"cannot read `{text}`") from cause
    since = in_force.replace(tzinfo=UTC) if in_force is not None and in_force.tzinfo is None else in_force

    async def work(services: Services) -> Code:
        by = await who_looks(services)
        return await services.conducts.publish(version, words, by=by, in_force_at=since)

    made = with_services(work)
    console().print(Text(f"version {made.version} is in force from {made.in_force_at:%Y-%m-%d %H:%M} UTC on"))
    return 0


def ack(version: str | None = None, /) -> int:
    """Acknowledge the code, under one's own token.

    Args:
        version: which; default the one in force.
    """

    async def work(services: Services) -> tuple[str, Code]:
        actor = await whose_token(services)
        return actor, await services.conducts.acknowledge(actor, version)

    actor, code = with_services(work)
    console().print(Text(f"{actor} acknowledged version {code.version}"))
    return 0


def missing(version: str | None = None, /, *, as_json: AsJson = False) -> int:
    """Show by team who has no valid acknowledgement, most missing first; the look is recorded.

    Args:
        version: of which version; default the one in force.
        as_json: print JSON.
    """

    async def work(services: Services) -> Sequence[Team]:
        await look(services, "look.conduct", version or "in force")
        return await services.conducts.missing(await everybody(services), version)

    teams = with_services(work)
    if as_json:
        print_json([{"team": each.name, "people": each.people, "missing": list(each.missing)} for each in teams])
        return 0
    lines = table("team", "people", "missing", "who")
    for each in teams:
        cells = (each.name, str(each.people), str(len(each.missing)), ", ".join(each.missing))
        lines.add_row(*(Text(cell) for cell in cells))
    console().print(lines)
    return 0


def show(version: str | None = None, /, *, as_json: AsJson = False) -> int:
    """Show the versions of the code and the text of one.

    Args:
        version: whose text; default of the one in force.
        as_json: print JSON.
    """

    async def work(services: Services) -> tuple[Sequence[Code], Code | None, str]:
        conducts = services.conducts
        codes, current = await conducts.codes(), await conducts.current()
        shown = next((code for code in codes if code.version == version), None) if version else current
        if version and shown is None:
            raise ConductInvalid(
                f"no version `{version}` of the code is published", hint="`whosaw code show` lists them"
            )
        return codes, shown, await conducts.text(shown) if shown is not None else ""

    codes, shown, text = with_services(work)
    if as_json:
        told = [
            {
                "version": code.version,
                "sha256": code.sha256,
                "published_at": code.published_at,
                "in_force_at": code.in_force_at,
                "entry": code.entry,
            }
            for code in codes
        ]
        print_json({"versions": told, "shown": shown.version if shown else None, "text": text})
        return 0
    lines = table("version", "in force from", "SHA-256 of its text")
    for code in codes:
        lines.add_row(*(Text(cell) for cell in (code.version, f"{code.in_force_at:%Y-%m-%d %H:%M} UTC", code.sha256)))
    console().print(lines if codes else "no version is published")
    if shown is not None:
        console().print(Text(f"\n{shown.version}\n\n{text}"))
    return 0
