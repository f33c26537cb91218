"""What went into a verdict, as it is kept beside it: customers as numbers, and nobody who has nothing to do with it.

A company's list of hand-overs names everybody who was ever handed over. What it says of customers whom the actor of a
hand-over never opened changes nothing, and is not kept; whoever is kept stands as his number in the record, which leads
to nobody once he is erased. Staff stand by their keys, as in the verdict itself.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from whosaw.app.tracedeclared import from_csv
from whosaw.lake.opened import opened
from whosaw.store import Database
from whosaw.store.numbers import find_all, keys_of

NOBODY = "#0"
"""Stands once in each hand-over for all customers that are not kept: numbers of the record count from 1."""

_DUTIES = "duties.csv"
_Row = dict[str, str]


def opened_by(lake: Path, duties: str) -> set[tuple[str, str]]:
    """Return (actor, subject) of everybody whom those with a hand-over opened, of all whom a file of duties names.

    Args:
        lake: that the verdict was computed from.
        duties: the file, as CSV.

    Raises:
        NotALake, LakeDamaged: the lake cannot be read.
    """
    named = {(row["actor"], row["subject"]) for row in from_csv(duties)[1] if row["subject"]}
    if not named:
        return set()
    with opened(lake) as held:
        found = held.rows(
            """
            SELECT DISTINCT actor.key, subject.key FROM accesses
            JOIN numbers actor ON actor.space = 'actor' AND actor.number = accesses.actor
            JOIN numbers subject ON subject.space = 'subject' AND subject.number = accesses.subject
            WHERE list_contains(?, actor.key)
            """,
            [sorted({actor for actor, _ in named})],
        )
    return named & {(str(actor), str(subject)) for actor, subject in found}


async def as_kept(db: Database, files: Mapping[str, str], involved: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return the files of a trace as they are kept; computed from these, an answer is the same.

    Nobody is given a number here: who has none, and is known to an imported log alone, is not kept.

    Args:
        db: where the numbers are.
        files: CSV by name; those with a column `subject` name customers.
        involved: (actor, subject) of the hand-overs to keep, as `opened_by` returns them.
    """
    parsed = await asyncio.to_thread(lambda: {name: from_csv(content) for name, content in files.items()})
    named = {row["subject"] for _, rows in parsed.values() for row in rows if row.get("subject")}
    numbers = await find_all(db, "subject", named)

    def written() -> dict[str, str]:
        kept = {}
        for name, (header, rows) in parsed.items():
            if "subject" not in header:
                kept[name] = files[name]
                continue
            left = _left_out(rows, involved, numbers) if name == _DUTIES else rows
            kept[name] = _csv(header, (row | {"subject": _numbered(row["subject"], numbers)} for row in left))
        return kept

    return await asyncio.to_thread(written)


async def with_keys(db: Database, kept: Mapping[str, str]) -> dict[str, str]:
    """Return files as `as_kept` returned them with the keys of customers put back; who was erased keeps his number.

    Args:
        db: where the numbers are.
        kept: CSV by name.
    """
    parsed = await asyncio.to_thread(lambda: {name: from_csv(content) for name, content in kept.items()})
    cells = {row["subject"] for _, rows in parsed.values() for row in rows if row.get("subject")}
    numbers = {int(cell[1:]): cell for cell in cells if cell[1:].isdecimal() and cell.startswith("#")}
    keys = await keys_of(db, "subject", numbers)
    back = {numbers[number]: key for number, key in keys.items()}

    def written() -> dict[str, str]:
        return {
            name: _csv(header, (row | {"subject": back.get(row["subject"], row["subject"])} for row in rows))
            if "subject" in header
            else kept[name]
            for name, (header, rows) in parsed.items()
        }

    return await asyncio.to_thread(written)


def _left_out(rows: Iterable[_Row], involved: Collection[tuple[str, str]], numbers: Mapping[str, int]) -> list[_Row]:
    """Return rows of duties, all those about others as one per duty: that there is such a duty counts."""
    kept: list[_Row] = []
    others: set[tuple[str, str, str]] = set()
    for row in rows:
        mine = (row["actor"], row["subject"]) in involved and row["subject"] in numbers
        if not row["subject"] or mine:
            kept.append(row)
        elif (duty := (row["actor"], row["what"], row["of"])) not in others:
            others.add(duty)
            kept.append(row | {"subject": NOBODY})
    return kept


def _numbered(cell: str, numbers: Mapping[str, int]) -> str:
    """Return a cell as it is kept: a key that leads to no number is nobody's, and a number stays one."""
    if not cell or cell.startswith("#"):
        return cell
    return f"#{numbers[cell]}" if cell in numbers else NOBODY


def _csv(header: list[str], rows: Iterable[_Row]) -> str:
    text = io.StringIO()
    lines = csv.DictWriter(text, header, lineterminator="\n")
    lines.writeheader()
    lines.writerows(rows)
    return text.getvalue()
