"""The trail flows into the lake: what is signed is read, written as Parquet, and counted by replacing the manifest.

Exactly once: files are durable before the manifest names them, and the manifest says in the same breath how far the
trail was read. A process killed in between leaves files that nobody reads; the next one sweeps them away and reads the
same entries again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from whosaw.lake import trailqueries as queries
from whosaw.lake.blank import blank
from whosaw.lake.compact import Sizes, compact
from whosaw.lake.errors import LakeBusy, TrailMismatch
from whosaw.lake.place import Place, is_ours, locked, place_of
from whosaw.lake.trailfiles import write_rows
from whosaw.lake.trailmanifest import NAME, TrailManifest, folder_of, read_trail, write_trail
from whosaw.lake.trailread import Said, Trail, rows_said, said_between, sole_writer
from whosaw.prove import Checkpoint
from whosaw.record.queries import snapshot

CHUNK_ENTRIES = 65_536
FOLLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Exported:
    """What one export did.

    Args:
        entries: read from the trail.
        rows: written for them.
        blanked: rows taken out because their entries were erased.
        end: entries below this index are in the lake now.
    """

    entries: int
    rows: int
    blanked: int
    end: int


async def export(
    trail: Trail, where: str | Path, classes: Mapping[str, str] | None = None, sizes: Sizes | None = None
) -> Exported:
    """Bring what was signed since the last time into the lake, take out what was erased, and merge small files.

    Args:
        trail: read from here.
        where: the lake, a path or a URL.
        classes: field → class, as the catalog says now; kept as it was where absent.
        sizes: when files are merged, and how large they may be.

    Raises:
        LakeBusy: another process exports this trail to this lake.
        TrailMismatch: the lake holds entries that the trail does not have.
        LakeUnwritable, LakeDamaged: the lake cannot be written or read.
    """
    place = place_of(where)
    async with sole_writer(trail, place.text):
        with locked(place.within(folder_of(trail.origin))):
            inside = place.within(folder_of(trail.origin))
            await asyncio.to_thread(_sweep, inside)
            return await _round(trail, inside, classes, sizes or Sizes())


async def follow(
    trail: Trail,
    where: str | Path,
    classes: Mapping[str, str] | None = None,
    *,
    sizes: Sizes | None = None,
    every_s: float = FOLLOW_S,
    told: Callable[[Exported], None] | None = None,
) -> None:
    """Keep the lake up to the signed trail, for ever; where another process does it already, wait to take over.

    Args:
        trail: read from here.
        where: the lake, a path or a URL.
        classes: field → class, as the catalog says.
        sizes: when files are merged, and how large they may be.
        every_s: seconds between two looks at the trail.
        told: called after every round that changed something.

    Raises:
        TrailMismatch, LakeUnwritable, LakeDamaged: as in `export`.
    """
    place = place_of(where)
    inside = place.within(folder_of(trail.origin))
    while True:
        try:
            async with sole_writer(trail, place.text):
                with locked(inside):
                    await asyncio.to_thread(_sweep, inside)
                    while True:
                        done = await _round(trail, inside, classes, sizes or Sizes())
                        if told is not None and (done.entries or done.blanked):
                            told(done)
                        await asyncio.sleep(every_s)
        except LakeBusy:
            await asyncio.sleep(every_s)


async def _round(trail: Trail, place: Place, classes: Mapping[str, str] | None, sizes: Sizes) -> Exported:
    manifest = read_trail(place) or TrailManifest(trail.origin)
    head = trail.head()
    if head is None or head.size < manifest.end:
        if manifest.end:
            raise TrailMismatch(f"lake `{place.text}` holds {manifest.end} entries, more than the trail's checkpoint")
        return Exported(0, 0, 0, 0)
    begun, rows = manifest.end, 0
    if classes is not None and dict(classes) != manifest.classes:
        manifest = replace(manifest, classes=dict(classes))
        write_trail(place, manifest)
    async with aclosing(_pieces(trail, manifest.end, head.size)) as pieces:
        async for piece in pieces:
            manifest = await _admit(place, manifest, piece, head, sizes)
            rows += piece.rows.num_rows
    manifest, blanked = await _blank(trail, place, manifest)
    await asyncio.to_thread(compact, place, manifest, sizes)
    return Exported(manifest.end - begun, rows, blanked, manifest.end)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows of the entries from index `first` on and below `end`, of which `erased` are erased."""

    first: int
    end: int
    rows: pa.Table
    erased: int


async def _pieces(trail: Trail, first: int, end: int) -> AsyncGenerator[_Piece]:
    """Yield entries in pieces: while one is written the next is made into rows, and the one behind it is read."""

    async def read() -> AsyncGenerator[Said]:
        for start in range(first, end, CHUNK_ENTRIES):
            yield await said_between(trail, start, min(end, start + CHUNK_ENTRIES))

    async def made() -> AsyncGenerator[_Piece]:
        async with aclosing(_ahead(read())) as those:
            async for said in those:
                rows = await asyncio.to_thread(rows_said, trail.origin, said)
                yield _Piece(said.first, said.end, rows, said.erased)

    async with aclosing(_ahead(made())) as pieces:
        async for piece in pieces:
            yield piece


_T = TypeVar("_T")


async def _ahead(items: AsyncGenerator[_T]) -> AsyncGenerator[_T]:
    """Yield items; the next one is on its way while one is used."""

    async def following() -> _T | None:
        return await anext(items, None)

    coming = asyncio.create_task(following())
    try:
        while (item := await coming) is not None:
            coming = asyncio.create_task(following())
            yield item
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await items.aclose()


async def _admit(place: Place, manifest: TrailManifest, piece: _Piece, head: Checkpoint, sizes: Sizes) -> TrailManifest:
    """Write the files of a piece, then the manifest that names them and says that the trail was read so far."""
    root = head.root.hex()
    span = (piece.first, piece.end)
    files = await asyncio.to_thread(write_rows, place, piece.rows, span, (head.size, root), sizes.file_rows)
    grown = replace(manifest.swapped([], files), end=piece.end, root=root, erased=manifest.erased + piece.erased)
    await asyncio.to_thread(write_trail, place, grown)
    return grown


async def _blank(trail: Trail, place: Place, manifest: TrailManifest) -> tuple[TrailManifest, int]:
    """Take out the rows of entries that were erased after they came here."""
    async with snapshot(trail.db) as conn:
        if await queries.erased_below(conn, manifest.end) == manifest.erased:
            return manifest, 0
        erased = await queries.erased_indices(conn, manifest.end)
    return await asyncio.to_thread(blank, place, manifest, erased)


def _sweep(place: Place) -> None:
    """Remove what a writer that was killed left behind, and what it had replaced."""
    manifest = read_trail(place)
    kept = {NAME, *(manifest.names() if manifest else ())}
    place.remove(name for name in place.names() if name not in kept and not is_ours(name))
