"""What `trail.py` sets side by side: ways to put one entry on disk before its ask is answered.

Every writer takes whole payloads and answers when the entry is durable by its own standard. The rivals do less than the
trail: no order or a bare one, no leaf checked by the server, no columns to search by.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import struct
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from psycopg_pool import AsyncConnectionPool

from whosaw.prove import Payload, SigningKey, canonical, entry_leaf, sign_batch
from whosaw.record import Appender, Journal, load_or_create
from whosaw.store import Database
from whosaw.terms import SystemClock

CONNECTIONS = 16
SEGMENT_BYTES = 64 << 20
Write = Callable[[Payload], Awaitable[object]]

AUDIT_TABLE = """
create table if not exists audit (
    index bigint generated always as identity primary key, leaf bytea, salt bytea, payload text)
"""
SEQUENCED_TABLES = """
create table if not exists sequenced (index bigint primary key, leaf bytea, salt bytea, payload text);
create table if not exists sequenced_head (one boolean primary key default true, size bigint) with (fillfactor = 50);
insert into sequenced_head (size) values (0) on conflict do nothing
"""


def payload(number: int) -> Payload:
    """Return a disclosure of the usual size, about 330 bytes."""
    return {
        "actor": number % 400,
        "ask": f"{number:032x}",
        "at": 1_767_225_600_000_000 + number,
        "decision": "allow",
        "door": "http",
        "fields": ["customer.email=reveal", "customer.address=mask"],
        "kind": "disclosure",
        "mode": "enforce",
        "policy": "2026-03-01",
        "purpose": number % 50_000,
        "reason": "purpose.verified",
        "subject": number % 60_000,
        "beneficiary": f"seller:S-{number % 900}",
        "verified": "yes",
    }


@asynccontextmanager
async def trail(url: str, folder: Path) -> AsyncIterator[Write]:
    """The Appender: group commit, payload, salt, leaf, order and a signed receipt for each."""
    keys = load_or_create(folder / "keys", SystemClock(), "bench")
    async with Database(url) as db, Appender(db, keys, SystemClock()) as appender:
        yield appender.append


@asynccontextmanager
async def trail_and_journal(url: str, folder: Path) -> AsyncIterator[Write]:
    """The Appender with a receipt journal: a second fsync, on the door's own disk, before the answer."""
    keys = load_or_create(folder / "keys", SystemClock(), "bench")
    with Journal(folder / f"journal-{os.getpid()}") as journal:
        async with Database(url) as db, Appender(db, keys, SystemClock(), journal=journal) as appender:
            yield appender.append


def alone(statements: str) -> str:
    """Return statements that two processes may run at once: making one table twice at once is an error."""
    return f"begin; select pg_advisory_xact_lock(1); {statements}; commit"


def _pool(url: str) -> AsyncConnectionPool:
    return AsyncConnectionPool(url, min_size=CONNECTIONS, max_size=CONNECTIONS, kwargs={"autocommit": True}, open=False)


@asynccontextmanager
async def insert_each(url: str, _: Path) -> AsyncIterator[Write]:
    """One INSERT and one commit per append: the audit table most companies have."""
    async with _pool(url) as pool:
        async with pool.connection() as connection:
            await connection.execute(alone(AUDIT_TABLE))

        async def write(entry: Payload) -> None:
            raw, salt = canonical(entry), os.urandom(32)
            leaf = entry_leaf(salt, raw)
            async with pool.connection() as connection:
                await connection.execute(
                    "insert into audit (leaf, salt, payload) values (%b, %b, %s)", [leaf, salt, raw.decode()]
                )

        yield write


@asynccontextmanager
async def sequenced_each(url: str, _: Path) -> AsyncIterator[Write]:
    """One transaction per append that takes the next index from a locked head row: an order without gaps."""
    async with _pool(url) as pool:
        async with pool.connection() as connection:
            await connection.execute(alone(SEQUENCED_TABLES))

        async def write(entry: Payload) -> None:
            raw, salt = canonical(entry), os.urandom(32)
            leaf = entry_leaf(salt, raw)
            async with pool.connection() as connection, connection.transaction():
                head = await connection.execute("update sequenced_head set size = size + 1 returning size - 1")
                [(index,)] = await head.fetchall()
                await connection.execute(
                    "insert into sequenced (index, leaf, salt, payload) values (%s, %b, %b, %s)",
                    [index, leaf, salt, raw.decode()],
                )

        yield write


@asynccontextmanager
async def log_append_each(url: str, _: Path) -> AsyncIterator[Write]:
    """One `log_append` per append: the trail's order and guarantees without the group."""
    async with _pool(url) as pool:

        async def write(entry: Payload) -> None:
            raw, salt = canonical(entry), os.urandom(32)
            batch = [[raw.decode()], [salt], [entry_leaf(salt, raw)]]
            async with pool.connection() as connection:
                await connection.execute("select log_append(%b::text[], %b::bytea[], %b::bytea[])", batch)

        yield write


