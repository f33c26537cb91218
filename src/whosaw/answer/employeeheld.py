"""What stands about one member of staff beside his entries: flags, unmaskings, legal holds, questions, and the like.

Of whoever else had a part in it stands the function and never the name; of customers and businesses nothing. Free words
of others, the reason of an unmasking and the ground of a hold, may name both and are not in it. What belongs to a case
that a covert inquiry holds back is left out, and so is a flag that might be why the case is there: while any inquiry is
covert, every flag, unmasking and legal hold that belongs to no case that he is told of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from whosaw.answer import employeequeries as queries
from whosaw.answer.employeedecisions import (
    OwnDecision,
    OwnSecond,
    decision_lines,
    decisions_of,
    second_lines,
    seconds_of,
)
from whosaw.answer.oversight import every_unmasking
from whosaw.store import Database
from whosaw.terms import Clock, from_us
from whosaw.terms.odds import in_times


@dataclass(frozen=True, slots=True)
class OwnStory:
    """An innocent explanation that was tested: what would have to be true, by what factor it weakens, what clears."""

    says: str
    weakens: float
    clears: str


@dataclass(frozen=True, slots=True)
class OwnFlag:
    """A flag about him, as it is held.

    Attributes:
        id: by which he can have it recomputed.
        day: up to the end of which it was weighed.
        tier: ``review``, ``case`` or ``escalate``.
        says: its sentence.
        evidence: against chance, as ``3,400 : 1``; no probability of guilt.
        signals: what each signal says.
        stories: innocent explanations, the one that weakens most first.
        verdicts: what reviewers decided, in order.
        cases: cases about whom the accesses would profit.
    """

    id: str
    day: str
    tier: str
    says: str
    evidence: str
    signals: tuple[str, ...]
    stories: tuple[OwnStory, ...]
    verdicts: tuple[str, ...]
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwnUnmasking:
    """Once that he was unmasked, or that it was asked for: in which case, by which functions, until when.

    The case is empty where a grant names none that is led here: what was written there is somebody's free words.
    """

    case: str
    asked_at: str
    asked_as: str
    approved_as: tuple[str, ...]
    until: str
    state: str


@dataclass(frozen=True, slots=True)
class OwnHold:
    """A legal hold that keeps what is stored about him: for which case, if for one, since when, until which review."""

    case: str
    since: str
    review_on: str
    lifted_at: str


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    """A question about one of his looks, and his answer; empty where he gave none."""

    looked_at: str
    asked_at: str
    due_at: str
    answer: str
    answered_at: str


@dataclass(frozen=True, slots=True)
class OwnException:
    """An exception of his: a ``grant``, ``break_glass``, or a ``stop`` on his way; of which kind, and how it stands."""

    way: str
    kind: str
    classes: tuple[str, ...]
    at: str
    until: str
    state: str
    functions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """All of it, each oldest first."""

    flags: tuple[OwnFlag, ...] = ()
    unmaskings: tuple[OwnUnmasking, ...] = ()
    holds: tuple[OwnHold, ...] = ()
    prompts: tuple[OwnPrompt, ...] = ()
    exceptions: tuple[OwnException, ...] = ()
    decisions: tuple[OwnDecision, ...] = ()
    seconds: tuple[OwnSecond, ...] = ()

    def cases(self) -> frozenset[str]:
        """Return the cases that stand in it."""
        named = {each.case for each in self.unmaskings if each.case} | {each.case for each in self.holds if each.case}
        return frozenset(named | {case for each in self.flags for case in each.cases})

    def without(self, cases: frozenset[str]) -> Held:
        """Return it without what belongs to these cases, which are held back, or may have led to one of them."""
        if not cases:
            return self
        return replace(
            self,
            # one that names nobody who profits may have led to the inquiry all the same
            flags=tuple(each for each in self.flags if each.cases and not cases & set(each.cases)),
            unmaskings=tuple(each for each in self.unmaskings if each.case and each.case not in cases),
            holds=tuple(each for each in self.holds if each.case and each.case not in cases),
        )


async def held_about(db: Database, clock: Clock, actor: int) -> Held:
    """Return what stands about the member of staff with this number.

    Args:
        db: where it is.
        clock: tells which unmaskings and second decisions are open.
        actor: his number.
    """
    led = await queries.led(db)
    return Held(
        flags=tuple(_flag(row) for row in await queries.flags(db, actor)),
        unmaskings=tuple(
            OwnUnmasking(
                case=each.case if each.case in led else "",
                asked_at=each.asked_at.isoformat(),
                asked_as=each.asked_as or "",
                approved_as=tuple(one.function or "" for one in each.approvals),
                until=_moment(each.until),
                state=each.state,
            )
            for each in reversed(await every_unmasking(db, clock))
            if each.actor == actor
        ),
        holds=tuple(
            OwnHold(case, since.isoformat(), review_on.isoformat(), _moment(lifted_at))
            for case, since, review_on, lifted_at in await queries.holds(db, actor)
        ),
        prompts=tuple(
            OwnPrompt(from_us(looked_us).isoformat(), asked.isoformat(), due.isoformat(), answer or "", _moment(at))
            for looked_us, asked, due, answer, at in await queries.prompts(db, actor)
        ),
        exceptions=tuple([each async for each in _exceptions(db, actor)]),
        decisions=await decisions_of(db, actor, clock.now()),
        seconds=await seconds_of(db, actor),
    )


def _flag(row: queries.Row) -> OwnFlag:
    identifier, day, tier, told, cases, verdicts = row
    said: Mapping[str, Any] = told
    return OwnFlag(
        id=identifier,
        day=day.isoformat(),
        tier=tier,
        says=str(said.get("sentence", "")),
        evidence=str(said.get("evidence", "")),
        signals=tuple(f"{each['sentence']}: {each['evidence']}" for each in said.get("signals", ())),
        stories=tuple(
            OwnStory(each["sentence"], float(each["weakens"]), each["clears"]) for each in said.get("stories", ())
        ),
        verdicts=tuple(verdicts),
        cases=tuple(cases),
    )


async def _exceptions(db: Database, actor: int) -> AsyncIterator[OwnException]:
    for kind, classes, state, at, until, functions in await queries.grants(db, actor):
        yield OwnException("grant", kind, tuple(classes), at.isoformat(), _moment(until), state, tuple(functions))
    for classes, at, until, state, functions in await queries.glasses(db, actor):
        yield OwnException("break_glass", "", tuple(classes), at.isoformat(), _moment(until), state, tuple(functions))
    for at, until, step, released_at in await queries.steps_at(db, actor):
        state = "released" if released_at else ""
        yield OwnException("stop", step, (), at.isoformat(), _moment(released_at or until), state, ())


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


def held_lines(held: Held) -> list[str]:
    """Return it as lines of a letter, an empty one before each part."""
    parts = {
        "Looks of yours that no record explains were weighed; a flag does not say that you did wrong:": [
            line for each in held.flags for line in _flag_lines(each)
        ],
        "In the record you are a number. It was asked who you are:": [_unmasked(each) for each in held.unmaskings],
        "What is stored about you must not be erased:": [_on_hold(each) for each in held.holds],
        "You were asked about single looks:": [_asked(each) for each in held.prompts],
        "Exceptions of yours, and times when you were held up:": [_exception(each) for each in held.exceptions],
        "Decisions of yours that chance picked to be made again by somebody who does not know yours:": decision_lines(
            held.decisions
        ),
        "You were asked to make a decision again:": second_lines(held.seconds),
    }
    return [line for title, lines in parts.items() if lines for line in ("", title, *lines)]


def _flag_lines(flag: OwnFlag) -> list[str]:
    decided = f"reviewers said: {', '.join(flag.verdicts)}" if flag.verdicts else "no reviewer has decided"
    stories = [
        f"- It may have come about honestly: {each.says}. Then the evidence is {in_times(each.weakens)} times weaker; "
        f"what would settle it: {each.clears}."
        for each in flag.stories
    ]
    return [f"- {flag.day}, tier {flag.tier}, flag {flag.id}: {flag.says}; {decided}.", *stories]


def _unmasked(each: OwnUnmasking) -> str:
    by = f"by {each.asked_as or 'somebody without a function in the case'}"
    approved = f"approved by {' and '.join(each.approved_as)}" if each.approved_as else "approved by nobody"
    until = f", until {each.until[:10]}" if each.until else ""
    return f"- {each.asked_at[:10]}, {each.case or 'for no case that is led here'}, {by}, {approved}{until}"


def _on_hold(each: OwnHold) -> str:
    ends = f"lifted on {each.lifted_at[:10]}" if each.lifted_at else f"to be looked at again on {each.review_on}"
    return f"- since {each.since[:10]}, {ends}" + (f", for {each.case}" if each.case else "")


def _asked(each: OwnPrompt) -> str:
    said = f"you answered: {each.answer}" if each.answer else "you gave no answer, which is no evidence"
    return f"- {each.asked_at[:10]}, about a look on {each.looked_at[:10]}; {said}"


def _exception(each: OwnException) -> str:
    until = f" until {each.until[:10]}" if each.until else ""
    kind = f" ({each.kind.replace('_', ' ')})" if each.kind else ""
    classes = f" to {', '.join(each.classes)}" if each.classes else ""
    state = f", {each.state.replace('_', ' ')}" if each.state else ""
    by = f", decided by {' and '.join(each.functions)}" if each.functions else ""
    return f"- {each.at[:10]}{until}: {_WAYS[each.way]}{kind}{classes}{state}{by}"


_WAYS = {"grant": "an exception", "break_glass": "emergency access", "stop": "held up"}
