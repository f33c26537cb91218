"""Lookups: from an exact value (an e-mail address, a phone number) to whose it is; counted, recorded, misses too.

The value is used for the one search and then forgotten: it is in no entry, no message and no table of whosaw's. Whoever
may not be named is answered like nobody: same shape, and at the same beat of the clock.
"""

from __future__ import annotations

import asyncio
import re
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from whosaw.ask import LookupAsk
from whosaw.catalog.statements import lookup_statement
from whosaw.decide import Decision, Facts, PolicySet, WorkItem, decide_lookup, lookup_deed, refused
from whosaw.gate.budgets import Unit, found_by
from whosaw.gate.deciding import EXHAUSTED, REASON_NEEDED, Deciding, Parts
from whosaw.gate.entries import Numbers, lookup_entry
from whosaw.gate.facts import Person
from whosaw.gate.notifying import Allowed
from whosaw.gate.numbering import BatchNumbers, Key
from whosaw.gate.together import together
from whosaw.prove import Receipt
from whosaw.terms import PurposeRef, SubjectRef

NOBODY = "lookup.nobody"

_BEAT_S = 0.05  # an answer that names nobody leaves at a multiple of this: how long the search took does not show
_PUNCTUATION = re.compile(r"[\s\-./()\u00a0\u2010-\u2015]+")
_Trace = Literal["hit", "miss", "withheld", "not_sought"]


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a lookup: whose it is, or None; nothing in it says whether there is somebody who is not named.

    Attributes:
        ask: what was asked.
        subject: whose the value is.
        decision: allow where `subject` is named; else deny, with the reason ``lookup.nobody`` for a miss and for
            somebody who may not be named alike.
        receipt: of the entry.
    """

    ask: LookupAsk
    subject: SubjectRef | None
    decision: Decision
    receipt: Receipt


class LookingUp:
    """Answers lookups whose form was checked."""

    def __init__(self, parts: Parts, deciding: Deciding) -> None:
        self._parts = parts
        self._deciding = deciding

    async def consider(self, ask: LookupAsk) -> tuple[Facts, Decision]:
        """Return the facts and what would be decided before anything is sought, budgets aside; nothing is recorded."""
        _, _, facts = await self._facts(ask)
        return facts, _decide(ask, facts, self._parts.policies.current)

    async def lookup(self, ask: LookupAsk) -> Found:
        """Answer one lookup."""
        began = time.monotonic()
        found = await self._answer(ask)
        if found.subject is None:
            await asyncio.sleep(_BEAT_S - (time.monotonic() - began) % _BEAT_S)
        return found

    async def _facts(self, ask: LookupAsk) -> tuple[Person, Mapping[PurposeRef, Sequence[WorkItem]], Facts]:
        """Return who asks, the work that he names, and what decides before anything is sought."""
        people, work = await together(
            self._parts.facts.people([ask.actor], ask.at),
            self._parts.facts.work([ask.purpose] if ask.purpose else [], ask.at),
        )
        person = people[ask.actor]
        verification = self._deciding.verify(ask, work, None)
        return person, work, Facts(person.facts, verification, subject_known=True, subject_region="")

    async def _answer(self, ask: LookupAsk) -> Found:
        numbers = self._parts.numbering.batch()
        policies = self._parts.policies.current
        person, work, facts = await self._facts(ask)
        decision = await self._parts.friction.held(ask, person, _decide(ask, facts, policies))
        if decision.outcome == "allow":
            decision = await self._counted(ask, person, decision, numbers)
        if decision.outcome != "allow":
            await numbers.learn(_keys(ask))
            return await self._recorded(ask, facts, decision, numbers, trace="not_sought", subject=None)
        subject = await self._search(ask)
        # somebody or nobody, the same is read, decided and counted
        regions = await self._parts.facts.regions([subject or self._somebody(ask)])
        if subject is not None and subject in regions:
            facts = replace(facts, subject_region=regions[subject])
            verification = self._deciding.verify(ask, work, subject)
            decision = _decide(ask, replace(facts, verification=verification), policies)
            if decision.outcome == "allow" and await self._may_find(ask, person, numbers, subject):
                return await self._recorded(ask, facts, decision, numbers, trace="hit", subject=subject)
            trace: _Trace = "withheld"
        else:
            decision, trace, subject = _decide(ask, facts, policies), "miss", None
        hidden = refused(decision, await self._missed(ask, person, numbers, subject))
        found = await self._recorded(ask, facts, hidden, numbers, trace=trace, subject=subject)
        return replace(found, subject=None)

    async def _counted(self, ask: LookupAsk, person: Person, decision: Decision, numbers: BatchNumbers) -> Decision:
        """Count the lookup before anything is sought, so that the counting tells nothing of what would be found."""
        counted, roles = lookup_deed(ask.lookup), person.facts.roles
        units = [self._deciding.miss(ask.actor, roles, missed=0)]
        limits = self._parts.budgets.limits(counted, roles)
        if limits is not None:
            units.append(Unit(ask.actor, counted, limits, stated=ask.stated is not None))
        finds = self._parts.budgets.limits(found_by(ask.lookup), roles)
        if finds is not None:  # whoever may find nobody more is told so before anybody is sought, found or not
            units.append(Unit(ask.actor, found_by(ask.lookup), finds, amount=0, stated=ask.stated is not None))
        verdicts = set(await self._parts.budgets.spend(units, ask.at, numbers, _keys(ask))) - {None}
        if not verdicts:
            return decision
        return refused(decision, EXHAUSTED if EXHAUSTED in verdicts else REASON_NEEDED)

    async def _may_find(self, ask: LookupAsk, person: Person, numbers: BatchNumbers, subject: SubjectRef) -> bool:
        """Count whom it found; where that is one too many, because others were found meanwhile, he is not named."""
        also: list[Key] = [("subject", str(subject)), *_keys(ask)]
        counted = found_by(ask.lookup)
        limits = self._parts.budgets.limits(counted, person.facts.roles)
        if limits is None:
            await numbers.learn(also)
            return True
        unit = Unit(ask.actor, counted, limits, str(subject), stated=ask.stated is not None)
        return await self._parts.budgets.spend([unit], ask.at, numbers, also) == [None]

    async def _missed(
        self, ask: LookupAsk, person: Person, numbers: BatchNumbers, withheld_from: SubjectRef | None
    ) -> str:
        """Count a miss, or somebody who may not be named as if he were one; return what is answered."""
        also: list[Key] = _keys(ask)
        if withheld_from is not None:
            also.append(("subject", str(withheld_from)))
        unit = self._deciding.miss(ask.actor, person.facts.roles, missed=1)
        (refusal,) = await self._parts.budgets.spend([unit], ask.at, numbers, also)
        return refusal or NOBODY

    async def _search(self, ask: LookupAsk) -> SubjectRef | None:
        """Return the one subject the value belongs to; of several none, because which would be a guess."""
        lookup = self._parts.catalog.lookups[ask.lookup]
        sought = spellings(lookup.form, ask.value)
        if not sought:
            return None
        rows = await self._parts.sources[lookup.source].rows(lookup_statement(lookup), values=sought)
        keys = {str(row["subject"]) for row in rows if row["subject"] is not None}
        return SubjectRef(lookup.subject_kind, keys.pop()) if len(keys) == 1 else None

    def _somebody(self, ask: LookupAsk) -> SubjectRef:
        return SubjectRef(self._parts.catalog.lookups[ask.lookup].subject_kind, "nobody")

    async def _recorded(
        self,
        ask: LookupAsk,
        facts: Facts,
        decision: Decision,
        numbers: BatchNumbers,
        *,
        trace: _Trace,
        subject: SubjectRef | None,
    ) -> Found:
        numbered = Numbers(
            numbers.of("actor", ask.actor),
            numbers.of("subject", str(subject)) if subject else None,
            numbers.of("purpose", str(ask.purpose)) if ask.purpose else None,
        )
        missed, borne_out = trace in ("miss", "withheld"), trace == "hit" and facts.verification.verified
        await self._parts.friction.looked_up(ask, subject, borne_out=borne_out, missed=missed)
        entry = lookup_entry(ask, decision, facts.verification, numbers=numbered, found=trace)
        receipt = await self._parts.appender.append(entry)
        numbers.keep()
        await self._parts.notifying.tell([Allowed(decision, numbered.actor, receipt.index)], ask.at)
        return Found(ask, subject, decision, receipt)


def spellings(form: str, value: str) -> list[str]:
    """Return the spellings of `value` that are sought: as typed, and in the one form of its kind; empty if it has none.

    E-mail addresses: lower case throughout, and lower case behind the ``@`` alone. Phone numbers: ``+`` and digits,
    with ``00`` read as ``+``. Everything: composed (NFC), without space around it.
    """
    typed = unicodedata.normalize("NFC", value).strip()
    if form == "email":
        local, at, domain = typed.rpartition("@")
        forms = [typed, typed.lower(), f"{local}{at}{domain.lower()}"] if local and domain else []
    elif form == "phone":
        plain = _PUNCTUATION.sub("", typed)
        plain = f"+{plain[2:]}" if plain.startswith("00") else plain
        forms = [plain] if re.fullmatch(r"\+?[0-9]{4,15}", plain) else []
        forms += [typed] if forms else []
    else:
        forms = [typed] if typed else []
    return list(dict.fromkeys(forms))


def _decide(ask: LookupAsk, facts: Facts, policies: PolicySet) -> Decision:
    decision = decide_lookup(ask.lookup, facts, policies)
    if decision.outcome == "allow" and "ask_reason" in decision.duties and not ask.stated:
        return refused(decision, REASON_NEEDED)
    return decision


def _keys(ask: LookupAsk) -> list[Key]:
    keys: list[Key] = [("actor", ask.actor)]
    if ask.purpose is not None:
        keys.append(("purpose", str(ask.purpose)))
    return keys
