"""What a covert inquiry holds back from whoever asks, and who must be answered again once it is released.

A hold names entries of the trail (a customer's answer leaves them out) or a whole case (a member of staff's answer
leaves it out). It has a why and a day to look at it again; its making and its release are entries. Every answer that
left something out is remembered until a newer one was given. Whoever was looked into while the case was held from the
staff is owed an answer when it no longer is, though he asked for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from whosaw.answer import covertqueries as queries
from whosaw.answer.case import Cases
from whosaw.answer.desk import Desk
from whosaw.answer.errors import StepRefused, UnknownCase
from whosaw.answer.notes import Notes
from whosaw.store import Database
from whosaw.store.alerts import raise_alert
from whosaw.store.numbers import find
from whosaw.terms import Clock

ALERT_TEXTS = {
    "access.answer_owed": "Somebody was answered, or looked into, while an inquiry was covert, and is to be told now.",
    "access.not_kept": "Somebody is owed an answer about an inquiry, and waits because its records are not kept yet.",
    "access.hold_review": "What a covert inquiry holds back must be looked at again.",
}
_LONGEST = timedelta(days=366)
_KEPT_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CovertHold:
    """One hold: of which case, which entries, whether staff are not told of the case, why, and until when at most."""

    id: int
    case: str
    entries: tuple[int, ...]
    from_staff: bool
    why: str
    review_on: date
    held_by: str
    held_at: datetime
    released_by: str | None
    released_at: datetime | None
    released_why: str | None


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What answers leave out now: entries of the trail, and cases."""

    entries: frozenset[int] = frozenset()
    cases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Owed:
    """An answer that was not whole and may be made whole now, or a member of staff who must be told of an inquiry.

    Attributes:
        reference: of the request that was answered, or the case that was covert.
        space: ``subject`` or ``actor``.
        number: of the person.
        answered_at: when he was answered; where he asked nothing, when the inquiry was no longer covert.
        asked: whether he asked; who was looked into covertly is told though he did not.
        cases: the inquiries that held something back, as far as it may be told now.
    """

    reference: str
    space: str
    number: int
    answered_at: datetime
    asked: bool = True
    cases: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unkept:
    """A case that nobody holds back, of which persons are told nothing all the same: its records are not kept yet.

    Attributes:
        case: its id.
        since: when the first of them was answered without it, or it was no longer covert.
        persons: how many wait.
    """

    case: str
    since: datetime
    persons: int


