"""``whosaw lake coverage``: how much of what reached protected tables went through the doors."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.lake.coverage import Coverage, Door, coverage
from whosaw.lake.coveragenote import note_measured
from whosaw.lake.weakest import Weakest, weakest_grade

_MOST_ROWS = 30


def coverage_(
    *,
    lake: Path,
    door: Annotated[list[str], Parameter(negative="")],
    fall: float = 0.02,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Say who reached protected tables around the doors, from where, how often; exit code 1 where that got worse.

    Args:
        lake: folder of a lake into which the database's audit log (pgaudit) was imported.
        door: account that a door logs in with, as ROLE or ROLE@ADDRESS; may be given several times.
        fall: how far the last seven days may lie below the time before, as a share of 1.
        as_json: print JSON.
    """
    found = coverage(lake, [Door.parse(each) for each in door], fall)
    note_measured(lake, found, datetime.now(UTC))
    weakest = weakest_grade(lake)
    if as_json:
        print_json(asdict(found) | _told(found) | {"grade": asdict(weakest)})
    else:
        _print(found, weakest)
    return 1 if found.alarms else 0


def _told(found: Coverage) -> dict[str, object]:
    return {"share": found.share, "line": found.line, "alarms": found.alarms}


def _print(found: Coverage, weakest: Weakest) -> None:
    out = console()
    out.print(Text(found.line, style="bold"))
    if found.around:
        rows = table("around: account", "from", "reached", "times", "subjects named", "first (UTC)", "last (UTC)")
        for way in found.around[:_MOST_ROWS]:
            named = f"{way.subjects} ({way.named} of {way.count} accesses)"
            times = (f"{way.first:%Y-%m-%d %H:%M}", f"{way.last:%Y-%m-%d %H:%M}")
            rows.add_row(*map(Text, (way.role, way.address, way.access, f"{way.count:,}", named, *times)))
        out.print(rows)
        if len(found.around) > _MOST_ROWS:
            out.print(f"… and {len(found.around) - _MOST_ROWS} more ways (--json prints all)")
    for alarm in found.alarms:
        out.print(Text(f"alarm: {alarm}", style="bold"))
    out.print(Text(weakest.line, style="dim"))
