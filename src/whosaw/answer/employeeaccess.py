"""What a member of staff is told who asks what whosaw holds about him (GDPR arts. 15, 88): entries, cases, all else.

Cases of a covert inquiry are left out and counted nowhere; the same request is answered again when he may be told. Of
customers it holds no more than how many: their data are not his.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from whosaw.answer import queries, stepqueries
from whosaw.answer.access import Request, covered
from whosaw.answer.case import Cases, Snapshot
from whosaw.answer.employeeheld import Held, held_about, held_lines
from whosaw.answer.employeequeries import kept_of
from whosaw.answer.exculpatory import ITEMS, answers
from whosaw.answer.plainwords import ENTRY_KINDS, FINDINGS, QUESTIONS, RUNGS, STATES, STEPS, chance_said, word_of
from whosaw.answer.step import step_of
from whosaw.record import Entry, entries_by_actor, exposed_subjects, trail_size
from whosaw.store import Database
from whosaw.store.numbers import find
from whosaw.terms import Clock, from_us

RIGHTS = (
    "An entry says what your account was shown or did. It is kept because nobody may open a customer's data without a "
    "reason that was checked, and it measures nobody's work. You may object, ask for correction, and complain to the "
    "data protection authority of the place where you live or work."
)

UNSAID = (
    "Why it was asked who you are, and why what is stored must not be erased, is not written here: it may be about "
    "other people. You may ask for it."
)


@dataclass(frozen=True, slots=True)
class OwnVerdict:
    """What a verdict said of him, and when: ``finding``, ``lead`` or ``no_signal``, with its probability."""

    at: str
    says: str
    probability: float


@dataclass(frozen=True, slots=True)
class OwnCase:
    """A case in which a member of staff appears.

    Attributes:
        case: its id.
        says: what the newest verdict says of him: ``finding``, ``lead`` or ``no_signal``; ``not_named`` where it does
            not speak of him.
        probability: of the same; None where it does not speak of him.
        earlier: what every verdict before it said of him, the oldest first.
        asked: what may clear him, and what was found; ``open`` where nobody asked yet.
        heard: what he said, with when.
        measures: kind and state of each step about him.
    """

    case: str
    says: str
    probability: float | None
    asked: Mapping[str, str]
    heard: tuple[str, ...]
    measures: tuple[str, ...]
    earlier: tuple[OwnVerdict, ...] = ()


@dataclass(frozen=True, slots=True)
class EmployeeAnswer:
    """The whole answer to one member of staff.

    Attributes:
        reference: of the request.
        company: who answers.
        made_at: when.
        identity_checked: how it was made sure who asks.
        person: the staff key.
        covers: how many entries of the trail it was made from, the first ones; what came later is not counted.
        entries: how many entries of each kind stand under his name.
        first_at: the oldest of them, or empty.
        last_at: the newest, or empty.
        customers: how many people and businesses he was shown, those of exports among them.
        without_reason: how many looks had no reason that held.
        suspended_since: since when every door refuses him, or empty.
        cases: the cases he appears in and may be told of.
        kept: what else is kept of him, in words, each with how many rows; places that no inquiry fills.
        held: flags, unmaskings, legal holds, questions, exceptions and second decisions, as far as he may be told.
        grounds: why he was unmasked and what is stored of him is kept, in words that counsel lets out, or empty. What
            was written down for it may name customers and whoever reported him.
    """

    reference: str
    company: str
    made_at: str
    identity_checked: str
    person: str
    covers: int
    entries: Mapping[str, int]
    first_at: str
    last_at: str
    customers: int
    without_reason: int
    suspended_since: str
    cases: tuple[OwnCase, ...]
    kept: Mapping[str, int] = field(default_factory=dict)
    held: Held = field(default_factory=Held)
    grounds: str = ""

    def about_cases(self) -> frozenset[str]:
        """Return every case that stands in it."""
        return self.held.cases() | {each.case for each in self.cases}

    def without(self, cases: frozenset[str]) -> EmployeeAnswer:
        """Return it without what belongs to these cases, which a covert inquiry holds back, or may have led to them."""
        told = tuple(each for each in self.cases if each.case not in cases)
        return replace(self, cases=told, held=self.held.without(cases))

    def held_back_by(self, cases: frozenset[str]) -> frozenset[str]:
        """Return those of these cases for whose sake anything is left out of it; none where nothing would be.

        Where no case of them stands in it and something is left out all the same, it may belong to any of them.
        """
        if self.without(cases) == self:
            return frozenset()
        return cases & self.about_cases() or cases

    def as_json(self) -> bytes:
        """Return the answer in its one spelling, which is what is signed."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


