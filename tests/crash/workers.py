"""The processes that the campaign kills: doors that append, and integrators that sign. They know nothing of it."""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import psycopg

from whosaw.prove import encode_receipt
from whosaw.record import Appender, Integrator, Journal, TrailUnavailable, load_or_create
from whosaw.store import Database, DatabaseUnreachable
from whosaw.terms import SystemClock, to_us

BASE = "crash.example"


def context() -> ForkServerContext:
    """Return what starts workers: real processes, forked from one that has imported everything."""
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["workers"])
    return made


def start(made: ForkServerContext, work: str, *words: str) -> ForkServerProcess:
    """Start one worker: `door` NUMBER or `integrator` NUMBER, then the database's address and the state folder."""
    process = made.Process(target=_run, args=(work, words), daemon=True)
    process.start()
    return process


def socket_path(state: Path, door: int) -> Path:
    """Return where a door listens."""
    return state / f"door-{door}.sock"


def journal_path(state: Path, door: int) -> Path:
    """Return a door's receipt journal."""
    return state / f"door-{door}.receipts"


def _run(work: str, words: tuple[str, ...]) -> None:
    number, url, state = int(words[0]), words[1], Path(words[2])
    logging.disable()
    asyncio.run(_door(number, url, state) if work == "door" else _integrator(url, state))


async def _door(number: int, url: str, state: Path) -> None:
    """Answer every line, an ask id, with the receipt of its entry, or with what was refused."""
    clock = SystemClock()
    keys = load_or_create(state / "keys", clock, BASE)
    with Journal(journal_path(state, number)) as journal:
        async with _reach(url) as db, Appender(db, keys, clock, journal=journal) as appender:

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                while line := await reader.readline():
                    ask = line.decode().strip()
                    try:
                        receipt = await appender.append(
                            {
                                "kind": "disclosure",
                                "at": to_us(clock.now()),
                                "actor": number,
                                "subject": int(ask[:4], 16),
                                "ask": ask,
                                "door": f"door {number}",
                            }
                        )
                        told = {"ask": ask, "receipt": encode_receipt(receipt)}
                    except TrailUnavailable as refusal:
                        told = {"ask": ask, "refused": refusal.code}
                    writer.write(json.dumps(told).encode() + b"\n")
                writer.close()

            path = socket_path(state, number)
            path.unlink(missing_ok=True)
            server = await asyncio.start_unix_server(serve, path)
            async with server:
                await server.serve_forever()


async def _integrator(url: str, state: Path) -> None:
    """Sign for ever, as a leader or as one who stands by; a trail that contradicts what was signed ends it."""
    clock = SystemClock()
    keys = load_or_create(state / "keys", clock, BASE)
    async with _reach(url) as db:
        await Integrator(db, keys, state / "trail", clock).run(interval_s=0.1)


@asynccontextmanager
async def _reach(url: str) -> AsyncIterator[Database]:
    """Open the database as soon as it answers; while PostgreSQL recovers it does not."""
    while True:
        db = Database(url, pool_size=4)
        try:
            await db.__aenter__()
            break
        except (DatabaseUnreachable, psycopg.OperationalError):
            await db.__aexit__(None, None, None)
            await asyncio.sleep(0.05)
    try:
        yield db
    finally:
        await db.__aexit__(None, None, None)
