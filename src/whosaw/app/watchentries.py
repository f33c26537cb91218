"""What watch enters in the trail: runs, flags, and what people do about them; a run that was cut says nothing twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from whosaw.app.looks import operator
from whosaw.app.services import Services
from whosaw.prove import Payload
from whosaw.record import entries_between
from whosaw.store import NumberMap
from whosaw.terms import to_us

if TYPE_CHECKING:
    from whosaw.app.watchimported import LeftOut
    from whosaw.app.watching import Weighed
    from whosaw.watch.flags import Flag

_WHEN_AND_WHO = ("kind", "at", "actor", "door")

Same = tuple[tuple[str, str], ...]
"""What an entry of a run says, whenever and by whomever it was made."""


def of_run(day: date, weighed: Weighed, left_out: LeftOut) -> Payload:
    """Return what the entry of a run says."""
    return {
        "change": "run",
        "day": day.isoformat(),
        "accesses": len(weighed.watched.observed.accesses),
        "people": weighed.watched.observed.actors,
        "flags": len(weighed.flags),
        "erased": left_out.erased_subject + left_out.erased_actor,
        "settings": weighed.settings.digest(),
        "rows": weighed.found.rows_digest,
    }


def of_flag(day: date, flag: Flag, person: int) -> Payload:
    """Return what the entry of a flag says; the person stands by number."""
    return {
        "change": "flagged",
        "day": day.isoformat(),
        "flag": flag.id,
        "target": person,
        "tier": flag.tier,
        "seal": flag.seal(),
    }


class Once:
    """Enters what a run says, each once however often the run is cut and made again."""

    def __init__(self, services: Services, entered: Mapping[Same, list[int]]) -> None:
        self._services = services
        self._entered = {same: list(indices) for same, indices in entered.items()}

    async def enter(self, said: Payload) -> int:
        """Return the index of the entry that says this, made now or by an earlier attempt.

        Raises:
            RecordError: it could not be made durable.
        """
        before = self._entered.get(_same(said))
        return before.pop(0) if before else await enter(self._services, said)


async def entered(services: Services, since: datetime) -> dict[Same, list[int]]:
    """Return the entries of runs from `since` on, by what they say."""
    found: dict[Same, list[int]] = {}
    until_us = to_us(services.clock.now()) + 1
    async for entry in entries_between(services.db, to_us(since), until_us):
        if entry.payload.get("kind") == "watch" and entry.payload.get("change") in ("run", "flagged", "asked", "drawn"):
            found.setdefault(_same(entry.payload), []).append(entry.index)
    return found


def _same(said: Mapping[str, Any]) -> Same:
    return tuple(sorted((name, str(value)) for name, value in said.items() if name not in _WHEN_AND_WHO))


async def enter(services: Services, said: Payload, *, by: str = "") -> int:
    """Append what watch or somebody did about flags or prompts; return the entry's index.

    Args:
        services: the house.
        said: what the entry says.
        by: who did it; the operator where left out.

    Raises:
        RecordError: it could not be made durable.
    """
    (actor,) = await NumberMap(services.db).numbers("actor", [by or operator()])
    entry: Payload = {"kind": "watch", "at": to_us(services.clock.now()), "actor": actor, "door": "console", **said}
    return (await services.appender.append(entry)).index
