"""Sightings from a file: whose data turned up outside, and when the subject was contacted."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from whosaw.lake.errors import BeneficiaryUnclear, SightingsInvalid
from whosaw.terms import to_us

COLUMNS = ("subject", "contacted_at", "reported_at", "beneficiary", "channel", "weight", "uncertain_days", "actor")

MARKS = frozenset({"canary", "alias", "unique copy", "guessable canary"})
"""Channels of what is no complaint: it can only have come from a record."""

_NEEDED = COLUMNS[:2]
_MAX_BYTES = 64 << 20
_SHORTEST_TIME = len("2026-03-01T12:00Z")
_DAY_US = 86_400_000_000
_MOST_DAYS = 3650.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One complaint; references as the company writes them.

    Args:
        contacted_us: when the subject was contacted from outside, in microseconds.
        reported_us: when it complained; None where nobody wrote it down.
        beneficiary: who profits; None where the complaint does not say.
        channel: how it was contacted; None likewise.
        line: where it stands in the file.
        weight: how far the complaint can be believed, 0 … 1; set by who takes complaints in, never from who opened.
        uncertain_us: the contact may have been earlier by so much.
        actor: of a mark: who alone had been shown it; None where whoever opened the record had.
    """

    subject: str
    contacted_us: int
    reported_us: int | None = None
    beneficiary: str | None = None
    channel: str | None = None
    line: int = 0
    weight: float = 1.0
    uncertain_us: int = 0
    actor: str | None = None

    @property
    def earliest_us(self) -> int:
        """Time before which an opening certainly precedes the contact."""
        return self.contacted_us - self.uncertain_us


@dataclass(frozen=True, slots=True)
class Complaints:
    """The sightings of one question, one per subject.

    Args:
        sightings: each subject's earliest contact, in the order of the file.
        repeated: how many further sightings of the same subjects were set aside.
        others: how many concern another beneficiary.
        beneficiary: whom the question is about; None where nobody said.
    """

    sightings: tuple[Sighting, ...]
    repeated: int
    others: int
    beneficiary: str | None


def read_sightings(path: Path) -> list[Sighting]:
    """Read a sightings file (CSV with a header).

    Raises:
        SightingsInvalid: the file cannot be read, has other columns, or a line lacks a subject or a time with zone.
    """
    text = _text(path)
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise SightingsInvalid(f"sightings file `{path}` is empty")
        _check_header(header)
        return list(_sightings(reader, header))
    except csv.Error as error:
        raise SightingsInvalid(f"line {reader.line_num} of the sightings is not CSV: {error}") from error


def choose(sightings: list[Sighting], beneficiary: str | None = None) -> Complaints:
    """Return the sightings of one question.

    Args:
        sightings: as read.
        beneficiary: whom the question is about; sightings that name another are left out, those that name nobody stay.
            Where absent, the one beneficiary that the sightings name.

    Raises:
        BeneficiaryUnclear: none was chosen and the sightings name several.
    """
    named = {sighting.beneficiary for sighting in sightings if sighting.beneficiary is not None}
    if beneficiary is None:
        if len(named) > 1:
            raise BeneficiaryUnclear(f"the sightings name {len(named)} beneficiaries")
        beneficiary = next(iter(named), None)
    fitting = [sighting for sighting in sightings if sighting.beneficiary in (None, beneficiary)]
    # a mark says something else than a complaint of the same person, and so does one that somebody else was shown
    earliest: dict[tuple[str, str | None, str | None], Sighting] = {}
    for sighting in fitting:
        what = (sighting.subject, sighting.channel if sighting.channel in MARKS else None, sighting.actor)
        known = earliest.get(what)
        if known is None or sighting.earliest_us < known.earliest_us:
            earliest[what] = sighting
    return Complaints(
        sightings=tuple(earliest.values()),
        repeated=len(fitting) - len(earliest),
        others=len(sightings) - len(fitting),
        beneficiary=beneficiary,
    )


def beneficiaries(sightings: list[Sighting]) -> tuple[str, ...]:
    """Return the beneficiaries that the sightings name, in their order."""
    return tuple(dict.fromkeys(s.beneficiary for s in sightings if s.beneficiary is not None))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SightingsInvalid(f"sightings file `{path}` is larger than {_MAX_BYTES} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SightingsInvalid(f"cannot open sightings `{path}`: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SightingsInvalid(f"sightings file `{path}` is not UTF-8") from error


def _check_header(header: list[str]) -> None:
    for name in header:
        if name not in COLUMNS:
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ""
            raise SightingsInvalid(f"`{name}` is not a column of a sightings file{meant}")
        if header.count(name) > 1:
            raise SightingsInvalid(f"the sightings have column `{name}` twice")
    missing = [f"`{name}`" for name in _NEEDED if name not in header]
    if missing:
        raise SightingsInvalid(f"the sightings lack column {' and '.join(missing)}")


def _sightings(rows: Iterator[list[str]], header: list[str]) -> Iterator[Sighting]:
    line = 2
    for row in rows:
        if row:
            yield _sighting(row, header, line)
        line = rows.line_num + 1  # type: ignore[attr-defined]


def _sighting(row: list[str], header: list[str], line: int) -> Sighting:
    if len(row) != len(header):
        raise SightingsInvalid(f"line {line} of the sightings has {len(row)} cells, the header {len(header)}")
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
    for name in _NEEDED:
        if not cells[name]:
            raise SightingsInvalid(f"line {line} of the sightings has no {name}")
    reported = cells.get("reported_at")
    contacted_us = _time(cells["contacted_at"], "contacted_at", line)
    reported_us = _time(reported, "reported_at", line) if reported else None
    if reported_us is not None and reported_us < contacted_us:
        raise SightingsInvalid(f"line {line} of the sightings is reported before the contact")
    if cells.get("actor") and cells.get("channel") not in MARKS:
        raise SightingsInvalid(f"line {line} of the sightings names an actor, but what turned up is no mark of his")
    return Sighting(
        subject=cells["subject"],
        contacted_us=contacted_us,
        reported_us=reported_us,
        beneficiary=cells.get("beneficiary") or None,
        channel=cells.get("channel") or None,
        line=line,
        weight=_number(cells.get("weight"), "weight", line, 1.0, 1.0),
        uncertain_us=int(_number(cells.get("uncertain_days"), "uncertain_days", line, 0.0, _MOST_DAYS) * _DAY_US),
        actor=cells.get("actor") or None,
    )


def _number(text: str | None, name: str, line: int, absent: float, most: float) -> float:
    if not text:
        return absent
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= most:
        raise SightingsInvalid(f"{name} in line {line} of the sightings is no number from 0 to {most:g}")
    return number


def _time(text: str, name: str, line: int) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SightingsInvalid(f"{name} in line {line} of the sightings is no ISO 8601 time") from error
    if at.tzinfo is None or len(text) < _SHORTEST_TIME:
        raise SightingsInvalid(f"{name} in line {line} of the sightings carries no zone")
    return to_us(at)