class Covert:
    """The holds of one database."""

    def __init__(self, db: Database, clock: Clock, notes: Notes, desk: Desk) -> None:
        """Let only people of the case hold and release, by `desk`."""
        self._db = db
        self._clock = clock
        self._notes = notes
        self._desk = desk

    async def hold(
        self, case: str, entries: Sequence[int], *, from_staff: bool, why: str, review_on: date, by: str
    ) -> CovertHold:
        """Hold entries back from customers, and where `from_staff` the case from the staff it is about.

        Raises:
            StepRefused: ``no_reason`` without a why or a day within a year; or as `Desk.check` says.
        """
        await self._desk.check(case, by)
        today = self._clock.now().date()
        if len(why.strip()) < 10 or not today < review_on <= today + _LONGEST:
            raise StepRefused("no_reason", "holding back needs a why, and a day within a year to look at it again")
        if not entries and not from_staff:
            raise StepRefused("nothing", "there is nothing to hold back")
        entry = await self._notes.add(case, "case.covert", by=by, text=why, more={"change": "held"})
        said = {"entries": sorted(set(entries)), "staff": from_staff, "why": why, "review_on": review_on, "by": by}
        row = await queries.add_hold(self._db, case, said | {"at": self._clock.now(), "entry": entry})
        return _hold(row)

    async def release(self, identifier: int, *, why: str, by: str) -> Sequence[Owed]:
        """Release a hold and return who must be answered again; again, it returns the same.

        Raises:
            UnknownCase: there is no such hold.
            StepRefused: ``no_reason`` without a why; or as `Desk.check` says.
        """
        found = next((each for each in await self.list() if each.id == identifier), None)
        if found is None:
            raise UnknownCase(f"there is no hold {identifier}")
        await self._desk.check(found.case, by)
        if len(why.strip()) < 5:
            raise StepRefused("no_reason", "a release says why")
        if found.released_at is None:
            entry = await self._notes.add(found.case, "case.covert", by=by, text=why, more={"change": "released"})
            said = {"by": by, "at": self._clock.now(), "why": why, "entry": entry}
            await queries.release_hold(self._db, identifier, said)
        return await self.owed()

    async def list(self, case: str | None = None) -> Sequence[CovertHold]:
        """Return the holds of a case or of all, released ones too."""
        return [_hold(row) for row in await queries.holds(self._db, case)]

    async def held(self) -> HeldBack:
        """Return what answers leave out now."""
        standing = [each for each in await self.list() if each.released_at is None]
        return HeldBack(
            frozenset(entry for each in standing for entry in each.entries),
            frozenset(each.case for each in standing if each.from_staff),
        )

    async def note_answer(self, reference: str, whom: tuple[str, int], left_out: HeldBack, entry: int) -> None:
        """Remember an answer to a subject or an actor, and what was left out of it."""
        space, number = whom
        said = {"reference": reference, "space": space, "number": number, "at": self._clock.now(), "entry": entry}
        said |= {"entries": sorted(left_out.entries), "cases": sorted(left_out.cases)}
        await queries.add_answer(self._db, said)

    async def owed(self) -> Sequence[Owed]:
        """Return who may be told the rest now: answers that left something out, and staff who were looked into."""
        now, holds, answers = await self.held(), await self.list(), []
        for _, reference, space, number, at, entries, cases in await queries.incomplete_answers(self._db):
            free, told = set(entries) - now.entries, await self._tellable(frozenset(cases) - now.cases)
            if free or told:
                told |= {hold.case for hold in holds if free & set(hold.entries)}
                answers.append(Owed(reference, space, number, at, cases=told))
        known = {(each.space, each.number) for each in answers}
        return [*answers, *[each for each in await self._looked_into(now) if (each.space, each.number) not in known]]

    async def owing(self) -> frozenset[str]:
        """Return the cases of which somebody is to be told now; with a case would go whom one owes it."""
        answers = {case for each in await self.owed() for case in each.cases}
        return frozenset(answers | {each.reference for each in await self._looked_into(await self.held())})

    async def unkept(self) -> Sequence[Unkept]:
        """Return the cases that keep persons waiting who are owed an answer, until somebody keeps the records.

        Else whom one owes it would stand nowhere for as long as nobody does.
        """
        now, waits = await self.held(), dict[str, dict[tuple[str, int], datetime]]()
        for _, _, space, number, at, _, cases in await queries.incomplete_answers(self._db):
            free = frozenset(cases) - now.cases
            for case in free - await self._tellable(free):
                waits.setdefault(case, {})[space, number] = at
        ended = await self._ended(now)
        for case in frozenset(ended) - await self._tellable(frozenset(ended)):
            for number in await self._unanswered(case, ended[case]):
                waits.setdefault(case, {}).setdefault(("actor", number), ended[case])
        return [Unkept(case, min(whom.values()), len(whom)) for case, whom in sorted(waits.items())]

    async def _tellable(self, cases: frozenset[str]) -> frozenset[str]:
        """Return those of these cases of which anybody may hear: of the others the records are not kept yet."""
        return frozenset([case for case in cases if await self._desk.may_be_told(case)])

    async def _looked_into(self, now: HeldBack) -> Sequence[Owed]:
        """Return staff whom a case suspected while it was held from them, and who got no answer since it is not."""
        ended, owed = await self._ended(now), []
        tellable = await self._tellable(frozenset(ended))
        for case, at in sorted(ended.items()):
            if case in tellable:
                for number in await self._unanswered(case, at):
                    owed.append(Owed(case, "actor", number, at, asked=False, cases=frozenset({case})))
        return owed

    async def _ended(self, now: HeldBack) -> dict[str, datetime]:
        """Return the cases that were held back from the staff and are not now, each with since when."""
        ended: dict[str, datetime] = {}
        for hold in await self.list():
            if hold.from_staff and hold.released_at is not None and hold.case not in now.cases:
                ended[hold.case] = max(hold.released_at, ended.get(hold.case, hold.released_at))
        return ended

    async def _unanswered(self, case: str, at: datetime) -> Sequence[int]:
        """Return the numbers of staff whom a case ever suspected and who got no answer since a moment."""
        history = await Cases(self._db, self._clock).verdicts(case)
        suspects = sorted({actor for snapshot in history for actor in snapshot.suspected()})
        numbers = [await find(self._db, "actor", actor) for actor in suspects]
        return [each for each in numbers if each is not None and not await queries.answered_since(self._db, each, at)]

    async def remind(self) -> int:
        """Raise an alert for each answer that is owed and each hold whose day has come; return how many there are.

        One too for each case whose records nobody kept for a week though somebody waits.
        """
        now = self._clock.now()
        owed = await self.owed()
        for each in owed:
            day = f"{each.answered_at:%Y-%m-%d}"
            about = {"space": each.space, "answered" if each.asked else "released": day}
            once: dict[str, int | str] = {"space": each.space, "number": each.number}
            if not each.asked:
                once["case"] = each.reference
            once["at"] = f"{each.answered_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            await raise_alert(self._db, "access", "high", "access.answer_owed", about, at=now, once=once)
        due = [each for each in await self.list() if each.released_at is None and each.review_on <= now.date()]
        for hold in due:
            said: dict[str, int | str] = {"case": hold.case, "hold": hold.id}
            await raise_alert(self._db, "access", "high", "access.hold_review", said, at=now, once=said)
        late = [each for each in await self.unkept() if each.since + _KEPT_WITHIN <= now]
        for wait in late:
            kept: dict[str, int | str] = {"case": wait.case}
            await raise_alert(self._db, "access", "high", "access.not_kept", kept, at=now, once=kept)
        return len(owed) + len(due) + len(late)


def _hold(row: queries.Row) -> CovertHold:
    identifier, case, entries, *rest = row
    return CovertHold(identifier, case, tuple(entries), *rest)
