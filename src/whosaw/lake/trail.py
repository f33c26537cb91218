"""The own trail and the company's own work records in the lake, in the same shape as a foreign log.

Rows are told apart by the trail's index (or by their contents), so exporting again adds only what is new.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from whosaw.lake.admit import admit
from whosaw.lake.folder import writing
from whosaw.lake.importer import ImportReport
from whosaw.lake.manifest import Source
from whosaw.lake.mapping import Kind
from whosaw.lake.stage import FIELDS, Rows, Stage, row_identity

Payload = Mapping[str, int | str | list[int | str]]

REVEALED = "=reveal"

_BATCH_ROWS = 1 << 15
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class TrailNames:
    """The number maps of the trail: number → key. An erased number has no key and stays a bare number.

    Args:
        actors: e.g. 7 → `e-000007`.
        subjects: e.g. 17 → `customer:C-000017`.
        purposes: e.g. 9 → `ticket:T-1009`.
    """

    actors: Mapping[int, str]
    subjects: Mapping[int, str]
    purposes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A subject's order with a beneficiary; references as the company writes them, `at_us` in microseconds."""

    subject: str
    at_us: int
    beneficiary: str
    order: str | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A work item about a subject; references as the company writes them, `at_us` in microseconds."""

    subject: str
    at_us: int
    ticket: str | None = None
    beneficiary: str | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """One thing that happened to a work item: it was opened, or somebody worked on it; `actor` None for a customer.

    `route` is the team that it was given to, None where it was given to a person or to none.
    """

    subject: str
    at_us: int
    ticket: str
    activity: str
    actor: str | None = None
    beneficiary: str | None = None
    route: str | None = None


def export_trail(
    rows: Iterable[tuple[int, Payload]], lake: Path, names: TrailNames, origin: str = "trail"
) -> ImportReport:
    """Bring the trail's disclosures into the lake as accesses.

    An entry is an access where it is a disclosure about a subject of which at least one field was revealed (a mask or
    an alias shows no value). The reason counts as verified where the entry says so.

    Args:
        rows: index and payload of entries, any kind, in any order.
        lake: the folder.
        names: what the payloads' numbers stand for.
        origin: name of the trail; with the index it is an entry's identity.

    Returns:
        `rows` counts the accesses among the entries.
    """
    source = Source(name=origin, kind="accesses", grade="trail", mapping=f"trail:{origin}", says_why=True)
    shown = ((index, payload, _revealed(payload)) for index, payload in rows)
    accesses = ((index, payload, fields) for index, payload, fields in shown if fields)

    def stage(key: bytes, batch: list[tuple[int, Payload, str]], _: int) -> Rows:
        payloads = [payload for _, payload, _ in batch]
        return Rows(
            lines=[index for index, _, _ in batch],
            identities=[row_identity(key, f"{origin}#{index}".encode()) for index, _, _ in batch],
            at_us=[_integer(payload["at"]) for payload in payloads],
            columns={
                "actor": [_named(names.actors, payload.get("actor")) for payload in payloads],
                "subject": [_named(names.subjects, payload.get("subject")) for payload in payloads],
                "ticket": [_named(names.purposes, payload.get("purpose")) for payload in payloads],
                "beneficiary": [_optional(payload.get("beneficiary")) for payload in payloads],
                "reason": [_optional(payload.get("reason")) for payload in payloads],
                "door": [_optional(payload.get("door")) for payload in payloads],
                FIELDS: [fields for _, _, fields in batch],
            },
            verified=[payload.get("verified") == "yes" for payload in payloads],
        )

    return _export(lake, source, accesses, stage)


def export_orders(orders: Iterable[Order], lake: Path, origin: str = "orders") -> ImportReport:
    """Bring orders into the lake: they say who could have been contacted for a beneficiary, and since when."""

    def columns(batch: list[Order]) -> dict[str, list[str | None]]:
        return {
            "subject": [row.subject for row in batch],
            "beneficiary": [row.beneficiary for row in batch],
            "order": [row.order for row in batch],
        }

    return _export_records(lake, "orders", origin, orders, columns)


def export_tickets(tickets: Iterable[Ticket], lake: Path, origin: str = "tickets") -> ImportReport:
    """Bring genuine work items into the lake: subjects are matched on how much work they cause."""

    def columns(batch: list[Ticket]) -> dict[str, list[str | None]]:
        return {
            "subject": [row.subject for row in batch],
            "ticket": [row.ticket for row in batch],
            "beneficiary": [row.beneficiary for row in batch],
        }

    return _export_records(lake, "tickets", origin, tickets, columns)


def export_worked(rows: Iterable[Worked], lake: Path, origin: str = "work") -> ImportReport:
    """Bring what happened to work items into the lake: watch asks which accesses it explains."""

    def columns(batch: list[Worked]) -> dict[str, list[str | None]]:
        names = ("subject", "ticket", "activity", "actor", "beneficiary", "route")
        return {name: [getattr(row, name) for row in batch] for name in names}

    return _export_records(lake, "tickets", origin, rows, columns)


_Record = TypeVar("_Record", Order, Ticket, Worked)


def _export_records(
    lake: Path,
    kind: Kind,
    origin: str,
    records: Iterable[_Record],
    columns: Callable[[list[_Record]], dict[str, list[str | None]]],
) -> ImportReport:
    def stage(key: bytes, batch: list[_Record], start: int) -> Rows:
        named = columns(batch)
        times = [row.at_us for row in batch]
        identities = [row_identity(key, raw) for raw in _written(origin, times, named)]
        return Rows(range(start, start + len(batch)), identities, times, named)

    return _export(lake, Source(name=origin, kind=kind, grade="trail", mapping=f"{kind}:{origin}"), records, stage)


def _export(
    lake: Path, source: Source, rows: Iterable[_Row], stage_rows: Callable[[bytes, list[_Row], int], Rows]
) -> ImportReport:
    count = 0
    with writing(lake) as held:
        with Stage(held, source.kind) as stage:
            for batch in _batches(rows):
                stage.add(stage_rows(held.key, batch, count + 1))
                count += len(batch)
        done = admit(held, stage.path, replace(source, rows=count))
    return ImportReport(done.rows, done.accepted, done.rejected, done.duplicates, None)


def _written(origin: str, times: list[int], columns: Mapping[str, list[str | None]]) -> list[bytes]:
    """Return one text per record that says all of it."""
    return [json.dumps([origin, *cells]).encode() for cells in zip(times, *columns.values(), strict=True)]


def _batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, _BATCH_ROWS)):
        yield batch


def _revealed(payload: Payload) -> str:
    """Return the entry's fields where it is an access, else nothing."""
    fields = payload.get("fields")
    if payload.get("kind") != "disclosure" or "subject" not in payload or not isinstance(fields, list):
        return ""
    texts = [str(name) for name in fields]
    return ",".join(texts) if any(name.endswith(REVEALED) for name in texts) else ""


def _named(names: Mapping[int, str], number: object) -> str | None:
    return names.get(number, f"#{number}") if isinstance(number, int) else None


def _optional(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError("an entry's time must be a count of microseconds")
    return value
