"""Asking the witnesses: a task beside the integrator, which signs whether or not they answer.

A round takes the newest signed checkpoint to every witness that is free, or becomes free meanwhile. It ends when the
quorum has cosigned, or all have answered or failed; who is late stays busy with it and joins a later round. Rounds over
one checkpoint each matter: cosignatures on different sizes never add up to a quorum.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from whosaw.prove import Checkpoint, Note, NoteInvalid, VerifierKey, open_checkpoint
from whosaw.prove.cosign import add_signatures, cosigners, keep_good
from whosaw.record.errors import TrailDamaged
from whosaw.record.shelf import Shelf
from whosaw.record.witness.circle import Circle, Pace
from whosaw.record.witness.remote import Head, Remote
from whosaw.record.witness.state import Standing, WitnessLine, WitnessState, read_standing, read_state
from whosaw.record.witness.web import Web
from whosaw.terms import Clock, SystemClock

_CONFIRM_S = 5.0  # how often an unchanged state is written again, to say that the asker lives
_LOG = logging.getLogger(__name__)


def _always() -> bool:
    return True


@dataclass(slots=True)
class _Round:
    """One checkpoint on its way round; `note` gathers the lines."""

    head: Head
    note: Note


class Witnessing:
    """Keeps a trail's checkpoints cosigned.

    Every attribute belongs to the task that runs `run`, and to the tasks it starts on the same loop.
    """

    def __init__(
        self,
        circle: Circle,
        keys: Sequence[VerifierKey],
        folder: Path,
        *,
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare to ask.

        Args:
            circle: whom to ask, and the quorum.
            keys: the trail key's public half, and those of the keys before it.
            folder: the trail's folder, where checkpoint and tiles appear.
            pace: how patiently.
            clock: dates the state; the world's unless given, also where the trail's is simulated.
        """
        self.circle = circle
        self._policy = circle.trusting(keys)
        self._keys = tuple(keys)
        self._folder = folder
        self._shelf = Shelf(folder)
        self._pace = pace or Pace()
        self._web = Web(self._pace.timeout_s)
        self._clock = clock or SystemClock()
        self._trouble = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._quorum_size: int | None = None
        self._quorum_at_s: float | None = None
        self._pending_since_s: float | None = None
        self._written: tuple[Standing, float] | None = None
        self._remotes = [
            Remote(name, key, circle.urls[name]) for name, key in circle.policy.witnesses.items() if name in circle.urls
        ]

    async def run(self, leads: Callable[[], bool] = _always) -> None:
        """Ask for ever, and never fail: what goes wrong stands in the state.

        Args:
            leads: whether this process is the one that signs; another one asks where it is not.
        """
        self._resume()
        async with self._web as web:
            try:
                while True:
                    if leads():
                        await self._look(web)
                    await asyncio.sleep(self._pace.poll_s)
            finally:
                await self._stop()

    def state(self) -> WitnessState:
        """Return how it stands now."""
        return read_state(self._folder, self._now_s())

    async def _look(self, web: Web) -> None:
        try:
            found = await asyncio.to_thread(self._read)
            if found is not None:
                await self._serve(web, found)
            self._trouble = ""
        except (OSError, NoteInvalid, TrailDamaged) as cause:
            if str(cause) != self._trouble:  # once, not ten times a second
                _LOG.warning("the witnesses are not asked: %s", cause)
            self._trouble = str(cause)

    def _read(self) -> _Round | None:
        raw = self._shelf.checkpoint()
        if raw is None:
            return None
        checkpoint, _ = open_checkpoint(raw, self._keys)
        # a line that was spoilt on the disk must not keep this checkpoint from being cosigned anew
        note = keep_good(Note.parse(raw), [*self._keys, *(remote.key for remote in self._remotes)])
        return _Round(Head(checkpoint, note, self._shelf, self._keys), note)

    async def _serve(self, web: Web, round_: _Round) -> None:
        checkpoint = round_.head.checkpoint
        await self._count(round_)  # what stands on the note already counts, as after a restart
        if self._quorum_size is not None and self._quorum_size >= checkpoint.size:
            self._pending_since_s = None
        elif self._pending_since_s is None:
            self._pending_since_s = self._now_s()
        self._write()
        if due := self._due(round_):
            await self._go_round(web, round_, due)
            self._write()

    def _due(self, round_: _Round) -> list[Remote]:
        cosigned = {key for key, _ in cosigners(round_.note, [remote.key for remote in self._remotes])}
        now_s = asyncio.get_running_loop().time()
        return [each for each in self._remotes if each.due(round_.head.checkpoint, each.key in cosigned, now_s)]

    async def _go_round(self, web: Web, round_: _Round, due: list[Remote]) -> None:
        asked = {self._start(web, round_, remote) for remote in due}
        # where the quorum stands already nobody is waited for: who is late must not hold a newer checkpoint back
        while asked and not self._met(round_.note):
            await asyncio.wait(asked, timeout=self._pace.poll_s, return_when=asyncio.FIRST_COMPLETED)
            asked = {task for task in asked if not task.done()}
            # who was busy with the checkpoint before, or paused, joins: else all would wait for one that is frozen
            asked |= {self._start(web, round_, remote) for remote in self._due(round_)}

    def _start(self, web: Web, round_: _Round, remote: Remote) -> asyncio.Task[None]:
        remote.busy = True
        task = asyncio.create_task(self._ask(web, round_, remote))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask(self, web: Web, round_: _Round, remote: Remote) -> None:
        try:
            lines = await remote.cosign(web, round_.head, self._pace)
            if lines:
                round_.note = add_signatures(round_.note, lines)
                await asyncio.to_thread(self._shelf.add_cosignatures, round_.note.text, lines)
                await self._count(round_)
        except (OSError, NoteInvalid) as cause:
            _LOG.warning("a cosignature could not be kept: %s", cause)
        finally:
            remote.busy = False

    async def _count(self, round_: _Round) -> None:
        """Take note of a quorum, where there is one that was not known, and publish the checkpoint that has it."""
        size = round_.head.checkpoint.size
        if (self._quorum_size is not None and size <= self._quorum_size) or not self._met(round_.note):
            return
        await asyncio.to_thread(self._shelf.put_cosigned, round_.note.format())
        self._quorum_size, self._quorum_at_s, self._pending_since_s = size, self._now_s(), None

    def _met(self, note: Note) -> bool:
        try:
            self._policy.check(note.format())
        except NoteInvalid:
            return False
        return True

    def _resume(self) -> None:
        """Take up what an earlier run wrote down; the quorum only where the kept note shows it."""
        found = read_standing(self._folder)
        before = {line.name: line for line in found[0].witnesses} if found else {}
        for remote in self._remotes:
            line = before.get(remote.name, WitnessLine(remote.name))
            remote.size, remote.at_s, remote.error = line.size, line.at_s, line.error
        if found is not None:
            self._pending_since_s = found[0].pending_since_s
        with suppress(NoteInvalid, OSError):
            kept: Checkpoint = self._policy.check(self._shelf.cosigned() or b"")[0]
            self._quorum_size = kept.size
            self._quorum_at_s = found[0].quorum_at_s if found else None

    def _write(self) -> None:
        standing = Standing(
            self._pace.grace_s,
            self._quorum_size,
            self._quorum_at_s,
            self._pending_since_s,
            tuple(WitnessLine(each.name, each.size, each.at_s, each.error) for each in self._remotes),
        )
        now_s = self._now_s()
        if self._written is None or self._written[0] != standing or now_s - self._written[1] >= _CONFIRM_S:
            standing.write(self._folder, now_s)
            self._written = (standing, now_s)

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