@asynccontextmanager
async def bare_file(_: str, folder: Path) -> AsyncIterator[Write]:
    """Group commit into a zero-filled file: leaf, batch tree and signature, one fdatasync per group; no database."""
    path = folder / f"segment-{os.getpid()}"
    path.write_bytes(bytes(SEGMENT_BYTES))
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    file = _GroupFile(handle)
    yield file.write
    if file.flushing is not None:
        await file.flushing
    os.close(handle)
    path.unlink()


class _GroupFile:
    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._at = 0
        self._count = 0
        self._key = SigningKey.generate("bench/receipt")
        self._waiting: deque[tuple[bytes, asyncio.Future[None]]] = deque()
        self.flushing: asyncio.Task[None] | None = None

    async def write(self, entry: Payload) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((os.urandom(32) + canonical(entry), done))
        if self.flushing is None or self.flushing.done():
            self.flushing = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            group = list(self._waiting)
            self._waiting.clear()
            body = b"".join(struct.pack(">H", len(sealed)) + sealed for sealed, _ in group)
            sign_batch(self._key, "bench", self._count, [entry_leaf(s[:32], s[32:]) for s, _ in group], 0)
            frame = struct.pack(">II", len(body), zlib.crc32(body)) + body
            await asyncio.to_thread(self._put, frame)
            self._count += len(group)
            for _, done in group:
                done.set_result(None)

    def _put(self, frame: bytes) -> None:
        if self._at + len(frame) > SEGMENT_BYTES:
            self._at = 0  # a real one opens the next segment; here the space is used again
        os.pwrite(self._handle, frame, self._at)
        self._at += len(frame)
        os.fdatasync(self._handle)


@asynccontextmanager
async def sqlite_each(_: str, folder: Path) -> AsyncIterator[Write]:
    """SQLite, write-ahead log, synchronous=FULL, one transaction per append."""
    thread = ThreadPoolExecutor(1)
    path = folder / f"audit-{os.getpid()}.sqlite"

    def start() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("create table audit (number integer primary key, leaf blob, salt blob, payload text)")
        return connection

    loop = asyncio.get_running_loop()
    connection = await loop.run_in_executor(thread, start)

    def put(entry: Payload) -> None:
        raw, salt = canonical(entry), os.urandom(32)
        connection.execute(
            "insert into audit (leaf, salt, payload) values (?, ?, ?)", [entry_leaf(salt, raw), salt, raw.decode()]
        )

    async def write(entry: Payload) -> None:
        await loop.run_in_executor(thread, put, entry)

    yield write
    await loop.run_in_executor(thread, connection.close)
    thread.shutdown()
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


WRITERS = {
    "trail": trail,
    "trail_and_journal": trail_and_journal,
    "insert_each": insert_each,
    "sequenced_each": sequenced_each,
    "log_append_each": log_append_each,
    "bare_file": bare_file,
    "sqlite_each": sqlite_each,
}


def raw_flushes(folder: Path, seconds: float = 0.4) -> float:
    """Return how often a second this disk takes 4 KiB durably (pwrite and fdatasync into a zero-filled file)."""
    path = folder / "raw"
    path.write_bytes(bytes(1 << 20))
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    block, done, began = bytes(4096), 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        os.pwrite(handle, block, done % 256 * 4096)
        os.fdatasync(handle)
        done += 1
    spent_s = time.perf_counter() - began
    os.close(handle)
    path.unlink()
    return done / spent_s


def hash_work_us(entries: int = 64, rounds: int = 300) -> tuple[dict[str, float], dict[str, float]]:
    """Return microseconds of processor time per entry in groups: of spelling it out, and of hashing and signing."""
    key = SigningKey.generate("bench/receipt")
    made = [payload(number) for number in range(entries)]
    raws = [canonical(each) for each in made]
    salts = [os.urandom(32) for _ in raws]
    leaves = [entry_leaf(salt, raw) for salt, raw in zip(salts, raws, strict=True)]
    signed = sign_batch(key, "bench", 0, leaves, 0)

    def spent_us(work: Callable[[], object]) -> float:
        began = time.process_time()
        for _ in range(rounds):
            work()
        return (time.process_time() - began) / rounds / entries * 1e6

    spelling = {
        "canonical bytes": spent_us(lambda: [canonical(each) for each in made]),
        "salt": spent_us(lambda: [os.urandom(32) for _ in made]),
    }
    hashing = {
        "leaf hash": spent_us(lambda: [entry_leaf(salt, raw) for salt, raw in zip(salts, raws, strict=True)]),
        "batch root and signature": spent_us(lambda: sign_batch(key, "bench", 0, leaves, 0)),
        "receipts with their paths": spent_us(signed.receipts),
    }
    return spelling, hashing
