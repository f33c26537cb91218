"""How long a case is kept: closed for long enough and needed by nothing, it dies, and its number and dates remain.

Entries of the trail die by the trail's own retention; bundles that were handed out cannot be called back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from whosaw.answer import retentionqueries as queries
from whosaw.answer.covert import Covert
from whosaw.answer.errors import StepRefused
from whosaw.answer.notes import Notes
from whosaw.answer.sightings import RawMails
from whosaw.store import Database
from whosaw.terms import Clock

KEPT_BY = {
    "hold": "a legal hold stands on its ground",
    "appeal": "an appeal is open",
    "letters": "letters are on their way, or may be",
    "covert": "a covert inquiry holds something back",
    "owed": "somebody was answered, or looked into, while it was covert and is not told yet",
    "corrections": "somebody has not read a correction",
}
"""Why a case whose time is over is kept nevertheless."""


@dataclass(frozen=True, slots=True)
class Over:
    """A closed case whose time is over; `kept_by` says in words of `KEPT_BY` what still needs it."""

    case: str
    closed_at: datetime
    kept_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What died with a case: rows, and files of raw mails and screenshots."""

    case: str
    rows: int
    files: int


class Retention:
    """The retention of one database's cases."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, raws: RawMails, covert: Covert) -> None:
        """Take raw mails and screenshots from `raws` away with their case; `covert` says who is not told of it yet."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._raws = raws
        self._covert = covert

    async def over(self, keep: timedelta) -> Sequence[Over]:
        """Return the cases that were closed for longer than `keep`, and what still needs each."""
        rows = await queries.closed_before(self._db, self._clock.now() - keep)
        owing = await self._covert.owing() if rows else frozenset()
        return [
            Over(case, closed_at, (*kept_by, "owed") if case in owing else tuple(kept_by))
            for case, closed_at, kept_by in rows
        ]

    async def prune(self, case: str, keep: timedelta, *, by: str) -> Pruned:
        """Take away what a case holds, once; recorded before anything dies.

        Files go first and rows after: a run that is cut in between is finished by running it again.

        Raises:
            StepRefused: ``not_over`` where the case is open, pruned, or not closed for so long; ``kept`` where it is
                still needed.
        """
        found = next((each for each in await self.over(keep) if each.case == case), None)
        if found is None:
            raise StepRefused("not_over", f"the time of the case `{case}` is not over", hint="`whosaw case retention`")
        if found.kept_by:
            raise StepRefused("kept", f"the case `{case}` is still needed: {KEPT_BY[found.kept_by[0]]}")
        await self._notes.add(case, "case.prune", by=by)
        files = await queries.own_files(self._db, case)
        for name in files:
            self._raws.forget(name)
        async with self._db.transaction() as connection:
            rows = await queries.prune(connection, case, self._clock.now())
        return Pruned(case, rows, len(files))
