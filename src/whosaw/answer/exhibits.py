"""Exhibits of a case: files that people found, kept as they are under their hash, with where they came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from whosaw.answer import exhibitqueries as queries
from whosaw.answer.desk import Desk
from whosaw.answer.errors import StepRefused
from whosaw.answer.notes import Notes
from whosaw.answer.sightings import RawMails
from whosaw.store import Database
from whosaw.terms import Clock

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BYTES_MOST = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One exhibit: its number in the case, its file's name and hash, what it shows and where it came from."""

    seq: int
    name: str
    sha256: str
    what: str
    by: str
    at: datetime
    entry: int

    @property
    def file(self) -> str:
        """Its name in a bundle."""
        return f"exhibits/{self.seq:03}-{self.name}"


class Exhibits:
    """The exhibits of one database's cases; the files lie beside the raw mails."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk, raws: RawMails) -> None:
        """Let only people of the case add to them, by `desk`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk
        self._raws = raws

    async def add(self, case: str, name: str, body: bytes, *, what: str, by: str) -> Exhibit:
        """Keep a file as an exhibit; the same bytes again are the same exhibit.

        Args:
            case: the case.
            name: the file's name, of ASCII letters, digits, dots and dashes.
            body: its bytes, at most 50 MiB.
            what: what it shows and where it came from, naming nobody: it stands in the bundle.
            by: who adds it.

        Raises:
            StepRefused: ``unfit`` where name, size or words will not do; or as `Desk.check` says.
        """
        await self._desk.check(case, by)
        if not _NAME.fullmatch(name) or not 0 < len(body) <= _BYTES_MOST or len(what.strip()) < 10:
            raise StepRefused(
                "unfit",
                "an exhibit is a file with a plain name and a sentence on what it shows",
                hint="letters, digits, dots and dashes; at most 50 MiB",
            )
        sha256 = self._raws.keep(body)
        known = next((each for each in await self.list(case) if each.sha256 == sha256), None)
        if known is not None:
            return known
        entry = await self._notes.add(case, "case.exhibit", by=by, text=what, more={"sha256": sha256})
        said = {"name": name, "sha256": sha256, "what": what, "by": by, "at": self._clock.now(), "entry": entry}
        return Exhibit(*await queries.add(self._db, case, said))

    async def list(self, case: str) -> Sequence[Exhibit]:
        """Return the exhibits of a case, in order."""
        return [Exhibit(*row) for row in await queries.exhibits(self._db, case)]

    async def files(self, case: str) -> dict[str, bytes]:
        """Return the files of a case's exhibits by their name in a bundle.

        Raises:
            RawMailMissing: one is gone or altered.
        """
        return {each.file: self._raws.read(each.sha256) for each in await self.list(case)}
