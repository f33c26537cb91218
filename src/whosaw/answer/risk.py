"""Decisions on how high the risk of a case is for the people affected, which GDPR art. 34 hangs on; recorded."""

from __future__ import annotations

from whosaw.answer.casequeries import fetch
from whosaw.answer.desk import Desk
from whosaw.answer.duties import Risk
from whosaw.answer.errors import StepRefused
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.terms import Clock

_WHY_LEAST = 10


class Risks:
    """The decisions of one database's cases; a newer one takes the place of an older one, which stays."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk) -> None:
        """Let only people of the case decide, by `desk`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk

    async def decide(self, case: str, *, high: bool, why: str, by: str) -> Risk:
        """Keep a decision.

        Raises:
            StepRefused: ``no_reason`` without a why; or as `Desk.check` says.
        """
        await self._desk.check(case, by)
        if len(why.strip()) < _WHY_LEAST:
            raise StepRefused("no_reason", "a decision on the risk says why, in a sentence")
        entry = await self._notes.add(
            case, "case.risk", by=by, text=why, more={"change": "high" if high else "not_high"}
        )
        await fetch(
            self._db,
            "insert into case_risk (case_id, high, why, decided_by, decided_at, entry) values "
            "(%(case)s, %(high)s, %(why)s, %(by)s, %(at)s, %(entry)s) returning id",
            {"case": case, "high": high, "why": why, "by": by, "at": self._clock.now(), "entry": entry},
        )
        return Risk(high, by, why)

    async def newest(self, case: str) -> Risk | None:
        """Return the decision that counts, or None while there is none."""
        rows = await fetch(
            self._db,
            "select high, decided_by, why from case_risk where case_id = %(case)s order by id desc limit 1",
            {"case": case},
        )
        return Risk(*rows[0]) if rows else None
