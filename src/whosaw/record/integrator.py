"""The integrator: builds the tree over what was appended and signs its head, at most a second behind.

It never signs a tree that is smaller than, or different from, what it signed last: at the start it builds the tree from
the database again and compares its root with the last checkpoint, and every step begins by comparing the last leaf it
knows. Its own state is the checkpoint in the trail's folder, which belongs on another disk than the database.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import psycopg

from whosaw.prove import Checkpoint, NoteInvalid, open_checkpoint, sign_checkpoint
from whosaw.prove.merkle import CompactRange
from whosaw.record import exposurequeries, queries
from whosaw.record.errors import TrailDamaged, TrailRolledBack
from whosaw.record.keys import Keys
from whosaw.record.shelf import Shelf
from whosaw.record.tiles import Tile, TileEdge
from whosaw.store import Database, StoreError
from whosaw.store.database import Connection
from whosaw.terms import Clock, to_us

_CHUNK_ROWS = 8_192
_SWEPT_EVERY_S = 3_600.0
_LOG = logging.getLogger(__name__)


class _Tree:
    """The tree as far as it was read: its compact range, its tile edge, and tiles not yet written."""

    def __init__(self) -> None:
        self.range = CompactRange()
        self.edge = TileEdge()
        self.unwritten: list[Tile] = []
        self.last_leaf: bytes | None = None

    def extend(self, leaves: list[bytes]) -> None:
        self.range.extend(leaves)
        self.unwritten += self.edge.extend(leaves)
        if leaves:
            self.last_leaf = leaves[-1]


class Integrator:
    """Signs the trail's head for one trail; of several processes that run it, one at a time leads.

    `step` may be called while `run` runs in the same process: `_stepping` orders them.
    """

    def __init__(self, db: Database, keys: Keys, folder: Path, clock: Clock) -> None:
        """Prepare to sign.

        Args:
            db: where the trail is.
            keys: the trail key signs.
            folder: holds the checkpoint and the tiles; made if absent.
            clock: dates the checkpoints kept in the database.
        """
        self._db = db
        self._keys = keys
        self._shelf = Shelf(folder)
        self._clock = clock
        self._stepping = asyncio.Lock()
        self._tree: _Tree | None = None  # None: to be built from the database, as at the start and after any failure
        self._signed: Checkpoint | None = None
        self._leading = False
        self._sweep_due_s = 0.0

    @property
    def leading(self) -> bool:
        """Whether `run` holds the lead now, so that this process speaks for the trail to witnesses and stampers."""
        return self._leading

    async def step(self) -> Checkpoint:
        """Bring tiles and checkpoint up to what is appended now, and return the checkpoint.

        Raises:
            TrailRolledBack: the database holds a smaller or different tree than was signed.
            TrailDamaged: an index is missing.
            DatabaseUnreachable: the database does not answer; the next step starts afresh.
        """
        async with self._stepping:
            try:
                async with self._db.connection() as conn:
                    tree = self._tree or await self._rebuild(conn)
                    await self._read(conn, tree, await queries.head_size(conn))
                    if self._signed is None or tree.range.size > self._signed.size:
                        self._signed = await self._sign(conn, tree)
                    # where another process signed further meanwhile, build again and compare with its root
                    self._tree = tree if tree.range.size == self._signed.size else None
                return self._signed
            except BaseException:
                self._tree = None
                raise

    async def run(self, interval_s: float = 0.5) -> None:
        """Step for ever; where another process leads, stand by and take over when it stops.

        Args:
            interval_s: seconds between steps, > 0 and at most 1.

        Raises:
            TrailDamaged: the trail contradicts what was signed; nothing more is signed.
        """
        while True:
            try:
                async with self._db.connection() as conn:
                    if await queries.try_lead(conn):
                        await self._lead(conn, interval_s)
            except (StoreError, OSError) as cause:
                _LOG.warning("the integrator waits: %s", cause)
            await asyncio.sleep(interval_s)

    async def _lead(self, conn: Connection, interval_s: float) -> None:
        try:
            self._tree = None  # another process may have signed since this one last led
            self._leading = True
            while True:
                await conn.execute("select 1")  # the lock lasts exactly as long as this connection
                await self.step()
                await self._sweep(conn)
                await asyncio.sleep(interval_s)
        finally:
            self._leading = False
            if not conn.closed:
                await queries.stop_leading(conn)

    async def _sweep(self, conn: Connection) -> None:
        """Now and then take away sets of subjects that no entry came to name; as the one who leads."""
        if time.monotonic() >= self._sweep_due_s:
            self._sweep_due_s = time.monotonic() + _SWEPT_EVERY_S
            try:
                await exposurequeries.sweep(conn)
            except psycopg.Error as cause:  # signing goes on; what is left over harms nobody until the next time
                _LOG.warning("sets of subjects that nothing names were not swept: %s", cause)

    async def _rebuild(self, conn: Connection) -> _Tree:
        """Build the tree up to the last checkpoint and compare."""
        self._signed = await self._last_signed(conn)
        tree = _Tree()
        size = self._signed.size if self._signed else 0
        head = await queries.head_size(conn)
        if head < size:
            raise TrailRolledBack(f"the database holds {head} entries, and {size} were signed")
        await self._read(conn, tree, size)
        if self._signed and tree.range.root() != self._signed.root:
            raise TrailRolledBack(f"the database's first {size} entries are not the ones that were signed")
        return tree

    async def _read(self, conn: Connection, tree: _Tree, size: int) -> None:
        """Extend `tree` to `size` leaves, after comparing the last one it has."""
        known = tree.range.size
        if size < known:
            raise TrailRolledBack(f"the database holds {size} entries, and {known} were there before")
        if known:
            last = await queries.leaves_from(conn, known - 1, known, 1)
            if not last or last[0][1] != tree.last_leaf:
                raise TrailRolledBack(f"entry {known - 1} is not the one that was signed")
        while tree.range.size < size:
            rows = await queries.leaves_from(conn, tree.range.size, size, _CHUNK_ROWS)
            first = tree.range.size
            hole = next((at for at, (index, _) in enumerate(rows, first) if index != at), None if rows else first)
            if hole is not None:
                raise TrailDamaged(f"entry {hole} is missing")
            tree.extend([leaf for _, leaf in rows])
            await asyncio.sleep(0)  # hashing a long trail must not starve the loop

    async def _last_signed(self, conn: Connection) -> Checkpoint | None:
        """Return the largest tree this key signed, by the folder or by the database."""
        kept = await queries.latest_checkpoint(conn)
        notes = [self._shelf.checkpoint(), kept.encode() if kept is not None else None]
        signed = [self._open(note) for note in notes if note is not None]
        return max(signed, key=lambda checkpoint: checkpoint.size, default=None)

    def _open(self, note: bytes) -> Checkpoint:
        """Return a checkpoint that this trail's key signed, the present one or one before it."""
        try:
            return open_checkpoint(note, self._keys.verifiers)[0]
        except NoteInvalid as cause:
            raise TrailDamaged(f"the last checkpoint was not signed by this trail's key: {cause}") from cause

    def _publish(self, tree: _Tree) -> bytes:
        """Write the tiles, then the checkpoint that needs them; return the note that stands now."""
        with self._shelf.locked():
            standing = self._shelf.checkpoint()
            if standing is not None:
                ahead = self._open(standing)
                if ahead.size >= tree.range.size:  # another process signed meanwhile, from the same rows
                    return standing
            self._shelf.put_tiles([*tree.unwritten, *tree.edge.partials()])
            tree.unwritten.clear()
            checkpoint = Checkpoint(self._keys.origin, tree.range.size, tree.range.root())
            note = sign_checkpoint(checkpoint, self._keys.trail)
            self._shelf.put_checkpoint(note)
            return note

    async def _sign(self, conn: Connection, tree: _Tree) -> Checkpoint:
        note = await asyncio.to_thread(self._publish, tree)
        checkpoint = self._open(note)
        at_us = to_us(self._clock.now())
        await queries.save_checkpoint(conn, checkpoint.size, checkpoint.root, at_us, note.decode())
        return checkpoint
