"""From asks to decisions: the facts, the policies in force, and then the budgets of what would be revealed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from whosaw.ask import ActionAsk, Ask, LookupAsk
from whosaw.catalog import Catalog, Source
from whosaw.catalog.controls import MISSES
from whosaw.decide import (
    Decision,
    Facts,
    PolicyHolder,
    PolicySet,
    Verification,
    WorkItem,
    decide,
    refused,
    verify,
    withheld,
)
from whosaw.gate.aliasing import Aliasing
from whosaw.gate.budgets import Budgets, Unit
from whosaw.gate.facts import FactFinder, Person
from whosaw.gate.friction import Friction
from whosaw.gate.judged import Judged
from whosaw.gate.notifying import Notifying
from whosaw.gate.numbering import BatchNumbers, Key, Numbering
from whosaw.gate.together import together
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.terms import PurposeRef, SubjectRef

EXHAUSTED = "budget.exhausted"
REASON_NEEDED = "budget.reason_needed"


@dataclass(frozen=True, slots=True)
class Parts:
    """What every step of the hot path works with."""

    db: Database
    appender: Appender
    catalog: Catalog
    sources: Mapping[str, Source]
    policies: PolicyHolder
    facts: FactFinder
    budgets: Budgets
    numbering: Numbering
    notifying: Notifying
    aliasing: Aliasing
    friction: Friction


class Deciding:
    """Decides about batches of asks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def decide(
        self, asks: Sequence[Ask], numbers: BatchNumbers, *, shows: bool = True, by_append: bool = False
    ) -> list[Judged]:
        """Decide about every ask, by one policy set.

        Args:
            asks: whose form was checked.
            numbers: learns the numbers of every actor, purpose and known subject.
            shows: whether what is revealed will be shown, and therefore counts; misses count always.
            by_append: where nothing is counted, leave new numbers to the append.
        """
        policies = self._parts.policies.current
        at = max(ask.at for ask in asks)
        judged = list(await self._parts.friction.judged(await self._judge(asks, policies, at), shows=shows))
        per_ask = [self._units(each, shows) for each in judged]
        if by_append and not any(per_ask):
            return judged
        return await self._within_budgets(judged, per_ask, numbers, at)

    async def consider(self, ask: Ask) -> Judged:
        """Return what would be decided, budgets aside. Nothing is counted, numbered or recorded: for explanations."""
        (judged,) = await self._judge([ask], self._parts.policies.current, ask.at)
        return judged

    async def _judge(self, asks: Sequence[Ask], policies: PolicySet, at: datetime) -> list[Judged]:
        people, regions, work = await together(
            self._parts.facts.people([*(ask.actor for ask in asks), *(ask.by for ask in asks if ask.by)], at),
            self._parts.facts.regions([ask.subject for ask in asks]),
            self._parts.facts.work([ask.purpose for ask in asks if ask.purpose], at),
        )
        judged = []
        for ask in asks:
            person = people[ask.actor]
            facts = self._facts(ask, person, regions, work)
            decision = decide([self._parts.catalog.fields[name] for name in ask.fields], facts, policies)
            asker = people[ask.by] if ask.by else person
            judged.append(Judged(ask, person, facts, self._with_reason(ask, decision), asker))
        return judged

    def verify(
        self,
        ask: Ask | ActionAsk | LookupAsk,
        work: Mapping[PurposeRef, Sequence[WorkItem]],
        subject: SubjectRef | None,
    ) -> Verification:
        """Judge the purpose of an ask."""
        if ask.purpose is None:
            return Verification("", "purpose.missing")
        declared = self._parts.catalog.purposes[ask.purpose.kind]
        if subject is not None and subject.kind != declared.subject_kind:
            # a seller may have the key of a customer: the work about the one is no reason to see the other
            return Verification(declared.name, "purpose.other_subject", observe=declared.mode == "observe")
        key = subject.key if subject is not None else None
        return verify(declared, work.get(ask.purpose, ()), actor=ask.actor, subject=key, at=ask.at)

    def _facts(
        self,
        ask: Ask,
        person: Person,
        regions: Mapping[SubjectRef, str],
        work: Mapping[PurposeRef, Sequence[WorkItem]],
    ) -> Facts:
        subject, purpose = str(ask.subject), str(ask.purpose) if ask.purpose else None
        return Facts(
            person.facts,
            self.verify(ask, work, ask.subject),
            ask.subject in regions,
            regions.get(ask.subject, ""),
            granted=person.standing.granted(subject, purpose),
            glass=person.standing.broken(subject),
        )

    def _with_reason(self, ask: Ask, decision: Decision) -> Decision:
        """Withhold what is revealed under a policy with the duty ``ask_reason`` where none is stated."""
        if ask.stated or "ask_reason" not in decision.duties:
            return decision
        return withheld(decision, dict.fromkeys(self._revealed(decision), REASON_NEEDED), self._parts.catalog.fields)

    async def _within_budgets(
        self, judged: Sequence[Judged], per_ask: Sequence[Sequence[Unit]], numbers: BatchNumbers, at: datetime
    ) -> list[Judged]:
        units = [unit for some in per_ask for unit in some]
        verdicts = iter(await self._parts.budgets.spend(units, at, numbers, _keys(judged)))
        return [
            replace(each, decision=self._limited(each.decision, [(u, next(verdicts)) for u in some]))
            for each, some in zip(judged, per_ask, strict=True)
        ]

    def _units(self, judged: Judged, shows: bool) -> list[Unit]:
        ask, roles = judged.ask, judged.person.facts.roles
        units = []
        for klass in self._revealed(judged.decision):
            limits = self._parts.budgets.limits(klass, roles)
            if limits is not None:
                stated = ask.stated is not None
                units.append(Unit(ask.actor, klass, limits, str(ask.subject), 1 if shows else 0, stated))
        if probing(judged.facts):
            # whoever learns the answer has missed, not the one it is about
            asker, missed = judged.asker.facts.roles, 0 if judged.facts.subject_known else 1
            units.append(self.miss(ask.by or ask.actor, asker, missed=missed))
        return units

    def miss(self, actor: str, roles: frozenset[str], *, missed: int) -> Unit:
        """Return the unit that counts misses; of none, it asks whether one more would be allowed."""
        limits = self._parts.budgets.limits(MISSES, roles)
        if limits is None:
            raise LookupError("misses always have a limit")
        return Unit(actor, MISSES, limits, amount=missed)

    def _limited(self, decision: Decision, verdicts: Sequence[tuple[Unit, str | None]]) -> Decision:
        over = {unit.counted: refusal for unit, refusal in verdicts if refusal is not None}
        if MISSES in over:
            return refused(decision, EXHAUSTED)
        return withheld(decision, over, self._parts.catalog.fields)

    def _revealed(self, decision: Decision) -> list[str]:
        """Return the classes of what leads to the person: values, and addresses that stand for one."""
        catalog = self._parts.catalog
        leading = [
            catalog.fields[item.field]
            for item in decision.fields
            if item.effect == "reveal" or (item.effect == "alias" and catalog.has_alias(catalog.fields[item.field]))
        ]
        return list(dict.fromkeys(field.klass for field in leading))


def probing(facts: Facts) -> bool:
    """Return whether the answer could tell whether somebody exists who was named without a reason that holds.

    Such asks stop, hit or miss alike, once the actor has missed too often: else the misses among them would still tell.
    """
    if facts.actor.barred:
        return False  # he is told that, whoever he asks about
    return not facts.subject_known or not facts.borne_out


def _keys(judged: Iterable[Judged]) -> list[Key]:
    """Return whatever an entry about these needs a number for; somebody unknown gets none."""
    keys: list[Key] = []
    for each in judged:
        keys.append(("actor", each.ask.actor))
        if each.ask.by is not None:
            keys.append(("actor", each.ask.by))
        if each.ask.purpose is not None:
            keys.append(("purpose", str(each.ask.purpose)))
        if each.facts.subject_known:
            keys.append(("subject", str(each.ask.subject)))
    return keys
