"""Draft a mapping from a log: its format, which column is likely what, and how its times are written.

A draft states what it is sure of and how sure; what it does not know it leaves as a comment for a person to fill in.
Zones are never guessed: a wrong one would shift every access by hours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from whosaw.lake.columns import AT, read_column
from whosaw.lake.formats import defaults
from whosaw.lake.mapping import EPOCH_FORMATS, OPTIONAL, REQUIRED, TimeReading
from whosaw.lake.sample import Sample, take_sample
from whosaw.lake.times import NO_ZONE, time_reader

_NAMES: dict[str, str] = {
    "actor": r"actor|employee|agent|operator|staff|clerk|user|login|resource|assignee|assigned|author|updated_by|who$",
    "subject": r"subject|customer|client|patient|member|person|requester|caller|contact|account|citizen|case$|whom",
    AT: r"time|date|stamp|created|opened|updated|when|(^|_)at$|_on$",
    "ticket": r"ticket|incident|number$|(^|_)ref$|request_id|work_?item|case$|case_?(id|no|number|ref)",
    "reason": r"reason|purpose|justification|why",
    "activity": r"activity|action|event|operation|verb|step|method|concept:name$",
    "device": r"(^|_|\.)ip|address|host|device|terminal|workstation|machine",
    "beneficiary": r"beneficiary|seller|merchant|vendor|shop|partner",
    "order": r"order",
    "door": r"door|application|(^|_)app($|_)|system|channel|module",
}
_PATTERNS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%b %d, %Y %H:%M:%S",
)
_WEAKER = r"mail|phone|mobile|(?<!:)name|city|street|country|region|status|segment|case$"
"""Columns about a person, or about work, rather than whose record it is: a subject where nothing better is there."""
_PREVIEW_ROWS = 5
_SURE = 0.3


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that probably is a canonical one: confidence 0 … 1, and what speaks for it."""

    column: str
    confidence: float
    because: str


@dataclass(frozen=True, slots=True)
class Guess:
    """A drafted mapping.

    Args:
        text: the mapping file, TOML with comments.
        columns: canonical name → chosen column.
        preview: some rows under `columns`, as the log writes them; empty where a cell is missing.
    """

    text: str
    columns: dict[str, Choice]
    preview: tuple[tuple[str, ...], ...]


def guess_mapping(log: Path) -> Guess:
    """Draft a mapping from the first rows of a log.

    Raises:
        GuessFailed: it is of no kind that can be imported.
        LogMissing, LogEmpty, LogEncoding, LogUnreadable: it cannot be read.
    """
    sample = take_sample(log)
    times = {name: reading for name, cells in sample.columns.items() if (reading := _time_of(cells)) is not None}
    chosen = _from_format(sample) if sample.format else {}
    chosen = _from_names(sample, times, chosen)
    preview = tuple(
        tuple(sample.columns[choice.column][row] or "" for choice in chosen.values())
        for row in range(min(_PREVIEW_ROWS, sample.rows))
    )
    return Guess(_written(sample, chosen, times), chosen, preview)


def _from_format(sample: Sample) -> dict[str, Choice]:
    """Return the columns that the format itself knows and this log has."""
    found = {}
    for name, given in defaults(sample.format, "accesses").items():
        sources = read_column(name, given, name).sources
        held = next((source for source in sources if any(sample.columns.get(source, ()))), None)
        if not sample.rows:  # PostgreSQL's log: its columns are ours
            held = sources[0]
        if held is not None:
            found[name] = Choice(held, 0.95, f"the format `{sample.format}` says so")
    return found


def _from_names(sample: Sample, times: dict[str, TimeFound], chosen: dict[str, Choice]) -> dict[str, Choice]:
    """Choose for each canonical column the likeliest one that is left: what must be there first, then the surest."""
    scores = [
        (confidence, name, column, because)
        for name in _NAMES
        if name not in chosen
        for column in sample.columns
        for confidence, because in [_score(name, column, sample, times)]
        if confidence >= _SURE
    ]
    taken = {choice.column for choice in chosen.values()}
    found = dict(chosen)
    required = REQUIRED["accesses"]
    for confidence, name, column, because in sorted(
        scores, key=lambda each: (each[1] not in required, -each[0], *each[1:3])
    ):
        if name not in found and column not in taken:
            found[name] = Choice(column, confidence, because)
            taken.add(column)
    order = (*REQUIRED["accesses"], *OPTIONAL["accesses"])
    return {name: found[name] for name in order if name in found}


