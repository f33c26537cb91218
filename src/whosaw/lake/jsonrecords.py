"""Cut a stream of JSON into records, in bounded memory: one a line, several documents, or lists inside documents.

A document that holds a list under one of the names its format knows (`Records`, `items`, …) is a container: the list's
members are the records. Every other object is a record itself. A line that is not JSON is malformed, and reading goes
on behind it; inside a container nothing tells where the next record would begin, so there the log is refused.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from whosaw.lake.errors import LogEncoding, LogUnreadable
from whosaw.lake.records import MAX_RECORD_BYTES

_READ_BYTES = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = json.JSONDecoder(parse_int=str, parse_float=str)
"""Numbers stay as they are written: a key of twenty digits must not become another one."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record, or text that is none (`fields` is None); `line` is where it begins."""

    line: int
    text: str
    fields: dict[str, Any] | None


def read_json(stream: BinaryIO, containers: tuple[str, ...]) -> Iterator[Record]:
    """Yield the records of a stream.

    Args:
        stream: positioned at the beginning.
        containers: names of the lists that hold records.

    Raises:
        LogEncoding: it is not UTF-8.
        LogUnreadable: a list of records is not JSON or is cut short, or a record is longer than `MAX_RECORD_BYTES`.
    """
    return _Reader(_Window(stream), containers).records()


class _Window:
    """The part of the text that is being looked at; grows at its end, shrinks at its front."""

    def __init__(self, stream: BinaryIO) -> None:
        self.text = ""
        self.at = 0
        self.line = 1
        self.ended = False
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def more(self) -> bool:
        """Read on; return whether anything came."""
        if self.ended:
            return False
        chunk = self._stream.read(_READ_BYTES)
        self.ended = not chunk
        try:
            self.text += self._decode(chunk, final=self.ended)
        except UnicodeDecodeError as error:
            raise LogEncoding(f"the log is not UTF-8 behind line {self.line}") from error
        return not self.ended

    def pass_over(self, end: int) -> None:
        """Leave the text before `end` behind."""
        self.line += self.text.count("\n", self.at, end)
        self.at = end
        if self.at > _READ_BYTES:
            self.text, self.at = self.text[self.at :], 0

    def skip_space(self) -> str:
        """Pass over white space; return the next character, empty at the end."""
        while True:
            found = _SPACE.match(self.text, self.at)
            end = found.end() if found else self.at
            if end < len(self.text):
                self.pass_over(end)
                return self.text[self.at]
            if not self.more():
                self.pass_over(len(self.text))
                return ""


class _Reader:
    def __init__(self, window: _Window, containers: tuple[str, ...]) -> None:
        self._window = window
        self._containers = containers
        names = "|".join(map(re.escape, containers))
        self._list = re.compile(rf'"(?:{names})"[ \t\r\n]*:[ \t\r\n]*\[') if containers else None

    def records(self) -> Iterator[Record]:
        window = self._window
        while (first := window.skip_space()) != "":
            if first == "[" and self._containers:
                yield from self._members()
            elif first == "{" and self._list is not None and self._opens_container():
                yield from self._container()
            else:
                yield self._value() or self._bad_line()

    def _value(self) -> Record | None:
        """Return the value at this place as a record; None where there is no value."""
        window = self._window
        while True:
            try:
                value, end = _PLAIN.raw_decode(window.text, window.at)
            except (ValueError, RecursionError) as error:
                if self._may_go_on(error) and window.more():
                    continue
                return None
            if end == len(window.text) and not window.ended and window.more():
                continue  # a number may go on behind the end of what was read
            record = Record(window.line, window.text[window.at : end], value if isinstance(value, dict) else None)
            window.pass_over(end)
            return record

    def _may_go_on(self, error: Exception) -> bool:
        """Whether the value only stops where what was read so far stops."""
        window = self._window
        if isinstance(error, RecursionError):
            return False
        if len(window.text) - window.at > MAX_RECORD_BYTES:
            raise LogUnreadable(f"the record in line {window.line} of the log is longer than {MAX_RECORD_BYTES} bytes")
        # outside a container a record is one line, unless it goes over several; a closed line that is broken is broken
        return True

    def _bad_line(self) -> Record:
        """Return the line at this place as text that is no record, and go on behind it."""
        window = self._window
        while (end := window.text.find("\n", window.at)) < 0:
            if len(window.text) - window.at > MAX_RECORD_BYTES:
                raise LogUnreadable(f"line {window.line} of the log is longer than {MAX_RECORD_BYTES} bytes")
            if not window.more():
                end = len(window.text)
                break
        record = Record(window.line, window.text[window.at : end].rstrip("\r"), None)
        window.pass_over(end)
        return record

    def _opens_container(self) -> bool:
        """Whether the object at this place holds a list of records as a member of its own, not deeper."""
        window = self._window
        while len(window.text) - window.at < _READ_BYTES and window.more():
            pass
        found = self._list.search(window.text, window.at, window.at + _READ_BYTES) if self._list else None
        return found is not None and _depth(window.text, window.at, found.start()) == 1

    def _container(self) -> Iterator[Record]:
        """Yield the records of the object at this place; its other members are passed over."""
        window = self._window
        window.pass_over(window.at + 1)
        while (character := window.skip_space()) != "}":
            if character == ",":
                window.pass_over(window.at + 1)
                window.skip_space()
            name = self._member(str)
            if window.skip_space() != ":":
                raise self._broken()
            window.pass_over(window.at + 1)
            if name in self._containers and window.skip_space() == "[":
                yield from self._members()
            else:
                window.skip_space()
                self._member(object)
        window.pass_over(window.at + 1)

    def _members(self) -> Iterator[Record]:
        """Yield the members of the list at this place."""
        window = self._window
        window.pass_over(window.at + 1)
        while (character := window.skip_space()) != "]":
            if character == ",":
                window.pass_over(window.at + 1)
                window.skip_space()
            record = self._value()
            if record is None:
                raise self._broken()
            yield record
        window.pass_over(window.at + 1)

    def _member(self, kind: type) -> Any:
        record = self._value()
        if record is None:
            raise self._broken()
        value = record.fields if record.fields is not None else json.loads(record.text)
        if not isinstance(value, kind):
            raise self._broken()
        return value

    def _broken(self) -> LogUnreadable:
        window = self._window
        if window.ended and not window.text[window.at :].strip():
            return LogUnreadable(f"the log is cut short in line {window.line}")
        return LogUnreadable(f"line {window.line} of the log is not JSON, or is cut short")


def _depth(text: str, start: int, end: int) -> int:
    """Return how many brackets are open at `end` of a text that begins with an object."""
    depth = 0
    for found in _STRUCTURE.finditer(text, start, end):
        character = found[0]
        depth += (character in "{[") - (character in "}]")
    return depth


_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
