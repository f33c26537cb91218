"""What a witness remembers: per trail the last checkpoint it cosigned, one durable file each.

The file is the whole note, the trail's signature and the witness's own: it is the state, it is what monitors fetch, and
anyone can check it. It is replaced by a rename after an fsync, so a crash leaves the old or the new one; and compared
and replaced under a lock of the file system, so neither two requests nor two processes can roll it back.
"""

from __future__ import annotations

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from whosaw.prove import Checkpoint, Note, NoteInvalid
from whosaw.record.errors import RecordError
from whosaw.terms.durable import UMASK, write_whole

_NAME = re.compile(r"[0-9a-f]{64}")


class WitnessDamaged(RecordError, RuntimeError):
    """The witness's own state cannot be read; it cosigns nothing for that trail, for it may have seen more."""

    code: ClassVar[str] = "record.witness_damaged"
    hint = "restore the file from the trail's latest checkpoint that carries this witness's cosignature"


def origin_hash(origin: str) -> str:
    """Return the hex SHA-256 that stands for a trail in file names and paths."""
    return sha256(origin.encode()).hexdigest()


@dataclass(slots=True)
class Slot:
    """One trail's place, held by whoever got it from `Memory.held`."""

    folder: Path
    name: str

    def last(self) -> Checkpoint | None:
        """Return the tree last cosigned, None where there was none.

        Raises:
            WitnessDamaged: the file cannot be read as a checkpoint of this trail.
        """
        try:
            raw = (self.folder / self.name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            last = Checkpoint.parse(Note.parse(raw).text)
        except NoteInvalid as cause:
            raise WitnessDamaged(f"`{self.name}` is not a checkpoint: {cause}") from cause
        if origin_hash(last.origin) != self.name:
            raise WitnessDamaged(f"`{self.name}` is the checkpoint of another trail")
        return last

    def put(self, note: bytes) -> None:
        """Replace it, durably."""
        write_whole(self.folder / self.name, note, mode=UMASK)


class Memory:
    """The folder of a witness. Any number of threads and processes may use one folder."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, made if absent."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    @contextmanager
    def held(self, origin: str) -> Iterator[Slot]:
        """Hold one trail's place against every other thread and process."""
        name = origin_hash(origin)
        with (self._folder / (name + ".lock")).open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Slot(self._folder, name)

    def note(self, name: str) -> bytes | None:
        """Return the note of the trail whose `origin_hash` is `name`, None where there is none."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
