"""The signed trail as a live stream of OCSF events: each entry's events once, in order, whenever it is cut.

What the receiver has is the only cursor. A file is one: after a cut, what follows the last entry that is whole in it is
taken off, and the stream goes on with the next. A pipe is told from which entry on its reader lacks events. A finding
stands before the event of its entry, so that an entry whose event is there is complete.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import pyarrow as pa

from whosaw.lake.duck import duck
from whosaw.lake.engine import engine
from whosaw.lake.errors import LakeBusy, LakeDamaged, LakeError, LakeUnwritable
from whosaw.lake.lookover import look_over
from whosaw.lake.ocsf import ENTRIES, event_of, fetched, finding_of, line_of
from whosaw.lake.trailread import Trail, rows_between

CHUNK_ENTRIES = 16_384
FINDING = 2004
_BEGINS = b'{"activity_id":'  # members are sorted
_WINDOW_BYTES = 1 << 20
_SIZES = """
    SELECT count(*) FROM entries
    WHERE trail = ? AND entry < ? AND in_set AND shown AND subject IS NOT NULL GROUP BY entry
"""


@dataclass(frozen=True, slots=True)
class Unusual:
    """Which exports are findings: those of many subjects that have no verified reason, or are far above the usual.

    Args:
        least: subjects from which on an export counts.
        times: how many times the median of the sets before it.
    """

    least: int = 100
    times: int = 10

    def meets(self, subjects: int, verified: bool, before: Sequence[int]) -> bool:
        """Return whether an export of so many subjects is one; `before` are the sizes of the sets before it."""
        far = bool(before) and subjects > self.times * statistics.median(before)
        return subjects >= self.least and (far or not verified)


class Sink(Protocol):
    """Where events go."""

    first: int
    """Index of the first entry whose events are not there."""

    def write(self, lines: str) -> None:
        """Take lines, durably as far as it can."""
        ...


class FileSink:
    """A file of events, its owner's alone (0600), that one stream writes to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.first = 0

    def __enter__(self) -> Self:
        """Open the file and take off what a cut left unfinished.

        Raises:
            LakeBusy: another stream writes to it.
            LakeUnwritable: it cannot be opened.
            LakeDamaged: it holds something else than events.
        """
        try:
            self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        except OSError as error:
            raise LakeUnwritable(f"cannot write `{self._path}`: {error.strerror or error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end, self.first = self._last_whole()
            self._file.truncate(end)
            self._file.seek(end)
        except BlockingIOError as error:
            self._file.close()
            raise LakeBusy(f"another stream writes to `{self._path}`") from error
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, lines: str) -> None:
        """Append lines and flush them to the disk."""
        try:
            rest = memoryview(lines.encode())
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise LakeUnwritable(f"cannot write `{self._path}`: {error.strerror or error}") from error

    def _last_whole(self) -> tuple[int, int]:
        """Return the length of the file up to the last event of an entry, and the index after that entry."""
        size, window = self._file.seek(0, os.SEEK_END), _WINDOW_BYTES
        while True:
            start = max(0, size - window)
            self._file.seek(start)
            raw = self._file.read(size - start)
            end = raw.rfind(b"\n") + 1
            if end or not start:
                self._check_torn(raw[end:])
            while end > 0:
                begin = raw.rfind(b"\n", 0, end - 1) + 1
                if begin == 0 and start:
                    break  # the line begins before the window
                event = self._event(raw[begin:end])
                if event["class_uid"] != FINDING:
                    return start + end, event["metadata"]["sequence"] + 1
                end = begin
            if not start:
                return 0, 0
            window *= 4

    def _check_torn(self, tail: bytes) -> None:
        if not (tail.startswith(_BEGINS) or _BEGINS.startswith(tail)):
            raise LakeDamaged(f"`{self._path}` holds something else than events", hint="name another file")

    def _event(self, line: bytes) -> dict[str, Any]:
        try:
            event: dict[str, Any] = json.loads(line)
            if isinstance(event["class_uid"], int) and isinstance(event["metadata"]["sequence"], int):
                return event
        except (ValueError, KeyError, TypeError):
            pass
        raise LakeDamaged(f"`{self._path}` holds something else than events", hint="name another file")


class PipeSink:
    """Standard output; its reader says from which entry on it lacks events (`metadata.sequence` + 1 of its last)."""

    def __init__(self, first: int) -> None:
        self.first = first

    def write(self, lines: str) -> None:
        """Write lines and flush them."""
        sys.stdout.write(lines)
        sys.stdout.flush()


async def stream_ocsf(
    trail: Trail,
    where: str | Path,
    sink: Sink,
    *,
    follow: bool = True,
    every_s: float = 1.0,
    unusual: Unusual | None = None,
) -> None:
    """Write the events of every signed entry that the sink lacks, and of what comes, for ever.

    Args:
        trail: read from here.
        where: the lake of this trail; where it lacks sets, they are read from the trail.
        sink: where events go.
        follow: go on with what comes; otherwise end where the trail ends.
        every_s: seconds between two looks at the trail.
        unusual: which exports are findings.

    Raises:
        LakeUnwritable: the sink takes no more.
        LakeDamaged, SetMissing: the lake or the trail cannot be read.
    """
    done, sizes = sink.first, await _sizes_before(trail, where, sink.first)
    while True:
        head = trail.head()
        while head is not None and done < head.size:
            end = min(head.size, done + CHUNK_ENTRIES)
            rows, _ = await rows_between(trail, done, end)
            sink.write("".join(line_of(each) for each in _events(rows, sizes, {"entries": end}, unusual or Unusual())))
            done = end
        if not follow:
            return
        await asyncio.sleep(every_s)


def _events(rows: pa.Table, sizes: list[int], reach: dict[str, int], unusual: Unusual) -> Iterator[dict[str, Any]]:
    graded = rows.append_column("grade", pa.array(["trail"] * rows.num_rows, pa.string()))
    with engine(None) as connection:
        connection.register("entries", graded)
        for row in fetched(connection.execute(ENTRIES)):
            if row["shows_set"]:
                if unusual.meets(row["subject_count"], row["verified"] is True, sizes):
                    about = {"subjects": row["subject_count"], "unverified": row["verified"] is not True}
                    yield finding_of(row | about, reach)
                sizes.append(row["subject_count"])
            yield event_of(row, reach)


async def _sizes_before(trail: Trail, where: str | Path, first: int) -> list[int]:
    """Return how many subjects each set showed that an entry below index `first` names."""
    if not first:
        return []
    there, sizes = 0, []
    try:
        look = look_over(where)
        there = min(first, max((each.end for each in look.trails if each.origin == trail.origin), default=0))
        with duck(look) as connection:
            sizes = [int(size) for (size,) in connection.execute(_SIZES, [trail.origin, there]).fetchall()]
    except LakeError:
        there, sizes = 0, []  # no lake, or none that can be read: the trail has it all
    for start in range(there, first, CHUNK_ENTRIES):
        rows, _ = await rows_between(trail, start, min(first, start + CHUNK_ENTRIES))
        with engine(None) as connection:
            connection.register("entries", rows)
            sizes += [int(size) for (size,) in connection.execute(_SIZES, [trail.origin, first]).fetchall()]
    return sizes
