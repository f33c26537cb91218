"""The desk of a case: its states, the people who work on it, and who knew what when. Every act is an entry first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from whosaw.answer import casequeries as queries
from whosaw.answer.case import Case, Cases
from whosaw.answer.conflicts import Conflicts
from whosaw.answer.errors import StepRefused
from whosaw.answer.notes import Notes
from whosaw.answer.phase import check_move
from whosaw.answer.preserved import Unheld, check_preserved, everybody_held
from whosaw.store import Database
from whosaw.terms import Clock

_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Move:
    """A change of state; `entry` is the index of the trail entry that announced it."""

    at: datetime
    before: str
    after: str
    by: str
    reason: str
    entry: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One line of who knew what when.

    Attributes:
        seq: counts from 1 within the case.
        kind: ``learned``: a person came to know; ``aware``: somebody decided that the company is aware since
            `known_at`, which starts the clocks of law; ``not_aware``: somebody decided that it is not, and why.
        known_at: when it was known, which may lie long before `noted_at`.
        person: who knew or decided.
        what: in words.
        noted_at: when it was written down.
        noted_by: by whom.
        entry: index of the trail entry that announced it.
    """

    seq: int
    kind: Literal["learned", "aware", "not_aware"]
    known_at: datetime
    person: str
    what: str
    noted_at: datetime
    noted_by: str
    entry: int


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who works or worked on a case, in which function, and who named him."""

    person: str
    function: str
    named_by: str
    named_at: datetime
    ended_at: datetime | None
    ended_why: str | None


class Desk:
    """Where people work on cases."""

    def __init__(
        self, db: Database, clock: Clock, notes: Notes, conflicts: Conflicts, unheld: Unheld = everybody_held
    ) -> None:
        """Write entries by `notes`.

        Args:
            db: where cases are.
            clock: tells the time.
            notes: writes entries.
            conflicts: says who may not work on a case.
            unheld: says whose records nothing keeps yet.
        """
        self._db = db
        self._clock = clock
        self._notes = notes
        self._conflicts = conflicts
        self._unheld = unheld
        self._cases = Cases(db, clock)

    async def open(self, beneficiary: str, *, by: str, reason: str) -> Case:
        """Return the open case about `beneficiary`, opened and recorded now if there is none."""
        for case in await self._cases.list():
            if case.beneficiary == beneficiary and case.state != "closed":
                return case
        case = await self._cases.open(beneficiary, by=by)
        await self._notes.add(case.id, "case.open", by=by, text=reason, more={"beneficiary": beneficiary})
        await self.learn(case.id, person=by, what=reason, known_at=case.opened_at, by=by)
        return case

    async def move(self, case: str, to: str, *, by: str, reason: str) -> Case:
        """Bring a case into another state; the same state again changes nothing.

        Raises:
            UnknownCase: there is no such case.
            StepRefused: `phase` knows no such way, the person has a conflict or no part in the case, or it is reopened
                beside another open one.
        """
        found = await self._cases.get(case)
        await self.check(case, by)
        if found.state == to:
            return found
        check_move(case, found.state, to)
        change = "reopened" if found.state == "closed" else to
        entry = await self._notes.add(case, "case.move", by=by, text=reason, more={"change": change})
        said = {"at": self._clock.now(), "by": by, "reason": reason, "entry": entry}
        if not await queries.move(self._db, case, (found.state, to), said):
            raise StepRefused("moved", f"the case `{case}` was moved meanwhile", hint="look at it again")
        return await self._cases.get(case)

    async def moves(self, case: str) -> Sequence[Move]:
        """Return the moves of a case, oldest first."""
        return [Move(*row) for row in await queries.moves(self._db, case)]

    async def learn(self, case: str, *, person: str, what: str, known_at: datetime, by: str) -> Knowledge:
        """Note that a person came to know something.

        Raises:
            StepRefused: with the reason ``future``, or as `check` says.
        """
        return await self._know(case, "learned", (person, what, known_at), by)

    async def decide_awareness(self, case: str, *, since: datetime | None, why: str, by: str) -> Knowledge:
        """Note a decision on when the company became aware; the latest one counts and the earlier ones stay.

        Args:
            case: the case.
            since: the minute from which it counts as aware (a reasonable degree of certainty that data got out), or
                None for the decision that it is not yet.
            why: in words.
            by: who decides.

        Raises:
            StepRefused: with the reason ``future``, or as `check` says.
        """
        minute = since.replace(second=0, microsecond=0) if since else self._clock.now()
        return await self._know(case, "aware" if since else "not_aware", (by, why, minute), by)

    async def who_knew(self, case: str) -> Sequence[Knowledge]:
        """Return who knew what when, in the order it was noted."""
        return [Knowledge(*row) for row in await queries.knowledge(self._db, case)]

    async def aware_since(self, case: str) -> datetime | None:
        """Return the minute of awareness by the latest decision, or None."""
        decisions = [each for each in await self.who_knew(case) if each.kind != "learned"]
        return decisions[-1].known_at if decisions and decisions[-1].kind == "aware" else None

    async def name(self, case: str, person: str, function: str, *, by: str) -> None:
        """Give a person a function in a case (``privacy``, ``security``, ``legal``, ``hr``).

        The first person is named by whoever opens the desk; from then on only people of the case name others.

        Raises:
            StepRefused: the person, or who names him, may not work on it.
        """
        await self.check(case, by)
        await self._conflicts.check(case, person)
        word = function.strip()
        if not word:
            raise StepRefused("nobody", "a person works on a case in a function that has a name")
        number = await self._notes.number(person)
        entry = await self._notes.add(case, "case.name", by=by, more={"target": number, "function": word})
        said = {"person": person, "function": word, "by": by, "at": self._clock.now(), "entry": entry}
        await queries.name_person(self._db, case, said)

    async def dismiss(self, case: str, person: str, *, by: str, why: str) -> bool:
        """End a person's part in a case; false where he has none."""
        await self.check(case, by)
        number = await self._notes.number(person)
        await self._notes.add(case, "case.dismiss", by=by, text=why, more={"target": number})
        return await queries.end_person(self._db, case, person, self._clock.now(), why)

    async def people(self, case: str) -> Sequence[Colleague]:
        """Return everybody who works or worked on a case."""
        return [Colleague(*row) for row in await queries.people(self._db, case)]

    async def hear(self, case: str, target: str, *, heard_at: datetime, said: str, by: str) -> None:
        """Note what somebody said to what is held against him, before a measure that needs it.

        Args:
            case: the case.
            target: an actor's or a seller's key.
            heard_at: when he was heard, or when the time to answer was over.
            said: what he said; *nothing* is an answer too.
            by: who heard him.

        Raises:
            StepRefused: ``future``; ``not_preserved`` where the records are not kept yet, for who is heard knows of the
                case from then on; or as `check` says.
        """
        await self.check(case, by)
        await self.check_preserved(case)
        if heard_at > self._clock.now() + _SKEW:
            raise StepRefused("future", "nobody was heard at a time that has not come")
        entry = await self._notes.add(case, "case.hear", by=by, text=f"{target}\n{said}")
        heard = {"target": target, "at": heard_at, "said": said, "by": by, "entry": entry}
        await queries.add_hearing(self._db, case, heard)

    async def functions(self, case: str) -> dict[str, str]:
        """Return the function of everybody who works on a case now."""
        return {each.person: each.function for each in await self.people(case) if each.ended_at is None}

    async def check(self, case: str, person: str) -> None:
        """Refuse whoever may not work on a case.

        Raises:
            UnknownCase: there is no such case.
            StepRefused: ``conflict``; or ``not_named`` where the case has people and this one is not among them.
        """
        working = await self.functions(case)
        if working and person not in working:  # first: it is the cheaper question, and tells nobody of a conflict
            raise StepRefused(
                "not_named", f"this person has no function in the case `{case}`", hint="`whosaw case people` names one"
            )
        await self._conflicts.check(case, person)

    async def unheld(self, case: str) -> int:
        """Return of how many people of a case nothing keeps the records yet."""
        return await self._unheld(case)

    async def check_preserved(self, case: str) -> None:
        """Refuse what tells somebody of a case before the records it stands on are kept.

        Raises:
            StepRefused: with the reason ``not_preserved``.
        """
        await check_preserved(self._unheld, case)

    async def may_be_told(self, case: str) -> bool:
        """Return whether anybody outside a case may hear of it: it is closed, or everybody's records are kept."""
        return (await self._cases.get(case)).state == "closed" or not await self._unheld(case)

    async def _know(self, case: str, kind: str, said: tuple[str, str, datetime], by: str) -> Knowledge:
        person, what, known_at = said
        await self.check(case, by)
        now = self._clock.now()
        if known_at > now + _SKEW:
            raise StepRefused("future", "nobody has known anything at a time that has not come")
        await self._notes.number(person)  # now: nobody gets a number by being read of
        entry = await self._notes.add(case, f"case.{kind}", by=by, text=what)
        bound = {"kind": kind, "known_at": known_at, "person": person, "what": what}
        bound |= {"noted_at": now, "noted_by": by, "entry": entry}
        return Knowledge(*await queries.add_knowledge(self._db, case, bound))
