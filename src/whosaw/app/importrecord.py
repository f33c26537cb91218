"""That a foreign log was brought in is itself in the record, where there is one."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from whosaw.app.settings import Settings
from whosaw.terms import to_us

if TYPE_CHECKING:
    from whosaw.lake import ImportReport
    from whosaw.prove import Payload

_BLOCK_BYTES = 1 << 20


def record_import(log: Path, report: ImportReport) -> int | None:
    """Append an entry about an import and return its index; None where this state folder holds no trail.

    Args:
        log: the file; its name stays out of the record, its SHA-256 says which it was.
        report: what became of its rows.

    Raises:
        TrailUnavailable: it could not be recorded; the rows are in the lake all the same.
    """
    settings = Settings()
    if not (settings.keys_folder / "trail.key").exists():
        return None
    from whosaw.app.services import own_database  # where there is no record, nothing of the server's is loaded

    with own_database(settings) as url:
        return asyncio.run(_append(settings, url, _sha256(log), report))


async def _append(settings: Settings, url: str, digest: str, report: ImportReport) -> int:
    from whosaw.app.clocks import clock_of
    from whosaw.app.looks import operator
    from whosaw.record import Appender, load_or_create
    from whosaw.store import Database, NumberMap

    clock = clock_of(settings)
    keys = load_or_create(settings.keys_folder, clock)
    async with Database(url, pool_size=2) as db, Appender(db, keys, clock) as appender:
        (actor,) = await NumberMap(db).numbers("actor", [operator()])
        entry: Payload = {
            "kind": "import",
            "at": to_us(clock.now()),
            "actor": actor,
            "door": "console",
            "object": f"log:{digest}",
            "rows": report.accepted,
            "known": report.duplicates,
            "rejected": report.rejected,
            "grade": report.grade,
        }
        return (await appender.append(entry)).index


def _sha256(log: Path) -> str:
    digest = hashlib.sha256()
    with log.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
