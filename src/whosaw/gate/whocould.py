"""Who could see this person? Exact over the whole staff directory, the work about the person, grants and broken glass.

Somebody could see what he would be answered if he asked now in the best way open to him: without a purpose, for each
piece of work about this person, for the purpose of a grant of his, or with a reference that anybody can bring about by
himself (one that does not exist, one of somebody else's, one about somebody else, one he made himself). Each of these
ways is decided by the policies in force, as an ask would be. Budgets are left out: what they withhold today they allow
tomorrow.

Whoever asks this learns much. He needs a role that the operator named, and the question is an entry before it is
answered.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from whosaw.ask import Ask
from whosaw.catalog import Catalog, Field, Source
from whosaw.catalog.model import Purpose
from whosaw.catalog.statements import work_about_statement
from whosaw.decide import ActorFacts, Facts, PolicyHolder, PolicySet, Verification, WorkItem, decide, verify
from whosaw.gate.directory import everybody
from whosaw.gate.errors import GateError
from whosaw.gate.facts import FactFinder, Person, actor_facts
from whosaw.gate.numbering import Key, Numbering
from whosaw.gate.standing import standing
from whosaw.gate.work import work_item
from whosaw.prove import Receipt
from whosaw.record import Appender
from whosaw.store import Database
from whosaw.terms import PurposeRef, SubjectRef, to_us

_AT_ONCE = 500  # people asked about in one statement, and decided about before others get their turn
# what anybody can have as the verdict about a reference, by typing one or by making one
_ANYBODYS = ("purpose.not_found", "purpose.not_assigned", "purpose.other_subject", "purpose.self_made")
_Way = tuple[PurposeRef | None, Verification]


class NotASearcher(GateError, PermissionError):
    """The owner of the token may not ask who could see somebody."""

    code: ClassVar[str] = "gate.not_a_searcher"
    hint = "this is asked by the roles that the operator named; it is a question about colleagues"


@dataclass(frozen=True, slots=True)
class CouldSee:
    """The answer: who, by key in order, and the receipt of the entry that says it was asked."""

    actors: tuple[str, ...]
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Reach:
    """What of the house the question needs."""

    db: Database
    appender: Appender
    catalog: Catalog
    sources: Mapping[str, Source]
    policies: PolicyHolder


class WhoCould:
    """Answers who could see somebody."""

    def __init__(self, reach: Reach, searchers: frozenset[str]) -> None:
        """Answer it to people with one of the roles `searchers`."""
        self._reach = reach
        self._searchers = searchers
        self._facts = FactFinder(reach.db, reach.catalog, reach.sources)
        self._numbering = Numbering(reach.db)

    async def search(self, ask: Ask) -> CouldSee:
        """Return everybody who would be revealed every field of `ask`, whoever its actor is: he is who wants to know.

        Raises:
            NotASearcher: he may not.
            TrailUnavailable: it could not be recorded; nothing is answered.
        """
        await self._check(ask)
        policies = self._reach.policies.current
        region = (await self._facts.regions([ask.subject])).get(ask.subject)
        found: list[str] = []
        if region is not None:
            work = await self._work_about(ask.subject)
            fields = [self._reach.catalog.fields[name] for name in ask.fields]
            async for person_key, person in self._everybody(ask.at):
                ways = await self._ways(person_key, person, ask, work)
                if _sees(person, ask.subject, region, ways, fields, policies):
                    found.append(person_key)
        return CouldSee(tuple(sorted(found)), await self._record(ask, region is not None, len(found)))

    async def _check(self, ask: Ask) -> None:
        facts = (await self._facts.actors([ask.actor], ask.at))[ask.actor]
        if facts.stopped or not facts.roles & self._searchers:
            raise NotASearcher("your role does not open this question")

    async def _everybody(self, at: datetime) -> AsyncIterator[tuple[str, Person]]:
        """Yield everybody whom the directory lists."""
        listed = await everybody(self._reach.catalog, self._reach.sources, self._reach.db)
        keys = sorted(listed)
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            stands = await standing(self._reach.db, part, at, self._reach.catalog.conduct)
            for key in part:
                yield key, Person(actor_facts(listed[key], stands[key], at), stands[key])
            await asyncio.sleep(0)

    async def _work_about(self, subject: SubjectRef) -> dict[PurposeRef, list[WorkItem]]:
        work: defaultdict[PurposeRef, list[WorkItem]] = defaultdict(list)
        for purpose in self._purposes(subject):
            source = self._reach.sources[purpose.source]
            for row in await source.rows(work_about_statement(purpose), subjects=[subject.key]):
                work[PurposeRef(purpose.name, str(row["reference"]))].append(work_item(row))
        return dict(work)

    def _purposes(self, subject: SubjectRef) -> Iterable[Purpose]:
        return (each for each in self._reach.catalog.purposes.values() if each.subject_kind == subject.kind)

    async def _ways(
        self, actor: str, person: Person, ask: Ask, work: Mapping[PurposeRef, Sequence[WorkItem]]
    ) -> list[_Way]:
        """Return every purpose this person could state, with what would become of it."""
        ways: list[_Way] = [(None, Verification("", "purpose.missing"))]
        declared = self._reach.catalog.purposes
        for purpose in declared.values():
            observed = purpose.mode == "observe"
            ways += [(None, Verification(purpose.name, reason, observe=observed)) for reason in _ANYBODYS]
        key = ask.subject.key
        for reference, items in work.items():
            if any(item.assignee == actor or item.made_by(actor) for item in items):
                judged = verify(declared[reference.kind], items, actor=actor, subject=key, at=ask.at)
                ways.append((reference, judged))
        ways += await self._granted_ways(actor, person, ask)
        return ways

    async def _granted_ways(self, actor: str, person: Person, ask: Ask) -> list[_Way]:
        """Return the purposes that grants of this person are bound to: such a grant opens for its purpose alone."""
        named = [PurposeRef.parse(each.purpose) for each in person.standing.grants if each.purpose and each.classes]
        if not named:
            return []
        work = await self._facts.work(named, ask.at)
        declared = self._reach.catalog.purposes
        ways: list[_Way] = []
        for each in (each for each in named if each.kind in declared):
            purpose = declared[each.kind]
            items = work.get(each, ()) if purpose.subject_kind == ask.subject.kind else ()
            ways.append((each, verify(purpose, items, actor=actor, subject=ask.subject.key, at=ask.at)))
        return ways

    async def _record(self, ask: Ask, known: bool, found: int) -> Receipt:
        numbers = self._numbering.batch()
        subject = str(ask.subject)
        keys: list[Key] = [("actor", ask.actor)]
        await numbers.learn([*keys, ("subject", subject)] if known else keys)
        entry: dict[str, int | str | list[int | str]] = {
            "kind": "search",
            "at": to_us(ask.at),
            "actor": numbers.of("actor", ask.actor),
            "door": ask.door,
            "fields": list(ask.fields),
            "found": found,
            "ask": ask.id,
            "policy": self._reach.policies.current.version,
        }
        if known:
            entry["subject"] = numbers.of("subject", subject)
        if ask.stated is not None:
            entry["stated"] = ask.stated
        receipt = await self._reach.appender.append(entry)
        numbers.keep()
        return receipt


def _sees(
    person: Person,
    subject: SubjectRef,
    region: str,
    ways: Iterable[_Way],
    fields: Sequence[Field],
    policies: PolicySet,
) -> bool:
    actor: ActorFacts = person.facts
    for purpose, verification in ways:
        stated = None if purpose is None else str(purpose)
        facts = Facts(
            actor,
            verification,
            subject_known=True,
            subject_region=region,
            granted=person.standing.granted(str(subject), stated),
            glass=person.standing.broken(str(subject)),
        )
        if decide(fields, facts, policies).outcome == "allow":
            return True
    return False
