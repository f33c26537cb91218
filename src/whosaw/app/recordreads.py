"""What the record says about one subject, and about itself: for the console and for ``whosaw who``."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whosaw.app import queries
from whosaw.app.coverageday import coverage_line
from whosaw.doors.console.recordreads import (
    CheckpointLine,
    Completeness,
    Effect,
    EntryLine,
    FieldEffect,
    TrailPage,
    TrailState,
    WhoCounts,
    WhoPage,
    WhoQuestion,
    WhoRow,
    WitnessLine,
)
from whosaw.prove import Note, NoteInvalid, Policy, VerifierKey, open_checkpoint
from whosaw.prove.cosign import cosigners
from whosaw.record import Entry, entries_by_subject
from whosaw.record.erasurequeries import count_erased
from whosaw.record.published import published_checkpoint
from whosaw.record.shelf import Shelf
from whosaw.record.witness import read_state
from whosaw.store import Database
from whosaw.store.numbers import find, keys_of
from whosaw.terms import PurposeRef, from_us, to_us

_DOORS = ("bulk", "console", "http")  # every way in that this version has; bulk is the gate called in-process


class RecordReads:
    """Questions to one trail. Answers carry how far the record reaches: a missing entry is not "did not look"."""

    def __init__(self, db: Database, folder: Path, key: VerifierKey) -> None:
        """Read the trail of `db` whose checkpoint lies in `folder`, signed by `key`."""
        self._db = db
        self._folder = folder
        self._key = key

    async def who(self, question: WhoQuestion) -> WhoPage:
        """Return who saw a subject, newest first."""
        number = await find(self._db, "subject", str(question.subject))
        since_us = to_us(question.since) if question.since else 0
        found: list[Entry] = []
        if number is not None:
            found = [entry async for entry in entries_by_subject(self._db, number, since_us)]
        if question.field:
            found = [entry for entry in found if question.field in dict(_fields(entry.payload))]
        found.reverse()
        wanted = [entry for entry in found if question.before is None or entry.index < question.before]
        page = wanted[: question.limit]
        return WhoPage(
            known=number is not None,
            rows=tuple(await self._rows(page)),
            counts=_counts([entry.payload for entry in found]),
            completeness=await self.completeness(),
            older=page[-1].index if len(wanted) > len(page) else None,
        )

    async def completeness(self) -> Completeness:
        """Return how far the record reaches."""
        entries, since, until = await queries.reach(self._db)
        gaps = ["access that does not come through a door is not in it"]
        gaps.append(await coverage_line(self._db))
        if erased := await count_erased(self._db):
            gaps.append(f"{erased} entries are erased: of them only the hash is left")
        witnessed = await asyncio.to_thread(read_state, self._folder)
        if not witnessed.holds:
            gaps.append(witnessed.line())
        return Completeness(entries, since, until, _DOORS, tuple(gaps))

    async def state(self) -> TrailState:
        """Return how the trail stands: the checkpoint that is published, and who of the witnesses cosigned it."""
        entries, _, _ = await queries.reach(self._db)
        note = published_checkpoint(self._folder)
        if note is None:
            return TrailState(entries, None)
        try:
            head, _ = open_checkpoint(note, [self._key])
        except NoteInvalid:  # right after a rotation what was cosigned last is of the key before
            note = Shelf(self._folder).checkpoint() or b""
            head, _ = open_checkpoint(note, [self._key])
        signed_at = from_us(await queries.signed_at(self._db, head.size))
        line = CheckpointLine(head.origin, head.size, b64encode(head.root).decode(), signed_at)
        witnessed = read_state(self._folder)
        if witnessed.holds and (found := self._cosigners(note)):
            return TrailState(entries, line, found)
        return TrailState(entries, line, caution=witnessed.line())

    def _cosigners(self, note: bytes) -> tuple[WitnessLine, ...]:
        policy = Policy.parse((self._folder / "policy").read_bytes())
        found = cosigners(Note.parse(note), list(policy.witnesses.values()))
        return tuple(WitnessLine(key.name, datetime.fromtimestamp(at_s, UTC)) for key, at_s in found)

    async def page(self, before: int | None, limit: int) -> TrailPage:
        """Return entries by their numbers, newest first."""
        rows = await queries.newest_entries(self._db, before, limit)
        lines = tuple(_line(index, json.loads(payload)) for index, payload in rows)
        older = lines[-1].index if lines and lines[-1].index > 0 else None
        return TrailPage(await self.state(), lines, older)

    async def _rows(self, entries: Sequence[Entry]) -> list[WhoRow]:
        actors = await keys_of(self._db, "actor", [int(str(entry.payload["actor"])) for entry in entries])
        stated = [int(str(entry.payload["purpose"])) for entry in entries if "purpose" in entry.payload]
        purposes = await keys_of(self._db, "purpose", stated)
        return [_row(entry, actors, purposes) for entry in entries]


def _row(entry: Entry, actors: Mapping[int, str], purposes: Mapping[int, str]) -> WhoRow:
    payload: Mapping[str, Any] = entry.payload
    stated = purposes.get(payload.get("purpose", 0))
    return WhoRow(
        index=entry.index,
        at=from_us(payload["at"]),
        actor=actors.get(payload["actor"], f"number {payload['actor']}"),
        kind=payload["kind"],
        door=payload.get("door", ""),
        fields=tuple(FieldEffect(name, effect) for name, effect in _fields(payload)),
        decision=payload.get("decision", ""),
        reason=payload.get("reason", ""),
        purpose=PurposeRef.parse(stated) if stated else None,
        would=payload.get("would", ""),
        action=payload.get("action", ""),
        object=payload.get("object", ""),
    )


def _line(index: int, payload: Mapping[str, Any]) -> EntryLine:
    return EntryLine(
        index=index,
        at=from_us(payload["at"]),
        kind=payload["kind"],
        actor=payload["actor"],
        subject=payload.get("subject"),
        decision=payload.get("decision", ""),
        reason=payload.get("reason", ""),
        door=payload.get("door", ""),
    )


def _fields(payload: Mapping[str, Any]) -> list[tuple[str, Effect]]:
    pairs = [str(text).rpartition("=") for text in payload.get("fields", [])]
    return [(name, effect) for name, _, effect in pairs]  # type: ignore[misc]


def _counts(payloads: Sequence[Mapping[str, Any]]) -> WhoCounts:
    effects = [{effect for _, effect in _fields(payload)} for payload in payloads]
    shown = [bool(e & {"reveal", "mask", "alias"}) for e in effects]
    return WhoCounts(
        entries=len(payloads),
        actors=len({payload["actor"] for payload, seen in zip(payloads, shown, strict=True) if seen}),
        shown=sum("reveal" in e for e in effects),
        masked=sum("reveal" not in e and bool(e & {"mask", "alias"}) for e in effects),
        denied=sum(payload["kind"] == "denial" for payload in payloads),
        actions=sum(payload["kind"] == "action" for payload in payloads),
        would_deny=sum("would" in payload for payload in payloads),
    )
