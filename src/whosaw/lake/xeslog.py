"""A work log in XES (IEEE 1849), read event by event; entities and document types are refused before they can grow.

A column is an attribute's key; attributes of the trace carry the prefix `case:`. The canonical writing of an event is
a JSON object of its trace's and its own attributes, names sorted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.parsers import expat

from whosaw.lake.batches import Batch, texts
from whosaw.lake.errors import LogColumnMissing, LogEmpty, LogUnreadable
from whosaw.lake.opening import open_log
from whosaw.lake.records import MAX_RECORD_BYTES

TRACE = "case:"

_READ_BYTES = 1 << 16
_MOST_DEPTH = 64
_BATCH_ROWS = 1 << 13
_SIMPLE = {"string", "date", "int", "float", "boolean", "id"}


class XesLog:
    """Events of an XES file.

    Args:
        path: the file, plain or compressed.
        wanted: keys of attributes to hand on.
        needed: sets of keys of which the events must have at least one each.
    """

    def __init__(self, path: Path, wanted: Iterable[str], needed: Sequence[tuple[str, ...]] = ()) -> None:
        self._path = path
        self._needed = needed
        self._wanted = list(wanted)

    def batches(self) -> Iterator[Batch]:
        """Yield the events in the order of the file.

        Raises:
            LogEmpty: there is no event.
            LogColumnMissing: no event has a needed attribute.
            LogUnreadable: it is not XES, not well-formed, cut short, or declares entities or a document type.
        """
        count, seen = 0, set[str]()
        for events in self._events():
            batch = self._batch(events, count + 1)
            count += len(events)
            seen.update(name for name, cells in batch.cells.items() if cells.null_count < len(cells))
            yield batch
        if not count:
            raise LogEmpty(f"log `{self._path}` holds no event")
        for names in self._needed:
            if not seen.intersection(names):
                raise LogColumnMissing(f"no event of the log has the attribute `{'`, `'.join(names)}`")

    def events(self) -> Iterator[dict[str, str]]:
        """Yield each event as attribute → value."""
        for events in self._events():
            yield from events

    def _events(self) -> Iterator[list[dict[str, str]]]:
        collector = _Collector()
        parser = collector.parser
        try:
            with open_log(self._path) as stream:
                while chunk := stream.read(_READ_BYTES):
                    parser.Parse(chunk, False)
                    if len(collector.events) >= _BATCH_ROWS:
                        yield collector.take()
                parser.Parse(b"", True)
        except expat.ExpatError as error:
            what = expat.errors.messages.get(error.code, "not well-formed")
            raise LogUnreadable(f"line {error.lineno} of the log is not XES: {what}") from error
        if collector.events:
            yield collector.take()

    def _batch(self, events: list[dict[str, str]], first: int) -> Batch:
        raws = [json.dumps(event, sort_keys=True, ensure_ascii=False).encode() for event in events]
        cells = {name: texts([event.get(name) for event in events]) for name in self._wanted}
        return Batch(range(first, first + len(events)), raws, cells)


class _Collector:
    """Gathers events while the parser goes through the file."""

    def __init__(self) -> None:
        self.events: list[dict[str, str]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        # A document type is where entities are declared; without one nothing can be made to grow or to be fetched.
        self.parser.StartDoctypeDeclHandler = self._doctype
        self._trace: dict[str, str] = {}
        self._event: dict[str, str] | None = None
        self._path: list[str] = []
        self._size = 0

    def take(self) -> list[dict[str, str]]:
        events, self.events = self.events, []
        return events

    def _doctype(self, *_: object) -> None:
        raise LogUnreadable("the log declares a document type, which XES has no use for")

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        name = element.rpartition(" ")[2]
        if not self._path and name != "log":
            raise LogUnreadable(f"the log is not XES: it begins with the element `{name[:40]}`")
        if len(self._path) >= _MOST_DEPTH:
            raise LogUnreadable(f"elements of the log lie more than {_MOST_DEPTH} deep")
        inside = self._path[-1] if self._path else ""
        self._path.append(name)
        if name == "trace" and inside == "log":
            self._trace, self._size = {}, 0
        elif name == "event" and inside in ("trace", "log"):
            if inside == "log":
                self._trace = {}
            self._event = dict(self._trace)
        elif name in _SIMPLE and inside in ("trace", "event"):
            self._note(inside, attributes)

    def _note(self, inside: str, attributes: dict[str, str]) -> None:
        key, value = attributes.get("key"), attributes.get("value")
        if key is None or value is None:
            return
        self._size += len(key) + len(value)
        if self._size > MAX_RECORD_BYTES:
            raise LogUnreadable(f"an event of the log is longer than {MAX_RECORD_BYTES} bytes")
        if inside == "trace":
            self._trace[TRACE + key] = value
        elif self._event is not None:
            self._event[key] = value

    def _end(self, element: str) -> None:
        self._path.pop()
        if element.rpartition(" ")[2] == "event" and self._event is not None:
            self.events.append(self._event)
            self._event = None
            self._size = sum(map(len, self._trace)) + sum(map(len, self._trace.values()))
