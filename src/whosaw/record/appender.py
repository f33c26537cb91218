"""Group commit: many waiting asks, one durable commit, each answered with its receipt only after it is on disk.

One commit is in flight per process. Whatever arrived meanwhile is the next one; there is no timer, because waiting for
company never made anything faster (measured). While a batch is signed and its receipts are flushed to the journal, the
next one commits. A batch that fails fails all its members. A member that is cancelled or runs out of time leaves alone:
the shared commit goes on without it. One timer watches the deadlines of all who wait.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

from whosaw.prove import Payload, Receipt, SignedBatch, entry_leaf, sign_batch
from whosaw.prove.canonical import SALT_BYTES
from whosaw.record import queries
from whosaw.record.closed import failure_of
from whosaw.record.drafts import Draft, Written, any_missing, places
from whosaw.record.errors import AppendFailed, AppendTimedOut, QueueFull, TrailUnavailable
from whosaw.record.groups import Committed, Durable, Group, Recorded
from whosaw.record.guard import Guard
from whosaw.record.journal import Journal
from whosaw.record.keys import Keys
from whosaw.store import Database
from whosaw.terms import Clock, to_us

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one batch and the queue before it may hold.

    Attributes:
        batch_entries: entries in one commit, > 0.
        batch_bytes: canonical bytes in one commit; a single entry may fill it alone.
        queue_entries: entries that may wait; more are refused at once.
        deadline_s: seconds until a waiting entry is refused.
    """

    batch_entries: int = 1_024
    batch_bytes: int = 1_048_576
    queue_entries: int = 4_096
    deadline_s: float = 2.0


