"""A request for erasure on the server: what is there of a person now, by field, and letting the record forget him."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace

from whosaw.answer import UnknownCase
from whosaw.answer.erasureanswer import UNTOLD, There
from whosaw.app import erasequeries
from whosaw.app.casedesk import CaseWork
from whosaw.app.services import Services
from whosaw.catalog import CatalogError, Field, SubjectKind
from whosaw.catalog.source import Source
from whosaw.catalog.statements import subject_statement
from whosaw.record import entries_by_subject
from whosaw.record.erasure import ErasureHeld, Mandate, NothingToErase, erase_subject, resume, sweep
from whosaw.record.hold import Hold, Holds
from whosaw.store import Database
from whosaw.store.numbers import keys_of
from whosaw.terms import SubjectRef

RECORD = "the record of who looked at your data"
KEY = "what leads from your number in the record to you"


async def columns_now(source: Source, kind: SubjectKind, fields: Collection[Field], key: str) -> dict[str, bool | None]:
    """Return whether each field of the company's table holds something of a subject; None where nobody answers.

    Args:
        source: the company's database.
        kind: whose table.
        fields: of this kind.
        key: the subject's.
    """
    asked = sorted(fields, key=lambda each: each.name)
    try:
        rows = await source.rows(subject_statement(kind, asked), keys=[key])
    except CatalogError:
        return {each.name: None for each in asked}
    values = {each.name: [row[f"f{at}"] for row in rows] for at, each in enumerate(asked)}
    return {name: any(str(one).strip() for one in held if one is not None) for name, held in values.items()}


async def own_now(db: Database, number: int, key: str, had: Collection[str]) -> dict[str, bool | None]:
    """Return whether the record and the cases hold something of a subject.

    Args:
        db: whosaw's own database.
        number: of the subject.
        key: his key, as ``customer:C-17``.
        had: places that held something when he asked; others that hold nothing are left out.
    """
    entries = [each.index async for each in entries_by_subject(db, number)]
    found: dict[str, bool | None] = {
        RECORD: bool(entries),
        KEY: number in await keys_of(db, "subject", [number]),
    }
    counts = await erasequeries.mentions_of_subject(db, key, number)
    found |= {place: place in counts for place in erasequeries.EVIDENCE if place in counts or place in had}
    return found


async def there_now(services: Services, key: str, number: int, had: Collection[str] = ()) -> There:
    """Return what the company's tables and whosaw hold of a subject now."""
    subject = SubjectRef.parse(key)
    kind = services.catalog.subjects.get(subject.kind)
    company: Mapping[str, bool | None] = {}
    if kind is not None:
        fields = [each for each in services.catalog.fields.values() if each.subject_kind == kind.name]
        company = await columns_now(services.sources[kind.source], kind, fields, subject.key) if fields else {}
    return There(company, await own_now(services.db, number, key, had))


async def forget(services: Services, number: int, mandate: Mandate) -> None:
    """Erase what the record holds about a subject, unless a hold keeps it; a refusal is noted at the hold."""
    with suppress(ErasureHeld, NothingToErase):
        await erase_subject(services.db, services.appender, services.clock, number, mandate)
    await resume(services.db, services.appender)
    await sweep(services.db, services.appender, services.clock, mandate.by)


async def as_told(desk: CaseWork, hold: Hold) -> Hold:
    """Return a hold as whoever it keeps may be told of it: no inquiry that is covert, or not kept yet, is its ground.

    A covert inquiry counts whatever it holds back: whose data a case keeps may be whom it is about.
    """
    covert = {each.case for each in await desk.covert.list() if each.released_at is None}
    for case in re.findall(r"CASE-\d+", hold.ground):
        with suppress(UnknownCase):  # a ground that somebody wrote may name one that never was
            if case in covert or not await desk.desk.may_be_told(case):
                return replace(hold, ground=UNTOLD)
    return hold


async def hold_on(services: Services, number: int) -> Hold | None:
    """Return the standing hold on a subject, else one on a member of staff who looked at his data, or None."""
    standing = await Holds(services.db, services.appender, services.clock).standing()
    for each in standing:
        if (each.space, each.number) == ("subject", number):
            return each
    held = {each.number: each for each in standing if each.space == "actor"}
    if held:
        async for entry in entries_by_subject(services.db, number):
            if (actor := entry.payload.get("actor")) in held:
                return held[int(str(actor))]
    return None
