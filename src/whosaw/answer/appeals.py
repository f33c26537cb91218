"""Appeals against a measure: decided by somebody who had no hand in it; where it is undone, everything comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from whosaw.answer import redressqueries as queries
from whosaw.answer.desk import Desk
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.answer.ladder import RULES
from whosaw.answer.notes import Notes
from whosaw.answer.step import Step
from whosaw.answer.steps import Steps
from whosaw.store import Database
from whosaw.terms import Clock

Outcome = Literal["upheld", "undone"]


@dataclass(frozen=True, slots=True)
class Appeal:
    """One appeal; `outcome` is ``upheld`` (the measure stands) or ``undone``, None while nobody decided."""

    id: int
    step: str
    filed_at: datetime
    text: str
    reviewer: str | None
    outcome: Outcome | None
    why: str | None
    decided_at: datetime | None


class Appeals:
    """The appeals of one database."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk, steps: Steps) -> None:
        """Undo measures by `steps`; let nobody decide whom `desk` refuses."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk
        self._steps = steps

    async def file(self, step_id: str, text: str, *, by: str) -> Appeal:
        """Keep an appeal; while one about the same step is open, that one is returned.

        Raises:
            UnknownCase: there is no such step.
            StepRefused: the step hurts nobody, or is not in force.
        """
        step = await self._steps.get(step_id)
        if RULES[step.kind].about == "case" or step.state not in {"doing", "done"}:
            raise StepRefused("no_measure", f"`{step_id}` is no measure in force")
        entry = await self._notes.add(step.case, "case.appeal", by=by, text=text, more={"change": "filed"})
        said = {"step": step_id, "at": self._clock.now(), "text": text, "entry": entry}
        return Appeal(*await queries.file_appeal(self._db, said))

    async def decide(self, identifier: int, outcome: Outcome, *, by: str, why: str) -> Sequence[Step]:
        """Decide an appeal and return the steps that were undone; a second time nothing more happens.

        Undone means everything: of the same case and the same target each measure in force, the latest first.

        Raises:
            UnknownCase: there is none of this number.
            StepRefused: ``same_person`` where the reviewer planned, approved or carried out any of these measures, or
                as `Desk.check` says; ``no_reason`` without a why.
        """
        appeal = await self.get(identifier)
        step = await self._steps.get(appeal.step)
        await self._desk.check(step.case, by)
        measures = [
            each
            for each in await self._steps.list(step.case)
            if each.target == step.target and RULES[each.kind].about != "case"
        ]
        if any(by in {each.planned_by, each.carried_by, *each.approved_by} for each in measures):
            raise StepRefused("same_person", "who had a hand in a measure does not decide on the appeal against it")
        if len(why.strip()) < 10:
            raise StepRefused("no_reason", "a decision on an appeal says why, in a sentence")
        if appeal.outcome is None:
            entry = await self._notes.add(step.case, "case.appeal", by=by, text=why, more={"change": outcome})
            said = {"by": by, "outcome": outcome, "why": why, "at": self._clock.now(), "entry": entry}
            await queries.decide_appeal(self._db, identifier, said)
        if (await self.get(identifier)).outcome != "undone":
            return []
        undone = []
        for each in reversed(measures):
            if each.state in {"doing", "done", "undoing"}:
                undone.append(await self._steps.undo(each.id, by=[by], reason=f"appeal {identifier}"))
        return undone

    async def get(self, identifier: int) -> Appeal:
        """Return one appeal.

        Raises:
            UnknownCase: there is none of this number.
        """
        row = await queries.appeal(self._db, identifier)
        if row is None:
            raise UnknownCase(f"there is no appeal {identifier}")
        return Appeal(*row)

    async def list(self, case: str) -> Sequence[Appeal]:
        """Return the appeals of a case."""
        return [Appeal(*row) for row in await queries.appeals(self._db, case)]