class Appender:
    """Appends entries for one process; use it from one event loop.

    What owns what: `_queue` and `_queued` are changed only by the event loop's own thread and never across an await;
    `_take` moves groups out of the queue into `_flying`; from then on `_drain` refuses them or `_answer` answers them,
    unless their deadline comes first. There is at most one `_drain` task, and it alone commits; it has one batch at a
    time written to the journal, so that has the order of the trail.
    """

    def __init__(
        self,
        db: Database,
        keys: Keys,
        clock: Clock,
        *,
        journal: Journal | None = None,
        limits: Limits | None = None,
        guard: Guard | None = None,
    ) -> None:
        """Prepare to append.

        Args:
            db: where the trail is.
            keys: the receipt key signs; the trail key only names the origin.
            clock: dates the receipts.
            journal: where receipts are kept on this process's own disk; if it fails, so does the batch.
            limits: caps and deadline.
            guard: says before every batch whether it may be recorded.
        """
        self._db = db
        self._keys = keys
        self._clock = clock
        self._journal = journal
        self._limits = limits or Limits()
        self._guard = guard
        self._queue: deque[Group] = deque()
        self._queued = 0  # invariant: entries in `_queue`
        self._flying: list[Group] = []  # what is being committed, or is committed and not promised yet
        self._timer: asyncio.TimerHandle | None = None  # invariant: set while anybody waits, for the earliest `due`
        self._draining: asyncio.Task[None] | None = None
        self._keeping: asyncio.Future[None] | None = None  # the journal's last order
        self._closed = False
        self.on_commit: Callable[[int, float], None] | None = None
        """Told of every durable batch: its entries, and the seconds that its commit took; must not raise."""

    async def append(self, payload: Payload) -> Receipt:
        """Record one entry and return its receipt once it is durable.

        Raises:
            PayloadRefused: the payload has no canonical form; nothing was queued.
            TrailUnavailable: it is not known to be durable (queue full, deadline, failed commit): reveal nothing.
        """
        return (await self.append_many([payload]))[0]

    async def append_many(self, payloads: Iterable[Payload]) -> list[Receipt]:
        """Record entries in order and return their receipts; more than one batch is committed batch by batch.

        Where it raises, entries of earlier batches may be recorded, which is the allowed direction.

        Raises:
            PayloadRefused: a payload has no canonical form; entries before its batch may be recorded.
            TrailUnavailable: as in `append`.
        """
        parts = self._parts([Written.of(Draft(payload)) for payload in payloads])
        recorded = [await self._waited(group, group.done) for group in map(self._queue_group, parts)]
        return [receipt for part in recorded for receipt in part.receipts]

    async def commit(self, drafts: Iterable[Draft]) -> Durable:
        """Record entries and return once they are durable, before their receipts are kept; at least one draft.

        Numbers that they wait for are given, and are durable with them.

        Raises:
            PayloadRefused, TrailUnavailable: as in `append_many`.
        """
        *parts, last = self._parts([Written.of(draft) for draft in drafts])
        before = [await self._waited(group, group.done) for group in map(self._queue_group, parts)]
        group = self._queue_group(last)
        await self._waited(group, group.durable)
        return Durable(before, group.done)

    async def close(self) -> None:
        """Take nothing more and wait until what waits is answered."""
        self._closed = True
        if self._draining is not None:
            await asyncio.wait([self._draining])
        if self._keeping is not None:
            await asyncio.wait([self._keeping])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def __aenter__(self) -> Self:
        """Return the appender."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    def _parts(self, entries: Sequence[Written]) -> Iterable[list[Written]]:
        part: list[Written] = []
        size_bytes = 0
        for each in entries:
            full = len(part) >= self._limits.batch_entries
            if part and (full or size_bytes + len(each.raw) > self._limits.batch_bytes):
                yield part
                part, size_bytes = [], 0
            part.append(each)
            size_bytes += len(each.raw)
        if part:
            yield part

    def _queue_group(self, entries: list[Written]) -> Group:
        if self._closed:
            raise TrailUnavailable("the trail is being closed")
        if self._queued + len(entries) > self._limits.queue_entries:
            raise QueueFull(f"{self._queued} entries wait for the trail already")
        loop = asyncio.get_running_loop()
        size_bytes, due = sum(len(each.raw) for each in entries), loop.time() + self._limits.deadline_s
        group = Group(entries, size_bytes, loop.create_future(), loop.create_future(), due)
        self._queue.append(group)
        self._queued += len(entries)
        if self._timer is None:
            self._timer = loop.call_at(group.due, self._expire)
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain(), name="whosaw-append")
        return group

    async def _waited(self, group: Group, until: asyncio.Future[T]) -> T:
        try:
            return await until
        except BaseException:
            if group in self._queue:  # given up before its turn: it must not be recorded for nobody
                self._queue.remove(group)
                self._queued -= len(group.entries)
            raise

    def _expire(self) -> None:
        """Refuse those whose time has run out, and come back for the next one's."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = [group for group in self._flying if group.due <= now]
        while self._queue and self._queue[0].due <= now:  # it is not recorded at all
            late.append(self._queue.popleft())
            self._queued -= len(late[-1].entries)
        for group in late:
            group.refuse(AppendTimedOut(f"not durable within {self._limits.deadline_s} s"))
        waiting = [group.due for group in (*self._flying, *self._queue) if not group.done.done()]
        self._timer = loop.call_at(min(waiting), self._expire) if waiting else None

    async def _drain(self) -> None:
        while self._queue:
            batch = self._take()
            self._flying += batch
            start = time.perf_counter()
            try:
                committed = await self._commit(batch)
                for group in batch:
                    if not group.durable.done():
                        group.durable.set_result(None)
                if self._keeping is not None and not self._keeping.done():
                    await asyncio.wait([self._keeping])
                self._promise(batch, committed, start)
            except BaseException as cause:
                self._refuse(batch, cause)
                if not isinstance(cause, Exception):
                    raise

    def _promise(self, batch: list[Group], committed: Committed, start: float) -> None:
        """Sign what is durable, and have the receipts kept on this process's own disk before anybody is answered."""
        now_us = to_us(self._clock.now())
        signed = sign_batch(self._keys.receipt, self._keys.origin, committed.first, committed.leaves, now_us)
        answer = partial(self._answer, batch, signed, committed, start)
        if self._journal is None:
            answer(None)
            return
        self._keeping = self._journal.order(signed)
        self._keeping.add_done_callback(answer)  # not a task that waits for it: one would cost more than the signature

    def _answer(
        self,
        batch: list[Group],
        signed: SignedBatch,
        committed: Committed,
        start: float,
        kept: asyncio.Future[None] | None,
    ) -> None:
        cause = None if kept is None else kept.exception()
        if cause is not None:
            self._refuse(batch, cause)
            return
        receipts = signed.receipts()
        if self.on_commit is not None:
            self.on_commit(len(receipts), time.perf_counter() - start)
        at = 0
        for group in batch:
            self._flying.remove(group)
            if not group.done.done():
                group.done.set_result(Recorded(receipts[at : at + len(group.entries)], committed.numbers))
            at += len(group.entries)

    def _take(self) -> list[Group]:
        batch = [self._queue.popleft()]
        entries, size_bytes = len(batch[0].entries), batch[0].size_bytes
        while self._queue:
            entries += len(self._queue[0].entries)
            size_bytes += self._queue[0].size_bytes
            if entries > self._limits.batch_entries or size_bytes > self._limits.batch_bytes:
                break
            batch.append(self._queue.popleft())
        self._queued -= sum(len(group.entries) for group in batch)
        return batch

    async def _commit(self, batch: list[Group]) -> Committed:
        entries = [each for group in batch for each in group.entries]
        drawn = os.urandom(SALT_BYTES * len(entries))  # one call: a system call per entry is dearer than its hash
        salts = [drawn[at : at + SALT_BYTES] for at in range(0, len(drawn), SALT_BYTES)]
        if self._guard is not None:
            await self._guard.check()
        async with asyncio.timeout(self._limits.deadline_s):
            append = self._append_numbered if any_missing(entries) else self._append
            committed = await append(entries, salts)
        if self._guard is not None:
            self._guard.promised(committed.first + len(entries))
        return committed

    async def _append(self, entries: list[Written], salts: list[bytes]) -> Committed:
        raws = [each.raw for each in entries]
        leaves = list(map(entry_leaf, salts, raws))
        return Committed(await queries.append(self._db, raws, salts, leaves), leaves, {})

    async def _append_numbered(self, entries: list[Written], salts: list[bytes]) -> Committed:
        keys, where = places(entries)
        raws = [each.raw for each in entries]
        first, given, stored = await queries.append_numbered(self._db, keys, where, raws, salts)
        numbers = dict(zip(keys, given, strict=True))
        leaves = [entry_leaf(salt, each.filled(numbers)) for salt, each in zip(salts, entries, strict=True)]
        if b"".join(leaves) != stored:
            raise AppendFailed("the database hashed other entries than it was given")
        return Committed(first, leaves, numbers)

    def _refuse(self, batch: list[Group], cause: BaseException) -> None:
        for group in batch:
            self._flying.remove(group)
            group.refuse(failure_of(cause))
