"""Disclosures: facts, decision, durable entry, and only then the values. Evaluations: the same without the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whosaw.ask import Ask
from whosaw.decide import Decision
from whosaw.gate.aliasing import Disclosed
from whosaw.gate.deciding import Deciding, Parts
from whosaw.gate.entries import Numbers, disclosure_entry, evaluation_entry
from whosaw.gate.fetching import Fetcher
from whosaw.gate.judged import Judged
from whosaw.gate.notifying import Allowed
from whosaw.gate.numbering import BatchNumbers, Key
from whosaw.gate.together import together
from whosaw.prove import Receipt
from whosaw.record import Draft, Durable
from whosaw.reveal import Value, reveal
from whosaw.terms import SubjectRef


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The answer to an ask: what was decided, the receipt of its entry, and what may leave."""

    ask: Ask
    decision: Decision
    receipt: Receipt
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an ask would be answered, and the receipt of the entry that says it was asked."""

    ask: Ask
    decision: Decision
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Committed:
    """Asks that were decided about and whose entries are durable; nothing of them was read yet."""

    judged: Sequence[Judged]
    numbers: BatchNumbers
    durable: Durable


class Disclosing:
    """Answers batches of asks whose form was checked."""

    def __init__(self, parts: Parts, deciding: Deciding) -> None:
        self._parts = parts
        self._deciding = deciding
        self._fetcher = Fetcher(parts.catalog, parts.sources)

    async def disclose(self, asks: Sequence[Ask]) -> list[Disclosure]:
        """Answer every ask; nothing is revealed for any of them if this raises."""
        return await self.reveal(await self.commit(asks))

    async def commit(self, asks: Sequence[Ask]) -> Committed:
        """Decide about every ask and return once its entry is durable."""
        numbers = self._parts.numbering.batch()
        judged = await self._deciding.decide(asks, numbers, by_append=True)
        durable = await self._parts.appender.commit([disclosed(each, numbers) for each in judged])
        return Committed(judged, numbers, durable)

    async def reveal(self, committed: Committed) -> list[Disclosure]:
        """Answer asks whose entries are durable; nothing is revealed for any of them if this raises."""
        judged, numbers = committed.judged, committed.numbers
        # the values are read while the receipts go to this door's own disk
        rows, recorded = await together(
            self._fetcher.rows([(each.ask.subject, each.decision) for each in judged]), committed.durable.recorded()
        )
        receipts: list[Receipt] = recorded.receipts
        numbers.learned(recorded.numbers)
        numbers.keep()
        allowed = [
            Allowed(each.decision, numbers.of("actor", each.ask.actor), receipt.index)
            for each, receipt in zip(judged, receipts, strict=True)
        ]
        await self._parts.notifying.tell(allowed, max(each.ask.at for each in judged))
        return await shown(self._parts, judged, receipts, rows, numbers)

    async def evaluate(self, asks: Sequence[Ask]) -> list[Evaluation]:
        """Say what every ask would be answered, after recording that it was asked."""
        numbers = self._parts.numbering.batch()
        judged = await self._deciding.decide(asks, numbers, shows=False)
        entries = [
            evaluation_entry(each.ask, each.decision, each.facts.verification, numbers=numbers_of(each, numbers))
            for each in judged
        ]
        receipts = await self._parts.appender.append_many(entries)
        numbers.keep()
        return [Evaluation(each.ask, each.decision, receipt) for each, receipt in zip(judged, receipts, strict=True)]


async def shown(
    parts: Parts,
    judged: Sequence[Judged],
    receipts: Sequence[Receipt],
    rows: Mapping[SubjectRef, Mapping[str, object]],
    numbers: BatchNumbers,
) -> list[Disclosure]:
    """Return what may leave of each, behind the receipt of its entry; aliases are made here."""
    none: Mapping[str, object] = {}
    disclosed = [
        Disclosed(
            each.decision,
            rows.get(each.ask.subject, none),
            receipt.index,
            numbers.of("actor", each.ask.actor),
            numbers.of("subject", str(each.ask.subject)) if each.facts.subject_known else None,
            each.facts.verification.beneficiary or "",
        )
        for each, receipt in zip(judged, receipts, strict=True)
    ]
    aliases = await parts.aliasing.addresses(disclosed, max(each.ask.at for each in judged))
    return [
        Disclosure(each.ask, each.decision, receipt, reveal(each.decision, receipt, said.row, parts.catalog, own))
        for each, receipt, said, own in zip(judged, receipts, disclosed, aliases, strict=True)
    ]


def numbers_of(judged: Judged, numbers: BatchNumbers) -> Numbers:
    """Return the numbers an entry about this ask carries; somebody unknown has none."""
    ask = judged.ask
    return Numbers(
        numbers.of("actor", ask.actor),
        numbers.of("subject", str(ask.subject)) if judged.facts.subject_known else None,
        numbers.of("purpose", str(ask.purpose)) if ask.purpose else None,
        numbers.of("actor", ask.by) if ask.by is not None else None,
    )


def disclosed(judged: Judged, numbers: BatchNumbers) -> Draft:
    """Return the entry of one disclosure, whose new numbers the append gives."""
    named = _named(judged)
    given = {name: numbers.place(*key) for name, key in named.items()}
    payload = disclosure_entry(
        judged.ask,
        judged.decision,
        judged.facts.verification,
        numbers=Numbers(given["actor"], given.get("subject"), given.get("purpose")),
        under=under(judged),
    )
    return Draft(payload, {name: named[name] for name, number in given.items() if number == 0})


def _named(judged: Judged) -> dict[str, Key]:
    """Return whom and what the entry names by a number; somebody unknown has none."""
    ask = judged.ask
    named: dict[str, Key] = {"actor": ("actor", ask.actor)}
    if judged.facts.subject_known:
        named["subject"] = "subject", str(ask.subject)
    if ask.purpose:
        named["purpose"] = "purpose", str(ask.purpose)
    return named


def under(judged: Judged) -> list[int | str]:
    """Return which grants and which broken glass cover this ask, where a policy went by them."""
    subject, purpose = str(judged.ask.subject), str(judged.ask.purpose) if judged.ask.purpose else None
    named: list[int | str] = []
    if judged.facts.granted:
        grants = judged.person.standing.grants
        named += [f"grant:{each.id}" for each in grants if each.classes and each.covers(subject, purpose)]
    if judged.facts.glass:
        glass = judged.person.standing.glass
        named += [f"glass:{each.id}" for each in glass if each.subject in (None, subject)]
    return named
