"""Fsck: derive the whole trail again from what is stored, and name what does not fit.

Three witnesses are set against each other: the entries in the database, the tiles in the trail's folder, and the signed
checkpoints. Who rewrites an entry *and* its leaf hash in the database is found by the tiles; who rewrites the tiles too
is found by the checkpoint, which needs the trail key; who puts database and folder back to an older state together is
found only by a checkpoint from outside, and the report says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from whosaw.prove import VerifierKey
from whosaw.record import queries
from whosaw.record.compare import Comparison
from whosaw.record.findings import FsckReport
from whosaw.record.signed import read_signed
from whosaw.store import Database

_CHUNK_ROWS = 2_048

Progress = Callable[[int, int], None]


async def fsck(
    db: Database,
    folder: Path,
    key: VerifierKey,
    progress: Progress | None = None,
    outside: Sequence[bytes] = (),
) -> FsckReport:
    """Check every entry, tile and checkpoint.

    Args:
        db: the trail's database, or a copy of it.
        folder: the trail's folder, with checkpoint and tiles.
        key: the trail key's public half.
        progress: called with entries done and entries in all.
        outside: signed checkpoints of this trail that were kept elsewhere.

    Raises:
        DatabaseUnreachable: the database does not answer.
    """
    started = time.perf_counter()
    signed = read_signed(folder, key, outside)  # before the database: a live trail may only be ahead of its checkpoint
    async with queries.snapshot(db) as conn:
        size = await queries.head_size(conn)
        signed.add_kept(await queries.all_checkpoints(conn))
        compared = Comparison(size)
        async for rows in queries.audit_rows(conn, _CHUNK_ROWS):
            compared.take(rows)
            if progress is not None:
                progress(min(compared.read, size), size)
            await asyncio.sleep(0)
    findings = [*signed.findings, *compared.finish(signed)]
    return FsckReport(
        entries=compared.read,
        size=size,
        signed_size=signed.size,
        outside_size=signed.outside_size,
        findings=tuple(findings),
        seconds=time.perf_counter() - started,
    )
