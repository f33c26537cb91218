"""Who may read single entries of the trail, and the reading, which is itself recorded before it is answered."""

from __future__ import annotations

from whosaw.app.services import Services
from whosaw.doors.trail import NotAReader, ReadEntry, TrailDoor
from whosaw.gate.facts import FactFinder
from whosaw.record import prove_entries
from whosaw.store import NumberMap
from whosaw.terms import to_us


class EntryReads:
    """Reads entries for staff whose role the settings name."""

    def __init__(self, services: Services) -> None:
        """Read the trail of `services`."""
        self._services = services
        self._facts = FactFinder(services.door_db, services.catalog, services.sources)
        self._numbers = NumberMap(services.db)
        self._roles = frozenset(name.strip() for name in services.settings.trail_readers.split(",") if name.strip())

    async def check_reader(self, actor: str) -> None:
        """Raise `NotAReader` where `actor` has none of the roles, has left, or is suspended."""
        facts = (await self._facts.actors([actor], self._services.clock.now()))[actor]
        if facts.suspended or facts.ended or not facts.roles & self._roles:
            raise NotAReader("your role does not open entries of the trail")

    async def entry(self, index: int, reader: str) -> ReadEntry:
        """Return an entry with its proof, after recording who looked at it.

        Raises:
            CheckpointMissing: the trail does not reach that far.
            EntryErased: of it only the leaf is left.
            TrailUnavailable: the look could not be recorded; nothing is shown.
        """
        services = self._services
        key = services.keys.trail.verifier
        proved = await prove_entries(services.db, services.settings.trail_folder, key, [index])
        number = (await self._numbers.numbers("actor", [reader]))[0]
        await services.appender.append(
            {
                "kind": "case_work",
                "at": to_us(services.clock.now()),
                "actor": number,
                "door": "trail",
                "action": "look.entry",
                "object": f"entry:{index}",
            }
        )
        found = proved.entries[0]
        return ReadEntry(index, found.salt, found.payload, tuple(found.proof), proved.checkpoint)


def trail_door(services: Services) -> TrailDoor:
    """Return the trail's door over `services`."""
    return TrailDoor(services.settings.trail_folder, services.tokens, EntryReads(services))
