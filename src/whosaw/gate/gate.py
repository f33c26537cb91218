"""The hot path itself: facts, decision, durable entry, and only then the values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from whosaw.ask import ActionAsk, Ask, AskInvalid
from whosaw.catalog import Catalog, Source
from whosaw.catalog.source import Row
from whosaw.catalog.statements import object_statement, subject_statement
from whosaw.decide import (
    ActorFacts,
    Decision,
    Facts,
    PolicySet,
    Verification,
    WorkItem,
    decide,
    decide_action,
    verify,
)
from whosaw.gate.batching import Batcher
from whosaw.gate.entries import Numbers, action_entry, disclosure_entry
from whosaw.gate.facts import FactFinder
from whosaw.gate.together import together
from whosaw.prove import Receipt
from whosaw.record import Appender
from whosaw.reveal import Value, reveal
from whosaw.store import Database, NumberMap
from whosaw.terms import PurposeRef, SubjectRef


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The answer to an ask: what was decided, the receipt of its entry, and what may leave."""

    ask: Ask
    decision: Decision
    receipt: Receipt
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Deed:
    """The answer to an action ask: whether it may be done, and the receipt of its entry."""

    ask: ActionAsk
    decision: Decision
    receipt: Receipt
    beneficiary: str | None


class Gate:
    """The hot path over one trail and one catalog. Any number of tasks may call it."""

    def __init__(
        self, db: Database, appender: Appender, catalog: Catalog, sources: Mapping[str, Source], policies: PolicySet
    ) -> None:
        self._catalog = catalog
        self._sources = sources
        self._policies = policies
        self._appender = appender
        self._numbers = NumberMap(db)
        self._facts = FactFinder(db, catalog, sources)
        self._disclosures: Batcher[Ask, Disclosure] = Batcher(self.disclose_many)
        self._deeds: Batcher[ActionAsk, Deed] = Batcher(self.act_many)

    async def disclose(self, ask: Ask) -> Disclosure:
        """Answer one ask; it may travel with others that wait.

        Raises:
            AskInvalid: it names a kind, field or purpose that the catalog does not have.
            WhosawError: a database failed or the entry could not be made durable; nothing was revealed.
        """
        self._check_form(ask)
        return await self._disclosures.submit(ask)

    async def disclose_many(self, asks: Sequence[Ask]) -> list[Disclosure]:
        """Answer many asks at once: same checks, same decision, same record as one by one.

        Raises:
            AskInvalid: one of them names something the catalog does not have; none was answered.
            WhosawError: as for `disclose`; nothing was revealed for any of them.
        """
        if not asks:
            return []
        for ask in asks:
            self._check_form(ask)
        facts = await self._facts_of(asks)
        decisions = [
            decide([self._catalog.fields[name] for name in ask.fields], fact, self._policies)
            for ask, fact in zip(asks, facts, strict=True)
        ]
        entries = await self._disclosure_entries(asks, facts, decisions)
        receipts = await self._appender.append_many(entries)
        rows = await self._rows_of(asks, decisions)
        return [
            Disclosure(ask, decision, receipt, reveal(decision, receipt, rows.get(ask.subject, {}), self._catalog))
            for ask, decision, receipt in zip(asks, decisions, receipts, strict=True)
        ]

    async def act(self, ask: ActionAsk) -> Deed:
        """Decide and record one action; the caller carries it out only if the outcome is ``allow``.

        Raises:
            AskInvalid: the catalog does not have the action or the purpose.
            WhosawError: a database failed or the entry could not be made durable; nothing is allowed.
        """
        self._check_action(ask)
        return await self._deeds.submit(ask)

    async def act_many(self, asks: Sequence[ActionAsk]) -> list[Deed]:
        """Decide and record many actions at once."""
        if not asks:
            return []
        for ask in asks:
            self._check_action(ask)
        at = max(ask.at for ask in asks)
        actors, work, objects = await together(
            self._facts.actors([ask.actor for ask in asks], at),
            self._facts.work([ask.purpose for ask in asks if ask.purpose]),
            self._objects_of(asks),
        )
        found = [objects.get((ask.action, ask.object)) for ask in asks]
        facts = [
            Facts(
                actors[ask.actor], self._verify(ask, work, touched[0].key if touched else None), touched is not None, ""
            )
            for ask, touched in zip(asks, found, strict=True)
        ]
        decisions = [decide_action(ask.action, fact, self._policies) for ask, fact in zip(asks, facts, strict=True)]
        numbers = await self._numbers_of(asks, [str(touched[0]) if touched else None for touched in found])
        entries = [
            action_entry(
                ask,
                decision,
                fact.verification,
                numbers=numbered,
                named=(
                    f"{self._catalog.actions[ask.action].object_kind}:{ask.object}",
                    touched[1] if touched else None,
                ),
            )
            for ask, fact, decision, touched, numbered in zip(asks, facts, decisions, found, numbers, strict=True)
        ]
        receipts = await self._appender.append_many(entries)
        return [
            Deed(ask, decision, receipt, touched[1] if touched else None)
            for ask, decision, receipt, touched in zip(asks, decisions, receipts, found, strict=True)
        ]

    def _check_form(self, ask: Ask) -> None:
        if ask.subject.kind not in self._catalog.subjects:
            raise AskInvalid(
                f"unknown kind of subject `{ask.subject.kind}`", hint=f"known: {', '.join(self._catalog.subjects)}"
            )
        for name in ask.fields:
            field = self._catalog.field(name)
            if field is None or field.subject_kind != ask.subject.kind:
                known = [f.name for f in self._catalog.fields.values() if f.subject_kind == ask.subject.kind]
                raise AskInvalid(f"unknown field `{name}`", hint=f"known: {', '.join(sorted(known))}")
        self._check_purpose(ask.purpose)

    def _check_action(self, ask: ActionAsk) -> None:
        if ask.action not in self._catalog.actions:
            raise AskInvalid(f"unknown action `{ask.action}`", hint=f"known: {', '.join(self._catalog.actions)}")
        self._check_purpose(ask.purpose)

    def _check_purpose(self, purpose: PurposeRef | None) -> None:
        if purpose is not None and purpose.kind not in self._catalog.purposes:
            raise AskInvalid(f"unknown purpose `{purpose.kind}`", hint=f"known: {', '.join(self._catalog.purposes)}")

    async def _facts_of(self, asks: Sequence[Ask]) -> list[Facts]:
        actors, regions, work = await together(
            self._facts.actors([ask.actor for ask in asks], max(ask.at for ask in asks)),
            self._facts.regions([ask.subject for ask in asks]),
            self._facts.work([ask.purpose for ask in asks if ask.purpose]),
        )
        return [self._facts_for(ask, actors[ask.actor], regions, work) for ask in asks]

    def _facts_for(
        self,
        ask: Ask,
        actor: ActorFacts,
        regions: Mapping[SubjectRef, str],
        work: Mapping[PurposeRef, Sequence[WorkItem]],
    ) -> Facts:
        known = ask.subject in regions
        return Facts(actor, self._verify(ask, work, ask.subject.key), known, regions.get(ask.subject, ""))

    def _verify(
        self, ask: Ask | ActionAsk, work: Mapping[PurposeRef, Sequence[WorkItem]], subject: str | None
    ) -> Verification:
        if ask.purpose is None:
            return Verification("", "purpose.missing")
        declared = self._catalog.purposes[ask.purpose.kind]
        return verify(declared, work.get(ask.purpose, ()), actor=ask.actor, subject=subject, at=ask.at)

    async def _disclosure_entries(
        self, asks: Sequence[Ask], facts: Sequence[Facts], decisions: Sequence[Decision]
    ) -> list[dict[str, int | str | list[int | str]]]:
        subjects = [str(ask.subject) if fact.subject_known else None for ask, fact in zip(asks, facts, strict=True)]
        numbers = await self._numbers_of(asks, subjects)
        return [
            disclosure_entry(ask, decision, fact.verification, numbers=numbered)
            for ask, fact, decision, numbered in zip(asks, facts, decisions, numbers, strict=True)
        ]

    async def _numbers_of(self, asks: Sequence[Ask | ActionAsk], subjects: Sequence[str | None]) -> list[Numbers]:
        """Return the numbers of actor, subject and purpose of every ask, looked up for all of them at once."""
        known = [subject for subject in subjects if subject is not None]
        stated = [str(ask.purpose) for ask in asks if ask.purpose]
        actors, of_subjects, of_purposes = await together(
            self._numbers.numbers("actor", [ask.actor for ask in asks]),
            self._numbers.numbers("subject", known),
            self._numbers.numbers("purpose", stated),
        )
        subject_numbers = dict(zip(known, of_subjects, strict=True))
        purpose_numbers = dict(zip(stated, of_purposes, strict=True))
        return [
            (actor, subject_numbers.get(subject) if subject else None, purpose_numbers.get(str(ask.purpose)))
            for ask, subject, actor in zip(asks, subjects, actors, strict=True)
        ]

    async def _rows_of(self, asks: Sequence[Ask], decisions: Sequence[Decision]) -> dict[SubjectRef, dict[str, object]]:
        """Fetch what was decided to leave, and nothing else; one query per set of fields."""
        wanted: defaultdict[tuple[str, tuple[str, ...]], set[str]] = defaultdict(set)
        for ask, decision in zip(asks, decisions, strict=True):
            leaving = tuple(sorted(item.field for item in decision.fields if item.effect != "deny"))
            if leaving:
                wanted[ask.subject.kind, leaving].add(ask.subject.key)
        rows: defaultdict[SubjectRef, dict[str, object]] = defaultdict(dict)
        fetched = await together(*(self._fetch(kind, names, keys) for (kind, names), keys in wanted.items()))
        for (kind, names), found in zip(wanted, fetched, strict=True):
            for row in found:
                rows[SubjectRef(kind, str(row["key"]))].update({name: row[f"f{i}"] for i, name in enumerate(names)})
        return rows

    async def _fetch(self, kind: str, names: Sequence[str], keys: Iterable[str]) -> Sequence[Row]:
        declared = self._catalog.subjects[kind]
        statement = subject_statement(declared, [self._catalog.fields[name] for name in names])
        return await self._sources[declared.source].rows(statement, keys=sorted(keys))

    async def _objects_of(self, asks: Sequence[ActionAsk]) -> dict[tuple[str, str], tuple[SubjectRef, str | None]]:
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for ask in asks:
            wanted[ask.action].add(ask.object)
        found: dict[tuple[str, str], tuple[SubjectRef, str | None]] = {}
        for name, objects in wanted.items():
            action = self._catalog.actions[name]
            for row in await self._sources[action.source].rows(object_statement(action), objects=sorted(objects)):
                kind = action.beneficiary_kind
                beneficiary = f"{kind}:{row['beneficiary']}" if kind and row["beneficiary"] is not None else None
                subject = SubjectRef(action.subject_kind, str(row["subject"]))
                found[name, str(row["object"])] = (subject, beneficiary)
        return found
