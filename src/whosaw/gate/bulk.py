"""Bulk: the same fields of many subjects for one purpose, decided one by one and recorded together.

Up to some hundreds every subject has an entry of his own, so that the evidence of one shows nobody else. Beyond that
one entry per decision names the set of subjects by a salted hash. Above a number of rows a second person must have
approved exactly this ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from whosaw.ask import BulkAsk
from whosaw.decide import refused
from whosaw.gate import standingqueries
from whosaw.gate.acting import SECOND_PERSON_NEEDED, TOO_MANY
from whosaw.gate.deciding import Deciding, Parts
from whosaw.gate.disclosing import Disclosure, disclosed, numbers_of, shown, under
from whosaw.gate.entries import Payload, exposed_entry, shows
from whosaw.gate.fetching import Fetcher
from whosaw.gate.grantsentries import Step, grant_entry
from whosaw.gate.judged import Judged
from whosaw.gate.notifying import Allowed
from whosaw.gate.numbering import BatchNumbers
from whosaw.gate.standing import EXPORT, SECOND_PERSON, GrantInForce, export_alone
from whosaw.record.exposure import EXPOSURE_FROM, Exposures


class Bulk:
    """Answers bulk asks whose form was checked."""

    def __init__(self, parts: Parts, deciding: Deciding) -> None:
        self._parts = parts
        self._deciding = deciding
        self._fetcher = Fetcher(parts.catalog, parts.sources)
        self._exposures = Exposures(parts.db)

    async def disclose(self, ask: BulkAsk) -> list[Disclosure]:
        """Answer about every subject, in the ask's order; nothing is revealed of any of them if this raises."""
        numbers = self._parts.numbering.batch()
        needed = len(ask.subjects) > export_alone(self._parts.catalog)
        second = await self._second(ask) if needed else None
        withheld = needed and second is None
        judged = await self._deciding.decide(
            [ask.about(subject) for subject in ask.subjects], numbers, shows=not withheld
        )
        if not withheld and second is not None:
            holder = numbers.of("actor", ask.actor)
            withheld = not await standingqueries.consume(self._parts.db, second.id, holder, ask.at)
        if withheld:
            judged = _all_refused(judged, SECOND_PERSON_NEEDED)
        elif _above_cap(judged):
            judged = _all_refused(judged, TOO_MANY)
        entries, places = await self._entries(ask, judged, numbers, None if withheld else second)
        receipts = await self._parts.appender.append_many(entries)
        numbers.keep()
        actor = numbers.of("actor", ask.actor)
        allowed = [
            Allowed(each.decision, actor, receipts[place].index) for each, place in zip(judged, places, strict=True)
        ]
        await self._parts.notifying.tell(allowed, ask.at)
        if second is not None and not withheld:
            await self._parts.notifying.exported(actor, receipts[-1].index, ask.at)
        rows = await self._fetcher.rows((each.ask.subject, each.decision) for each in judged)
        return await shown(self._parts, judged, [receipts[place] for place in places], rows, numbers)

    async def _second(self, ask: BulkAsk) -> GrantInForce | None:
        person = (await self._parts.facts.people([ask.actor], ask.at))[ask.actor]
        return person.standing.second_person(EXPORT, digest=ask.digest)

    async def _entries(
        self, ask: BulkAsk, judged: Sequence[Judged], numbers: BatchNumbers, second: GrantInForce | None
    ) -> tuple[list[Payload], list[int]]:
        """Return the entries, and for each of `judged` the place of its own among them."""
        entries: list[Payload] = []
        if second is not None:
            holder = numbers.of("actor", ask.actor)
            step = Step("used", holder, holder, second.id, SECOND_PERSON, ask.door)
            entries.append(grant_entry(step, ask.at, {}))
        if len(judged) < EXPOSURE_FROM:
            places = list(range(len(entries), len(entries) + len(judged)))
            return entries + [disclosed(each, numbers).payload for each in judged], places
        groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
        for place, each in enumerate(judged):
            groups[_alike(each)].append(place)
        places = [0] * len(judged)
        for members in groups.values():
            for place in members:
                places[place] = len(entries)
            entries.append(await self._about([judged[place] for place in members], ask, numbers))
        return entries, places

    async def _about(self, alike: Sequence[Judged], ask: BulkAsk, numbers: BatchNumbers) -> Payload:
        """Return the one entry about subjects of whom the same was decided."""
        first = alike[0]
        if first.facts.subject_known:
            exposure = await self._exposures.keep(numbers.of("subject", str(each.ask.subject)) for each in alike)
        else:
            exposure = {"unknown": len(alike)}  # nobody has a number whom nobody knows
        return exposed_entry(
            ask,
            first.decision,
            first.facts.verification,
            numbers=replace(numbers_of(first, numbers), subject=None),
            exposure=exposure | ({"under": found} if (found := under(first)) else {}),
        )


def _alike(judged: Judged) -> tuple[object, ...]:
    """Return everything that an entry says of a subject besides who it is."""
    return judged.decision, judged.facts.verification, judged.facts.subject_known, tuple(under(judged))


def _above_cap(judged: Sequence[Judged]) -> bool:
    """Return whether a policy allows fewer rows at once than would be shown."""
    showing = [each.decision for each in judged if shows(each.decision)]
    duties = {duty for decision in showing for duty in decision.duties}
    caps = [int(duty.partition(":")[2]) for duty in duties if duty.startswith("cap_rows:")]
    return bool(caps) and len(showing) > min(caps)


def _all_refused(judged: Sequence[Judged], reason: str) -> list[Judged]:
    return [replace(each, decision=refused(each.decision, reason)) for each in judged]
