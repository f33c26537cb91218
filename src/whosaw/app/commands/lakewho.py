"""``whosaw who KEY --lake DIR``: the same question, asked of imported logs; answered in the logs' own references."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.text import Text

from whosaw.app.commands.output import console, print_json, table
from whosaw.lake import Sight, WhoSaw, who_saw
from whosaw.lake.coveragenote import coverage_line
from whosaw.lake.gaps import SourceGaps, gaps_by_source
from whosaw.lake.opened import opened
from whosaw.lake.weakest import Weakest, weakest_grade


def who_in_lake(lake: Path, subject: str, since: datetime | None, field: str | None, as_json: bool) -> int:
    """Print who saw a subject by the logs in a lake, and how far that can be believed.

    The grade is that of the whole lake: that somebody is *not* among the accesses rests on every log in it.
    """
    found = who_saw(lake, subject, since, field)
    weakest, gaps, unknown = weakest_grade(lake), gaps_by_source(lake), _unknown(lake)
    if as_json:
        print_json(
            {
                "subject": found.subject,
                "accesses": [asdict(sight) | {"at": sight.at.isoformat()} for sight in found.sights],
                "unknown_subjects": unknown,
                "coverage": coverage_line(lake),
                "grade": asdict(weakest) | {"line": weakest.line},
                "completeness": {"line": found.completeness.line, "sources": [asdict(source) for source in gaps]},
            }
        )
        return 0
    _print(found, unknown, weakest, gaps)
    console().print(Text(coverage_line(lake), style="dim"))
    return 0


def _unknown(lake: Path) -> int:
    with opened(lake) as open_lake:
        return int(open_lake.rows("SELECT count(*) FROM touches")[0][0])


def _print(found: WhoSaw, unknown: int, weakest: Weakest, gaps: tuple[SourceGaps, ...]) -> None:
    out = console()
    actors = len({sight.actor for sight in found.sights})
    people = "1 actor" if actors == 1 else f"{actors} actors"
    times = "1 access" if len(found.sights) == 1 else f"{len(found.sights)} accesses"
    out.print(Text(f"{found.subject}: {people}, {times}", style="bold"))
    rows = table("when (UTC)", "who", "what", "why", "door", "from", "log")
    for sight in found.sights:
        rows.add_row(*map(Text, _cells(sight)))
    if found.sights:
        out.print(rows)
    if unknown:
        out.print(f"{unknown:,} more accesses do not say whose record was reached; this one's may be among them")
    out.print(Text(f"completeness: {found.completeness.line}", style="dim"))
    for source in gaps:
        out.print(Text(f"completeness: {source.line}", style="dim"))
    out.print(Text(weakest.line, style="dim"))


def _cells(sight: Sight) -> tuple[str, ...]:
    what = ", ".join(sight.fields) if sight.fields else sight.activity or ""
    why = " ".join(part for part in (sight.ticket, sight.reason) if part)
    when = f"{sight.at:%Y-%m-%d %H:%M:%S}"
    return when, sight.actor, what, why, sight.door or "", sight.device or "", sight.source
