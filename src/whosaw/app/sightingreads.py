"""What stands beside the sightings of a case: how far each can be believed, what explains it, what nobody asked."""

from __future__ import annotations

from dataclasses import dataclass

from whosaw.answer.alternatives import Checks
from whosaw.answer.plainwords import ALTERNATIVES, word_of
from whosaw.answer.plausibility import WORDS, plausibility
from whosaw.app.casedesk import CaseWork
from whosaw.doors.console.reads import SightingLine


@dataclass(frozen=True, slots=True)
class BesideSighting:
    """Of one sighting: alternatives with their sources, and checks that were not done, in words."""

    explained: tuple[str, ...]
    unchecked: tuple[str, ...]


async def beside_sightings(work: CaseWork, case: str) -> dict[int, BesideSighting]:
    """Return it for every sighting of a case, by number."""
    services = work.services
    unasked = await Checks(services.db, services.clock).unasked(case)
    explained: dict[int, list[str]] = {}
    for each in await work.alternatives.list(case):
        said = f"{word_of(ALTERNATIVES, each.kind)} ({each.source}, {each.probability:.2f})"
        explained.setdefault(each.sighting, []).append(said)
    return {
        each.id: BesideSighting(
            tuple(explained.get(each.id, ())),
            tuple(word_of(ALTERNATIVES, kind) for kind in unasked.get(each.id, ())),
        )
        for each in await work.book.list(case=case)
    }


async def sighting_lines(work: CaseWork, case: str) -> tuple[SightingLine, ...]:
    """Return the sightings of a case as its page shows them, the newest first; nobody who complained stands there."""
    beside = await beside_sightings(work, case)
    lines = []
    for each in reversed(await work.book.list(case=case)):
        judged, more = plausibility(each), beside[each.id]
        said = (each.id, each.contacted_at, each.channel, judged.word, WORDS[judged.word], judged.reasons)
        lines.append(SightingLine(*said, more.explained, more.unchecked))
    return tuple(lines)