def _score(name: str, column: str, sample: Sample, times: dict[str, TimeFound]) -> tuple[float, str]:
    cells = [cell for cell in sample.columns[column] if cell]
    if not cells:
        return 0.0, ""
    filled, distinct = len(cells) / sample.rows, len(set(cells))
    named = re.search(_NAMES[name], column.lower()) is not None
    if name == AT:
        if column not in times:
            return 0.0, ""
        return (0.9 if named else 0.6) * filled, f"reads as a time in {len(cells)} of {sample.rows} rows"
    if column in times or not named:
        return 0.0, ""
    fits = 1.0
    if name == "actor":
        fits = 0.9 if distinct <= max(2, len(cells) // 2) else 0.6
    elif name == "subject":
        fits = 0.9 if distinct > 1 else 0.5
        fits *= 0.8 if re.search(_WEAKER, column.lower()) else 1.0
    elif name == "activity":
        fits = 0.9 if distinct <= max(20, len(cells) // 5) else 0.5
    return round(0.9 * fits * (0.5 + filled / 2), 2), f"its name, and {distinct} different values in {len(cells)} rows"


@dataclass(frozen=True, slots=True)
class TimeFound:
    """How a column's times are written: `format` as a mapping says it (empty for ISO 8601)."""

    format: str
    has_zone: bool
    also: str = ""


def _time_of(cells: Sequence[str | None]) -> TimeFound | None:
    texts = [cell for cell in cells if cell and cell.strip()]
    if not texts:
        return None
    iso = [time_reader(TimeReading())(text) for text in texts]
    if all(isinstance(at, int) or at == NO_ZONE for at in iso):
        return TimeFound("", NO_ZONE not in iso)
    digits = {len(text) for text in texts if text.isascii() and text.isdigit()}
    if len(digits) == 1 and all(text.isdigit() for text in texts):
        unit = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us"}.get(digits.pop())
        if unit in EPOCH_FORMATS:
            return TimeFound(unit or "", True)
    fitting = [pattern for pattern in _PATTERNS if _all_read(texts, pattern)]
    if not fitting:
        return None
    return TimeFound(fitting[0], "%z" in fitting[0], fitting[1] if len(fitting) > 1 else "")


def _all_read(texts: Sequence[str], pattern: str) -> bool:
    read = time_reader(TimeReading(None, pattern))
    return all(isinstance(at := read(text), int) or at == NO_ZONE for text in texts)


def _written(sample: Sample, chosen: dict[str, Choice], times: dict[str, TimeFound]) -> str:
    lines = [
        f"# Drafted from the first {sample.rows} rows of {sample.what}. Check every line before importing.",
        'kind = "accesses"  # or "orders", "tickets"',
        "",
    ]
    if sample.format or sample.delimiter not in ("", ","):
        lines.append("[log]")
        lines += [f"format = {_quoted(sample.format)}"] if sample.format else []
        lines += [f"delimiter = {_quoted(sample.delimiter)}"] if sample.delimiter not in ("", ",", "\t") else []
        lines.append("")
    lines.append("[columns]")
    for name in (*REQUIRED["accesses"], *OPTIONAL["accesses"]):
        if name in chosen:
            choice = chosen[name]
            lines.append(f"{name} = {_quoted(choice.column)}  # confidence {choice.confidence:.2f}: {choice.because}")
        elif name in REQUIRED["accesses"]:
            lines.append(f'# {name} = ""  # not found: name the column that says it')
    others = [name for name in sample.columns if name not in {choice.column for choice in chosen.values()}]
    lines += [f"# dropped unless mapped or kept: {', '.join(others[:20])}"] if others else []
    lines += ["", *_time_lines(chosen, times, sample), "", *_GRADE, *(_SQL if sample.format == "pgaudit" else ())]
    return "\n".join(lines) + "\n"


def _time_lines(chosen: dict[str, Choice], times: dict[str, TimeFound], sample: Sample) -> list[str]:
    found = times.get(chosen[AT].column) if AT in chosen else None
    lines = ["[time]"]
    if sample.format == "pgaudit":
        return [*lines, '# zone = "Europe/Amsterdam"  # what log_timezone was set to, unless that is UTC']
    if found is None:
        return lines
    if found.format:
        doubt = f"  # `{found.also}` fits as well: find a day above 12" if found.also else ""
        lines.append(f"format = {_quoted(found.format)}{doubt}")
    if not found.has_zone:
        lines.append('# zone = "Europe/Amsterdam"  # the times carry no zone: say where the log\'s clock stood')
    return lines


_GRADE = (
    "[grade]",
    'written_by = "unknown"  # "system" that gave the data out, "application", "staff"',
    'forgeable_by = "unknown"  # "nobody", "administrator", "staff"',
)
_SQL = (
    "",
    "[sql]",
    '# unprotected = ["public.product"]',
    "# [sql.tables]",
    '# "public.customer" = { key = "id", type = "integer", prefix = "customer:" }',
)


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    escaped = "".join(
        f"\\u{ord(character):04x}" if ord(character) < 0x20 or character == "\x7f" else character
        for character in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{escaped}"'
