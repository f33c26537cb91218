"""Sightings that are no mail: rows of a file, an API call, a canary. Weaker than a signed mail, and marked so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Literal

from whosaw.answer import queries
from whosaw.answer.errors import AnswerError
from whosaw.answer.sightings import RawMails, Sighting, sighting_of
from whosaw.store import Database
from whosaw.store.numbers import find

Form = Literal["row", "canary"]

COLUMNS = ("subject", "contacted_at", "reported_at", "channel", "sender", "note")
MAX_ROWS = 100_000


class RowsUnreadable(AnswerError, ValueError):
    """A file of sightings cannot be read; the message names the line."""

    code: ClassVar[str] = "answer.rows_unreadable"
    hint = f"UTF-8 with a first line of names, at least subject and contacted_at; others: {', '.join(COLUMNS[2:])}"


@dataclass(frozen=True, slots=True)
class Reported:
    """One sighting as somebody wrote it down.

    Attributes:
        subject: as the company writes it: ``customer:C-000017``.
        contacted_at: when he was contacted, aware.
        reported_at: when it was written down; None means now.
        channel: ``phone``, ``mail``, ``post``.
        sender: who contacted him: a domain, number or handle; may be empty.
        note: in words; may be empty.
        form: ``row`` or ``canary``.
    """

    subject: str
    contacted_at: datetime
    reported_at: datetime | None = None
    channel: str = "mail"
    sender: str = ""
    note: str = ""
    form: Form = "row"

    def raw(self, beneficiary: str) -> bytes:
        """Return the row in one spelling, as it is kept and hashed."""
        said = {
            "beneficiary": beneficiary,
            "channel": self.channel,
            "contacted_at": self.contacted_at.isoformat(),
            "note": self.note,
            "reported_at": self.reported_at.isoformat() if self.reported_at else "",
            "sender": self.sender,
            "subject": self.subject,
        }
        return json.dumps(said, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def read_rows(text: str) -> Iterator[Reported]:
    """Yield the sightings of a CSV file.

    Raises:
        RowsUnreadable: a column is missing or unknown, a time is not written with its zone, or there are too many rows.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = set(reader.fieldnames or ())
    if not {"subject", "contacted_at"} <= names <= set(COLUMNS):
        raise RowsUnreadable("the first line does not name the columns")
    try:
        for number, row in enumerate(reader, 2):
            if number > MAX_ROWS or None in row or None in row.values():
                raise RowsUnreadable(f"line {number}: more lines or cells than a file of sightings has, or fewer")
            yield _reported({name: (cell or "").strip() for name, cell in row.items()}, number)
    except csv.Error as cause:
        raise RowsUnreadable(f"line {reader.line_num}: this is not CSV") from cause


def _reported(row: dict[str, str], line: int) -> Reported:
    if ":" not in row["subject"]:
        raise RowsUnreadable(f"line {line}: a subject is written as `customer:C-000017`")
    reported = row.get("reported_at", "")
    return Reported(
        subject=row["subject"],
        contacted_at=_time(row["contacted_at"], line),
        reported_at=_time(reported, line) if reported else None,
        channel=row.get("channel", "") or "mail",
        sender=row.get("sender", ""),
        note=row.get("note", ""),
    )


def _time(text: str, line: int) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as cause:
        raise RowsUnreadable(f"line {line}: a time is written as 2026-04-02T08:00+02:00") from cause
    if time.tzinfo is None:
        raise RowsUnreadable(f"line {line}: a time needs its zone, as 2026-04-02T08:00+02:00")
    return time


async def find_reported(db: Database, reported: Reported, *, beneficiary: str) -> Sighting | None:
    """Return the sighting that this very row became, or None.

    Args:
        db: where sightings are.
        reported: the row.
        beneficiary: who profits.
    """
    number = await find(db, "subject", reported.subject)
    row = None if number is None else await queries.sighting(db, number, _evidence_key(reported.raw(beneficiary)))
    return None if row is None else sighting_of(row)


async def add_reported(
    db: Database, raws: RawMails, reported: Reported, *, subject: int, beneficiary: str, at: datetime
) -> tuple[Sighting, bool]:
    """Keep a row as a sighting; return it and whether it is new. The same row again is one sighting.

    Args:
        db: where sightings are.
        raws: keeps the row as it was, by its hash.
        reported: the row.
        subject: the subject's number.
        beneficiary: who profits, by the company's own reference.
        at: now.
    """
    raw = reported.raw(beneficiary)
    values = {
        "subject": subject,
        "beneficiary": beneficiary,
        "channel": reported.channel,
        # a time in the future is nobody's knowledge: such a contact counts from now
        "contacted_at": min(reported.contacted_at, at),
        "contacted_exact": False,
        "reported_at": min(reported.reported_at or at, at),
        "sender_domain": reported.sender,
        "verified": False,
        "marks": [reported.form, *(["date.future"] if reported.contacted_at > at else [])],
        "raw_sha256": raws.keep(raw),
        "evidence_key": _evidence_key(raw),
        "form": reported.form,
    }
    row, new = await queries.add_sighting(db, values, {"verdict": "none"})
    return sighting_of(row), new


def _evidence_key(raw: bytes) -> str:
    return "row:" + sha256(raw).hexdigest()
