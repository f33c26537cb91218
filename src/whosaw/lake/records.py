"""Cut a stream of CSV bytes into records without losing a byte, because the raw bytes of a record are its identity.

The grammar is RFC 4180 with two concessions: a line may end in LF alone, and a quote inside a field that did not begin
with one is an ordinary character. A record that does not fit is malformed as far as its first line ending; reading goes
on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from whosaw.lake.errors import LogUnreadable

CHUNK_BYTES = 1 << 20
MAX_RECORD_BYTES = 1 << 20


@dataclass(slots=True)
class Records:
    """Some records in the order of the file: line numbers and raw bytes without line endings.

    Attributes:
        is_plain: there is no quote in any of them, so every delimiter separates.
    """

    lines: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    malformed: list[tuple[int, bytes]] = field(default_factory=list)
    is_plain: bool = False


def read_records(stream: BinaryIO, delimiter: str, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Records]:
    """Yield all records of `stream`; blank lines are no records.

    Args:
        stream: positioned at the first record.
        delimiter: one ASCII character.
        chunk_bytes: how much to read at a time, > 0.

    Raises:
        LogUnreadable: a line is longer than `MAX_RECORD_BYTES`.
    """
    whole, unended = _grammar(delimiter)
    line, carry, ended = 1, b"", False
    while not ended:
        chunk = stream.read(chunk_bytes)
        ended = not chunk
        buffer = carry + chunk
        cut = len(buffer) if ended else buffer.rfind(b"\n") + 1
        if _is_simple(buffer, cut):
            records, line = _split_lines(buffer[:cut], line)
            carry = buffer[cut:]
        else:
            records, line, taken = _match_records(buffer, line, unended if ended else whole, ended)
            carry = buffer[taken:]
        if len(carry) > MAX_RECORD_BYTES and b"\n" not in carry:
            raise LogUnreadable(f"line {line} of the log is longer than {MAX_RECORD_BYTES} bytes")
        if records.raws or records.malformed:
            yield records


def _grammar(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the pattern of a record with its line ending, and of one that may also end with the file."""
    comma = re.escape(delimiter).encode()
    # Every byte has one reading only, so plain repetition never tries the same text twice. Possessive repetition of a
    # group would say so outright, but Python before 3.11.5 matches it wrongly, and Debian 12 has 3.11.2.
    cell = rb'(?:"[^"]*(?:""[^"]*)*"|(?!")[^' + comma + rb"\r\n]*)"
    record = rb"(" + cell + rb"(?:" + comma + cell + rb")*)"
    return re.compile(record + rb"\r?\n"), re.compile(record + rb"(?:\r?\n|\Z)")


def _is_simple(buffer: bytes, cut: int) -> bool:
    """Whether every line ending before `cut` ends a record: no quote, no lone carriage return, no NUL."""
    if buffer.find(b'"', 0, cut) >= 0 or buffer.find(b"\0", 0, cut) >= 0:
        return False
    if buffer.find(b"\r", 0, cut) < 0:
        return True
    return buffer.count(b"\r", 0, cut) == buffer.count(b"\r\n", 0, cut)


def _split_lines(text: bytes, line: int) -> tuple[Records, int]:
    returns = text.count(b"\r") if b"\r" in text else 0
    everywhere = returns > 0 and returns == text.count(b"\n")
    raws = text.split(b"\r\n" if everywhere else b"\n")
    if not raws[-1]:
        raws.pop()
    if returns and not everywhere:
        raws = [raw[:-1] if raw.endswith(b"\r") else raw for raw in raws]
    lines = list(range(line, line + len(raws)))
    if not all(raws):
        lines = [number for number, raw in zip(lines, raws, strict=True) if raw]
        line += len(raws) - len(lines)
        raws = [raw for raw in raws if raw]
    return Records(lines, raws, is_plain=True), line + len(raws)


def _match_records(buffer: bytes, line: int, pattern: re.Pattern[bytes], ended: bool) -> tuple[Records, int, int]:
    """Return the records of `buffer`, the number of the next line, and how many bytes were taken."""
    records, at, size = Records(), 0, len(buffer)
    while at < size:
        found = pattern.match(buffer, at)
        if found is not None:
            raw, end = found[1], found.end()
            whole = b"\0" not in raw
        else:
            if not ended and size - at <= MAX_RECORD_BYTES:
                break  # the rest of it may still come
            newline = buffer.find(b"\n", at)
            if newline < 0 and not ended:
                break
            end = newline + 1 if newline >= 0 else size
            raw, whole = buffer[at:end].rstrip(b"\r\n"), False
        if not whole:
            records.malformed.append((line, raw))
        elif raw:
            records.lines.append(line)
            records.raws.append(raw)
        line += buffer.count(b"\n", at, end)
        at = end
    return records, line, at
