"""What stands beside the sightings of a case: how far each can be believed, what explains it, what nobody asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from whosaw.answer.alternatives import Alternative, Checks
from whosaw.answer.plainwords import ALTERNATIVES, word_of
from whosaw.answer.plausibility import WORDS, plausibility
from whosaw.app.casedesk import CaseWork
from whosaw.doors.console.casereads import SightingLine
from whosaw.terms import chance

Seen = Callable[[str], Awaitable[bool]]
"""Says of a case whether whoever reads may see it."""


@dataclass(frozen=True, slots=True)
class BesideSighting:
    """Of one sighting: alternatives with their sources, and checks that were not done, in words."""

    explained: tuple[str, ...]
    unchecked: tuple[str, ...]


async def told_alternatives(work: CaseWork, case: str, seen: Seen) -> Sequence[Alternative]:
    """Return the alternatives of a case; an earlier case stands without its number for whoever may not see that one."""
    found = await work.alternatives.list(case)
    earlier = {each.source for each in found if each.kind == "earlier_case"}
    hidden = {source for source in earlier if not await seen(source)}
    return [
        replace(each, source="an earlier case") if each.kind == "earlier_case" and each.source in hidden else each
        for each in found
    ]


async def beside_sightings(work: CaseWork, case: str, seen: Seen) -> dict[int, BesideSighting]:
    """Return it for every sighting of a case, by number, as `told_alternatives` tells it."""
    services = work.services
    unasked = await Checks(services.db, services.clock).unasked(case)
    explained: dict[int, list[str]] = {}
    for each in await told_alternatives(work, case, seen):
        said = f"{word_of(ALTERNATIVES, each.kind)} ({each.source}, {chance(each.probability, 2)})"
        explained.setdefault(each.sighting, []).append(said)
    return {
        each.id: BesideSighting(
            tuple(explained.get(each.id, ())),
            tuple(word_of(ALTERNATIVES, kind) for kind in unasked.get(each.id, ())),
        )
        for each in await work.book.list(case=case)
    }


async def sighting_lines(work: CaseWork, case: str, seen: Seen) -> tuple[SightingLine, ...]:
    """Return the sightings of a case as its page shows them, the newest first; nobody who complained stands there."""
    beside = await beside_sightings(work, case, seen)
    lines = []
    for each in reversed(await work.book.list(case=case)):
        judged, more = plausibility(each), beside[each.id]
        said = (each.id, each.contacted_at, each.channel, judged.word, WORDS[judged.word], judged.reasons)
        lines.append(SightingLine(*said, more.explained, more.unchecked))
    return tuple(lines)
