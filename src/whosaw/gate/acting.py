"""Actions: decide and record; whoever asked carries it out only if all of it is allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from whosaw.ask import ActionAsk
from whosaw.catalog.statements import object_statement
from whosaw.decide import Decision, Facts, PolicySet, decide_action, refused
from whosaw.gate import standingqueries
from whosaw.gate.budgets import Unit
from whosaw.gate.deciding import EXHAUSTED, REASON_NEEDED, Deciding, Parts, probing
from whosaw.gate.entries import Numbers, Payload, action_entry
from whosaw.gate.facts import Person
from whosaw.gate.grantsentries import Step, grant_entry
from whosaw.gate.notifying import Allowed
from whosaw.gate.numbering import BatchNumbers, Key
from whosaw.gate.standing import EXPORT, SECOND_PERSON, GrantInForce, export_alone
from whosaw.gate.together import together
from whosaw.prove import Receipt
from whosaw.terms import SubjectRef

UNNAMED = "subjects.unnamed"
SECOND_PERSON_NEEDED = "second_person.needed"
TOO_MANY = "rows.too_many"

_Touched = tuple[SubjectRef, str | None]


@dataclass(frozen=True, slots=True)
class Deed:
    """The answer to an action ask: whether it may be done, all of it or nothing, and the receipts of its entries.

    Attributes:
        ask: what was asked.
        decision: for all objects together; where one is refused, all are, for its reason.
        receipt: of the entry about the first object.
        beneficiary: whom the first object concerns.
        receipts: of every object's entry, in the order of the ask's objects.
    """

    ask: ActionAsk
    decision: Decision
    receipt: Receipt
    beneficiary: str | None
    receipts: tuple[Receipt, ...] = ()


@dataclass(slots=True)
class _Case:
    """One ask on its way: what is known of its objects, and what became of it so far."""

    ask: ActionAsk
    person: Person
    touched: list[_Touched | None]
    facts: list[Facts]
    decision: Decision
    second: GrantInForce | None = None
    numbers: list[Numbers] = field(default_factory=list)


class Acting:
    """Answers batches of action asks whose form was checked."""

    def __init__(self, parts: Parts, deciding: Deciding) -> None:
        self._parts = parts
        self._deciding = deciding

    async def act(self, asks: Sequence[ActionAsk]) -> list[Deed]:
        """Decide and record; nothing is allowed for any of them if this raises."""
        numbers = self._parts.numbering.batch()
        policies = self._parts.policies.current
        at = max(ask.at for ask in asks)
        cases = await self._cases(asks, policies, at)
        for case in cases:
            case.decision = await self._parts.friction.held(case.ask, case.person, case.decision, _unexplained(case))
            self._demand_second_person(case)
        await self._spend(cases, numbers, at)
        for case in cases:
            await self._use_second_person(case, numbers, at)
        receipts = await self._record(cases, numbers, at)
        numbers.keep()
        allowed = [
            Allowed(case.decision, numbers.of("actor", case.ask.actor), own[0].index)
            for case, own in zip(cases, receipts, strict=True)
        ]
        await self._parts.notifying.tell(allowed, at)
        for case, each in zip(cases, allowed, strict=True):
            if case.second is not None and case.ask.action == EXPORT:
                await self._parts.notifying.exported(each.actor, each.entry, at)
        return [
            Deed(
                case.ask,
                case.decision,
                own[0],
                case.touched[0][1] if case.touched and case.touched[0] else None,
                tuple(own),
            )
            for case, own in zip(cases, receipts, strict=True)
        ]

    async def consider(self, ask: ActionAsk) -> tuple[Facts, Decision]:
        """Return the facts about the object that decides and what would be decided, budgets aside, unrecorded."""
        (case,) = await self._cases([ask], self._parts.policies.current, ask.at)
        self._demand_second_person(case)
        deciding = next((fact for fact in case.facts if not fact.subject_known), case.facts[0])
        return deciding, case.decision

    async def _cases(self, asks: Sequence[ActionAsk], policies: PolicySet, at: datetime) -> list[_Case]:
        people, work, objects = await together(
            self._parts.facts.people([ask.actor for ask in asks], at),
            self._parts.facts.work([ask.purpose for ask in asks if ask.purpose], at),
            self._objects(asks),
        )
        found = [[objects.get((ask.action, name)) for name in ask.objects] for ask in asks]
        regions = await self._regions(asks, found)
        cases = []
        for ask, touched in zip(asks, found, strict=True):
            person = people[ask.actor]
            facts = [
                Facts(
                    person.facts,
                    self._deciding.verify(ask, work, each[0] if each else None),
                    each is not None,
                    regions.get(each[0], "") if each else "",
                    granted=_granted(ask, person, each),
                )
                for each in (touched or [None])
            ]
            cases.append(_Case(ask, person, touched, facts, _whole(ask, facts, policies)))
        return cases

    async def _objects(self, asks: Sequence[ActionAsk]) -> dict[tuple[str, str], _Touched]:
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for ask in asks:
            wanted[ask.action].update(ask.objects)
        found: dict[tuple[str, str], _Touched] = {}
        for name, objects in wanted.items():
            action = self._parts.catalog.actions[name]
            if not objects:
                continue
            source = self._parts.sources[action.source]
            for row in await source.rows(object_statement(action), objects=sorted(objects)):
                kind = action.beneficiary_kind
                beneficiary = f"{kind}:{row['beneficiary']}" if kind and row["beneficiary"] is not None else None
                found[name, str(row["object"])] = SubjectRef(action.subject_kind, str(row["subject"])), beneficiary
        return found

    async def _regions(
        self, asks: Sequence[ActionAsk], found: Sequence[Sequence[_Touched | None]]
    ) -> dict[SubjectRef, str]:
        """Return the regions of the touched, where the catalog says there are any."""
        subjects = self._parts.catalog.subjects
        named = {each[0] for touched in found for each in touched if each and subjects[each[0].kind].region}
        return await self._parts.facts.regions(named) if named else {}

    def _demand_second_person(self, case: _Case) -> None:
        above = self._parts.catalog.actions[case.ask.action].second_person_above
        if case.ask.action == EXPORT:
            above = export_alone(
                self._parts.catalog
            )  # as of a bulk ask: what leaves by the tool's own query is no less
        if case.decision.outcome != "allow" or above is None or case.ask.size <= above:
            return
        case.second = case.person.standing.second_person(case.ask.action, digest=case.ask.digest)
        if case.second is None:
            case.decision = refused(case.decision, SECOND_PERSON_NEEDED)

    async def _spend(self, cases: Sequence[_Case], numbers: BatchNumbers, at: datetime) -> None:
        per_case = [self._units(case) for case in cases]
        units = [unit for some in per_case for unit in some]
        verdicts = iter(await self._parts.budgets.spend(units, at, numbers, [k for c in cases for k in _keys(c)]))
        for case, some in zip(cases, per_case, strict=True):
            over = {next(verdicts) for _ in some} - {None}
            if over:
                case.decision = refused(case.decision, EXHAUSTED if EXHAUSTED in over else REASON_NEEDED)
                case.second = None  # it was not used

    def _units(self, case: _Case) -> list[Unit]:
        ask, roles = case.ask, case.person.facts.roles
        units = []
        if case.touched and any(probing(facts) for facts in case.facts):
            unknown = sum(touched is None for touched in case.touched)
            units.append(self._deciding.miss(ask.actor, roles, missed=unknown))
        counted = f"action:{ask.action}"
        limits = self._parts.budgets.limits(counted, roles)
        if case.decision.outcome != "allow" or limits is None:
            return units
        stated = ask.stated is not None
        subjects = {str(touched[0]) for touched in case.touched if touched}
        units += [Unit(ask.actor, counted, limits, subject, 1, stated) for subject in sorted(subjects)]
        rest = (ask.rows or 0) - len(subjects)
        if rest > 0:  # rows of persons who were not named count as so many
            units.append(Unit(ask.actor, counted, limits, None, rest, stated))
        return units

    async def _use_second_person(self, case: _Case, numbers: BatchNumbers, at: datetime) -> None:
        if case.second is None:
            return
        holder = numbers.of("actor", case.ask.actor)
        if not await standingqueries.consume(self._parts.db, case.second.id, holder, at):
            case.decision, case.second = refused(case.decision, SECOND_PERSON_NEEDED), None

    async def _record(self, cases: Sequence[_Case], numbers: BatchNumbers, at: datetime) -> list[list[Receipt]]:
        entries: list[Payload] = []
        for case in cases:
            if case.second is not None:
                holder = numbers.of("actor", case.ask.actor)
                step = Step("used", holder, holder, case.second.id, SECOND_PERSON, case.ask.door)
                entries.append(grant_entry(step, at, {}))
            entries += self._entries(case, numbers)
        receipts = iter(await self._parts.appender.append_many(entries))
        own = []
        for case in cases:
            if case.second is not None:
                next(receipts)
            own.append([next(receipts) for _ in case.facts])
        return own

    def _entries(self, case: _Case, numbers: BatchNumbers) -> list[Payload]:
        ask, kind = case.ask, self._parts.catalog.actions[case.ask.action].object_kind
        entries = []
        for name, touched, facts in zip(ask.objects or ("",), case.touched or [None], case.facts, strict=True):
            numbered = Numbers(
                numbers.of("actor", ask.actor),
                numbers.of("subject", str(touched[0])) if touched else None,
                numbers.of("purpose", str(ask.purpose)) if ask.purpose else None,
            )
            named = f"{kind}:{name}" if name else kind, touched[1] if touched else None
            entries.append(action_entry(ask, case.decision, facts.verification, numbers=numbered, named=named))
        return entries


def _whole(ask: ActionAsk, facts: Sequence[Facts], policies: PolicySet) -> Decision:
    """Return the decision about all objects: the first that refuses refuses all."""
    decisions = [decide_action(ask.action, fact, policies) for fact in facts]
    decision = next((each for each in decisions if each.outcome != "allow"), decisions[0])
    if not ask.objects:
        return refused(decision, UNNAMED)
    if decision.outcome != "allow":
        return decision
    duties = {duty for each in decisions for duty in each.duties}
    if "ask_reason" in duties and not ask.stated:
        return refused(decision, REASON_NEEDED)
    caps = [int(duty.partition(":")[2]) for duty in duties if duty.startswith("cap_rows:")]
    return refused(decision, TOO_MANY) if caps and ask.size > min(caps) else decision


def _granted(ask: ActionAsk, person: Person, touched: _Touched | None) -> frozenset[str]:
    subject, purpose = str(touched[0]) if touched else None, str(ask.purpose) if ask.purpose else None
    named = any(
        each.action == ask.action and each.kind != SECOND_PERSON and each.covers(subject, purpose)
        for each in person.standing.grants
    )
    return frozenset([ask.action]) if named else frozenset()


def _unexplained(case: _Case) -> list[SubjectRef]:
    """Return whom a case touches without work that bears it out."""
    return [
        touched[0]
        for touched, facts in zip(case.touched, case.facts, strict=False)
        if touched and not (facts.verification.verified or facts.granted)
    ]


def _keys(case: _Case) -> list[Key]:
    keys: list[Key] = [("actor", case.ask.actor)]
    if case.ask.purpose is not None:
        keys.append(("purpose", str(case.ask.purpose)))
    keys += [("subject", str(touched[0])) for touched in case.touched if touched]
    return keys
