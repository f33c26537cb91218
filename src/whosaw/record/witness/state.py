"""How the witnessing stands, as a small file in the trail's folder that anything which shows the trail can read."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from whosaw.prove import Checkpoint, Note, NoteInvalid
from whosaw.record.shelf import Shelf
from whosaw.record.witness.remote import CONTRADICTIONS

STATE_FILE = "witnesses.json"

Status = Literal["none", "witnessed", "waiting", "unwitnessed", "contradicted"]


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """One witness: what it cosigned last, when by its own clock (POSIX seconds), and why not since, in a word."""

    name: str
    size: int | None = None
    at_s: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """How the witnessing of a trail stands.

    Attributes:
        status: ``none`` no witness is configured; ``witnessed`` the quorum cosigned the last checkpoint; ``waiting`` it
            did not yet, within the grace; ``unwitnessed`` it did not, beyond the grace; ``contradicted`` a witness
            holds a checkpoint of the trail's own key that this trail does not continue.
        size: entries under the last checkpoint; 0 where there is none.
        quorum_size: entries under the last checkpoint that the quorum cosigned; None where there is none.
        quorum_at_s: when that was reached (POSIX seconds).
        since_s: since when the last checkpoint lacks the quorum (POSIX seconds), None where it has it.
        grace_s: how long it may lack it.
        witnesses: each witness.
    """

    status: Status = "none"
    size: int = 0
    quorum_size: int | None = None
    quorum_at_s: float | None = None
    since_s: float | None = None
    grace_s: float = 0.0
    witnesses: tuple[WitnessLine, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether witnesses vouch for the trail now, or are only late within the grace."""
        return self.status in {"witnessed", "waiting"}

    def line(self) -> str:
        """Return the state as one line for a person."""
        told = {
            "none": "unwitnessed: no witness is configured, so roll-back by the operator cannot be excluded",
            "witnessed": f"witnessed: the quorum cosigned the checkpoint over {self.size} entries",
            "waiting": f"waiting for witnesses: the quorum cosigned {self.quorum_size or 0} of {self.size} entries",
            "unwitnessed": f"unwitnessed: the quorum cosigned {self.quorum_size or 0} of {self.size} entries, and"
            f" nothing more for longer than {self.grace_s:g} s",
            "contradicted": "CONTRADICTED: a witness holds a checkpoint of this trail's key that it does not continue",
        }[self.status]
        failing = [f"{each.name}: {each.error}" for each in self.witnesses if each.error]
        return told + (f" ({', '.join(failing)})" if failing else "")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the asking side writes down; times in POSIX seconds."""

    grace_s: float
    quorum_size: int | None
    quorum_at_s: float | None
    pending_since_s: float | None
    witnesses: tuple[WitnessLine, ...]

    def write(self, folder: Path, checked_at_s: float) -> None:
        """Replace the file; not flushed, for after a crash it is written anew."""
        scratch = folder / (STATE_FILE + ".new")
        scratch.write_text(json.dumps(asdict(self) | {"checked_at_s": checked_at_s}, indent=1) + "\n")
        scratch.rename(folder / STATE_FILE)


def read_standing(folder: Path) -> tuple[Standing, float] | None:
    """Return what was written down and when it was last confirmed; None where nothing readable was."""
    try:
        read: Mapping[str, Any] = json.loads((folder / STATE_FILE).read_text())
        lines = tuple(WitnessLine(**each) for each in read["witnesses"])
        times = (read["quorum_size"], read["quorum_at_s"], read["pending_since_s"])
        return Standing(float(read["grace_s"]), *times, lines), float(read["checked_at_s"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def read_state(folder: Path, now_s: float | None = None) -> WitnessState:
    """Return how the witnessing of the trail in `folder` stands.

    Nothing is verified: the files are the operator's own. Who does not trust him checks the cosigned checkpoint under
    a policy.

    Args:
        folder: the trail's folder.
        now_s: POSIX seconds; default the system's.
    """
    size = _size(Shelf(folder).checkpoint())
    found = read_standing(folder)
    if found is None:
        return WitnessState(size=size)
    standing, checked_at_s = found
    now_s = time.time() if now_s is None else now_s
    covered = standing.quorum_size is not None and standing.quorum_size >= size
    # a dead asker writes nothing: then the last time that it was well is the best that can be said
    since_s = None if covered else standing.pending_since_s or checked_at_s
    return WitnessState(
        status=_status(standing, since_s, now_s),
        size=size,
        quorum_size=standing.quorum_size,
        quorum_at_s=standing.quorum_at_s,
        since_s=since_s,
        grace_s=standing.grace_s,
        witnesses=standing.witnesses,
    )


def _status(standing: Standing, since_s: float | None, now_s: float) -> Status:
    if any(each.error in CONTRADICTIONS for each in standing.witnesses):
        return "contradicted"
    if since_s is None:
        return "witnessed"
    return "waiting" if now_s - since_s <= standing.grace_s else "unwitnessed"


def _size(note: bytes | None) -> int:
    if note is None:
        return 0
    try:
        return Checkpoint.parse(Note.parse(note).text).size
    except NoteInvalid:
        return 0