async def answer_employee(
    db: Database,
    clock: Clock,
    actor: str,
    request: Request,
    *,
    suspended_since: datetime | None = None,
) -> EmployeeAnswer:
    """Put together the whole answer to one member of staff; what he may not be told yet is left out by `without`.

    Args:
        db: where trail and cases are.
        clock: tells the time of the answer.
        actor: his staff key.
        request: the request; its `identity_checked` must not be empty.
        suspended_since: since when he is suspended; he knows, every door says so.

    Raises:
        ValueError: nobody checked who asks.
    """
    if len(request.identity_checked.strip()) < 5:
        raise ValueError("say how it was made sure who asks; the answer goes to nobody else")
    number = await find(db, "actor", actor)
    kinds: Counter[str] = Counter()
    times: list[int] = []
    subjects: set[int] = set()
    without = 0
    covers = await trail_size(db)
    if number is not None:
        async for entry in entries_by_actor(db, number, before=covers):
            payload = entry.payload
            kinds[str(payload["kind"])] += 1
            times.append(int(str(payload["at"])))
            if payload["kind"] == "disclosure":
                subjects |= await _shown(db, entry)
                without += payload.get("verified") == "no"
    cases = [await _case(db, clock, each.id, actor) for each in await Cases(db, clock).list()]
    return EmployeeAnswer(
        reference=request.reference,
        company=request.company,
        made_at=clock.now().isoformat(),
        identity_checked=request.identity_checked,
        person=actor,
        covers=covers,
        entries=dict(sorted(kinds.items())),
        first_at=from_us(min(times)).isoformat() if times else "",
        last_at=from_us(max(times)).isoformat() if times else "",
        customers=len(subjects),
        without_reason=without,
        suspended_since=suspended_since.isoformat() if suspended_since else "",
        cases=tuple(each for each in cases if each is not None),
        kept=await kept_of(db, actor, number),
        held=await held_about(db, clock, number) if number is not None else Held(),
        grounds=request.grounds.strip(),
    )


def employee_text(answer: EmployeeAnswer) -> str:
    """Return the answer as a letter."""
    total = sum(answer.entries.values())
    lines = [
        answer.company,
        f"Answer to your request {answer.reference}, {answer.made_at[:10]}",
        "",
        f"Under your name ({answer.person}) stand {total} entries"
        + (f", from {answer.first_at[:10]} to {answer.last_at[:10]}:" if total else "."),
        *[f"- {count}: {word_of(ENTRY_KINDS, kind)}" for kind, count in answer.entries.items()],
        f"You were shown data of {answer.customers} people or businesses; "
        f"{answer.without_reason} looks had no reason that held.",
        covered(answer.covers),
    ]
    if answer.suspended_since:
        lines.append(f"Every door refuses you since {answer.suspended_since[:16].replace('T', ' ')} UTC.")
    for each in answer.cases:
        lines += [
            "",
            f"{each.case}: {_said(each)}.",
            *_earlier(each),
            *[
                f"- {QUESTIONS[item]} {word_of(FINDINGS, finding).capitalize()}."
                for item, finding in each.asked.items()
            ],
            *[f"- You said: {said}" for said in each.heard],
            *[f"- Measure: {_measure(measure)}." for measure in each.measures],
        ]
    lines += held_lines(answer.held)
    if answer.kept:
        lines += ["", "Beside this is kept of you:", *[f"- {what}: {count}" for what, count in answer.kept.items()]]
    if answer.held.unmaskings or answer.held.holds:
        why = f"Why: {answer.grounds}" if answer.grounds else UNSAID
        lines += ["", why]
    return "\n".join([*lines, "", RIGHTS]) + "\n"


def _said(case: OwnCase) -> str:
    if case.probability is None:
        return "the newest verdict does not speak of you"
    return f"of you the method says {word_of(RUNGS, case.says)}, with probability {chance_said(case.probability)}"


def _earlier(case: OwnCase) -> list[str]:
    """Return a line for each earlier time at which what was said became another; the JSON has every one."""
    if {each.says for each in case.earlier} <= {case.says}:
        return []
    lines, said = [], ""
    for each in case.earlier:
        if each.says != said:
            day, words = each.at[:10], word_of(RUNGS, each.says)
            lines.append(f"- From {day} on it said {words}, at first with probability {chance_said(each.probability)}.")
            said = each.says
    return lines


def _measure(written: str) -> str:
    kind, _, state = written.partition(", ")
    return f"{word_of(STEPS, kind)}: {word_of(STATES, state)}"


async def _shown(db: Database, entry: Entry) -> set[int]:
    """Return the subjects of whom a disclosure showed something as it is; what left masked was not shown."""
    payload: Mapping[str, Any] = entry.payload
    fields = payload.get("fields", ())
    if fields and not any(str(each).endswith("=reveal") for each in fields):
        return set()
    one = {int(payload["subject"])} if "subject" in payload else set()
    return one | set(await exposed_subjects(db, entry))


async def _case(db: Database, clock: Clock, case: str, actor: str) -> OwnCase | None:
    history = await Cases(db, clock).verdicts(case)
    said = [_verdict(each, actor) for each in history]
    last = said[-1] if said else None
    earlier = tuple(each for each in said[:-1] if each is not None)
    found = {str(row[0]): str(row[1]) for row in await answers(db, case, actor)}
    steps = [each for each in map(step_of, await stepqueries.steps(db, case)) if each.target == actor]
    heard = await queries.hearings(db, case, actor)
    if last is None and not (earlier or found or steps or heard):
        return None
    return OwnCase(
        case=case,
        says=last.says if last else "not_named",
        probability=last.probability if last else None,
        asked={item: found.get(item, "open") for item in ITEMS},
        heard=tuple(f"{at:%Y-%m-%d}: {said}" for at, said in heard),
        measures=tuple(f"{each.kind}, {each.state}" for each in steps if each.state != "planned"),
        earlier=earlier,
    )


def _verdict(snapshot: Snapshot, actor: str) -> OwnVerdict | None:
    """Return what a verdict said of somebody; None where it does not speak of him."""
    candidates: Sequence[Mapping[str, Any]] = snapshot.verdict.get("candidates", ())
    mine = next((each for each in candidates if actor in each["actors"]), None)
    if mine is None:
        return None
    return OwnVerdict(snapshot.at.isoformat(), str(mine["rung"]), float(mine["probability"]))
