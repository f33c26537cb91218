"""How the trail stands now: what is recorded, what of it is signed, and what witnesses say."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from whosaw.app import queries
from whosaw.prove import VerifierKey, open_checkpoint
from whosaw.record.queries import head_size
from whosaw.record.shelf import Shelf
from whosaw.record.witness.state import read_state
from whosaw.store import Database
from whosaw.terms import Clock, from_us


@dataclass(frozen=True, slots=True)
class TrailStanding:
    """How the trail stands.

    Attributes:
        origin: the trail's name.
        size: entries recorded.
        signed_size: entries under the last checkpoint; 0 where nothing was signed.
        root: base64 of the last checkpoint's root, empty where nothing was signed.
        signed_at: when it was signed, by the server's clock.
        age_s: seconds since then.
        witnesses: how the witnessing stands, in a line.
    """

    origin: str
    size: int
    signed_size: int
    root: str
    signed_at: datetime | None
    age_s: float | None
    witnesses: str

    def lines(self) -> list[str]:
        """Return it as lines for a terminal."""
        waiting = self.size - self.signed_size
        said = [f"origin      {self.origin}", f"entries     {self.size}"]
        if self.signed_at is None:
            return [*said, "checkpoint  nothing was signed yet", f"witnesses   {self.witnesses}"]
        signed = f"{self.signed_size} entries" + (f", {waiting} wait" if waiting else "")
        age = f"{self.age_s:.0f} s ago" if self.age_s is not None else ""
        return [
            *said,
            f"checkpoint  {signed}; signed {self.signed_at.isoformat(timespec='seconds')}, {age}",
            f"root        {self.root}",
            f"witnesses   {self.witnesses}",
        ]


async def read_standing(db: Database, folder: Path, key: VerifierKey, clock: Clock) -> TrailStanding:
    """Return how the trail of `db` stands whose checkpoint lies in `folder`, signed by `key`.

    Raises:
        NoteInvalid: the checkpoint is not signed by `key`.
        DatabaseUnreachable: the database does not answer.
    """
    note = Shelf(folder).checkpoint()  # before the database: a live trail may only be ahead of its checkpoint
    witnesses = read_state(folder).line()
    async with db.connection() as conn:
        size = await head_size(conn)
    if note is None:
        return TrailStanding(key.name, size, 0, "", None, None, witnesses)
    head, _ = open_checkpoint(note, [key])
    signed_at = from_us(await queries.signed_at(db, head.size))
    age_s = max(0.0, (clock.now() - signed_at).total_seconds())
    return TrailStanding(head.origin, size, head.size, b64encode(head.root).decode(), signed_at, age_s, witnesses)
