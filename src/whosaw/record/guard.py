"""The guard before every commit: it refuses where what is committed might not last, or could not be believed.

It looks at most once a second, and only when something is to be recorded; in between its last word stands. What it
cannot find out counts as wrong. Nothing here can be overridden: a cause goes, and the next look finds it gone.
"""

from __future__ import annotations

import asyncio
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from whosaw.prove import Checkpoint, NoteInvalid
from whosaw.prove.note import Note
from whosaw.record import guardqueries
from whosaw.record.closed import (
    ClockBehind,
    DatabaseGone,
    DurabilityLost,
    IntegratorStuck,
    KeyGone,
    ServerChanged,
    TrailShorter,
    failure_of,
)
from whosaw.record.errors import TrailUnavailable
from whosaw.record.guardqueries import Reading
from whosaw.record.serverfile import KnownServer
from whosaw.record.shelf import Shelf
from whosaw.store import Database, StoreError
from whosaw.terms import Clock, to_us

_KEY_FILES = ("trail.key", "receipt.key")
_WIDER_THAN_OWNER = 0o077


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far things may go before the door closes.

    Attributes:
        clock_behind_s: how far the clock may stand before the last entry.
        unsigned_s: how long entries may wait without a new checkpoint.
        look_s: how long a look that found nothing stands.
        retry_s: how long one that found something stands.
        answer_s: how long the server may take to answer.
    """

    clock_behind_s: float = 5.0
    unsigned_s: float = 30.0
    look_s: float = 1.0
    retry_s: float = 0.2
    answer_s: float = 1.5


class Guard:
    """Looks at server, clock, keys and integrator for one process; use it from one event loop."""

    # what owns what: `_look` changes everything below but `_promised` and `_dated_us`, and runs under `_looking`

    def __init__(
        self, db: Database, clock: Clock, *, keys_folder: Path, trail_folder: Path, bounds: Bounds | None = None
    ) -> None:
        """Prepare to look.

        Args:
            db: where the trail is.
            clock: of this process; against a simulated one dates and waiting are not judged.
            keys_folder: holds the keys, and the file that names the known server.
            trail_folder: holds the checkpoint.
            bounds: how far things may go.
        """
        self._db = db
        self._clock = clock
        self._folder = keys_folder
        self._shelf = Shelf(trail_folder)
        self._bounds = bounds or Bounds()
        self._keys = [name for name in _KEY_FILES if (keys_folder / name).exists()]
        self._looking = asyncio.Lock()
        self._due = 0.0  # when the last look ends to stand, on the monotonic clock
        self._closed: TrailUnavailable | None = None
        self._dated_us: int | None = None  # the latest date known of an entry; None where there is none
        self._promised = 0  # entries that this process knows to be durable
        self._waiting: tuple[int, float] | None = None  # entries signed while more waited, and since when

    async def check(self) -> None:
        """Return if a batch may be recorded now.

        Raises:
            TrailUnavailable: it may not; the class says why.
        """
        if time.monotonic() >= self._due:
            async with self._looking:
                if time.monotonic() >= self._due:
                    await self._look()
        if self._closed is not None:
            raise failure_of(self._closed)
        self._judge_clock()

    def promised(self, size: int) -> None:
        """Note that the trail holds at least `size` entries."""
        self._promised = max(self._promised, size)

    async def _look(self) -> None:
        try:
            self._judge_keys()
            least = self._least()  # before the server is asked: the trail grows meanwhile
            reading = await self._ask()
            self._judge_server(reading)
            if reading.size < least:
                raise TrailShorter(f"the database holds {reading.size} entries, and {least} were promised or signed")
            if not self._clock.simulated:
                self._note_date(reading)
                self._judge_integrator(reading)
            self._closed = None
        except TrailUnavailable as found:
            self._closed = found
        except Exception as cause:  # what cannot be found out counts as wrong
            self._closed = failure_of(cause)
        self._due = time.monotonic() + (self._bounds.retry_s if self._closed else self._bounds.look_s)

    async def _ask(self) -> Reading:
        try:
            async with asyncio.timeout(self._bounds.answer_s), self._db.connection() as conn:
                return await guardqueries.read_server(conn)
        except (TimeoutError, StoreError) as cause:
            raise DatabaseGone("the database does not answer") from cause

    def _judge_keys(self) -> None:
        for name in self._keys:
            try:
                found = (self._folder / name).stat()
            except OSError as cause:
                raise KeyGone(f"the key file `{name}` is not there: {cause.strerror}") from cause
            if not stat.S_ISREG(found.st_mode) or found.st_mode & _WIDER_THAN_OWNER:
                raise KeyGone(f"the key file `{name}` is open to others")

    def _judge_server(self, reading: Reading) -> None:
        if reading.unsafe:
            raise DurabilityLost(f"the server runs with {', '.join(f'{name} = off' for name in reading.unsafe)}")
        if reading.timeline is None:
            raise ServerChanged("the server is a standby and takes no entries")
        known = self._known()
        if known is None:
            self._accept(reading)
        elif known.system != reading.system:
            raise ServerChanged(f"the server is `{reading.system}`, and the trail was on `{known.system}`")
        elif known.timeline != reading.timeline:
            older = "an older" if reading.timeline < known.timeline else "another"
            raise ServerChanged(
                f"the server is on {older} timeline: {reading.timeline}, and the trail was on {known.timeline}"
            )

    def _least(self) -> int:
        """Return how many entries there must be: what this process was promised, and what was signed."""
        note = self._shelf.checkpoint()
        try:
            # unverified: a forged checkpoint here can only close the door, and fsck names it
            signed = 0 if note is None else Checkpoint.parse(Note.parse(note).text).size
        except NoteInvalid:
            signed = 0  # the integrator says what is wrong with it
        return max(self._promised, signed)

    def _note_date(self, reading: Reading) -> None:
        """Remember when the last entry is dated, unless the dates so far were settled."""
        known = self._known()
        if known is not None and reading.size <= known.entries:
            self._dated_us = None
        elif reading.last_us is not None:
            self._dated_us = max(reading.last_us, self._dated_us or reading.last_us)

    def _judge_clock(self) -> None:
        """Compare the clock, at every batch: between two looks it must not fall behind unseen either."""
        if self._clock.simulated:
            return
        now_us = to_us(self._clock.now())
        behind_s = ((self._dated_us or now_us) - now_us) / 1e6
        if behind_s > self._bounds.clock_behind_s:
            raise ClockBehind(f"the clock stands {behind_s:.0f} s before the last entry")
        self._dated_us = max(now_us, self._dated_us or now_us)

    def _judge_integrator(self, reading: Reading) -> None:
        if reading.signed >= reading.size:
            self._waiting = None
            return
        if self._waiting is None or self._waiting[0] != reading.signed:
            self._waiting = (reading.signed, time.monotonic())
        waited_s = time.monotonic() - self._waiting[1]
        if waited_s > self._bounds.unsigned_s:
            wait = f"{reading.size - reading.signed} entries wait to be signed"
            raise IntegratorStuck(f"{wait}, and no checkpoint came for {waited_s:.0f} s")

    def _known(self) -> KnownServer | None:
        try:
            return KnownServer.load(self._folder)
        except (OSError, ValueError) as cause:
            raise ServerChanged(f"the file that names the known server cannot be used: {cause}") from cause

    def _accept(self, reading: Reading) -> None:
        """Know the first server ever seen; it is compared from then on."""
        if reading.timeline is not None:
            KnownServer(reading.system, reading.timeline, 0).save(self._folder)


async def accept_server(db: Database, keys_folder: Path) -> KnownServer:
    """Make the server that now answers the known one, and the dates of its entries settled; return it.

    Call it only after the trail was found whole.

    Raises:
        ServerChanged: it is a standby.
        DatabaseUnreachable: it does not answer.
        OSError: the file cannot be written.
    """
    async with db.connection() as conn:
        reading = await guardqueries.read_server(conn)
    if reading.timeline is None:
        raise ServerChanged("the server is a standby and takes no entries")
    known = KnownServer(reading.system, reading.timeline, reading.size)
    known.save(keys_folder)
    return known
