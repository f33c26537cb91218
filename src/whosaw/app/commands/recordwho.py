"""``whosaw who CUSTOMER``, asked of the record: who saw this person, and that somebody looked is recorded first."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from rich.text import Text

from whosaw.app.clocks import clock_of
from whosaw.app.commands.output import console, print_json, table
from whosaw.app.looks import Look, note_look, operator
from whosaw.app.recordreads import RecordReads
from whosaw.app.services import own_database
from whosaw.app.settings import Settings
from whosaw.app.trustfile import trail_key
from whosaw.doors.console.recordreads import ROWS_MOST, WhoPage, WhoQuestion, WhoRow
from whosaw.prove import VerifierKey
from whosaw.record import Appender, load_or_create
from whosaw.store import Database
from whosaw.terms import SubjectRef


def who_in_record(customer: str, since: datetime | None, field: str, as_json: bool) -> int:
    """Print who saw a customer by the record.

    Args:
        customer: the key, as C-000017 or customer:C-000017.
        since: an aware time; what was before it is left out.
        field: only what concerns this field, all where empty.
        as_json: print JSON.
    """
    subject = SubjectRef.parse(customer if ":" in customer else f"customer:{customer}")
    question = WhoQuestion(subject, since=since, field=field, limit=ROWS_MOST)
    settings = Settings()
    key = trail_key(settings.keys_folder)  # first: where there is no trail, no database is made to say so
    with own_database(settings) as url:
        pages = asyncio.run(_ask(settings, RecordPlace(url, settings.trail_folder, key), question))
    rows = [row for page in pages for row in page.rows]
    if as_json:
        print_json(_json(subject, pages[0], rows))
    else:
        _print(subject, pages[0], rows)
    return 0


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where a trail is, and the key that signs it."""

    url: str
    folder: Path
    key: VerifierKey


async def _ask(settings: Settings, place: RecordPlace, question: WhoQuestion) -> list[WhoPage]:
    """Return every page of the answer; that somebody looked is durable before anything is read."""
    clock = clock_of(settings)
    keys = load_or_create(settings.keys_folder, clock)
    async with Database(place.url, pool_size=2) as db, Appender(db, keys, clock) as trail:
        await note_look(db, trail, clock, Look(operator(), "look.who", "record", question.subject))
        reads = RecordReads(db, place.folder, place.key)
        pages = [await reads.who(question)]
        while (before := pages[-1].older) is not None:
            pages.append(
                await reads.who(WhoQuestion(question.subject, question.since, question.field, before, ROWS_MOST))
            )
        return pages


def _print(subject: SubjectRef, page: WhoPage, rows: list[WhoRow]) -> None:
    out = console()
    counts = page.counts
    people = "1 person was" if counts.actors == 1 else f"{counts.actors} people were"
    out.print(Text(f"{subject}: {people} shown something ({counts.entries} entries)", style="bold"))
    lines = table("when (UTC)", "who", "what", "why", "door")
    for row in rows:
        lines.add_row(*(Text(cell) for cell in _cells(row)))
    if rows:
        out.print(lines)
    elif not page.known:
        out.print("The record knows no such subject. That is not the same as nobody having looked:")
    out.print(Text(_reach(page), style="dim"))


def _cells(row: WhoRow) -> tuple[str, str, str, str, str]:
    what = (
        ", ".join(f"{item.field} {_EFFECT[item.effect]}" for item in row.fields) or f"{row.action} {row.object}".strip()
    )
    why = f"{row.purpose} ({row.reason})" if row.purpose else row.reason
    if row.would:
        why += f"; observe mode: would {row.would}"
    return f"{row.at:%Y-%m-%d %H:%M:%S}", row.actor, what or row.kind, why, row.door


_EFFECT = {"reveal": "shown", "mask": "masked", "alias": "alias", "deny": "refused"}


def _reach(page: WhoPage) -> str:
    reach = page.completeness
    if reach.since is None or reach.until is None:
        return "completeness: the record is empty"
    gaps = "; ".join(reach.gaps)
    return (
        f"completeness: {reach.entries} entries from {reach.since:%Y-%m-%d %H:%M} to {reach.until:%Y-%m-%d %H:%M} UTC "
        f"through the doors {', '.join(reach.doors)}; {gaps}"
    )


def _json(subject: SubjectRef, page: WhoPage, rows: list[WhoRow]) -> dict[str, object]:
    return {
        "subject": str(subject),
        "known": page.known,
        "counts": asdict(page.counts),
        "accesses": [
            {
                "index": row.index,
                "at": row.at.isoformat(),
                "actor": row.actor,
                "kind": row.kind,
                "fields": {item.field: item.effect for item in row.fields},
                "decision": row.decision,
                "purpose": str(row.purpose) if row.purpose else None,
                "reason": row.reason,
                "would": row.would or None,
                "action": row.action or None,
                "object": row.object or None,
                "door": row.door,
            }
            for row in rows
        ],
        "completeness": {
            "entries": page.completeness.entries,
            "since": page.completeness.since.isoformat() if page.completeness.since else None,
            "until": page.completeness.until.isoformat() if page.completeness.until else None,
            "doors": list(page.completeness.doors),
            "gaps": list(page.completeness.gaps),
        },
    }
