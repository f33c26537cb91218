"""The receipt journal: what a door was promised, on the door's own disk, one signed batch a line.

It is the evidence against a trail that forgot: `fsck` compares it with the entries, and whoever holds it
can show that an entry was promised. One process writes one journal.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Self

from whosaw.prove import Receipt, ReceiptInvalid, SignedBatch
from whosaw.prove.receipt import decode_batch, encode_batch
from whosaw.record.errors import JournalRefused

_Order = tuple[SignedBatch, asyncio.AbstractEventLoop, asyncio.Future[None]]


class Journal:
    """An append-only file of signed batches, fsync'd once per batch.

    `order` writes in a thread of the journal's own, which waits for orders: the event loop's threads for anything would
    cost the hot path three times as much.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at `path` (mode 0600), cutting a last line that a crash left unfinished.

        Raises:
            JournalRefused: another process has it open, or the disk refuses.
        """
        self._broken = False
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread: Thread | None = None  # begun by the first `order`
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        except OSError as cause:
            raise JournalRefused(f"cannot open the journal `{path}`: {cause.strerror}") from cause
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._size = _whole_lines(path)
            os.ftruncate(self._handle, self._size)
        except OSError as cause:
            os.close(self._handle)
            raise JournalRefused(
                f"the journal `{path}` is in use", hint="give every process a journal of its own"
            ) from cause

    def write(self, batch: SignedBatch) -> None:
        """Add one batch and return when it is on disk.

        Raises:
            JournalRefused: the disk refuses; the journal then ends as it did before.
        """
        if self._broken:
            raise JournalRefused("the journal's end is unknown since a failed write", hint="restart this process")
        line = json.dumps(encode_batch(batch), separators=(",", ":")).encode() + b"\n"
        try:
            written = os.write(self._handle, line)
            while written < len(line):  # where the disk took only a part, the next write says why
                written += os.write(self._handle, line[written:])
            os.fsync(self._handle)
        except OSError as cause:
            self._cut()
            raise JournalRefused(f"the journal could not be written: {cause.strerror or cause}") from cause
        self._size += len(line)

    def order(self, batch: SignedBatch) -> asyncio.Future[None]:
        """Have one batch added, and return what is done when it is on disk; batches are written in their order.

        The future raises `JournalRefused` where `write` does. Call it from a running event loop.

        Raises:
            JournalRefused: no thread could be started; nothing was ordered, and the next order tries again.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if self._thread is None:
            thread = Thread(target=self._write_ordered, name="whosaw-journal", daemon=True)
            try:
                thread.start()
            except RuntimeError as cause:
                raise JournalRefused("the journal has no thread to write with: none could be started") from cause
            self._thread = thread  # not before it runs: of one that could not start nobody would take an order
        self._orders.put((batch, loop, done))
        return done

    def close(self) -> None:
        """Close the file, once what was ordered is written."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()
            self._thread = None
        os.close(self._handle)
        self._handle = -1  # what is ordered now is refused; the number may soon be another file's

    def __enter__(self) -> Self:
        """Return the open journal."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _write_ordered(self) -> None:
        while (order := self._orders.get()) is not None:
            batch, loop, done = order
            cause: BaseException | None = None
            try:
                self.write(batch)
            except BaseException as problem:  # whoever waits gets it
                cause = problem
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                loop.call_soon_threadsafe(_tell, done, cause)

    def _cut(self) -> None:
        """Take an unfinished line away; where even that fails nothing may be written behind it."""
        try:
            os.ftruncate(self._handle, self._size)
        except OSError:
            self._broken = True


def _tell(done: asyncio.Future[None], cause: BaseException | None) -> None:
    if done.done():
        return
    if cause is None:
        done.set_result(None)
    else:
        done.set_exception(cause)


def read_journal(path: Path) -> Iterator[Receipt]:
    """Yield every receipt in a journal; an unfinished last line is what a crash leaves and is passed over.

    Raises:
        ReceiptInvalid: a finished line is not a signed batch; the message names the line.
    """
    for number, batch in read_batches(path):
        if isinstance(batch, ReceiptInvalid):
            raise ReceiptInvalid(f"line {number} of `{path}` is not a signed batch: {batch}") from batch.__cause__
        yield from batch.receipts()


def read_batches(path: Path, end_bytes: int | None = None) -> Iterator[tuple[int, SignedBatch | ReceiptInvalid]]:
    """Yield (line number from 1, signed batch or what is wrong with the line) of every finished line of a journal.

    Lines that end beyond `end_bytes` are left out.
    """
    left = end_bytes
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if left is not None:
                left -= len(line)
            if not line.endswith(b"\n") or (left is not None and left < 0):
                return
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ReceiptInvalid("not a batch")
                yield number, decode_batch(record)
            except ReceiptInvalid as cause:
                yield number, cause
            except (ValueError, RecursionError) as cause:
                problem = ReceiptInvalid("not JSON")
                problem.__cause__ = cause
                yield number, problem


def _whole_lines(path: Path) -> int:
    """Return how many bytes of the file are finished lines."""
    size = path.stat().st_size
    with path.open("rb") as file:
        end = size
        while end > 0:
            start = max(0, end - 65_536)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                return start + at + 1
            end = start
    return 0
